import { Undo2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import type { Song } from '../api/client';
import { type Track, currentTrack, usePlayer } from '../player/player';
import { ago, clock, exactTime } from '../ui/format';
import { IconButton, cx } from '../ui/kit';
import { Rating } from './Rating';
import { SongActions } from './SongActions';
import { PlayCover } from './SongRow';
import { useSongActs } from './useSongActs';

const columns =
  'grid items-center gap-3 grid-cols-[28px_44px_minmax(0,1fr)_auto] ' +
  'md:grid-cols-[28px_44px_minmax(0,2fr)_minmax(0,1.6fr)_64px_120px_132px_auto]';

export function SongTableHead() {
  const { t } = useTranslation();
  return (
    <div aria-hidden className={cx(columns, 'hidden border-b border-line px-2 pb-2 text-xs text-faint md:grid')}>
      <span />
      <span />
      <span>{t('library.column.title')}</span>
      <span>{t('library.column.tags')}</span>
      <span className="text-right">{t('library.column.length')}</span>
      <span>{t('library.column.rating')}</span>
      <span>{t('library.column.made')}</span>
      <span className="w-20" />
    </div>
  );
}

type Props = { song: Song; tracks: Track[]; index: number; selected: boolean; onSelect: () => void };

export function SongTableRow({ song, tracks, index, selected, onSelect }: Props) {
  const { t, i18n } = useTranslation();
  const acts = useSongActs();
  const current = usePlayer((p) => currentTrack(p)?.id === song.id);
  return (
    <div className={cx(columns, 'h-[60px] rounded-control px-2 hover:bg-panel', (selected || current) && 'bg-panel')}>
      <input
        type="checkbox"
        checked={selected}
        onChange={onSelect}
        aria-label={t('library.select', { title: song.title ?? '' })}
        className="size-5 accent-heart"
      />
      <PlayCover tracks={tracks} index={index} className="w-11" />
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
}
