import { Pause, Play } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import type { Song } from '../api/client';
import { type Track, currentTrack, toggleTrack, usePlayer } from '../player/player';
import { Cover } from '../ui/Cover';
import { ago, clock, exactTime } from '../ui/format';
import { cx } from '../ui/kit';
import { SongActions } from './SongActions';

type CoverProps = {
  track: Track;
  /** What is played with it. */
  list: () => Track[];
  side: 128 | 384;
  className?: string;
};

/** The cover as a button that plays the song. */
export function PlayCover({ track, list, side, className }: CoverProps) {
  const { t } = useTranslation();
  const playing = usePlayer((p) => currentTrack(p)?.id === track.id && p.playing);
  const play = (): void => {
    const tracks = list();
    toggleTrack(tracks, tracks.findIndex((one) => one.id === track.id));
  };
  const Icon = playing ? Pause : Play;
  return (
    <button
      type="button"
      aria-label={playing ? t('player.pause') : t('library.play', { title: track.title })}
      onClick={play}
      className={cx('group/play relative block shrink-0 rounded-control', className)}
    >
      <Cover source={track.cover} side={side} className="w-full" />
      <span
        aria-hidden
        className={cx(
          'absolute inset-0 grid place-items-center rounded-control bg-veil text-white transition-opacity duration-[120ms]',
          playing ? 'opacity-100' : 'opacity-0 group-hover/play:opacity-100 group-focus-visible/play:opacity-100',
        )}
      >
        <Icon size={20} fill="currentColor" />
      </span>
    </button>
  );
}

type Props = { song: Song; tracks: Track[]; index: number; note?: string };

/** A song on one line. `note`: what else is to be said of it here. */
export function SongRow({ song, tracks, index, note }: Props) {
  const { i18n } = useTranslation();
  const current = usePlayer((p) => currentTrack(p)?.id === song.id);
  const track = tracks[index];
  if (!track) return null;
  return (
    <div className={cx('flex items-center gap-3 rounded-control p-1.5 hover:bg-raised', current && 'bg-raised')}>
      <PlayCover track={track} list={() => tracks} side={128} className="w-11" />
      <div className="min-w-0 grow">
        <Link to={`/library/${song.id}`} className={cx('block truncate text-sm font-medium', current && 'text-hearttext')}>
          {song.title}
        </Link>
        <p className="truncate text-xs text-soft">
          {clock(song.duration_ms / 1000)} ·{' '}
          <time dateTime={song.created_at} title={exactTime(song.created_at, i18n.language)}>
            {ago(song.created_at, i18n.language)}
          </time>
          {note && ` · ${note}`}
        </p>
      </div>
      <SongActions song={song} compact />
    </div>
  );
}
