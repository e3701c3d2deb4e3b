// Keys that work everywhere but where someone types.

import { useEffect } from 'react';
import { useNavigate } from 'react-router';

import {
  cycleRepeat,
  next,
  previous,
  seekBy,
  setOpen,
  setVolume,
  toggle,
  toggleMute,
  toggleShuffle,
  usePlayer,
} from '../player/player';
import { usePanels } from './panels';

const kTyping = 'input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]';
const kPressed = 'button, a, summary, [role=menuitem], [role=option], [role=radio], input[type=checkbox], input[type=radio]';

export const isTyping = (target: EventTarget | null): boolean => target instanceof Element && target.closest(kTyping) !== null;

const kPlaces: Record<string, string> = { c: '/create', q: '/queue', l: '/library', s: '/system' };
const kChordMs = 1200;

export function useGlobalKeys(): void {
  const navigate = useNavigate();
  useEffect(() => {
    let chord = 0;
    const keys = (e: KeyboardEvent): void => {
      if (e.defaultPrevented || e.isComposing) return;
      if ((e.metaKey || e.ctrlKey) && !e.altKey && e.key.toLowerCase() === 'k') {
        e.preventDefault();
        usePanels.setState((s) => ({ palette: !s.palette }));
        return;
      }
      if (e.metaKey || e.ctrlKey || e.altKey || isTyping(e.target)) return;
      if (document.querySelector('dialog[open]:not([data-keys])')) return;
      const key = e.key.toLowerCase();
      if (performance.now() - chord < kChordMs && kPlaces[key]) {
        chord = 0;
        e.preventDefault();
        void navigate(kPlaces[key]);
        return;
      }
      // On a button, Space presses the button.
      if (e.key === ' ' && e.target instanceof Element && e.target.closest(kPressed)) return;
      const { volume, open } = usePlayer.getState();
      const acts: Record<string, () => void> = {
        ' ': toggle,
        k: toggle,
        j: () => seekBy(-10),
        l: () => seekBy(10),
        n: () => next(),
        p: previous,
        m: toggleMute,
        r: cycleRepeat,
        s: toggleShuffle,
        e: () => setOpen(!open),
        '+': () => setVolume(volume + 0.05),
        '-': () => setVolume(volume - 0.05),
        '?': () => usePanels.setState({ keys: true }),
        g: () => {
          chord = performance.now();
        },
        '/': () => {
          const box = document.querySelector<HTMLInputElement>('[data-search]');
          if (box) box.focus();
          else void navigate('/library?find');
        },
      };
      const act = acts[key];
      if (!act) return;
      e.preventDefault();
      act();
    };
    document.addEventListener('keydown', keys);
    return () => document.removeEventListener('keydown', keys);
  }, [navigate]);
}
