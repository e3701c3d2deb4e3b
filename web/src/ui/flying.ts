// Is the page scrolled so fast that nobody can look at a picture? Fetching and decoding each one that flies past takes longer
// than all else that a frame needs.

import { create } from 'zustand';

const kScreens = 1.5; // a second: from here on it flies
const kRestMs = 120; // without a movement: it stands

export const useFlying = create<{ flying: boolean }>(() => ({ flying: false }));

let at = 0;
let when = -Infinity;
let rest: ReturnType<typeof setTimeout> | undefined;

function land(): void {
  clearTimeout(rest);
  if (useFlying.getState().flying) useFlying.setState({ flying: false });
}

/** The page stands at `y` now; a single jump is no flight. */
export function moved(y: number, now: number, screen: number): void {
  const screens = Math.abs(y - at) / screen;
  const seconds = (now - when) / 1000;
  [at, when] = [y, now];
  if (seconds * 1000 > kRestMs || screens < kScreens * seconds) {
    land();
    return;
  }
  if (!useFlying.getState().flying) useFlying.setState({ flying: true });
  clearTimeout(rest);
  rest = setTimeout(land, kRestMs);
}

addEventListener('scroll', (event) => moved(window.scrollY, event.timeStamp, window.innerHeight), { passive: true });
