// Which line is sung at a second?

import { describe, expect, it } from 'vitest';

import { lineAt } from '../../src/library/timings';

const line = (number: number, start: number, end: number) => ({ line: number, text: '', start, end });

describe('the line at a second', () => {
  const lines = [line(1, 2, 4), line(2, 4, 6), line(5, 20, 22)];
  it.each([
    [0, null], [2, 1], [3.9, 1], [4, 2], [6, 2], [7.9, 2], [8, null], [19.9, null], [20, 5], [21, 5], [24, null],
  ])('%d', (seconds, expected) => expect(lineAt(lines, seconds)).toBe(expected));
  it('is none where there are none', () => expect(lineAt([], 3)).toBeNull());
  it('is none that was never sung', () => expect(lineAt([line(1, 0, 3), line(2, 60, 60)], 60)).toBeNull());
});
