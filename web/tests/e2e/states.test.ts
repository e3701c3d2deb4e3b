// Every page and state in a real Chromium, in both themes and on a phone, against a made-up studio: axe finds nothing, nothing
// is cut off, nothing is complained about. Leaves pictures.

import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { barriersOf, complaintsOf, freshContext, openBrowser, shot, signIn } from './browser';
import { type Mock, kLyrics, startMock } from './mock';

const kSong = '00000000-0000-4000-8000-000000000000';
const kTimed = '00000000-0000-4000-8000-000000000002'; // Paper Boats
const kOther = '00000000-0000-4000-8000-000000000001';
const kDraft = {
  seconds: 120, temperature: 1, topk: 50, cfg: 1.5, takes: 2, title: 'Rain on a Tin Roof', idea: '',
  tags: 'folk,acoustic guitar,warm,female vocal', lyrics: kLyrics, seed: null, seedLocked: false,
};
const kPages = {
  create: '/create', queue: '/queue', library: '/library', bin: '/library/bin', song: `/library/${kSong}`,
  compare: `/compare?ids=${kSong},${kOther}`, playlist: '/playlists/p1', system: '/system', admin: '/admin',
  profile: '/profile', shared: '/shared/tok', lost: '/nowhere',
};
const kLooks = {
  dark: { colorScheme: 'dark', viewport: { width: 1440, height: 900 } },
  light: { colorScheme: 'light', viewport: { width: 1440, height: 900 } },
  phone: { colorScheme: 'dark', viewport: { width: 375, height: 812 }, hasTouch: true, isMobile: true },
  'phone-light': { colorScheme: 'light', viewport: { width: 375, height: 812 }, hasTouch: true, isMobile: true },
} as const;

let browser: Browser;
let mock: Mock;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());
afterEach(() => mock.stop());

/** What axe sees of a phone in the light, it has seen: the colours on the desk, the rest in the dark. */
const judged = (look: keyof typeof kLooks): boolean => look !== 'phone-light';

async function signedIn(look: keyof typeof kLooks, draft: object = kDraft): Promise<Page> {
  const context = await freshContext(browser, { reducedMotion: 'reduce', ...kLooks[look] });
  const page = await context.newPage();
  await signIn(page);
  const desk = JSON.stringify({ state: { draft, earlier: [], presets: [] }, version: 1 });
  await page.addInitScript((kept) => {
    if (!localStorage.getItem('heart.desk')) localStorage.setItem('heart.desk', kept);
  }, desk);
  return page;
}

/** Nothing of what the page asked for is under way. */
const settled = async (page: Page): Promise<void> => {
  await page.waitForFunction(() => !document.querySelector('.animate-breathe.bg-raised, .boot'));
};

const overflow = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

