import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { moved, useFlying } from '../../src/ui/flying';

const flying = (): boolean => useFlying.getState().flying;
const kScreen = 1000;

/** Scrolls with so many pixels a frame; starts at 0. */
function scroll(step: number, frames: number, from = 0, start = 1000): void {
  for (let i = 0; i <= frames; i++) moved(from + i * step, start + i * 16, kScreen);
}

describe('a page that is scrolled', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    moved(0, 0, kScreen);
  });
  afterEach(() => vi.useRealTimers());

  it('flies above one and a half screens a second', () => {
    scroll(25, 10); // 1.56 screens a second
    expect(flying()).toBe(true);
  });
  it('does not fly where somebody reads', () => {
    scroll(20, 50);
    expect(flying()).toBe(false);
  });
  it('lands when it slows down', () => {
    scroll(80, 10);
    moved(801, 1176, kScreen);
    expect(flying()).toBe(false);
  });
  it('lands when it stops', () => {
    scroll(80, 10);
    vi.advanceTimersByTime(119);
    expect(flying()).toBe(true);
    vi.advanceTimersByTime(1);
    expect(flying()).toBe(false);
  });
  it('does not fly when it jumps', () => {
    moved(50_000, 5000, kScreen);
    expect(flying()).toBe(false);
  });
});
