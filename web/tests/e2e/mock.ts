// A studio for pictures and for states that a real one is seldom in: thousands of songs, a job in every phase, a lost
// connection. Answers like the API's contract; keeps everything in memory.

import { readFileSync } from 'node:fs';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';

import { picture } from './picture';

type Json = Record<string, unknown>;

const kTypes: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
};
const kPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const kTitles = [
  'Rain on a Tin Roof', 'Harbour Lights', 'Paper Boats', 'The Long Way Home', 'Sugar and Smoke', 'Northern Line',
  'Slow Sunday', 'Glass Orchard', 'Letters to June', 'Salt in the Air', 'Night Bus', 'Copper Moon',
];
const kTags = [
  'folk,acoustic guitar,warm,female vocal', 'synthwave,night,driving,male vocal', 'piano,ballad,tender',
  'indie,hopeful,drums,electric guitar', 'jazz,cafe,saxophone,soft', 'electronic,dreamy,synthesizer',
];
export const kLyrics = `[Intro]

[Verse]
The sun creeps in across the floor
I hear the traffic outside the door
The coffee pot begins to hiss
It is another morning just like this

[Prechorus]
The world keeps spinning round and round
Feet are planted on the ground

[Chorus]
Every day the light returns
Every day the fire burns
We keep on walking down this street
Moving to the same steady beat

[Outro]
It is just another day`;

const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

const titleAt = (n: number): string => {
  const round = Math.floor(n / kTitles.length);
  return `${kTitles[n % kTitles.length]}${round > 0 ? ` ${round + 1}` : ''}`;
};

function songAt(n: number, start: number): Json {
  const id = uuid(n);
  const take = n % 5 === 1 ? 1 : 0;
  return {
    id,
    title: titleAt(n - take),
    lyrics: kLyrics,
    tags: kTags[(n - take) % kTags.length],
    audio_path: `audio/${id}.wav`,
    thumbnail_path: `thumbnails/${id}.png`,
    created_at: new Date(start - n * 5_400_000).toISOString(),
    duration_ms: 95_000 + ((n * 37) % 120) * 1000,
    temperature: 1,
    topk: 50,
    cfg_scale: 1.5,
    user_id: uuid(999_999),
    max_audio_length_ms: 240_000,
    seed: 41_000 + n,
    take,
    request_id: n % 5 === 1 ? `request-${n - 1}` : `request-${n}`,
    frames: 1200,
    favourite: n % 7 === 2,
    rating: (n * 3) % 6,
    tag_similarity: n % 4 === 3 ? null : Math.round(100 * (0.12 + ((n * 29) % 23) / 100)) / 100,
    reference: null,
    deleted_at: null,
    recipe: { model: 'HeartMuLa-oss-3B', seed: String(41_000 + n), steps: '10', guidance: '1.25', codec_dtype: 'f32' },
    audio_url: `/api/audio/${id}?exp=1&sig=x`,
    thumbnail_url: `/api/thumbnail/${id}?exp=1&sig=x`,
  };
}

function jobAt(n: number, more: Json): Json {
  return {
    id: uuid(500_000 + n), title: kTitles[(n + 5) % kTitles.length], status: 'pending', progress: 0, total_frames: 1500,
    created_at: new Date().toISOString(), lyrics: kLyrics, tags: kTags[n % kTags.length], phase: 'waiting',
    composed_seconds: 0, rendered_seconds: 0, position: n, eta_seconds: null, message: '', reason: null, attempts: 0,
    started_at: null, finished_at: null, max_audio_length_ms: 120_000, temperature: 1, topk: 50, cfg_scale: 1.5, seed: 7,
    take: 0, request_id: `job-${n}`, reference: null, audio_url: null, ...more,
  };
}

const referenceAt = (n: number, source: string, start: number): Json => ({
  id: uuid(700_000 + n), source, start, seconds: 10, model: 'MuQ-MuLan-large', licence: 'CC-BY-NC-4.0', created_at: new Date().toISOString(),
});

type Colour = [number, number, number];

