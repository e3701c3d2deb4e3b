heart pull -q
heart pull -q HeartTranscriptor-oss
heart pull -q MuQ-MuLan-large --accept-licence CC-BY-NC-4.0
mkdir -p ../srv
sqlite3 python.db "
  CREATE TABLE users (id TEXT PRIMARY KEY, username TEXT UNIQUE NOT NULL, email TEXT UNIQUE NOT NULL,
    password_hash TEXT NOT NULL, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
  CREATE TABLE generations (id TEXT PRIMARY KEY, title TEXT, lyrics TEXT NOT NULL, tags TEXT NOT NULL,
    audio_path TEXT NOT NULL, thumbnail_path TEXT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    duration_ms INTEGER DEFAULT 0, temperature REAL DEFAULT 1.0, topk INTEGER DEFAULT 50, cfg_scale REAL DEFAULT 1.5,
    user_id TEXT REFERENCES users(id));
  INSERT INTO users (id, username, email, password_hash) VALUES ('f81d4fae-7dec-41d0-a765-00a0c91e6bf6', 'old',
    'old@example.org', '\$2b\$12\$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcdef');"
