// What people do at the page, again and again.

import type { Page } from 'playwright-core';

// How long a song may take on a machine that has other things to do.
export const kMakeMs = Number(process.env.HEART_PATIENCE_MS ?? 180_000);

export async function register(page: Page, studio: { address: string }, name: string): Promise<void> {
  await page.goto(`${studio.address}/register`);
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Email').fill(`${name}@example.org`);
  await page.getByLabel('Password', { exact: true }).fill('correct horse');
  await page.getByLabel('Password once more').fill('correct horse');
  await page.getByRole('button', { name: 'Open account' }).click();
  await page.getByRole('button', { name: 'Make it' }).waitFor();
}

export async function make(page: Page, studio: { address: string }, name: string, title: string): Promise<void> {
  await register(page, studio, name);
  await write(page, title);
  await page.getByRole('button', { name: 'Make it' }).click();
  await page.getByText(`“${title}” is ready.`).waitFor({ timeout: kMakeMs });
}

export async function write(page: Page, title: string, seconds = 10): Promise<void> {
  await page.getByRole('textbox', { name: 'Title' }).fill(title);
  await page.getByLabel('Add a tag').fill('Piano, Happy,');
  await page.getByRole('textbox', { name: 'What it sings' }).fill('[Verse]\nThe sun creeps in across the floor\nI hear the traffic outside the door\n');
  await page.getByLabel('Longest duration').fill(String(seconds));
}
