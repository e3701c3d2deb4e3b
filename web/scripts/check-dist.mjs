// Tells whether dist/ is what the sources give: builds into another folder and compares every byte.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { gunzipSync } from 'node:zlib';

const fresh = mkdtempSync(join(tmpdir(), 'heart-page-'));
const run = (name, ...args) => execFileSync(name, args, { stdio: ['ignore', 'ignore', 'inherit'] });

/** Packed files count by what is in them: another zlib may pack differently. */
function contents(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map((entry) => {
      const file = join(entry.parentPath, entry.name);
      const bytes = readFileSync(file);
      return [relative(folder, file), file.endsWith('.gz') ? gunzipSync(bytes) : bytes];
    }),
  );
}

try {
  run(process.execPath, 'node_modules/vite/bin/vite.js', 'build', '--outDir', fresh, '--emptyOutDir', '--logLevel', 'error');
  run(process.execPath, 'scripts/worker.mjs', fresh);
  run(process.execPath, 'scripts/compress.mjs', fresh);
  const [there, wanted] = [contents('dist'), contents(fresh)];
  const wrong = [...new Set([...there.keys(), ...wanted.keys()])].filter((name) => {
    const [a, b] = [there.get(name), wanted.get(name)];
    return !a || !b || !a.equals(b);
  });
  if (wrong.length > 0) {
    console.error(`web/dist is not what the sources give: ${wrong.sort().join(', ')}\nRun web/build.sh and commit web/dist.`);
    process.exitCode = 1;
  } else console.log(`web/dist is what the sources give (${wanted.size} files).`);
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
