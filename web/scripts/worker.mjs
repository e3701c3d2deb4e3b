// Writes sw.js into the folder: the worker with the names of all that was built, and a version that changes with any of it.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

const folder = process.argv[2];
const worker = readFileSync(new URL('../worker/sw.js', import.meta.url), 'utf8');
const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && !entry.name.endsWith('.gz') && entry.name !== 'sw.js')
  .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
  .sort();
const version = createHash('sha256');
for (const name of files) version.update(name).update(readFileSync(join(folder, name)));
// The document is kept by the worker itself, under its address.
const kept = files.filter((name) => name !== 'index.html');
writeFileSync(
  join(folder, 'sw.js'),
  worker.replace('__VERSION__', version.digest('hex').slice(0, 16)).replace('__FILES__', JSON.stringify(kept, null, 2)),
);
