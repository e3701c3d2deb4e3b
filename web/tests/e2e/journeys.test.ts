// The way of a song, in a real Chromium against the real program: register, write, make, hear, find, keep, take away, bring
// back, sign out; a studio that is killed at work; two people who see nothing of each other; by keys alone.

import { readFileSync } from 'node:fs';

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { complaintsOf, freshContext, openBrowser, shot } from './browser';
import { type Studio, hasStudio, startStudio } from './studio';

// How long a song may take on a machine that has other things to do.
const kMakeMs = Number(process.env.HEART_PATIENCE_MS ?? 180_000);

async function register(page: Page, studio: Studio, name: string): Promise<void> {
  await page.goto(`${studio.address}/register`);
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Email').fill(`${name}@example.org`);
  await page.getByLabel('Password', { exact: true }).fill('correct horse');
  await page.getByLabel('Password once more').fill('correct horse');
  await page.getByRole('button', { name: 'Open account' }).click();
  await page.getByRole('button', { name: 'Make it' }).waitFor();
}

async function write(page: Page, title: string, seconds = 10): Promise<void> {
  await page.getByRole('textbox', { name: 'Title' }).fill(title);
  await page.getByLabel('Add a tag').fill('Piano, Happy,');
  await page.getByRole('textbox', { name: 'What it sings' }).fill('[Verse]\nThe sun creeps in across the floor\nI hear the traffic outside the door\n');
  await page.getByLabel('Longest duration').fill(String(seconds));
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
    await register(page, studio, 'grace');
    await write(page, 'Shared Song');
    await page.getByRole('button', { name: 'Make it' }).click();
    await page.getByText('“Shared Song” is ready.').waitFor({ timeout: kMakeMs });
    await page.goto(`${studio.address}/library`);
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

  it('is made by keys alone', async () => {
    const context = await freshContext(browser);
    const page = await context.newPage();
    await register(page, studio, 'keys');
    await page.getByRole('textbox', { name: 'Title' }).focus();
    await page.keyboard.type('By Keys');
    await page.getByLabel('Add a tag').focus();
    await page.keyboard.type('folk,');
    await page.getByRole('textbox', { name: 'What it sings' }).focus();
    await page.keyboard.type('[Verse]\nA line that is typed\n');
    await page.getByLabel('Longest duration').focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('Control+Enter');
    await page.getByText('“By Keys” is ready.').waitFor({ timeout: kMakeMs });
    await page.locator('main').focus();
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
});
