// Takes side by side: the same place, equally loud, one key to switch.

import { useQueries } from '@tanstack/react-query';
import { Ear, GitCompareArrows, Pause, Play } from 'lucide-react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';

import { type Song, audioAddress, coverAddress } from '../api/client';
import { peaksQuery, songQuery, useSignedMedia } from '../api/queries';
import { pause as pausePlayer, usePlayer } from '../player/player';
import { Loading } from '../shell/Frame';
import { PageHead } from '../shell/PageHead';
import { isTyping } from '../shell/keys';
import { Cover } from '../ui/Cover';
import { Waveform } from '../ui/Waveform';
import { clock } from '../ui/format';
import { Button, ButtonLink, Empty, cx } from '../ui/kit';
import { Rating } from './Rating';
import { gainsFor, loudnessOf } from './compare';
import { FavouriteButton } from './SongActions';

const kMost = 8;
const kDrift = 0.05;

export function ComparePage() {
  const { t } = useTranslation();
  const [params] = useSearchParams();
  const ids = useMemo(() => [...new Set((params.get('ids') ?? '').split(',').filter(Boolean))].slice(0, kMost), [params]);
  const found = useQueries({ queries: ids.map((id) => songQuery(id)) });
  if (found.some((q) => q.isPending)) return <Loading />;
  const songs = found.flatMap((q) => (q.data ? [q.data] : []));
  if (songs.length < 2) {
    return (
      <Empty
        alone
        icon={GitCompareArrows}
        title={t('compare.few')}
        text={t('compare.fewText')}
        action={<ButtonLink to="/library">{t('library.back')}</ButtonLink>}
      />
    );
  }
  return <Takes key={ids.join()} songs={songs} />;
}

/** One audio element a take, all at the same place; only one is heard. */
function useTakes(songs: Song[], gains: number[], signed: boolean) {
  const [at, setAt] = useState(0);
  const [playing, setPlaying] = useState(false);
  const [time, setTime] = useState(0);
  const elements = useRef<HTMLAudioElement[]>([]);
  const volume = usePlayer((p) => (p.muted ? 0 : p.volume));
  const sources = songs.map((s) => audioAddress(s, signed)).join('\n');

  useEffect(() => {
    const all = sources.split('\n').map((source) => {
      const element = new Audio();
      element.preload = 'auto';
      element.src = source;
      return element;
    });
    elements.current = all;
    return () => {
      for (const element of all) {
        element.pause();
        element.removeAttribute('src');
        element.load();
      }
    };
  }, [sources]);

  useEffect(() => {
    elements.current.forEach((element, i) => {
      element.volume = Math.min(1, volume * (gains[i] ?? 1));
      element.muted = i !== at;
    });
  }, [at, gains, volume, sources]);

  useEffect(() => {
    const element = elements.current[at];
    if (!element) return undefined;
    const tell = (): void => setTime(element.currentTime);
    const stop = (): void => {
      setPlaying(false);
      for (const other of elements.current) other.pause();
    };
    element.addEventListener('timeupdate', tell);
    element.addEventListener('ended', stop);
    return () => {
      element.removeEventListener('timeupdate', tell);
      element.removeEventListener('ended', stop);
    };
  }, [at, sources]);

  const toggle = useCallback(() => {
    const main = elements.current[at];
    if (!main) return;
    if (!main.paused) {
      for (const element of elements.current) element.pause();
      setPlaying(false);
      return;
    }
    pausePlayer();
    const place = main.ended ? 0 : main.currentTime;
    for (const element of elements.current) {
      element.currentTime = Math.min(place, element.duration || place);
      element.play().catch(() => undefined);
    }
    setPlaying(true);
  }, [at]);

  const listenTo = useCallback(
    (index: number) => {
      const from = elements.current[at];
      const to = elements.current[index];
      if (from && to && Math.abs(to.currentTime - from.currentTime) > kDrift) {
        to.currentTime = Math.min(from.currentTime, to.duration || from.currentTime);
        if (!from.paused) to.play().catch(() => undefined);
      }
      setAt(index);
    },
    [at],
  );

  const seek = useCallback((seconds: number) => {
    for (const element of elements.current) element.currentTime = Math.min(seconds, element.duration || seconds);
    setTime(seconds);
  }, []);

  return { at, playing, time, toggle, listenTo, seek };
}

