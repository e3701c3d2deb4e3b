// Every pair of text and ground that the page uses has the contrast of WCAG 2.2 AA, in both themes.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const css = readFileSync('src/ui/tokens.css', 'utf8');

function tokensOf(selector: string): Record<string, string> {
  const start = css.indexOf(`${selector} {`);
  const block = css.slice(start, css.indexOf('\n}', start));
  return Object.fromEntries([...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map((m) => [m[1]!, m[2]!]));
}

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((i) => {
    const v = Number.parseInt(hex.slice(i, i + 2), 16) / 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

const dark = tokensOf(':root');
const themes = { dark, light: { ...dark, ...tokensOf(":root[data-theme='light']") } };
const grounds = ['ink', 'panel', 'raised'];
const texts = ['text', 'soft', 'faint', 'heart-text', 'compose-text', 'ok', 'warn', 'bad'];
const sections = ['intro', 'verse', 'prechorus', 'chorus', 'bridge', 'outro', 'other'].map((s) => `section-${s}`);

describe.each(Object.entries(themes))('the %s theme', (_name, t) => {
  it.each(texts.flatMap((text) => grounds.map((ground) => [text, ground] as const)))('%s on %s can be read', (text, ground) =>
    expect(contrast(t[text]!, t[ground]!)).toBeGreaterThanOrEqual(4.5),
  );
  it.each(sections)('%s can be read on the page', (name) => expect(contrast(t[name]!, t.ink!)).toBeGreaterThanOrEqual(4.5));
  it.each([
    ['on-heart', 'heart'],
    ['on-heart', 'ember'],
    ['on-compose', 'compose'],
  ])('%s on %s can be read', (text, ground) => expect(contrast(t[text]!, t[ground]!)).toBeGreaterThanOrEqual(4.5));
  it.each(grounds)('the edge of a control is seen on %s', (ground) => expect(contrast(t.edge!, t[ground]!)).toBeGreaterThanOrEqual(3));
  it.each(grounds)('the focus ring is seen on %s', (ground) => expect(contrast(t['heart-text']!, t[ground]!)).toBeGreaterThanOrEqual(3));
});

// The first paint comes before the page's own styles: the document itself says these two.
describe('the document', () => {
  const style = /<style>([^]*?)<\/style>/.exec(readFileSync('index.html', 'utf8'))![1]!;
  it.each([
    [':root', 'html {'],
    [":root[data-theme='light']", "html[data-theme='light'] {"],
  ])('begins in the colours of %s', (selector, rule) => {
    const { ink, text } = tokensOf(selector);
    const start = style.indexOf(rule);
    const block = style.slice(start, style.indexOf('}', start));
    expect(block).toContain(`background: ${ink};`);
    expect(block).toContain(`color: ${text};`);
  });
});
