import { GitCompareArrows } from 'lucide-react';
import { memo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import type { Song } from '../api/client';
import { trackOf } from '../player/player';
import { ago, clock, exactTime } from '../ui/format';
import { cx } from '../ui/kit';
import { SongActions } from './SongActions';
import { PlayCover } from './SongRow';
import type { Stack } from './stacks';

type Props = { stack: Stack; signed: boolean; selecting: boolean; selected: boolean; onSelect: (ids: string[]) => void };

/** Cover first. Takes of one request are one card with a dot each. */
export const SongCard = memo(function SongCard({ stack, signed, selecting, selected, onSelect }: Props) {
  const { t, i18n } = useTranslation();
  const [at, setAt] = useState(0);
  const song = stack.songs[Math.min(at, stack.songs.length - 1)] as Song;
  const many = stack.songs.length > 1;
  return (
    <article aria-label={song.title ?? ''} className={cx('group relative min-w-0 rounded-card p-2 transition-colors hover:bg-panel', selected && 'bg-raised')}>
      <div className="relative">
        {many && (
          <span aria-hidden className="absolute inset-x-3 -top-1.5 h-4 rounded-t-control border border-line bg-raised" />
        )}
        <PlayCover track={trackOf(song, signed)} list={() => stack.songs.map((s) => trackOf(s, signed))} side={384} className="w-full" />
        <span className="pointer-events-none absolute right-2 bottom-2 rounded-full bg-[rgb(0_0_0/0.66)] px-2 py-0.5 text-xs text-white">
          {clock(song.duration_ms / 1000)}
        </span>
        <label
          className={cx(
            'absolute top-1.5 left-1.5 grid size-9 place-items-center rounded-control transition-opacity',
            selecting || selected ? 'opacity-100' : 'opacity-0 group-hover:opacity-100 focus-within:opacity-100',
          )}
        >
          <input
            type="checkbox"
            checked={selected}
            onChange={() => onSelect(stack.songs.map((s) => s.id))}
            aria-label={t('library.select', { title: song.title ?? '' })}
            className="size-5 accent-heart"
          />
        </label>
      </div>
      <div className="mt-2.5 pl-1">
        <Link to={`/library/${song.id}`} className="block truncate text-sm font-semibold underline-offset-4 hover:underline">
          {song.title}
        </Link>
        <p className="truncate text-xs text-soft">{song.tags.replaceAll(',', ', ')}</p>
        <div className="-mt-0.5 -mr-1 flex items-center">
          <time
            className="min-w-0 grow truncate text-xs text-faint"
            dateTime={song.created_at}
            title={exactTime(song.created_at, i18n.language)}
          >
            {ago(song.created_at, i18n.language)}
          </time>
          <SongActions song={song} takes={stack.songs} compact />
        </div>
      </div>
      {many && (
        <div className="-mt-1 flex items-center pl-0" role="group" aria-label={t('library.takes')}>
          {stack.songs.map((take, index) => (
            <button
              key={take.id}
              type="button"
              aria-label={t('library.take', { number: take.take + 1 })}
              aria-pressed={take === song}
              onClick={() => setAt(index)}
              className="grid size-7 place-items-center rounded-full"
            >
              <span className={cx('size-2 rounded-full transition', take === song ? 'warm scale-125' : 'bg-edge')} />
            </button>
          ))}
          <Link
            to={`/compare?ids=${stack.songs.map((s) => s.id).join(',')}`}
            className="ml-auto inline-flex min-h-8 items-center gap-1.5 rounded-control px-2 text-xs text-soft hover:bg-raised hover:text-text"
          >
            <GitCompareArrows size={14} aria-hidden />
            {t('library.compare')}
          </Link>
        </div>
      )}
    </article>
  );
});
