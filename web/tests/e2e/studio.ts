// The real program, `heart serve` with its built-in demo model, in a temporary folder.

import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const kProgram = process.env.HEART ?? new URL('../../../build/release/heart', import.meta.url).pathname;
const kTranscriptor = new URL('../../../tests/data/ckpt-tiny/HeartTranscriptor-oss', import.meta.url).pathname;
export const hasStudio = existsSync(kProgram);

export type Studio = { address: string; restart: () => Promise<void>; stop: () => Promise<void> };

/** Starts the program and waits for the line in which it says where it is. */
function start(folder: string, port: number, extra: string[]): Promise<{ process: ChildProcess; address: string }> {
  return new Promise((resolve, reject) => {
    const args = ['serve', '--port', String(port), '--data-dir', folder, '--log-level', 'error', ...extra];
    const child = spawn(kProgram, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const found = /Heart Studio: (http:\S+)/.exec(said);
      if (found) resolve({ process: child, address: found[1]! });
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`heart serve ended with ${code}: ${said}`)));
  });
}

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => (child.exitCode !== null ? resolve() : child.once('exit', () => resolve())));

/** `hears`: with a small HeartTranscriptor beside its models. */
export async function startStudio(extra: string[] = [], hears = false): Promise<Studio> {
  const folder = mkdtempSync(join(tmpdir(), 'heart-studio-'));
  if (hears) cpSync(kTranscriptor, join(folder, 'ckpt', 'HeartTranscriptor-oss'), { recursive: true });
  let running = await start(folder, 0, extra);
  const { address } = running;
  return {
    address,
    restart: async () => {
      running.process.kill('SIGKILL');
      await ended(running.process);
      running = await start(folder, Number(new URL(address).port), extra);
    },
    stop: async () => {
      running.process.kill('SIGTERM');
      await ended(running.process);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
