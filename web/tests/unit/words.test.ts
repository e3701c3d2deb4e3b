// Every language has the same words with the same blanks.

import { describe, expect, it } from 'vitest';

import { de } from '../../src/i18n/de';
import { en } from '../../src/i18n/en';
import { es } from '../../src/i18n/es';
import { ja } from '../../src/i18n/ja';
import { ko } from '../../src/i18n/ko';
import { zh } from '../../src/i18n/zh';

function flat(words: object, path = ''): Map<string, string> {
  const out = new Map<string, string>();
  for (const [key, value] of Object.entries(words)) {
    if (typeof value === 'string') out.set(path + key, value);
    else for (const [inner, text] of flat(value as object, `${path}${key}.`)) out.set(inner, text);
  }
  return out;
}
const blanks = (text: string): string[] => [...text.matchAll(/{{(\w+)[^}]*}}/g)].map((m) => m[1]!).sort();
const english = flat(en);

describe.each(Object.entries({ de, es, zh, ja, ko }))('%s', (_name, words) => {
  it('has every word, with its blanks', () => {
    const other = flat(words);
    expect([...other.keys()].sort()).toEqual([...english.keys()].sort());
    for (const [key, text] of other) expect([key, blanks(text)]).toEqual([key, blanks(english.get(key)!)]);
  });
});

describe('the words', () => {
  it('shout at nobody', () => {
    for (const [key, text] of english) expect([key, text.includes('!')]).toEqual([key, false]);
  });
});
