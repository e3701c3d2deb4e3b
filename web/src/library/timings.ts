// When lines are sung, and which of them is now.

import type { Timings } from '../api/client';

export type TimedLine = Timings['lines'][number];

/** How long a line stays lit behind its end while no other one begins. */
const kLinger = 2;

/** The line of the lyrics that is sung at this second; none between and before them. */
export function lineAt(lines: TimedLine[], seconds: number): number | null {
  // Lines come in order: the last one that has begun.
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lines[middle]!.start <= seconds) low = middle + 1;
    else high = middle;
  }
  const line = lines[low - 1];
  return line && line.end > line.start && seconds < line.end + kLinger ? line.line : null;
}
