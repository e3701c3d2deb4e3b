// Draws the PNG icons of the manifest from icon.svg, with the Chromium of the tests. Run when the icon changes.
import { readFileSync, writeFileSync } from 'node:fs';

import { chromium } from 'playwright-core';

const folder = new URL('../public/', import.meta.url);
const svg = readFileSync(new URL('icon.svg', folder), 'utf8');
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
const page = await browser.newPage();
for (const size of [192, 512]) {
  await page.setViewportSize({ width: size, height: size });
  // Maskable: the mark stays within the middle 80 %, the ground fills the square.
  const ground = size === 512 ? '#141822' : 'transparent';
  await page.setContent(`<style>body{margin:0;background:${ground}}svg{display:block;width:${size}px}</style>${svg}`);
  writeFileSync(new URL(`icon-${size}.png`, folder), await page.screenshot({ omitBackground: true }));
}
await browser.close();
