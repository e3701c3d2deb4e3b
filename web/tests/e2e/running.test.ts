// A studio that is run: invites, accounts, backups, downloads of checkpoints and webhooks, on the real page of the real program.

import { readFileSync } from 'node:fs';

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { register } from './acts';
import { barriersOf, complaintsOf, freshContext, openBrowser, shot } from './browser';
import { type Studio, hasStudio, startStudio } from './studio';

describe.skipIf(!hasStudio)('a studio', () => {
  let browser: Browser;
  let studio: Studio;
  beforeAll(async () => {
    browser = await openBrowser();
    // Nobody listens there: a download of gigabytes ends before it begins.
    studio = await startStudio(['--registration', 'invite', '--models-source', 'http://127.0.0.1:9']);
  });
  afterAll(async () => {
    await browser?.close();
    await studio?.stop();
  });

  it('is run by its first account', async () => {
    const context = await freshContext(browser, { acceptDownloads: true, permissions: ['clipboard-read', 'clipboard-write'] });
    const page = await context.newPage();
    // The dialog that asks where to save is the system's, out of a test's reach.
    await page.addInitScript(() => delete (window as { showSaveFilePicker?: unknown }).showSaveFilePicker);
    const complaints = complaintsOf(page);
    await register(page, studio, 'root');
    await page.goto(`${studio.address}/admin`);
    await page.getByRole('heading', { name: 'Accounts' }).waitFor();

    await page.getByRole('button', { name: 'Invite someone' }).click();
    const invite = await page.getByRole('textbox', { name: 'Invite link' }).inputValue();
    const other = await freshContext(browser);
    const guest = await other.newPage();
    await guest.goto(invite);
    await guest.getByLabel('Name').fill('guest');
    await guest.getByLabel('Email').fill('guest@example.org');
    await guest.getByLabel('Password', { exact: true }).fill('correct horse');
    await guest.getByLabel('Password once more').fill('correct horse');
    await guest.getByRole('button', { name: 'Open account' }).click();
    await guest.getByRole('button', { name: 'Make it' }).waitFor();
    const again = await (await freshContext(browser)).newPage();
    await again.goto(`${studio.address}/register`);
    await again.getByText(/invite/i).first().waitFor();

    await page.reload();
    await page.getByRole('button', { name: 'Change guest' }).click();
    await page.getByRole('menuitem', { name: 'Disable' }).click();
    await page.getByText('disabled', { exact: true }).waitFor();
    await guest.goto(`${studio.address}/library`);
    await guest.getByRole('button', { name: 'Sign in' }).waitFor();

    await page.getByRole('button', { name: 'Back up now' }).click();
    await page.getByText('The backup is written.').waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: /^Download heart-.*\.tar$/ }).click(),
    ]);
    expect(download.suggestedFilename()).toMatch(/^heart-.*\.tar$/);
    // A tar's first member, by its magic, and the database in it.
    const bytes = readFileSync(await download.path());
    expect(bytes.subarray(257, 262).toString()).toBe('ustar');
    expect(bytes.includes('SQLite format 3')).toBe(true);
    await shot(page, 'real-admin', true);
    expect(await barriersOf(page)).toEqual([]);
    await page.getByRole('button', { name: /^Delete heart-.*\.tar$/ }).click();
    await page.getByText('No backups yet.').waitFor();

    await page.getByRole('button', { name: 'Download HeartTranscriptor-oss' }).click();
    await page.getByText(/^The download failed: /).waitFor();

    // A menu shuts when the page scrolls: first there, then open it.
    await page.evaluate(() => new Promise((done) => (scrollTo(0, 0), requestAnimationFrame(() => requestAnimationFrame(done)))));
    await page.getByRole('button', { name: 'Change guest' }).click();
    await page.getByRole('menuitem', { name: 'Delete account' }).click();
    await page.getByRole('textbox', { name: 'Name of the account' }).fill('guest');
    await page.getByRole('button', { name: 'Delete account' }).click();
    await page.getByText('guest@example.org').waitFor({ state: 'detached' });
    expect(complaints).toEqual([]);
    await other.close();
    await context.close();
  });

  it('tells webhooks, whose secret is shown once', async () => {
    const context = await freshContext(browser);
    const page = await context.newPage();
    const complaints = complaintsOf(page);
    await page.goto(`${studio.address}/sign-in`);
    await page.getByLabel('Email').fill('root@example.org');
    await page.getByLabel('Password').fill('correct horse');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: 'Make it' }).waitFor();
    await page.goto(`${studio.address}/profile`);
    await page.getByLabel('Address').fill('http://127.0.0.1:9/hook');
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByText(/https/).first().waitFor();
    await page.getByLabel('Address').fill('https://example.org/hook');
    await page.getByRole('button', { name: 'Add' }).click();
    expect((await page.getByRole('textbox', { name: 'Secret' }).inputValue()).length).toBeGreaterThan(20);
    await page.reload();
    await page.getByRole('button', { name: 'Delete https://example.org/hook' }).waitFor();
    expect(await page.getByRole('textbox', { name: 'Secret' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Delete https://example.org/hook' }).click();
    await page.getByText('https://example.org/hook').waitFor({ state: 'detached' });
    expect(complaints).toEqual([]);
    await context.close();
  });
});
