import { describe, expect, it } from 'vitest';

import { countsOf, estimateSeconds, hintsFor, insertSection, kindOf, moveSection, sectionsOf } from '../../src/create/lyrics';

const kSong = '[Verse]\none\ntwo\n\n[Chorus]\nthree\n\n[Outro]\nfour';

describe('sections', () => {
  it('begin at headers and know what they sing', () => {
    expect(sectionsOf(kSong).map((s) => [s.kind, s.first, s.last, s.sung])).toEqual([
      ['verse', 0, 4, 2],
      ['chorus', 4, 7, 1],
      ['outro', 7, 9, 1],
    ]);
  });
  it('before the first header count when they have words', () => {
    expect(sectionsOf('a line\n[Verse]\nb').map((s) => s.header)).toEqual(['', 'Verse']);
    expect(sectionsOf('\n\n[Verse]\nb').map((s) => s.header)).toEqual(['Verse']);
  });
  it.each([
    ['Verse 2', 'verse'],
    ['Pre-Chorus', 'prechorus'],
    ['pre chorus', 'prechorus'],
    ['CHORUS', 'chorus'],
    ['Guitar Solo', 'other'],
  ])('are told by name: %s is %s', (name, kind) => expect(kindOf(name)).toBe(kind));
});

describe('moving a section', () => {
  it('keeps every line, whichever way', () => {
    const lines = (text: string) => text.split('\n').filter(Boolean).sort();
    for (let from = 0; from < 3; from++) {
      for (let to = 0; to < 3; to++) expect(lines(moveSection(kSong, from, to))).toEqual(lines(kSong));
    }
  });
  it('puts the last one first with an empty line between', () => {
    expect(moveSection(kSong, 2, 0)).toBe('[Outro]\nfour\n\n[Verse]\none\ntwo\n\n[Chorus]\nthree');
  });
  it('does nothing for places that are not there', () => expect(moveSection(kSong, 0, 9)).toBe(kSong));
});

describe('inserting a section', () => {
  it('begins an empty text', () => expect(insertSection('', 'verse', 0)).toEqual({ text: '[Verse]\n', cursor: 8 }));
  it('goes behind the line of the cursor', () => {
    const { text, cursor } = insertSection('[Verse]\none\n\n[Outro]\nlast', 'chorus', 9);
    expect(text).toBe('[Verse]\none\n\n[Chorus]\n\n\n[Outro]\nlast');
    expect(text.slice(0, cursor).endsWith('[Chorus]\n')).toBe(true);
  });
});

describe('the estimate', () => {
  it('is nothing for nothing', () => expect(estimateSeconds('')).toBe(0));
  it('grows with every line', () => {
    const one = estimateSeconds('[Verse]\nthe sun creeps in across the floor');
    const two = estimateSeconds('[Verse]\nthe sun creeps in across the floor\nI hear the traffic outside the door');
    expect(two).toBeGreaterThan(one);
  });
  it('counts a section without words', () =>
    expect(estimateSeconds('[Intro]\n\n[Verse]\none')).toBeGreaterThan(estimateSeconds('[Verse]\none')));
  it('knows scripts without spaces', () => expect(estimateSeconds('[Verse]\n夜の風が窓を叩いて')).toBeGreaterThan(2));
});

describe('counts', () => {
  it('leave headers out and count bytes of UTF-8', () =>
    expect(countsOf('[Verse]\ntwo words\n夜風')).toEqual({ lines: 2, words: 4, bytes: 24 }));
});

describe('hints', () => {
  const names = (text: string, tags: string[], seconds: number) => hintsFor(text, tags, seconds).map((h) => h.hint);
  it('say nothing about a song that fits', () => {
    const song = `[Verse]\n${'the sun creeps in across the floor\n'.repeat(8)}\n[Chorus]\n${'every day the light returns\n'.repeat(8)}`;
    expect(names(song, ['folk', 'piano'], estimateSeconds(song))).toEqual([]);
  });
  it.each([
    ['noSections', 'just a line that is sung\nand another', ['a', 'b'], 10],
    ['unknownSection', '[Guitar Solo]\nla', ['a', 'b'], 10],
    ['inlineNotes', '[Verse]\nla la (guitar solo)', ['a', 'b'], 10],
    ['tooLong', `[Verse]\n${'a rather long line of words to sing\n'.repeat(40)}`, ['a', 'b'], 30],
    ['tooShort', '[Verse]\none line', ['a', 'b'], 240],
    ['instrumental', '[Intro]\n\n[Outro]', ['a', 'b'], 60],
    ['loneTag', '[Verse]\none', ['pop'], 10],
    ['noTags', '[Verse]\none', [], 10],
  ] as const)('tell of %s', (hint, text, tags, seconds) => expect(names(text, [...tags], seconds)).toContain(hint));
});
