// The pictures of docs/studio-tour.md: a real studio with songs of the built-in demo model, as `npm run tour` makes them.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { freshContext, openBrowser } from './browser';
import { type Studio, hasStudio, startStudio } from './studio';

const folder = process.env.HEART_TOUR ?? '';
const kPatienceMs = Number(process.env.HEART_PATIENCE_MS ?? 600_000);

const kLyrics = `[Verse]
Salt on the window, a lamp on the quay
The ferry is late and so are we
You count the gulls, I count the days
The radio hums through an autumn haze

[Chorus]
Leave the harbour lights on for me
I am halfway home from a turning sea
If the wind comes round, if the fog lets go
I will find the door that I used to know

[Verse]
Ink on the postcard, a stamp upside down
Nobody writes to the end of this town

[Outro]
Leave the harbour lights on`;

type Wish = { title: string; tags: string; seed: number; takes?: number };
const kWishes: Wish[] = [
  { title: 'Paper Boats', tags: 'piano,ballad,tender', seed: 3 },
  { title: 'Night Bus', tags: 'synthwave,night,driving', seed: 14 },
  { title: 'Slow Sunday', tags: 'jazz,cafe,saxophone,soft', seed: 15 },
  { title: 'Glass Orchard', tags: 'electronic,dreamy,synthesizer', seed: 92 },
  { title: 'Copper Moon', tags: 'indie,hopeful,drums,electric guitar', seed: 65 },
  { title: 'Letters to June', tags: 'folk,acoustic guitar,warm,female vocal', seed: 35 },
  { title: 'Harbour Lights', tags: 'folk,accordion,nostalgic,male vocal', seed: 89, takes: 3 },
];
const kDesk = { viewport: { width: 1280, height: 800 } };
const kPhone = { viewport: { width: 375, height: 812 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };

type Entry = { user: object; token: { access_token: string } };

describe.skipIf(folder === '' || !hasStudio)('the tour', () => {
  let browser: Browser;
  let studio: Studio;
  let entry: Entry;

  async function ask<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(studio.address + path, {
      method,
      headers: { 'Content-Type': 'application/json', ...(entry ? { Authorization: `Bearer ${entry.token.access_token}` } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    expect(response.ok, `${method} ${path}: ${response.status}`).toBe(true);
    return (await response.json()) as T;
  }
  const songs = async (): Promise<{ id: string; title: string; take: number }[]> =>
    (await ask<{ items: { id: string; title: string; take: number }[] }>('GET', '/api/songs?page_size=50')).items;

  async function visit(path: string, look: BrowserContextOptions): Promise<Page> {
    const context = await freshContext(browser, { reducedMotion: 'reduce', ...look });
    const page = await context.newPage();
    await page.addInitScript(
      ([token, user, desk]) => {
        localStorage.setItem('heartmula_token', token!);
        localStorage.setItem('heartmula_user', user!);
        if (!localStorage.getItem('heart.desk')) localStorage.setItem('heart.desk', desk!);
      },
      [
        entry.token.access_token,
        JSON.stringify(entry.user),
        JSON.stringify({
          state: {
            draft: { seconds: 60, temperature: 1, topk: 50, cfg: 1.5, takes: 2, title: 'Harbour Lights', idea: '', tags: 'folk,accordion,nostalgic,male vocal', lyrics: kLyrics, seed: null, seedLocked: false },
            earlier: [],
            presets: [],
          },
          version: 1,
        }),
      ],
    );
    await page.goto(studio.address + path);
    await page.locator('h1').first().waitFor();
    return page;
  }

  /** As WebP, which the browser itself makes. */
  async function picture(page: Page, name: string): Promise<void> {
    await page.evaluate(() => Promise.all([...document.images].map((image) => image.decode().catch(() => undefined))));
    const inspector = await page.context().newCDPSession(page);
    const { data } = await inspector.send('Page.captureScreenshot', { format: 'webp', quality: 80 });
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `studio-${name}.webp`), Buffer.from(data, 'base64'));
  }

  beforeAll(async () => {
    browser = await openBrowser();
    studio = await startStudio();
  });
  afterAll(async () => {
    await browser?.close();
    await studio?.stop();
  });

  it('shows the studio at work', async () => {
    entry = await ask<Entry>('POST', '/api/auth/register', { username: 'ada', email: 'ada@example.org', password: 'correct horse' });
    for (const wish of kWishes) await ask('POST', '/api/generate', { ...wish, lyrics: kLyrics, max_audio_length_ms: 10_000 });
    await expect.poll(async () => (await songs()).length, { timeout: kPatienceMs, interval: 1000 }).toBe(9);
    for (const song of await songs()) {
      if (['Paper Boats', 'Copper Moon'].includes(song.title)) await ask('PATCH', `/api/songs/${song.id}`, { favourite: true, rating: 5 });
    }
    await ask('POST', '/api/playlists', { name: 'For the drive' });
    await ask('POST', '/api/playlists', { name: 'Keepers' });
    const first = (await songs()).filter((song) => song.title === 'Harbour Lights').sort((a, b) => a.take - b.take);
    const library = await visit('/library', { ...kDesk, colorScheme: 'dark' });
    await library.getByRole('article', { name: 'Paper Boats' }).waitFor();
    await library.getByRole('button', { name: 'Play Copper Moon' }).click();
    await library.waitForFunction(() => document.documentElement.hasAttribute('data-playing'));
    await library.mouse.move(0, 0);
    await picture(library, 'library');
    await library.getByRole('button', { name: 'Open the listening view' }).click();
    await library.getByText('The ferry is late').first().waitFor();
    await picture(library, 'listening');
    await library.context().close();

    const song = await visit(`/library/${first[0]!.id}`, { ...kDesk, colorScheme: 'light' });
    await song.getByRole('heading', { name: 'How it was made' }).waitFor();
    await picture(song, 'song');
    await song.context().close();

    const compare = await visit(`/compare?ids=${first.map((take) => take.id).join(',')}`, { ...kDesk, colorScheme: 'light' });
    await compare.getByRole('button', { name: /Hearing/ }).waitFor();
    await picture(compare, 'compare');
    await compare.context().close();

    const listening = await visit('/library', { ...kPhone, colorScheme: 'dark' });
    await picture(listening, 'phone-library');
    await listening.getByRole('button', { name: 'Play Slow Sunday' }).tap();
    await listening.getByRole('button', { name: 'Open the listening view' }).tap();
    await listening.getByText('The ferry is late').first().waitFor();
    await picture(listening, 'phone-listening');
    await listening.context().close();

    await ask('POST', '/api/generate', { title: 'Northern Line', tags: 'synthwave,night,driving', lyrics: kLyrics, max_audio_length_ms: 15_000 });
    await ask('POST', '/api/generate', { title: 'Salt in the Air', tags: 'piano,ballad,tender', lyrics: kLyrics, max_audio_length_ms: 60_000 });
    const create = await visit('/create', { ...kDesk, colorScheme: 'dark' });
    const queue = await visit('/queue', { ...kPhone, colorScheme: 'light' });
    await queue.getByText(/composed/).first().waitFor({ timeout: kPatienceMs });
    await picture(queue, 'phone-queue');
    await create.getByText(/composed/).first().waitFor();
    await picture(create, 'create');
    await create.context().close();
    await queue.context().close();
  });
});
