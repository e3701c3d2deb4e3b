import { describe, expect, it } from 'vitest';

import { ApiError, faultOf } from '../../src/api/client';
import { gainsFor, loudnessOf } from '../../src/library/compare';
import { stacksOf } from '../../src/library/stacks';
import { ago, bytes, clock, span } from '../../src/ui/format';
import { barsOf } from '../../src/ui/Waveform';

describe('what an error says', () => {
  it('is its sentence', () => expect(faultOf(400, { detail: 'Email already registered' })).toMatchObject({ status: 400, message: 'Email already registered' }));
  it('are the fields, never [object Object]', () => {
    const error = faultOf(422, { detail: [{ type: 'missing', loc: ['body', 'lyrics'], msg: 'Field required', input: null }] });
    expect(error).toBeInstanceOf(ApiError);
    expect(error.faults).toEqual([{ field: 'lyrics', message: 'Field required' }]);
    expect(error.message).toBe('lyrics: Field required');
  });
  it('is its number when there is nothing else', () => expect(faultOf(502, null).message).toBe('HTTP 502'));
  it('keeps how long to wait', () => expect(faultOf(429, {}, '12').retryAfter).toBe(12));
});

describe('numbers', () => {
  it.each([[0, '0:00'], [59.9, '0:59'], [61, '1:01'], [3725, '1:02:05'], [Number.NaN, '0:00'], [-3, '0:00']])('%s s is %s on a clock', (s, text) =>
    expect(clock(s)).toBe(text));
  it.each([[50, '50 s'], [120, '2 min'], [160, '2 min 40 s'], [3720, '1 h 2 min']])('%s s is %s in a sentence', (s, text) => expect(span(s)).toBe(text));
  it.each([[12, '12 B'], [1500, '1.5 kB'], [250e6, '250 MB'], [3.2e9, '3.2 GB']])('%s bytes are %s', (n, text) => expect(bytes(n)).toBe(text));
  it('of times are relative, and dates when long past', () => {
    const now = Date.parse('2026-11-28T12:00:00Z');
    expect(ago('2026-11-28T11:00:00Z', 'en', now)).toBe('1 hour ago');
    expect(ago('2026-11-26T12:00:00Z', 'en', now)).toBe('2 days ago');
    expect(ago('2026-01-02T12:00:00Z', 'en', now)).toContain('2026');
    expect(ago('nonsense', 'en', now)).toBe('');
  });
});

describe('takes', () => {
  const song = (id: string, request: string | null, take: number) => ({ id, request_id: request, take }) as never;
  it('of one request are one stack, in their order', () => {
    const stacks = stacksOf([song('c', 'r', 2), song('x', 's', 0), song('a', 'r', 0), song('y', null, 0)]);
    expect(stacks.map((s) => s.songs.map((one) => one.id))).toEqual([['a', 'c'], ['x'], ['y']]);
  });
  it('are compared as loud as the quietest', () => {
    expect(gainsFor([0.5, 0.25, 0])).toEqual([0.5, 1, 1]);
    expect(gainsFor([0.5])).toEqual([1]);
    expect(loudnessOf([1, 1])).toBe(1);
    expect(loudnessOf([])).toBe(0);
  });
});

describe('bars', () => {
  it('show the loudest of what falls into them', () => {
    expect(barsOf([0.1, 0.9, 0.2, 0.3], 2)).toEqual([0.9, 0.3]);
    expect(barsOf([0.5], 3)).toEqual([0.5, 0.5, 0.5]);
    expect(barsOf([], 2)).toEqual([0, 0]);
    expect(barsOf([2], 1)).toEqual([1]);
  });
});
