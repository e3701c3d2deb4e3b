// All songs as one table, from the first to the last: each has its place from the beginning, and what is in sight is fetched.

import { useQueries } from '@tanstack/react-query';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { Undo2 } from 'lucide-react';
import { memo, useCallback, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import type { Song } from '../api/client';
import { type SongFilter, kPageSize, songsPageQuery, useStatus } from '../api/queries';
import { type Track, currentTrack, trackOf, usePlayer } from '../player/player';
import { ago, clock, decimal, exactTime } from '../ui/format';
import { IconButton, Skeleton, cx } from '../ui/kit';
import { Rating } from './Rating';
import { SongActions } from './SongActions';
import { PlayCover } from './SongRow';
import { useBox } from './useBox';
import { useSongActs } from './useSongActs';

const kRowHeight = 60;
/** Whoever flies past does not want what is there. */
const kSettleMs = 60;

const narrow = 'grid items-center gap-3 grid-cols-[28px_44px_minmax(0,1fr)_auto] ';
const columns = `${narrow} md:grid-cols-[28px_44px_minmax(0,2fr)_minmax(0,1.6fr)_64px_120px_132px_auto]`;
/** With how well a song goes with its tags: where there is room for it. */
const columnsWithFit =
  `${narrow} md:grid-cols-[28px_44px_minmax(0,2fr)_minmax(0,1.6fr)_64px_120px_132px_auto] ` +
  'lg:grid-cols-[28px_44px_minmax(0,2fr)_minmax(0,1.6fr)_64px_72px_120px_132px_auto]';

function Head({ fit }: { fit: boolean }) {
  const { t } = useTranslation();
  return (
    <div aria-hidden className={cx(fit ? columnsWithFit : columns, 'hidden border-b border-line px-2 pb-2 text-xs text-faint md:grid')}>
      <span />
      <span />
      <span>{t('library.column.title')}</span>
      <span>{t('library.column.tags')}</span>
      <span className="text-right">{t('library.column.length')}</span>
      {fit && <span className="hidden text-right lg:block">{t('library.column.fit')}</span>}
      <span>{t('library.column.rating')}</span>
      <span>{t('library.column.made')}</span>
      <span className="w-20" />
    </div>
  );
}

type RowProps = { song: Song; signed: boolean; fit: boolean; list: () => Track[]; selected: boolean; onSelect: (ids: string[]) => void };

const Row = memo(function Row({ song, signed, fit, list, selected, onSelect }: RowProps) {
  const { t, i18n } = useTranslation();
  const acts = useSongActs();
  const current = usePlayer((p) => currentTrack(p)?.id === song.id);
  return (
    <div className={cx(fit ? columnsWithFit : columns, 'h-[60px] rounded-control px-2 hover:bg-panel', (selected || current) && 'bg-panel')}>
      <input
        type="checkbox"
        checked={selected}
        onChange={() => onSelect([song.id])}
        aria-label={t('library.select', { title: song.title ?? '' })}
        className="size-5 accent-heart"
      />
      <PlayCover track={trackOf(song, signed)} list={list} side={128} className="w-11" />
      <div className="min-w-0">
        {song.deleted_at ? (
          <span className="block truncate text-sm font-medium">{song.title}</span>
        ) : (
          <Link to={`/library/${song.id}`} className={cx('block truncate text-sm font-medium', current && 'text-hearttext')}>
            {song.title}
          </Link>
        )}
        <p className="truncate text-xs text-soft md:hidden">
          {clock(song.duration_ms / 1000)} · {song.tags.replaceAll(',', ', ')}
        </p>
      </div>
      <span className="hidden truncate text-sm text-soft md:block">{song.tags.replaceAll(',', ', ')}</span>
      <span className="hidden text-right text-sm text-soft md:block">{clock(song.duration_ms / 1000)}</span>
      {fit && (
        <span className="hidden text-right text-sm text-soft lg:block">
          {song.tag_similarity !== null && (
            <>
              <span className="sr-only">{t('like.fit')} </span>
              {decimal(song.tag_similarity, i18n.language)}
            </>
          )}
        </span>
      )}
      <span className="hidden md:block">{!song.deleted_at && <Rating song={song} small />}</span>
      <time
        className="hidden truncate text-sm text-soft md:block"
        dateTime={song.created_at}
        title={exactTime(song.created_at, i18n.language)}
      >
        {ago(song.created_at, i18n.language)}
      </time>
      <span className="flex w-20 justify-end">
        {song.deleted_at ? (
          <IconButton label={t('library.restoreOne', { title: song.title ?? '' })} icon={Undo2} onClick={() => acts.restore([song.id])} />
        ) : (
          <SongActions song={song} compact />
        )}
      </span>
    </div>
  );
});

/** The pages from `first` to `last`, once the scrolling stays with them. */
function usePages(filter: SongFilter, first: number, last: number) {
  const [range, setRange] = useState([first, last] as const);
  useEffect(() => {
    const timer = setTimeout(() => setRange([first, last]), kSettleMs);
    return () => clearTimeout(timer);
  }, [first, last]);
  const numbers = Array.from({ length: range[1] - range[0] + 1 }, (_, i) => range[0] + i);
  return useQueries({
    queries: numbers.map((page) => songsPageQuery(filter, page)),
    combine: (results) => {
      const songs = new Map<number, Song>();
      results.forEach((result, i) => {
        result.data?.items.forEach((song, j) => songs.set((numbers[i]! - 1) * kPageSize + j, song));
      });
      return songs;
    },
  });
}

type Props = { filter: SongFilter; total: number; selected: ReadonlySet<string>; onSelect: (ids: string[]) => void };

export function SongTable({ filter, total, selected, onSelect }: Props) {
  const status = useStatus().data;
  const signed = status?.signed_media ?? false;
  const fit = status?.embedder_present ?? false;
  const { box, top } = useBox();
  const rows = useWindowVirtualizer({ count: total, estimateSize: () => kRowHeight, overscan: 6, scrollMargin: top, useFlushSync: false });
  const items = rows.getVirtualItems();
  const pageOf = (index: number | undefined): number => Math.floor((index ?? 0) / kPageSize) + 1;
  const songs = usePages(filter, pageOf(items[0]?.index), pageOf(items.at(-1)?.index));
  // One and the same for all rows, whatever is fetched meanwhile: they are drawn again only where their song changes.
  const latest = useRef(songs);
  latest.current = songs;
  const list = useCallback(() => [...latest.current.values()].map((song) => trackOf(song, signed)), [signed]);
  return (
    <div>
      <Head fit={fit} />
      <div ref={box} role="list" style={{ height: rows.getTotalSize() }} className="relative w-full">
        {items.map((row) => {
          const song = songs.get(row.index);
          return (
            <div
              key={row.key}
              role="listitem"
              aria-posinset={row.index + 1}
              aria-setsize={total}
              className="absolute inset-x-0 top-0"
              style={{ height: kRowHeight, transform: `translateY(${row.start - rows.options.scrollMargin}px)` }}
            >
              {song ? (
                <Row song={song} signed={signed} fit={fit} list={list} selected={selected.has(song.id)} onSelect={onSelect} />
              ) : (
                <Skeleton className="mx-2 my-1.5 h-12" />
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}