const hsl = (hue: number, s: number, l: number): Colour => {
  const part = (n: number): number => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (l - s * Math.min(l, 1 - l) * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [part(0), part(8), part(4)];
};
const mix = (a: Colour, b: Colour, much: number): Colour =>
  [0, 1, 2].map((i) => Math.round(a[i]! + (b[i]! - a[i]!) * much)) as Colour;

const kCovers = 36;
const covers = new Map<number, Buffer>();

/** A cover as the studio draws them, more or less: a sky, a sun and two ranges of hills. Of as many kinds as are seen at once. */
function cover(id: string): Buffer {
  const n = Number(id.slice(-6)) % kCovers;
  const known = covers.get(n);
  if (known) return known;
  const side = 320;
  const hue = (n * 67) % 360;
  const [dark, light] = [hsl(hue, 0.6, 0.3), hsl((hue + 50) % 360, 0.7, 0.55)];
  const [sun, far, near] = [hsl((hue + 90) % 360, 0.8, 0.75), hsl(hue, 0.55, 0.16), hsl(hue, 0.6, 0.1)];
  const [sunX, sunY] = [20 + ((n * 13) % 60), 38];
  const made = picture(side, side, (px, py) => {
    const [x, y] = [(px / side) * 100, (py / side) * 100];
    if (y > 76 + (n % 7) - 4 * Math.sin((x / 50) * Math.PI)) return near;
    if (y > 62 + (n % 9) - (4 + (n % 7)) * Math.sin((x / 50) * Math.PI)) return far;
    const sky = mix(dark, light, (x + y) / 200);
    return (x - sunX) ** 2 + (y - sunY) ** 2 < 24 ** 2 ? mix(sky, sun, 0.8) : sky;
  });
  covers.set(n, made);
  return made;
}

/** Beats, bars and sections, as a song has them. */
function loudness(count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const beat = Math.exp(-(i % 5) / 2.2);
    const bar = i % 20 < 5 ? 0.12 : 0;
    const section = [0.34, 0.55, 0.5, 0.86, 0.6, 0.92, 0.4][Math.floor((i / count) * 7)] ?? 0.4;
    return Math.min(1, section * (0.45 + 0.45 * beat) + bar * section + 0.06 * Math.abs(Math.sin(i * 12.9898)));
  });
}

/** One second of quiet noise a request, as WAV: enough to play. */
function wav(seconds: number): Buffer {
  const rate = 8000;
  const out = Buffer.alloc(44 + rate * seconds * 2);
  out.write('RIFF', 0);
  out.writeUInt32LE(36 + rate * seconds * 2, 4);
  out.write('WAVEfmt ', 8);
  out.writeUInt32LE(16, 16);
  out.writeUInt16LE(1, 20);
  out.writeUInt16LE(1, 22);
  out.writeUInt32LE(rate, 24);
  out.writeUInt32LE(rate * 2, 28);
  out.writeUInt16LE(2, 32);
  out.writeUInt16LE(16, 34);
  out.write('data', 36);
  out.writeUInt32LE(rate * seconds * 2, 40);
  for (let i = 0; i < rate * seconds; i++) out.writeInt16LE(Math.round(900 * Math.sin(i / 6)), 44 + i * 2);
  return out;
}

export type Mock = Awaited<ReturnType<typeof startMock>>;

