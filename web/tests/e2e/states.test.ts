// Every page and state in a real Chromium, in both themes and on a phone, against a made-up studio: axe finds nothing, nothing
// is cut off, nothing is complained about. Leaves pictures.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { complaintsOf, freshContext, openBrowser, shot } from './browser';
import { type Mock, kLyrics, startMock } from './mock';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const kSong = '00000000-0000-4000-8000-000000000000';
const kOther = '00000000-0000-4000-8000-000000000001';
const kUser = { id: '00000000-0000-4000-8000-000000999999', username: 'ada', email: 'ada@example.org', created_at: '2026-01-02T10:00:00Z', admin: true };
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

async function signedIn(look: keyof typeof kLooks, draft: object = kDraft): Promise<Page> {
  const context = await freshContext(browser, { reducedMotion: 'reduce', ...kLooks[look] });
  const desk = JSON.stringify({ state: { draft, earlier: [], presets: [] }, version: 1 });
  await context.addInitScript(
    ([user, kept]) => {
      localStorage.setItem('heartmula_token', 'a.b.c');
      localStorage.setItem('heartmula_user', user!);
      if (!localStorage.getItem('heart.desk')) localStorage.setItem('heart.desk', kept!);
    },
    [JSON.stringify(kUser), desk],
  );
  return context.newPage();
}

/** Nothing of what the page asked for is under way. */
const settled = async (page: Page): Promise<void> => {
  await page.waitForFunction(() => !document.querySelector('.animate-breathe.bg-raised') && document.getElementById('root')?.childElementCount);
};

async function expectAccessible(page: Page): Promise<void> {
  // Through the inspector, which the page's security policy does not bind.
  await page.evaluate(axeSource);
  const found = await page.evaluate(async () => {
    const { violations } = await (window as unknown as { axe: { run: (o: object) => Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }> } }).axe.run({
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    });
    return violations.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => `${n.html.slice(0, 160)} ${n.failureSummary.replaceAll('\n', ' ').slice(0, 200)}`).join(' || ')}`);
  });
  expect(found).toEqual([]);
}

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
      await expect.soft(await overflow(page), `${name} is too wide`).toBe(0);
      await expectAccessible(page).catch((error: Error) => expect.soft(error.message, name).toBe(''));
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
    await expectAccessible(page);
    await shot(page, `${look}-tags`);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Commands and songs' }).fill('rain');
    await page.getByRole('option', { name: /Rain on a Tin Roof/ }).first().waitFor();
    await expectAccessible(page);
    await shot(page, `${look}-palette`);
    await page.keyboard.press('Enter');
    await page.getByRole('region', { name: 'Player' }).waitFor();
    await page.goto(`${mock.address}/library`);
    await page.getByRole('button', { name: 'Play Harbour Lights', exact: true }).first().click();
    await page.getByRole('region', { name: 'Player' }).waitFor();
    await expectAccessible(page);
    await shot(page, `${look}-player`);
    await page.getByRole('button', { name: 'Open the listening view' }).click();
    await page.getByRole('dialog', { name: 'Listening' }).getByText('The sun creeps in across the floor').waitFor();
    await expectAccessible(page);
    await shot(page, `${look}-listening`);
    await page.context().close();
  });
  it('shows the doors', async () => {
    const context = await freshContext(browser, { reducedMotion: 'reduce', ...kLooks[look] });
    const page = await context.newPage();
    for (const [name, path] of [['sign-in', '/library?q=a'], ['register', '/register?invite=abc']] as const) {
      await page.goto(mock.address + path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      expect(await overflow(page)).toBe(0);
      await expectAccessible(page);
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
      await expectAccessible(page);
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

describe('a library of 10,000 songs', () => {
  it('draws only what is in sight, and goes on as one scrolls', async () => {
    mock = await startMock({ songs: 10_000 });
    const page = await signedIn('dark');
    await page.goto(`${mock.address}/library`);
    await page.getByText('10000 songs').waitFor();
    const cards = page.getByRole('listitem');
    await cards.first().waitFor();
    for (let i = 0; i < 8; i++) {
      const before = await page.evaluate(() => document.documentElement.scrollHeight);
      await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight));
      await page.waitForFunction((height) => document.documentElement.scrollHeight > height, before);
    }
    expect(await cards.count()).toBeLessThan(80);
    // Frames while it scrolls: printed, because a busy machine proves nothing.
    const frames = await page.evaluate(async () => {
      const times: number[] = [];
      let last = performance.now();
      for (let i = 0; i < 60; i++) {
        window.scrollBy(0, -120);
        await new Promise(requestAnimationFrame);
        times.push(performance.now() - last);
        last = performance.now();
      }
      return times.sort((a, b) => a - b);
    });
    console.log(`scrolling 10,000 songs: median frame ${frames[30]!.toFixed(1)} ms, worst ${frames[59]!.toFixed(1)} ms`);
    await page.context().close();
  });
});
