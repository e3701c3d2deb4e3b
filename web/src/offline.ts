// The worker that keeps the page itself: see worker/sw.js. Browsers run it on https and on this machine only.

import { create } from 'zustand';

import { at, base } from './api/base';

type InstallEvent = Event & { prompt: () => Promise<unknown> };

/** What the browser hands over when the page can be installed; null when it cannot, or is. */
export const useInstall = create<{ event: InstallEvent | null }>(() => ({ event: null }));

export function install(): void {
  const { event } = useInstall.getState();
  useInstall.setState({ event: null });
  void event?.prompt();
}

window.addEventListener('beforeinstallprompt', (event) => {
  event.preventDefault();
  useInstall.setState({ event: event as InstallEvent });
});
window.addEventListener('appinstalled', () => useInstall.setState({ event: null }));

export function keepPage(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  // Behind the first paint, which it must not slow down.
  const begin = (): void => void navigator.serviceWorker.register(at('/sw.js'), { scope: `${base}/` }).catch(() => undefined);
  if (document.readyState === 'complete') begin();
  else window.addEventListener('load', begin, { once: true });
}
