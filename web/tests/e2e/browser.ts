// A real Chromium, and what every test of the page holds it to.

import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { type Browser, type BrowserContext, type BrowserContextOptions, type Page, chromium } from 'playwright-core';

const kShots = process.env.HEART_SHOTS ?? new URL('../../shots', import.meta.url).pathname;

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required', '--mute-audio'],
  });

/** What the page itself complained about: none is the only good answer. */
export function complaintsOf(page: Page): string[] {
  const out: string[] = [];
  page.on('pageerror', (error) => out.push(`error: ${error.message}`));
  page.on('console', (message) => {
    // A refused request is told by Chromium itself; the page shows what it means.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) out.push(message.text());
  });
  return out;
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
// WCAG 2.2 AA, and what axe calls best practice.
const kRules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
type Axe = { run: (options: object) => Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }> };

/** What axe finds that keeps people out, as sentences. */
export async function barriersOf(page: Page): Promise<string[]> {
  // Through the inspector, which the page's security policy does not bind.
  await page.evaluate(axeSource);
  return page.evaluate(async (runOnly) => {
    const { violations } = await (window as unknown as { axe: Axe }).axe.run({ runOnly });
    const short = (text: string, most: number): string => text.replaceAll(/\s+/g, ' ').slice(0, most);
    return violations.flatMap((v) => v.nodes.slice(0, 3).map((n) => `${v.id}: ${short(n.html, 160)} ${short(n.failureSummary, 240)}`));
  }, kRules);
}

export async function freshContext(browser: Browser, options: BrowserContextOptions = {}): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: 'dark', locale: 'en-US', ...options });
  context.setDefaultTimeout(60_000);
  return context;
}

export async function shot(page: Page, name: string, fullPage = false): Promise<void> {
  mkdirSync(kShots, { recursive: true });
  await page.screenshot({ path: join(kShots, `${name}.png`), fullPage, animations: 'disabled' });
}

const kUser = { id: '00000000-0000-4000-8000-000000999999', username: 'ada', email: 'ada@example.org', created_at: '2026-01-02T10:00:00Z', admin: true };

/** Someone who signed in at the made-up studio before. */
export async function signIn(page: Page): Promise<void> {
  await page.addInitScript((user) => {
    localStorage.setItem('heartmula_token', 'a.b.c');
    localStorage.setItem('heartmula_user', user);
  }, JSON.stringify(kUser));
}
