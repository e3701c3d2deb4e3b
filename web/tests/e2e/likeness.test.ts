// "Sounds like this" in a real Chromium against a made-up studio: a file that a song takes after, a song like another one, songs
// near a song, the order by fit with tags, a licence that is accepted; with a mouse, by keys, and on a phone.

import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { write } from './acts';
import { barriersOf, complaintsOf, freshContext, openBrowser, shot, signIn } from './browser';
import { type Mock, startMock } from './mock';

const kUnheard = '00000000-0000-4000-8000-000000000003'; // The Long Way Home
const kLooks = {
  desk: { viewport: { width: 1440, height: 900 } },
  phone: { viewport: { width: 375, height: 812 }, hasTouch: true, isMobile: true },
} as const;

let browser: Browser;
let mock: Mock;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser?.close());
beforeEach(async () => {
  mock = await startMock({ songs: 24, pulling: false });
});
afterEach(() => mock.stop());

const overflow = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

const lastBody = (path: string): Record<string, unknown> | undefined =>
  mock.asked.filter((request) => request.method === 'POST' && request.path === path).at(-1)?.body;

async function pageIn(look: keyof typeof kLooks, path: string): Promise<{ page: Page; complaints: string[] }> {
  const context = await freshContext(browser, { reducedMotion: 'reduce', ...kLooks[look] });
  const page = await context.newPage();
  const complaints = complaintsOf(page);
  await signIn(page);
  await page.goto(mock.address + path);
  return { page, complaints };
}

describe.each(Object.keys(kLooks) as (keyof typeof kLooks)[])('what sounds alike, at a %s', (look) => {
  it('is a file that a song takes after', async () => {
    const { page, complaints } = await pageIn(look, '/create');
    await write(page, 'By the Sea');
    await page.getByRole('button', { name: 'Choose music' }).click();
    const sheet = page.getByRole('dialog', { name: 'Sounds like' });
    await sheet.getByRole('button', { name: /^harbour at night/ }).waitFor();
    expect(await barriersOf(page)).toEqual([]);
    await shot(page, `like-${look}-choose`);
    await sheet.getByRole('button', { name: 'Listen to it' }).click();
    await sheet.getByText('Choose a file first.').waitFor();
    await sheet.getByLabel('Audio file').setInputFiles({ name: 'sea.wav', mimeType: 'audio/wav', buffer: Buffer.alloc(4096) });
    await sheet.getByRole('button', { name: 'Listen to it' }).click();
    await page.getByRole('button', { name: 'Take “sea.wav” away' }).waitFor();
    await page.getByLabel('Strength').fill('1.5');
    expect(await overflow(page)).toBe(0);
    expect(await barriersOf(page)).toEqual([]);
    await shot(page, `like-${look}-chosen`);
    await page.reload();
    await page.getByRole('button', { name: 'Take “sea.wav” away' }).waitFor();
    await page.getByRole('button', { name: 'Make it' }).click();
    await page.getByText('Your song is in the queue.').waitFor();
    expect(lastBody('/api/generate')).toMatchObject({ reference_id: expect.stringMatching(/^0{8}-/) as string, reference_strength: 1.5 });
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it('is found from a song', async () => {
    const { page, complaints } = await pageIn(look, `/library/${kUnheard}`);
    await page.getByRole('button', { name: 'Find songs like it' }).click();
    await page.getByText(/similarity 0\.91/).waitFor();
    expect(await overflow(page)).toBe(0);
    expect(await barriersOf(page)).toEqual([]);
    await page.getByText(/similarity 0\.91/).scrollIntoViewIfNeeded();
    await shot(page, `like-${look}-near`);
    await page.locator('main').getByRole('button', { name: 'More for The Long Way Home', exact: true }).first().click();
    await page.getByRole('menuitem', { name: 'Like this song' }).click();
    await page.waitForURL('**/create');
    await page.getByRole('button', { name: 'Take “The Long Way Home” away' }).waitFor();
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it('orders the library', async () => {
    const { page, complaints } = await pageIn(look, '/library');
    await page.getByRole('article').first().waitFor();
    await page.getByLabel('Order', { exact: true }).selectOption('Best fit with its tags');
    await page.waitForURL('**order=tag_similarity**');
    await page.getByRole('button', { name: 'As a table' }).click();
    const best = page.locator('[aria-posinset="1"]');
    await best.getByRole('link').waitFor();
    if (look === 'desk') expect(await best.textContent()).toContain('Fit with its tags 0.29');
    expect(await overflow(page)).toBe(0);
    expect(await barriersOf(page)).toEqual([]);
    await shot(page, `like-${look}-table`);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it('comes under a licence that someone accepts', async () => {
    const { page, complaints } = await pageIn(look, '/admin');
    await page.getByRole('button', { name: 'Download MuQ-MuLan-large' }).click();
    const sheet = page.getByRole('dialog', { name: 'Licence of MuQ-MuLan-large' });
    await sheet.getByText(/No commercial use/).waitFor();
    expect(await sheet.getByRole('button', { name: 'Download' }).isDisabled()).toBe(true);
    expect(await barriersOf(page)).toEqual([]);
    await shot(page, `like-${look}-licence`);
    await sheet.getByRole('checkbox', { name: 'I accept CC-BY-NC-4.0' }).check();
    await sheet.getByRole('button', { name: 'Download' }).click();
    await sheet.waitFor({ state: 'hidden' });
    await expect.poll(() => lastBody('/api/admin/models/pull')).toEqual({ names: ['MuQ-MuLan-large'], accept_licence: 'CC-BY-NC-4.0' });
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});

describe('what sounds alike, by keys alone', () => {
  it('is chosen, made stronger, and taken away', async () => {
    const { page, complaints } = await pageIn('desk', '/create');
    await page.getByRole('button', { name: 'Choose music' }).press('Enter');
    const sheet = page.getByRole('dialog', { name: 'Sounds like' });
    await sheet.getByRole('button', { name: /^harbour at night/ }).waitFor();
    await page.waitForFunction(() => document.activeElement?.getAttribute('type') === 'file');
    await sheet.getByRole('button', { name: /^harbour at night/ }).press('Enter');
    await sheet.waitFor({ state: 'hidden' });
    await page.getByLabel('Strength').press('ArrowRight');
    await expect.poll(() => page.getByLabel('Strength').inputValue()).toBe('1.05');
    await page.getByRole('button', { name: /^Take “harbour at night/ }).press('Enter');
    await page.getByLabel('Strength').waitFor({ state: 'hidden' });
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});
