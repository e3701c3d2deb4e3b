// A song's words as it sings them.

import { useQuery } from '@tanstack/react-query';
import { AudioLines, Captions } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';

import { ApiError, type Song, client, got } from '../api/client';
import { timingsQuery, useFindTimings, useSignedMedia, useStatus } from '../api/queries';
import { currentTrack, playTracks, seek, trackOf, usePlayer } from '../player/player';
import { Button } from '../ui/kit';
import { saveBlob } from '../ui/saveBlob';
import { toast } from '../ui/toasts';
import { Lyrics } from './Lyrics';
import { lineAt } from './timings';

/** For so long nothing moves under someone who scrolled. */
const kHandsOff = 6_000; // ms

/** Keeps the line that is sung in the middle of what is seen. */
function useFollowing(line: number | null, follow: boolean) {
  const words = useRef<HTMLDivElement>(null);
  const touched = useRef(-kHandsOff);
  useEffect(() => {
    if (!follow) return;
    const stay = (): void => {
      touched.current = performance.now();
    };
    const kinds = ['wheel', 'touchmove', 'keydown'] as const;
    for (const kind of kinds) window.addEventListener(kind, stay, { passive: true });
    return () => {
      for (const kind of kinds) window.removeEventListener(kind, stay);
    };
  }, [follow]);
  useEffect(() => {
    if (!follow || line === null || performance.now() - touched.current < kHandsOff) return;
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    words.current
      ?.querySelector(`[data-line="${line}"]`)
      ?.scrollIntoView({ block: 'center', behavior: still ? 'auto' : 'smooth' });
  }, [follow, line]);
  return words;
}

type Props = {
  song: Song;
  small?: boolean;
  /** Scrolls along with the song. */
  follow?: boolean;
};

export function SungLyrics({ song, small, follow = false }: Props) {
  const { t } = useTranslation();
  const signed = useSignedMedia();
  const timings = useQuery({ ...timingsQuery(song.id), enabled: song.lyrics.trim() !== '' }).data;
  const lines = timings?.state === 'done' ? timings.lines : undefined;
  const now = usePlayer((p) => (lines && currentTrack(p)?.id === song.id ? lineAt(lines, p.time) : null));
  const words = useFollowing(now, follow);
  if (song.lyrics.trim() === '') return <p className="text-sm text-soft">{t('library.noLyrics')}</p>;
  const place = (seconds: number): void => {
    if (currentTrack()?.id === song.id) seek(seconds);
    else playTracks([trackOf(song, signed)], 0, seconds);
  };
  return (
    <div ref={words}>
      <TimesBar song={song} state={timings?.state} />
      <Lyrics text={song.lyrics} small={small} times={lines} now={now} onSeek={place} />
    </div>
  );
}

/** Finding the times, how far that is, and the file that other players read. */
function TimesBar({ song, state }: { song: Song; state: 'none' | 'waiting' | 'listening' | 'done' | 'failed' | undefined }) {
  const { t } = useTranslation();
  const able = useStatus().data?.transcriptor_present ?? false;
  const find = useFindTimings(song.id);
  const save = async (): Promise<void> => {
    try {
      const query = { format: 'lrc' } as const;
      const path = { id: song.id };
      const blob = await got(client.GET('/api/songs/{id}/timings', { params: { path, query }, parseAs: 'blob' }));
      saveBlob(blob as unknown as Blob, `${song.title ?? 'song'}.lrc`);
    } catch {
      toast(t('library.timesSaveFailed'), { tone: 'bad' });
    }
  };
  if (state === 'done') {
    return (
      <div className="mb-4">
        <Button look="quiet" icon={Captions} onClick={() => void save()}>
          {t('library.saveTimes')}
        </Button>
      </div>
    );
  }
  if (state === 'waiting' || state === 'listening') {
    return (
      <p role="status" className="mb-4 flex min-h-10 items-center gap-2 text-sm text-soft">
        <AudioLines size={17} aria-hidden className="animate-breathe text-composetext" />
        {t(state === 'waiting' ? 'library.timesWait' : 'library.timesListen')}
      </p>
    );
  }
  if (!able || state === undefined) return null;
  const fault = find.error instanceof ApiError && find.error.status === 429 ? t('library.timesFull') : t('library.timesFailed');
  return (
    <div className="mb-4">
      <Button look="quiet" icon={AudioLines} busy={find.isPending} onClick={() => find.mutate()}>
        {t('library.findTimes')}
      </Button>
      {(state === 'failed' || find.isError) && (
        <p role="alert" className="mt-1 text-sm text-bad">
          {fault}
        </p>
      )}
    </div>
  );
}
