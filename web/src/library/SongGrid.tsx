// Cards in rows. Only the rows near the window exist.

import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo } from 'react';

import type { Song } from '../api/client';
import { useSignedMedia } from '../api/queries';
import { SongCard } from './SongCard';
import { stacksOf } from './stacks';
import { useBox } from './useBox';

const kCardWidth = 208;
/** What a card has below its cover. */
const kCardFoot = 112;

type Props = { songs: Song[]; selected: ReadonlySet<string>; onSelect: (ids: string[]) => void; onEnd: () => void };

export function SongGrid({ songs, selected, onSelect, onEnd }: Props) {
  const signed = useSignedMedia();
  const { box, top, width } = useBox();
  const stacks = useMemo(() => stacksOf(songs), [songs]);
  const columns = Math.max(2, Math.floor((width || 960) / kCardWidth));
  const count = Math.ceil(stacks.length / columns);
  const rows = useWindowVirtualizer({
    count,
    estimateSize: () => (width || 960) / columns + kCardFoot,
    overscan: 2,
    useFlushSync: false,
    scrollMargin: top,
  });
  const items = rows.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= count - 3) onEnd();
  }, [last, count, onEnd]);
  useEffect(() => {
    rows.measure();
  }, [columns, rows]);
  return (
    <div ref={box}>
      <div role="list" style={{ height: rows.getTotalSize() }} className="relative w-full">
        {items.map((row) => (
          <div
            key={row.key}
            ref={rows.measureElement}
            data-index={row.index}
            role="presentation"
            className="absolute inset-x-0 top-0 grid gap-2 pb-3"
            style={{
              transform: `translateY(${row.start - rows.options.scrollMargin}px)`,
              gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
            }}
          >
            {stacks.slice(row.index * columns, (row.index + 1) * columns).map((stack) => (
              <div key={stack.key} role="listitem" className="min-w-0">
                <SongCard
                  stack={stack}
                  signed={signed}
                  selecting={selected.size > 0}
                  selected={stack.songs.every((s) => selected.has(s.id))}
                  onSelect={onSelect}
                />
              </div>
            ))}
          </div>
        ))}
      </div>
    </div>
  );
}
