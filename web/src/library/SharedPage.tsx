// What someone sees who was sent a link: one song, and nothing else of the studio.

import { useQuery } from '@tanstack/react-query';
import { SearchX } from 'lucide-react';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';

import { at } from '../api/base';
import { client, got } from '../api/client';
import { PlayButton, Volume } from '../player/PlayerBar';
import { close, currentTrack, playTracks, seek, usePlayer } from '../player/player';
import { Loading, Logo } from '../shell/Frame';
import { Cover } from '../ui/Cover';
import { Waveform } from '../ui/Waveform';
import { clock, exactTime } from '../ui/format';
import { Empty, Tag } from '../ui/kit';
import { Lyrics } from './Lyrics';

export function SharedPage() {
  const { token = '' } = useParams();
  const { t, i18n } = useTranslation();
  const song = useQuery({
    queryKey: ['shared', token] as const,
    queryFn: ({ signal }) => got(client.GET('/api/shared/{token}', { signal, params: { path: { token } } })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const id = song.data ? (/\/api\/audio\/([^?]+)/.exec(song.data.audio)?.[1] ?? token) : token;
  const peaks = useQuery({
    queryKey: ['shared-peaks', token] as const,
    enabled: !!song.data,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) => {
      const response = await fetch(at(song.data!.audio.replace('?', '/peaks?')), { signal });
      if (!response.ok) throw new Error(String(response.status));
      return (await response.json()) as { peaks: number[] };
    },
  });
  const current = usePlayer((p) => currentTrack(p)?.id === id);
  const time = usePlayer((p) => (currentTrack(p)?.id === id ? p.time : 0));
  useEffect(() => close, []);
  if (song.isPending) return <Loading />;
  if (!song.data) {
    return (
      <main className="grid min-h-dvh place-items-center">
        <Empty alone icon={SearchX} title={t('shared.gone')} text={t('shared.goneText')} />
      </main>
    );
  }
  const { data } = song;
  const cover = data.thumbnail ? at(`${data.thumbnail}&inline=1`) : null;
  const seconds = data.duration_ms / 1000;
  const start = (from = 0): void =>
    playTracks(
      [{ id, title: data.title, tags: data.tags, source: at(`${data.audio}&inline=1`), cover, duration: seconds, live: false }],
      0,
      from,
    );
  return (
    <main className="relative mx-auto grid grid-cols-1 min-h-dvh max-w-[860px] content-start gap-8 px-5 py-8 md:py-14">
      <div className="flex items-center gap-2 text-sm text-soft">
        <Logo className="size-7" />
        {t('shared.from')}
      </div>
      <div className="grid items-end gap-6 md:grid-cols-[280px_minmax(0,1fr)]">
        <Cover source={cover} className="w-full max-w-[320px] rounded-card shadow-two" />
        <div className="grid grid-cols-1 gap-4">
          <h1 className="text-2xl break-words">{data.title}</h1>
          <div className="flex flex-wrap gap-1.5">
            {data.tags.split(',').filter(Boolean).map((tag) => (
              <Tag key={tag}>{tag}</Tag>
            ))}
          </div>
          <div className="flex items-center gap-4" onClickCapture={(e) => {
            if (current) return;
            e.stopPropagation();
            start();
          }}>
            <PlayButton big />
            <Volume />
          </div>
        </div>
      </div>
      <div>
        <Waveform
          peaks={peaks.data?.peaks}
          duration={seconds}
          time={time}
          onSeek={(to) => (current ? seek(to) : start(to))}
          label={t('player.position')}
          className="h-24"
        />
        <div className="mt-2 flex justify-between text-xs text-soft">
          <span>{clock(time)}</span>
          <span>{clock(seconds)}</span>
        </div>
      </div>
      {data.lyrics.trim() && <Lyrics text={data.lyrics} small />}
      <p className="text-xs text-faint">{t('library.sharedUntil', { date: exactTime(data.shared_until, i18n.language) })}</p>
    </main>
  );
}
