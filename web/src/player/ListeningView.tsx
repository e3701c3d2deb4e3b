// The whole screen for one song: its cover, its waveform, its words.

import { useQuery } from '@tanstack/react-query';
import { ChevronDown, SkipBack, SkipForward } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import { songQuery } from '../api/queries';
import { SongActions } from '../library/SongActions';
import { SungLyrics } from '../library/SungLyrics';
import { Cover, useCover } from '../ui/Cover';
import { clock } from '../ui/format';
import { IconButton } from '../ui/kit';
import { ModeButtons, PlayButton, Position, Speed, Volume } from './PlayerBar';
import { currentTrack, next, previous, setOpen, usePlayer } from './player';

export function ListeningView() {
  const { t } = useTranslation();
  const open = usePlayer((p) => p.open);
  const track = usePlayer(currentTrack);
  const time = usePlayer((p) => p.time);
  const duration = usePlayer((p) => p.duration);
  const cover = useCover(track?.cover ?? null);
  const dialog = useRef<HTMLDialogElement>(null);
  const song = useQuery({ ...songQuery(track?.id ?? ''), enabled: open && !!track && !track.live }).data;
  useEffect(() => {
    const element = dialog.current;
    if (open && element && !element.open) element.showModal();
  }, [open]);
  if (!open || !track) return null;
  return (
    <dialog
      ref={dialog}
      data-keys
      aria-label={t("player.listening")}
      onCancel={(e) => {
        e.preventDefault();
        setOpen(false);
      }}
      className="animate-sheet fixed inset-0 m-0 size-full max-h-none max-w-none overflow-y-auto bg-ink p-0"
    >
      {cover && (
        <div aria-hidden className="pointer-events-none absolute inset-0 overflow-hidden">
          <img src={cover} alt="" className="absolute -inset-[10%] size-[120%] object-cover opacity-25 blur-[90px] saturate-150" />
          <div className="absolute inset-0 bg-[linear-gradient(var(--ink)_0%,transparent_30%,var(--ink)_96%)]" />
        </div>
      )}
      <div className="relative mx-auto flex min-h-full max-w-[1180px] flex-col px-5 md:px-10">
        <div className="flex items-center justify-between py-3">
          <IconButton label={t('player.shut')} icon={ChevronDown} size={24} onClick={() => setOpen(false)} autoFocus />
          {song && <SongActions song={song} onLeave={() => setOpen(false)} />}
        </div>
        <div className="grid grow content-center gap-8 pb-4 lg:grid-cols-[minmax(320px,460px)_minmax(0,1fr)] lg:gap-16">
          <div className="grid grid-cols-1 content-center gap-6">
            <Cover source={track.cover} live={track.live} className="mx-auto w-full max-w-[min(460px,36dvh)] rounded-card shadow-three lg:max-w-[min(460px,44dvh)]" />
            <div className="text-center lg:text-left">
              <h2 className="text-xl">
                {song ? (
                  <Link to={`/library/${song.id}`} onClick={() => setOpen(false)} className="underline-offset-4 hover:underline">
                    {track.title}
                  </Link>
                ) : (
                  track.title
                )}
              </h2>
              <p className="mt-1 text-sm text-soft">{track.tags.replaceAll(',', ', ')}</p>
            </div>
          </div>
          <div className="min-h-0 lg:-mx-2 lg:max-h-[54dvh] lg:overflow-y-auto lg:px-2" tabIndex={0} role="region" aria-label={t('library.lyrics')}>
            {song ? <SungLyrics song={song} follow /> : <p className="text-soft">{t('library.noLyrics')}</p>}
          </div>
        </div>
        <div className="sticky bottom-0 -mx-5 mt-8 grid grid-cols-1 gap-3 bg-[linear-gradient(transparent,var(--ink)_28px)] px-5 pt-8 pb-5 md:-mx-10 md:gap-4 md:px-10 md:pb-8">
          <Position className="h-14 md:h-20" />
          <div className="flex items-center justify-between text-xs text-soft">
            <span>{clock(time)}</span>
            <span>{track.live ? '' : clock(duration)}</span>
          </div>
          <div className="flex flex-wrap items-center justify-center gap-x-6 gap-y-2">
            <div className="flex items-center">
              <ModeButtons />
            </div>
            <div className="flex items-center gap-2">
              <IconButton label={t('player.previous')} icon={SkipBack} size={22} onClick={previous} />
              <PlayButton big />
              <IconButton label={t('player.next')} icon={SkipForward} size={22} onClick={() => next()} />
            </div>
            <div className="flex items-center">
              <Speed />
              <Volume />
            </div>
          </div>
        </div>
      </div>
    </dialog>
  );
}
