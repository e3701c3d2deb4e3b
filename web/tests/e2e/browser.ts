// A real Chromium, and what every test of the page holds it to.

import { mkdirSync } from 'node:fs';
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

export async function freshContext(browser: Browser, options: BrowserContextOptions = {}): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: 'dark', locale: 'en-US', ...options });
  context.setDefaultTimeout(60_000);
  return context;
}

export async function shot(page: Page, name: string, fullPage = false): Promise<void> {
  mkdirSync(kShots, { recursive: true });
  await page.screenshot({ path: join(kShots, `${name}.png`), fullPage, animations: 'disabled' });
}