function Takes({ songs }: { songs: Song[] }) {
  const { t } = useTranslation();
  const signed = useSignedMedia();
  const peaks = useQueries({ queries: songs.map((song) => peaksQuery(song.id)) });
  const known = peaks.map((q) => loudnessOf(q.data?.peaks ?? []));
  const knownKey = known.join();
  const gains = useMemo(() => gainsFor(knownKey.split(',').map(Number)), [knownKey]);
  const { at, playing, time, toggle, listenTo, seek } = useTakes(songs, gains, signed);
  const longest = Math.max(...songs.map((s) => s.duration_ms / 1000));

  useEffect(() => {
    const keys = (e: KeyboardEvent): void => {
      if (e.ctrlKey || e.metaKey || e.altKey || isTyping(e.target)) return;
      const number = Number(e.key);
      if (e.key.toLowerCase() === 'x') listenTo((at + 1) % songs.length);
      else if (number >= 1 && number <= songs.length) listenTo(number - 1);
      else if (e.key === ' ' && !(e.target instanceof Element && e.target.closest('button, a'))) toggle();
      else return;
      e.preventDefault();
      e.stopPropagation();
    };
    document.addEventListener('keydown', keys, true);
    return () => document.removeEventListener('keydown', keys, true);
  }, [at, listenTo, songs.length, toggle]);

  return (
    <div className="mx-auto grid grid-cols-1 max-w-[1000px] gap-6 px-4 md:px-8">
      <PageHead title={t('compare.title')} text={t('compare.text')}>
        <Button filled look="warm" icon={playing ? Pause : Play} onClick={toggle} className="h-11 px-6">
          {playing ? t('player.pause') : t('player.play')}
        </Button>
      </PageHead>
      <div className="grid grid-cols-1 gap-3">
        {songs.map((song, index) => {
          const on = index === at;
          return (
            <article
              key={song.id}
              aria-label={song.title ?? ''}
              className={cx('rounded-card border bg-panel p-4 transition-colors', on ? 'border-hearttext' : 'border-line')}
            >
              <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
                <Cover source={coverAddress(song, signed)} side={128} className="size-14" />
                <div className="min-w-0 flex-[1_1_160px]">
                  <Link to={`/library/${song.id}`} className="block truncate font-semibold underline-offset-4 hover:underline">
                    {song.title}
                  </Link>
                  <p className="text-xs text-soft">
                    {t('library.take', { number: song.take + 1 })} · {t('create.seed')} {song.seed} · {clock(song.duration_ms / 1000)}
                  </p>
                </div>
                <Rating song={song} />
                <FavouriteButton song={song} />
                <Button aria-pressed={on} icon={on ? Ear : undefined} onClick={() => listenTo(index)} look={on ? 'warm' : 'plain'}>
                  {on ? t('compare.hearing') : t('compare.hear')}
                  <kbd className="rounded border border-current/40 px-1.5 font-[inherit] text-xs opacity-80">{index + 1}</kbd>
                </Button>
              </div>
              <div className={cx('mt-3 transition-opacity', !on && 'opacity-55')}>
                <Waveform
                  peaks={peaks[index]?.data?.peaks}
                  duration={longest}
                  time={time}
                  onSeek={seek}
                  label={`${t('player.position')}: ${t('library.take', { number: song.take + 1 })}`}
                  className="h-16"
                />
              </div>
            </article>
          );
        })}
      </div>
      <p className="text-center text-xs text-faint">{t('compare.keys')}</p>
    </div>
  );
}
