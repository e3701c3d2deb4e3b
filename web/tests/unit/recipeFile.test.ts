import { describe, expect, it } from 'vitest';

import { recipeOf, settingsIn } from '../../src/library/recipeFile';

const settings = '{"model":"m","seed":"7","tags":"folk,piano","max_audio_length_ms":"60000","topk":"50","temperature":"1","cfg_scale":"1.5"}';
const text = (s: string): number[] => [...new TextEncoder().encode(s)];
const u32le = (n: number): number[] => [n & 255, (n >> 8) & 255, (n >> 16) & 255, n >>> 24];
const u32be = (n: number): number[] => u32le(n).reverse();
const safe = (n: number): number[] => [(n >> 21) & 127, (n >> 14) & 127, (n >> 7) & 127, n & 127];
const utf16 = (s: string): number[] => [0xff, 0xfe, ...[...s].flatMap((c) => [c.charCodeAt(0) & 255, c.charCodeAt(0) >> 8])];

function id3(): number[] {
  const frame = (name: string, body: number[]): number[] => [...text(name), ...u32be(body.length), 0, 0, ...body];
  const frames = [
    ...frame('TIT2', [1, ...utf16('Süß')]),
    ...frame('USLT', [1, ...text('eng'), 0xff, 0xfe, 0, 0, ...utf16('[Verse]\nline')]),
    ...frame('COMM', [0, ...text('eng'), 0, ...text(`made by Heart\n${settings}`)]),
  ];
  return [...text('ID3'), 3, 0, 0, ...safe(frames.length), ...frames];
}
function xiph(): number[] {
  const entries = ['TITLE=Süß', 'LYRICS=[Verse]\nline', `COMMENT=made by Heart\n${settings}`].map(text);
  return [...u32le(1), 118, ...u32le(entries.length), ...entries.flatMap((e) => [...u32le(e.length), ...e])];
}
function page(packetSizes: number[][], data: number[]): number[] {
  const lacing = packetSizes.flat();
  return [...text('OggS'), ...new Array<number>(22).fill(0), lacing.length, ...lacing, ...data];
}
function opus(): number[] {
  const tags = [...text('OpusTags'), ...xiph()];
  const lacing = [...new Array<number>(Math.floor(tags.length / 255)).fill(255), tags.length % 255];
  return [...page([[19]], new Array<number>(19).fill(1)), ...page([lacing], tags)];
}
const wav = (): number[] => {
  const tag = id3();
  return [...text('RIFF'), 0, 0, 0, 0, ...text('WAVE'), ...text('fmt '), ...u32le(4), 1, 2, 3, 4, ...text('id3 '), ...u32le(tag.length), ...tag];
};
const flac = (): number[] => {
  const body = xiph();
  return [...text('fLaC'), 0, 0, 0, 2, 9, 9, 0x84, 0, body.length >> 8, body.length & 255, ...body];
};

describe.each([
  ['MP3', id3],
  ['WAV', wav],
  ['FLAC', flac],
  ['Opus', opus],
])('a recipe in %s', (_name, make) => {
  it('is read whole', () =>
    expect(recipeOf(new Uint8Array(make()))).toMatchObject({
      title: 'Süß',
      lyrics: '[Verse]\nline',
      settings: { seed: '7', tags: 'folk,piano', max_audio_length_ms: '60000' },
    }));
  it('is none, and no error, when the file is cut off anywhere', () => {
    const bytes = new Uint8Array(make());
    for (let length = 0; length < bytes.length; length++) expect(() => recipeOf(bytes.slice(0, length))).not.toThrow();
  });
});

describe('settings', () => {
  it('are one object of texts', () => {
    expect(settingsIn('a comment')).toBeNull();
    expect(settingsIn('[1]')).toBeNull();
    expect(settingsIn('{"a":"b"}')).toBeNull();
    expect(settingsIn('x\n{"tags":"a","n":1}')).toEqual({ tags: 'a' });
  });
});