describe.each(Object.keys(kLooks) as (keyof typeof kLooks)[])('%s', (look) => {
  beforeEach(async () => {
    mock = await startMock({ songs: 60, jobs: 'some' });
  });
  it('shows every page as it should be', async () => {
    const page = await signedIn(look);
    const complaints = complaintsOf(page);
    for (const [name, path] of Object.entries(kPages)) {
      await page.goto(mock.address + path);
      await page.locator('h1, h2').first().waitFor();
      await settled(page);
      expect.soft(await overflow(page), `${name} is too wide`).toBe(0);
      if (judged(look)) expect.soft(await barriersOf(page), name).toEqual([]);
      await shot(page, `${look}-${name}`);
    }
    expect(complaints).toEqual([]);
    await page.context().close();
  });
  it('shows sheets, the player and the listening view', async () => {
    const page = await signedIn(look);
    await page.goto(`${mock.address}/create`);
    await page.getByRole('button', { name: 'Pick tags' }).click();
    await page.getByRole('dialog', { name: 'Pick tags' }).waitFor();
    if (judged(look)) expect.soft(await barriersOf(page)).toEqual([]);
    await shot(page, `${look}-tags`);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Commands and songs' }).fill('rain');
    await page.getByRole('option', { name: /Rain on a Tin Roof/ }).first().waitFor();
    if (judged(look)) expect.soft(await barriersOf(page)).toEqual([]);
    await shot(page, `${look}-palette`);
    await page.keyboard.press('Enter');
    await page.getByRole('region', { name: 'Player' }).waitFor();
    mock.time(kTimed);
    await page.goto(`${mock.address}/library`);
    await page.getByRole('button', { name: 'Play Paper Boats', exact: true }).first().click();
    await page.getByRole('region', { name: 'Player' }).waitFor();
    if (judged(look)) expect.soft(await barriersOf(page)).toEqual([]);
    await shot(page, `${look}-player`);
    await page.getByRole('button', { name: 'Open the listening view' }).click();
    await page.getByRole('dialog', { name: 'Listening' }).getByText('The sun creeps in across the floor').waitFor();
    if (judged(look)) expect.soft(await barriersOf(page)).toEqual([]);
    await shot(page, `${look}-listening`);
    const late = page.getByRole('button', { name: 'It is just another day' });
    await late.click();
    await page.locator('[aria-current=true]', { hasText: 'It is just another day' }).waitFor();
    if (judged(look)) expect.soft(await barriersOf(page)).toEqual([]);
    await shot(page, `${look}-following`);
    await page.context().close();
  });
  it('shows the doors', async () => {
    const context = await freshContext(browser, { reducedMotion: 'reduce', ...kLooks[look] });
    const page = await context.newPage();
    for (const [name, path] of [['sign-in', '/library?q=a'], ['register', '/register?invite=abc']] as const) {
      await page.goto(mock.address + path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      expect(await overflow(page)).toBe(0);
      if (judged(look)) expect.soft(await barriersOf(page), name).toEqual([]);
      await shot(page, `${look}-${name}`);
    }
    await context.close();
  });
});

describe('without anything', () => {
  it('every page teaches one thing and offers one', async () => {
    mock = await startMock({ songs: 0, help: false });
    const page = await signedIn('dark', { ...kDraft, title: '', tags: '', lyrics: '' });
    for (const [name, path] of [['create', '/create'], ['queue', '/queue'], ['library', '/library'], ['bin', '/library/bin']] as const) {
      await page.goto(mock.address + path);
      await page.locator('h1').first().waitFor();
      await settled(page);
      expect.soft(await barriersOf(page)).toEqual([]);
      await shot(page, `empty-${name}`);
    }
    await page.context().close();
  });
});

describe('news of the studio', () => {
  it('move the job that is shown, and end in a song that waits to be played', async () => {
    mock = await startMock({ songs: 2, jobs: 'some' });
    const page = await signedIn('dark');
    await page.goto(`${mock.address}/queue`);
    await page.getByText('about 34 s left').waitFor();
    await expect.poll(() => mock.listeners()).toBe(1);
    const id = String(mock.jobs[0]!.id);
    const news = { id, status: 'processing', progress: 1400, total_frames: 1500, message: '', phase: 'rendering', composed_seconds: 112, rendered_seconds: 90, position: 0, eta_seconds: 9 };
    mock.event(news);
    await page.getByText('1:52 / 2:00').waitFor();
    await page.getByText('about 9 s left').waitFor();
    mock.addSong({ id, title: 'Slow Sunday' });
    mock.jobs.shift();
    mock.event({ ...news, status: 'completed', phase: 'ended', progress: 1500 });
    await page.getByText('“Slow Sunday” is ready.').waitFor();
    expect(new URL(page.url()).pathname).toBe('/queue');
    expect(await page.getByRole('region', { name: 'Player' }).count()).toBe(0);
    await page.context().close();
  });
  it('that stop coming are told, and taken up again', async () => {
    mock = await startMock({ songs: 2 });
    const page = await signedIn('dark');
    await page.goto(`${mock.address}/create`);
    await expect.poll(() => mock.listeners()).toBe(1);
    mock.reach(false);
    await page.getByText('The studio does not answer.').waitFor();
    await page.getByRole('textbox', { name: 'Title' }).fill('Typed without a studio');
    await shot(page, 'lost-connection');
    mock.reach(true);
    await page.getByText('The studio does not answer.').waitFor({ state: 'hidden', timeout: 60_000 });
    expect(await page.getByRole('textbox', { name: 'Title' }).inputValue()).toBe('Typed without a studio');
    await page.context().close();
  });
});
