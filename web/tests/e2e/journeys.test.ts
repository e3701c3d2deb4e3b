// The way of a song, in a real Chromium against the real program: register, write, make, hear, find, keep, take away, bring
// back, sign out; a studio that is killed at work; two people who see nothing of each other; by keys alone; with a thumb;
// without the studio; under a path of another host.

import { readFileSync } from 'node:fs';

import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { kMakeMs, make, register, write } from './acts';
import { barriersOf, complaintsOf, freshContext, openBrowser, shot } from './browser';
import { greenPicture } from './picture';
import { startProxy } from './proxy';
import { type Studio, hasStudio, startStudio } from './studio';

/** Tab, as someone without a mouse gets there. */
async function tabTo(page: Page, goal: Locator): Promise<void> {
  for (let i = 0; i < 80; i++) {
    if (await goal.evaluate((el) => el === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab never came to ${goal.toString()}`);
}

describe.skipIf(!hasStudio)('a song', () => {
  let browser: Browser;
  let studio: Studio;
  beforeAll(async () => {
    browser = await openBrowser();
    studio = await startStudio();
  });
  afterAll(async () => {
    await browser?.close();
    await studio?.stop();
  });

  it('is written, made, heard, found, kept, taken away, deleted and brought back', async () => {
    const context = await freshContext(browser, { acceptDownloads: true });
    const page = await context.newPage();
    const complaints = complaintsOf(page);
    await register(page, studio, 'ada');

    await write(page, 'Morning Floor');
    await page.reload();
    expect(await page.getByRole('textbox', { name: 'Title' }).inputValue()).toBe('Morning Floor');
    expect(await page.getByLabel('As the model reads it').inputValue()).toBe('piano,happy');
    await shot(page, 'real-create');
    await page.getByRole('button', { name: 'Make it' }).click();
    await page.getByText('Your song is in the queue.').waitFor();
    await page.getByText('“Morning Floor” is ready.').waitFor({ timeout: kMakeMs });
    expect(new URL(page.url()).pathname).toBe('/create');

    await page.getByRole('link', { name: 'Library', exact: true }).first().click();
    await page.getByRole('button', { name: 'Play Morning Floor' }).click();
    await page.waitForFunction(() => document.title.includes('Morning Floor'));
    await shot(page, 'real-library');
    await page.getByRole('searchbox', { name: 'Search title, tags, lyrics' }).fill('TRAFFIC floor');
    await page.getByRole('article', { name: 'Morning Floor' }).waitFor();
    await page.getByRole('searchbox').fill('nothing like it');
    await page.getByText('Nothing found').waitFor();
    await page.getByRole('searchbox').fill('');

    await page.getByRole('button', { name: 'Favourite: Morning Floor' }).click();
    await page.getByRole('button', { name: 'Favourites' }).click();
    await page.getByRole('article', { name: 'Morning Floor' }).waitFor();

    await page.getByRole('link', { name: 'Morning Floor' }).first().click();
    await page.getByRole('button', { name: '4 stars' }).click();
    await page.getByRole('button', { name: 'Rename' }).click();
    await page.getByRole('textbox', { name: 'Rename' }).fill('Morning Light');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Morning Light' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Morning Light' }).waitFor();
    expect(await page.getByRole('button', { name: '4 stars' }).getAttribute('aria-pressed')).toBe('true');
    await shot(page, 'real-song');

    for (const format of ['WAV', 'FLAC', 'MP3', 'Opus']) {
      await page.getByRole('button', { name: 'Download' }).click();
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('menuitem', { name: new RegExp(`^${format}`) }).click(),
      ]);
      expect(download.suggestedFilename()).toBe(`Morning Light.${format.toLowerCase()}`);
      expect(readFileSync(await download.path()).length).toBeGreaterThan(1000);
    }

    await page.getByRole('button', { name: 'Make again with these settings' }).click();
    await page.getByText('Its recipe is in Create.').waitFor();
    expect(await page.getByLabel('Longest duration').inputValue()).toBe('10');
    // With its own seed, so that it would be the same song.
    await page.getByRole('button', { name: /^Fine control/ }).click();
    expect(await page.getByRole('textbox', { name: 'Seed' }).inputValue()).toMatch(/^\d+$/);

    await page.goto(`${studio.address}/library`);
    await page.getByRole('button', { name: 'More for Morning Light' }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByText('No songs yet').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('article', { name: 'Morning Light' }).waitFor();

    await page.getByRole('button', { name: 'Account of ada' }).first().click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    expect(complaints).toEqual([]);
    await context.close();
  });

  it('is shown to whoever has its link, and to no one else', async () => {
    const context = await freshContext(browser);
    const page = await context.newPage();
    await make(page, studio, 'grace', 'Shared Song');
    await page.goto(`${studio.address}/library`);
    await page.getByRole('article', { name: 'Shared Song' }).waitFor();
    expect(await page.getByText('Morning Light').count()).toBe(0);
    await page.getByRole('button', { name: 'More for Shared Song' }).click();
    await page.getByRole('menuitem', { name: 'Share' }).click();
    await page.getByRole('button', { name: 'Make a link' }).click();
    const link = await page.getByRole('textbox', { name: 'Link' }).inputValue();

    const stranger = await freshContext(browser);
    const other = await stranger.newPage();
    const complaints = complaintsOf(other);
    await other.goto(link);
    await other.getByRole('heading', { name: 'Shared Song' }).waitFor();
    await other.getByRole('button', { name: 'Play' }).click();
    await other.waitForFunction(() => document.documentElement.hasAttribute('data-playing'));
    await shot(other, 'real-shared');
    await page.getByRole('button', { name: 'Withdraw all links' }).click();
    await page.getByText('No link to this song works any more.').waitFor();
    await other.reload();
    await other.getByText('This link does not work any more').waitFor();
    expect(complaints).toEqual([]);
    await stranger.close();
    await context.close();
  });

  it('of two people at once are made one after the other, and neither sees the other', async () => {
    const people = await Promise.all(
      ['edsger', 'barbara'].map(async (name) => {
        const context = await freshContext(browser);
        const page = await context.newPage();
        const complaints = complaintsOf(page);
        await register(page, studio, name);
        await write(page, `Song of ${name}`);
        return { name, context, page, complaints };
      }),
    );
    await Promise.all(people.map(({ page }) => page.getByRole('button', { name: 'Make it' }).click()));
    await Promise.all(people.map(({ name, page }) => page.getByText(`“Song of ${name}” is ready.`).waitFor({ timeout: kMakeMs })));
    for (const { name, page, context, complaints } of people) {
      const other = name === 'edsger' ? 'barbara' : 'edsger';
      expect(await page.getByText(`Song of ${other}`).count()).toBe(0);
      await page.goto(`${studio.address}/library`);
      await page.getByText('1 song', { exact: true }).waitFor();
      await page.getByRole('article', { name: `Song of ${name}` }).waitFor();
      expect(complaints).toEqual([]);
      await context.close();
    }
  });

  it('is made by keys alone', async () => {
    const context = await freshContext(browser);
    const page = await context.newPage();
    const complaints = complaintsOf(page);
    await page.goto(`${studio.address}/register`);
    for (const [label, text] of [
      ['Name', 'keys'],
      ['Email', 'keys@example.org'],
      ['Password', 'correct horse'],
      ['Password once more', 'correct horse'],
    ] as const) {
      await tabTo(page, page.getByLabel(label, { exact: true }));
      await page.keyboard.type(text);
    }
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Make it' }).waitFor();
    await tabTo(page, page.getByRole('textbox', { name: 'Title' }));
    await page.keyboard.type('By Keys');
    await tabTo(page, page.getByLabel('Add a tag'));
    await page.keyboard.type('folk,');
    await tabTo(page, page.getByRole('button', { name: 'Verse' }));
    await page.keyboard.press('Enter');
    // The section lands in the words, and one types on.
    await page.keyboard.type('A line that is typed');
    expect(await page.getByRole('textbox', { name: 'What it sings' }).inputValue()).toMatch(/^\[Verse\]\nA line that is typed/);
    await tabTo(page, page.getByLabel('Longest duration'));
    await page.keyboard.press('Home');
    await tabTo(page, page.getByRole('button', { name: 'Make it' }));
    await page.keyboard.press('Enter');
    await page.getByText('“By Keys” is ready.').waitFor({ timeout: kMakeMs });
    await page.keyboard.press('g');
    await page.keyboard.press('l');
    await page.waitForURL('**/library');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('by keys');
    await page.getByRole('option', { name: /By Keys/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.documentElement.hasAttribute('data-playing'));
    await page.keyboard.press('k');
    await page.waitForFunction(() => !document.documentElement.hasAttribute('data-playing'));
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor({ state: 'hidden' });
    await tabTo(page, page.getByRole('button', { name: 'More for By Keys' }));
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('d');
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await page.getByText('No songs yet').waitFor();
    expect(complaints).toEqual([]);
    await context.close();
  });

  it('is made with a thumb', async () => {
    const context = await freshContext(browser, { viewport: { width: 375, height: 812 }, hasTouch: true, isMobile: true });
    const page = await context.newPage();
    const complaints = complaintsOf(page);
    await register(page, studio, 'thumb');
    await write(page, 'Thumb Song');
    await page.getByRole('button', { name: 'Make it' }).tap();
    await page.getByRole('link', { name: /Queue/ }).tap();
    await page.getByText('“Thumb Song” is ready.').waitFor({ timeout: kMakeMs });
    await page.getByRole('link', { name: 'Library' }).tap();
    await page.getByRole('button', { name: 'Play Thumb Song' }).tap();
    await page.getByRole('region', { name: 'Player' }).getByRole('button', { name: 'Open the listening view' }).tap();
    const listening = page.getByRole('dialog', { name: 'Listening' });
    await listening.getByText('The sun creeps in across the floor').waitFor();
    await page.waitForFunction(() => document.documentElement.hasAttribute('data-playing'));
    await shot(page, 'real-phone-listening');
    await listening.getByRole('button', { name: 'Close the listening view' }).tap();
    await listening.waitFor({ state: 'hidden' });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(375);
    expect(complaints).toEqual([]);
    await context.close();
  });

  it('gets a cover of one\'s own, and its old one back', async () => {
    const context = await freshContext(browser);
    const page = await context.newPage();
    await make(page, studio, 'painter', 'Painted Song');
    await page.getByRole('link', { name: 'Painted Song' }).first().click();
    await page.getByRole('heading', { name: 'Painted Song' }).waitFor();
    const colour = (): Promise<number[]> =>
      page.evaluate(async () => {
        const image = document.querySelector<HTMLImageElement>('main img')!;
        await image.decode();
        const canvas = document.createElement('canvas');
        canvas.width = canvas.height = 1;
        const context = canvas.getContext('2d')!;
        context.drawImage(image, 0, 0, 1, 1);
        return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
      });
    const before = await colour();
    await page.getByLabel('A picture of yours').setInputFiles({ name: 'green.png', mimeType: 'image/png', buffer: greenPicture() });
    await page.getByText('The cover is changed.').waitFor();
    await expect.poll(async () => (await colour()).map((c) => Math.round(c / 64))).toEqual([0, 4, 0]);
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect.poll(colour).toEqual(before);
    await page.getByLabel('A picture of yours').setInputFiles({ name: 'words.png', mimeType: 'image/png', buffer: Buffer.from('no picture') });
    await page.getByText('This browser cannot read that picture.').waitFor();
    await context.close();
  });

  it('has words that follow it, once the studio has listened', async () => {
    const hearing = await startStudio([], true);
    const context = await freshContext(browser, { acceptDownloads: true });
    const page = await context.newPage();
    const complaints = complaintsOf(page);
    await make(page, hearing, 'hedy', 'Followed Song');
    await page.goto(`${hearing.address}/library`);
    await page.getByRole('link', { name: 'Followed Song' }).first().click();
    await page.getByRole('button', { name: 'Find when each line is sung' }).click();
    const line = page.getByRole('button', { name: 'I hear the traffic outside the door' });
    await line.waitFor({ timeout: kMakeMs });
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Lyrics with times (LRC)' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('Followed Song.lrc');
    expect(readFileSync(await download.path(), 'utf8')).toMatch(
      /^\[00:\d\d\.\d\d\]The sun creeps in across the floor\n\[00:\d\d\.\d\d\]I hear the traffic outside the door\n$/,
    );
    await line.click();
    await page.waitForFunction(() => document.documentElement.hasAttribute('data-playing'));
    await page.reload();
    await line.waitFor();
    expect(complaints).toEqual([]);
    await context.close();
    await hearing.stop();
  });

  it('is deleted for good when the bin is emptied', async () => {
    const context = await freshContext(browser);
    const page = await context.newPage();
    await make(page, studio, 'tidy', 'Short Lived');
    await page.goto(`${studio.address}/library`);
    await page.getByRole('button', { name: 'More for Short Lived' }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByRole('link', { name: 'Bin' }).click();
    await page.getByRole('button', { name: 'Empty the bin' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete for good' }).click();
    await page.getByText('1 song is deleted for good.').waitFor();
    await page.getByText('The bin is empty').waitFor();
    await context.close();
  });

  it('survives a studio that is killed while it is made', async () => {
    const context = await freshContext(browser);
    const page = await context.newPage();
    await register(page, studio, 'killed');
    await write(page, 'Unkillable', 30);
    await page.getByRole('button', { name: 'Make it' }).click();
    await page.getByText('Your song is in the queue.').waitFor();
    await studio.restart();
    await page.getByText('“Unkillable” is ready.').waitFor({ timeout: kMakeMs });
    await context.close();
  });

  it('waits while the studio is gone: the page opens without it, says so, and keeps what is typed', async () => {
    const context = await freshContext(browser);
    const page = await context.newPage();
    const complaints = complaintsOf(page);
    await register(page, studio, 'offline');
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
    await context.setOffline(true);
    await page.getByText('You are offline.').waitFor();
    await page.getByRole('textbox', { name: 'Title' }).fill('Typed offline');
    await page.reload();
    await page.getByText('You are offline.').waitFor();
    expect(await page.getByRole('textbox', { name: 'Title' }).inputValue()).toBe('Typed offline');
    // A page that was never opened before, with what it would show out of reach.
    await page.goto(`${studio.address}/library/00000000-0000-4000-8000-000000000000`);
    await page.getByText('You are offline.').waitFor();
    await page.goto(`${studio.address}/library`);
    await page.getByText('The studio cannot be reached.').waitFor();
    expect(await barriersOf(page)).toEqual([]);
    await shot(page, 'real-offline');
    await context.setOffline(false);
    await page.getByText('No songs yet').waitFor();
    await page.getByText('You are offline.').waitFor({ state: 'hidden' });
    expect(complaints).toEqual([]);
    await context.close();
  });

  it('is at home under a path of another host, too', async () => {
    const proxy = await startProxy(studio.address, '/music/heart');
    const context = await freshContext(browser);
    const page = await context.newPage();
    const complaints = complaintsOf(page);
    await make(page, proxy, 'guest', 'Down the Path');
    expect(new URL(page.url()).pathname).toBe('/music/heart/create');
    await page.getByRole('link', { name: 'Down the Path' }).first().click();
    await page.waitForURL('**/music/heart/library/*');
    await page.reload();
    await page.getByRole('heading', { name: 'Down the Path' }).waitFor();
    await page.locator('main').getByRole('button', { name: 'Play' }).click();
    await page.waitForFunction(() => document.documentElement.hasAttribute('data-playing'));
    const scope = await page.evaluate(() => navigator.serviceWorker.ready.then((worker) => new URL(worker.scope).pathname));
    expect(scope).toBe('/music/heart/');
    const manifest = await page.evaluate(async () => {
      const link = document.querySelector<HTMLLinkElement>('link[rel=manifest]')!;
      const { start_url, icons } = (await (await fetch(link.href)).json()) as { start_url: string; icons: { src: string }[] };
      return [start_url, ...icons.map((icon) => icon.src)].map((path) => new URL(path, link.href).pathname);
    });
    expect(manifest).toEqual(['create', 'icon.svg', 'icon-192.png', 'icon-512.png'].map((name) => `/music/heart/${name}`));
    await page.getByRole('button', { name: 'More for Down the Path' }).click();
    await page.getByRole('menuitem', { name: 'Share' }).click();
    await page.getByRole('button', { name: 'Make a link' }).click();
    expect(await page.getByRole('textbox', { name: 'Link' }).inputValue()).toContain(`${proxy.address}/shared/`);
    expect(proxy.stray).toEqual([]);
    expect(complaints).toEqual([]);
    await context.close();
    await proxy.stop();
  });
});