export async function startMock(options: { songs?: number; jobs?: 'none' | 'some'; help?: boolean; pulling?: boolean } = {}) {
  const dist = process.env.HEART_DIST ?? new URL('../../dist', import.meta.url).pathname;
  const start = Date.now() - 120_000;
  let songs = Array.from({ length: options.songs ?? 24 }, (_, n) => songAt(n, start));
  const jobs: Json[] =
    options.jobs === 'some'
      ? [
          jobAt(1, { status: 'processing', phase: 'rendering', position: 0, progress: 1100, composed_seconds: 88, rendered_seconds: 41, eta_seconds: 34, audio_url: '/api/jobs/x/audio' }),
          jobAt(2, { position: 1, eta_seconds: 118 }),
        ]
      : [];
  const failures: Json[] =
    options.jobs === 'some'
      ? [jobAt(3, { status: 'failed', phase: 'ended', position: 0, reason: 'There was not enough memory: 2.1 GiB more are needed.' })]
      : [];
  const playlists: Json[] = [
    { id: 'p1', name: 'For the drive', created_at: new Date(start).toISOString(), song_count: 4 },
    { id: 'p2', name: 'Keepers', created_at: new Date(start).toISOString(), song_count: 2 },
  ];
  const streams = new Set<ServerResponse>();
  const asked: { method: string; path: string; body: Json }[] = [];
  const user = { id: uuid(999_999), username: 'ada', email: 'ada@example.org', created_at: new Date(start).toISOString(), admin: true };
  let reachable = true;

  const status = () => ({
    gpu_available: true, gpu_name: 'NVIDIA H100 80GB', model_loaded: true, queue_length: jobs.length,
    openai_configured: options.help ?? true, version: '1.0.0', model: 'HeartMuLa-oss-3B', device: 'NVIDIA H100 80GB',
    registration: 'open', covers_configured: false, transcriptor_present: true, embedder_present: true, signed_media: false,
    limits: { lyrics_bytes: 20000, tags_bytes: 2000, title_bytes: 500, takes: 8, queue_per_user: 20, queue: 500 },
  });

  function find(query: URLSearchParams): Json {
    const words = (query.get('search') ?? '').toLowerCase().split(/\s+/).filter(Boolean);
    const page = Number(query.get('page') ?? 1);
    const size = Number(query.get('page_size') ?? 20);
    const found = songs.filter(
      (s) =>
        (s.deleted_at !== null) === (query.get('deleted') === 'true') &&
        (query.get('favourites') !== 'true' || s.favourite) &&
        words.every((w) => `${s.title} ${s.tags} ${s.lyrics}`.toLowerCase().includes(w)),
    );
    if (query.get('order') === 'title') found.sort((a, b) => String(a.title).localeCompare(String(b.title)));
    if (query.get('order') === 'tag_similarity') found.sort((a, b) => Number(b.tag_similarity ?? -2) - Number(a.tag_similarity ?? -2));
    return { items: found.slice((page - 1) * size, page * size), total: found.length, page, page_size: size };
  }

  /** How often was asked for the times of a song since it is listened to. */
  const heard = new Map<string, number>();
  function timings(id: string): Json {
    const looks = heard.get(id);
    if (looks === undefined) return { state: 'none', reason: null, lines: [] };
    heard.set(id, looks + 1);
    if (looks === 0) return { state: 'listening', reason: null, lines: [] };
    const sung = kLyrics.split('\n').map((text, line) => ({ text, line })).filter(({ text }) => text !== '' && !text.startsWith('['));
    return { state: 'done', reason: null, lines: sung.map((line, n) => ({ ...line, start: 4 + n * 8, end: 10 + n * 8 })) };
  }

  const references: Json[] = [referenceAt(1, 'harbour at night.flac', 42)];
  /** Which songs the studio has listened to; how often was asked for the others since it should. */
  const embedded = new Map<string, number>();
  const isKnown = (song: Json | undefined): boolean => song !== undefined && song.tag_similarity !== null;
  function embedding(id: string): Json {
    const song = songs.find((s) => s.id === id);
    const looks = embedded.get(id);
    if (looks !== undefined && !isKnown(song)) {
      embedded.set(id, looks + 1);
      if (looks === 0) return { state: 'listening', reason: null, tag_similarity: null };
      songs = songs.map((s) => (s.id === id ? { ...s, tag_similarity: 0.27 } : s));
      return { state: 'done', reason: null, tag_similarity: 0.27 };
    }
    return { state: isKnown(song) ? 'done' : 'none', reason: null, tag_similarity: song?.tag_similarity ?? null };
  }
  function addReference(source: string, start: number): Json {
    const reference = referenceAt(references.length + 1, source, start);
    references.unshift(reference);
    return reference;
  }

  const models = () => ({
    items: [
      { name: 'HeartMuLa-oss-3B-happy-new-year', about: 'the language model its authors recommend', licence: 'Apache-2.0', licence_note: null, bytes: 1.58e10, recommended: true, folder: 'HeartMuLa-oss-3B', present: false },
      { name: 'HeartCodec-oss-20260123', about: 'the codec its authors recommend', licence: 'Apache-2.0', licence_note: null, bytes: 6.6e9, recommended: true, folder: 'HeartCodec-oss', present: true },
      { name: 'MuQ-MuLan-large', about: 'sound and words in one space', licence: 'CC-BY-NC-4.0', licence_note: 'No commercial use: whoever names the authors may use, copy and change the weights, but not for commercial gain.', bytes: 2.7e9, recommended: false, folder: 'MuQ-MuLan', present: true },
    ],
    source: 'huggingface',
    pull: options.pulling === false ? null : { phase: 'fetching', names: ['HeartMuLa-oss-3B-happy-new-year'], at: 'HeartMuLa-oss-3B-happy-new-year', done_bytes: 4.2e9, total_bytes: 1.58e10, to_fetch_bytes: 1.58e10, free_bytes: 4.1e11, reason: null },
  });

  type Handler = (parts: string[], body: Json, query: URLSearchParams) => unknown;
  const entry = () => ({ user, token: { access_token: 'a.b.c', token_type: 'bearer' } });
  const routes: Record<string, Handler> = {
    'GET /api/status': status,
    'POST /api/auth/login': entry,
    'POST /api/auth/register': entry,
    'GET /api/auth/me': () => user,
    'GET /api/queue': () => ({ items: jobs, active_id: jobs[0]?.id ?? null }),
    'GET /api/jobs/failures': () => ({ items: failures }),
    'GET /api/songs': (_p, _b, query) => find(query),
    'GET /api/history/*': ([id]) => songs.find((s) => s.id === id),
    'PATCH /api/songs/*': ([id], body) => {
      songs = songs.map((s) => (s.id === id ? { ...s, ...body } : s));
      return songs.find((s) => s.id === id);
    },
    'POST /api/songs/delete': (_p, body) => {
      const ids = body.ids as string[];
      songs = songs.map((s) => (ids.includes(String(s.id)) ? { ...s, deleted_at: new Date().toISOString() } : s));
      return { deleted: ids.length };
    },
    'POST /api/songs/restore': (_p, body) => {
      const ids = body.ids as string[];
      songs = songs.map((s) => (ids.includes(String(s.id)) ? { ...s, deleted_at: null } : s));
      return { restored: ids.length };
    },
    'GET /api/playlists': () => ({ items: playlists }),
    'GET /api/playlists/*': ([id]) => ({ ...playlists.find((p) => p.id === id), songs: songs.slice(0, 4) }),
    'GET /api/songs/*/timings': ([id]) => timings(id ?? ''),
    'POST /api/songs/*/timings': ([id]) => {
      heard.set(id ?? '', 0);
      return { state: 'listening', reason: null, lines: [] };
    },
    'GET /api/references': () => ({ items: references, limit: 50 }),
    'POST /api/references': () => addReference('sea.wav', 0),
    'DELETE /api/references/*': ([id]) => {
      references.splice(0, references.length, ...references.filter((r) => r.id !== id));
      return { message: 'Reference deleted' };
    },
    'POST /api/songs/*/reference': ([id]) => addReference(String(songs.find((s) => s.id === id)?.title), 0),
    'GET /api/songs/*/embedding': ([id]) => embedding(id ?? ''),
    'POST /api/songs/*/embedding': ([id]) => {
      embedded.set(id ?? '', 0);
      return { state: 'waiting', reason: null, tag_similarity: null };
    },
    'GET /api/songs/*/similar': ([id], _b, query) => ({
      items: songs
        .filter((s) => s.id !== id && s.deleted_at === null && isKnown(s))
        .slice(0, Number(query.get('limit') ?? 10))
        .map((s, n) => ({ ...s, song_id: s.id, similarity: 0.91 - 0.06 * n })),
    }),
    'GET /api/audio/*/peaks': () => ({
      seconds: 120,
      peaks: loudness(800),
    }),
    'POST /api/generate': (_p, body) => {
      const job = jobAt(jobs.length + 1, { ...body, title: body.title ?? 'Generation 0000' });
      jobs.push(job);
      return { id: job.id, status: 'pending', message: 'Generation added to queue', ids: [job.id] };
    },
    'POST /api/ai/lyrics': () => ({ title: 'Written for you', tags: 'Folk, Warm', lyrics: '[Verse]\nA line that was written\n' }),
    'POST /api/songs/*/shares': () => ({ url: '/api/shared/tok', token: 'tok', created_at: new Date().toISOString(), expires_at: new Date(start + 6e8).toISOString() }),
    'GET /api/shared/*': ([token]) => {
      const s = songs[0];
      if (token !== 'tok' || !s) return undefined;
      return { title: s.title, tags: s.tags, lyrics: s.lyrics, duration_ms: s.duration_ms, created_at: s.created_at, shared_until: s.created_at, audio: s.audio_url, thumbnail: s.thumbnail_url, expires_at: s.created_at };
    },
    'GET /api/admin/users': () => ({ items: [{ ...user, disabled: false }, { ...user, id: 'u2', username: 'grace', email: 'grace@example.org', admin: false, disabled: false }] }),
    'GET /api/admin/invites': () => ({ items: [] }),
    'GET /api/admin/queue': () => ({ items: jobs.map((j) => ({ ...j, user: { id: user.id, username: 'ada' } })), active_id: null }),
    'GET /api/admin/disk': () => ({ songs: songs.length, audio_bytes: 3.2e9, cover_bytes: 4.1e7, cache_bytes: 2.2e8, database_bytes: 8.1e6, backup_bytes: 0, free_bytes: 4.1e11 }),
    'GET /api/admin/backups': () => ({ items: [] }),
    'POST /api/admin/models/pull': () => models(),
    'GET /api/admin/models': () => models(),
  };

  function match(method: string, path: string): [Handler, string[]] | null {
    for (const [name, handler] of Object.entries(routes)) {
      const [verb, pattern] = name.split(' ') as [string, string];
      if (verb !== method) continue;
      const found = new RegExp(`^${pattern.replaceAll('*', '([^/]+)')}$`).exec(path);
      if (found) return [handler, found.slice(1)];
    }
    return null;
  }

  async function bodyOf(request: IncomingMessage): Promise<Json> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    // A form has a file in it, of which nothing is looked at.
    return text && !request.headers['content-type']?.startsWith('multipart/') ? (JSON.parse(text) as Json) : {};
  }

  function sendSound(request: IncomingMessage, response: ServerResponse): void {
    const sound = wav(120);
    const range = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '');
    const from = range ? Number(range[1]) : 0;
    const to = range?.[2] ? Number(range[2]) : sound.length - 1;
    response.writeHead(range ? 206 : 200, {
      'Content-Type': 'audio/wav',
      'Accept-Ranges': 'bytes',
      'Content-Length': to - from + 1,
      ...(range ? { 'Content-Range': `bytes ${from}-${to}/${sound.length}` } : {}),
    });
    response.end(sound.subarray(from, to + 1));
  }

  const server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? '/', 'http://studio');
      const json = (code: number, value: unknown): void => {
        response.writeHead(code, { 'Content-Type': 'application/json' });
        response.end(JSON.stringify(value));
      };
      if (!reachable) {
        request.socket.destroy();
        return;
      }
      if (url.pathname === '/api/events') {
        response.writeHead(200, { 'Content-Type': 'text/event-stream' });
        response.write(':\n\n');
        streams.add(response);
        response.on('close', () => streams.delete(response));
        return;
      }
      if (/^\/api\/(audio\/[^/]+|jobs\/x\/audio)$/.test(url.pathname)) {
        sendSound(request, response);
        return;
      }
      const covered = /^\/api\/thumbnail\/([^/]+)$/.exec(url.pathname);
      if (covered) {
        response.writeHead(200, { 'Content-Type': 'image/png', 'Cache-Control': 'private, no-cache' });
        response.end(cover(covered[1]!));
        return;
      }
      if (url.pathname.startsWith('/api/')) {
        const body = await bodyOf(request);
        asked.push({ method: request.method ?? '', path: url.pathname, body });
        const found = match(request.method ?? '', url.pathname);
        const value = found?.[0](found[1], body, url.searchParams);
        json(value === undefined ? 404 : 200, value ?? { detail: 'Not Found' });
        return;
      }
      const file = extname(url.pathname) ? url.pathname : '/index.html';
      const found = readFileSync(join(dist, file));
      // As the studio does: a folder further down, the document's files are one folder up.
      const inner = file === '/index.html' && url.pathname.lastIndexOf('/') > 0;
      const text = inner ? found.toString().replaceAll('="./', '="../') : found;
      response.writeHead(200, { 'Content-Type': kTypes[extname(file)] ?? 'application/octet-stream', 'Content-Security-Policy': kPolicy });
      response.end(text);
    })().catch(() => response.destroy());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));

  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    jobs,
    songs: () => songs,
    /** The song's lines have their times already. */
    time: (id: string) => heard.set(id, 1),
    addSong: (song: Json) => songs.unshift({ ...songAt(1000, Date.now()), ...song }),
    event: (update: Json) => {
      for (const stream of streams) stream.write(`data: ${JSON.stringify(update)}\n\n`);
    },
    listeners: () => streams.size,
    reach: (yes: boolean) => {
      reachable = yes;
      if (!yes) for (const stream of streams) stream.destroy();
    },
    stop: () => {
      for (const stream of streams) stream.destroy();
      server.closeAllConnections();
      return new Promise<void>((done) => server.close(() => done()));
    },
  };
}
