// Theme, language and other tastes of this browser.

import { create } from 'zustand';
import { createJSONStorage, persist } from 'zustand/middleware';

export type Theme = 'system' | 'light' | 'dark';
type Look = { libraryView: 'cards' | 'table'; fine: boolean };

export const useLook = create<Look>()(
  persist((): Look => ({ libraryView: 'cards', fine: false }), {
    name: 'heart.look',
    version: 1,
    storage: createJSONStorage(() => localStorage),
  }),
);

const kTheme = 'heart.theme';
const light = matchMedia('(prefers-color-scheme: light)');

export const useTheme = create<{ theme: Theme }>(() => {
  const kept = localStorage.getItem(kTheme);
  return { theme: kept === 'light' || kept === 'dark' ? kept : 'system' };
});

function apply(theme: Theme): void {
  const shown = theme === 'system' ? (light.matches ? 'light' : 'dark') : theme;
  document.documentElement.dataset.theme = shown;
  document.querySelector('meta[name="theme-color"]')?.setAttribute('content', shown === 'light' ? '#faf8f6' : '#0b0d12');
}

export function setTheme(theme: Theme): void {
  if (theme === 'system') localStorage.removeItem(kTheme);
  else localStorage.setItem(kTheme, theme);
  useTheme.setState({ theme });
  apply(theme);
}

light.addEventListener('change', () => apply(useTheme.getState().theme));
apply(useTheme.getState().theme);
