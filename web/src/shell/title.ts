// The title and the icon of the tab tell what plays.

import { useEffect } from 'react';

import { at } from '../api/base';
import { currentTrack, usePlayer } from '../player/player';

const kName = 'Heart Studio';

export function useDocumentTitle(): void {
  const playing = usePlayer((p) => p.playing);
  const title = usePlayer((p) => currentTrack(p)?.title ?? null);
  useEffect(() => {
    document.title = playing && title ? `▶ ${title} · ${kName}` : kName;
    document.querySelector('link[rel="icon"]')?.setAttribute('href', at(playing ? '/icon-playing.svg' : '/icon.svg'));
  }, [playing, title]);
}
