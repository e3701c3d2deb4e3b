import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { GitCompareArrows, Link2, Pause, PenLine, Play, SearchX } from 'lucide-react';
import { useEffect, useMemo, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useParams, useSearchParams } from 'react-router';

import { linkTo } from '../api/base';
import type { Song } from '../api/client';
import { peaksQuery, songQuery, songsQuery, useSignedMedia } from '../api/queries';
import { kUsualStrength } from '../create/draft';
import { pieceOf } from '../create/listening';
import { kLatest } from '../making/QueuePanel';
import { currentTrack, playTracks, seek, toggleTrack, trackOf, usePlayer } from '../player/player';
import { Loading } from '../shell/Frame';
import { RenamableTitle } from '../shell/PageHead';
import { Cover } from '../ui/Cover';
import { Waveform } from '../ui/Waveform';
import { ago, clock, decimal, exactTime } from '../ui/format';
import { Button, ButtonLink, Card, Empty, IconButton, Tag } from '../ui/kit';
import { toast } from '../ui/toasts';
import { CoverMenu } from './CoverMenu';
import { MoreLikeThis } from './MoreLikeThis';
import { Rating } from './Rating';
import { DownloadMenu, SongActions } from './SongActions';
import { SungLyrics } from './SungLyrics';
import { useSongActs } from './useSongActs';

export function SongPage() {
  const { id = '' } = useParams();
  const { t } = useTranslation();
  const song = useQuery(songQuery(id));
  if (song.isPending) return <Loading />;
  if (!song.data) {
    return (
      <Empty
        alone
        icon={SearchX}
        title={t('library.gone')}
        text={t('library.goneText')}
        action={
          <ButtonLink to="/library">{t('library.back')}</ButtonLink>
        }
      />
    );
  }
  return <Details key={song.data.id} song={song.data} />;
}

/** The other takes of its request, as far as they are among the latest songs. */
function useTakes(song: Song): Song[] {
  const latest = useInfiniteQuery(songsQuery(kLatest));
  return useMemo(() => {
    if (!song.request_id) return [song];
    const found = latest.data?.pages.flatMap((p) => p.items).filter((s) => s.request_id === song.request_id) ?? [];
    const all = found.some((s) => s.id === song.id) ? found : [...found, song];
    return all.sort((a, b) => a.take - b.take);
  }, [latest.data, song]);
}

function Details({ song }: { song: Song }) {
  const { t, i18n } = useTranslation();
  const navigate = useNavigate();
  const [params] = useSearchParams();
  const signed = useSignedMedia();
  const acts = useSongActs();
  const peaks = useQuery(peaksQuery(song.id));
  const takes = useTakes(song);
  const current = usePlayer((p) => currentTrack(p)?.id === song.id);
  const playing = usePlayer((p) => currentTrack(p)?.id === song.id && p.playing);
  const time = usePlayer((p) => (currentTrack(p)?.id === song.id ? p.time : 0));
  const seconds = song.duration_ms / 1000;
  const track = trackOf(song, signed);
  const from = Number(params.get('t'));
  const began = useRef(false);
  useEffect(() => {
    // A link to a second of the song begins there.
    if (began.current || !(from > 0)) return;
    began.current = true;
    playTracks([track], 0, Math.min(from, seconds));
  });
  const play = (): void => toggleTrack([track], 0);
  const place = (to: number): void => (current ? seek(to) : playTracks([track], 0, to));
  const copyLink = async (): Promise<void> => {
    const second = current && time >= 1 ? `?t=${Math.floor(time)}` : '';
    try {
      await navigator.clipboard.writeText(linkTo(`/library/${song.id}${second}`));
      toast(t('library.linkCopied'), { tone: 'good' });
    } catch {
      toast(t('library.copyFailed'), { tone: 'bad' });
    }
  };
  return (
    <div className="relative mx-auto max-w-[1180px] px-4 pt-6 md:px-8 md:pt-10">
      <div className="grid gap-6 md:grid-cols-[minmax(200px,300px)_minmax(0,1fr)] md:gap-10">
        <div className="relative mx-auto w-full max-w-[300px]">
          <Cover source={track.cover} className="rounded-card shadow-two" />
          <div className="absolute right-2 bottom-2">
            <CoverMenu song={song} />
          </div>
        </div>
        <div className="flex min-w-0 flex-col justify-end gap-4">
          <RenamableTitle big title={song.title ?? ''} onRename={(to) => acts.rename(song, to)} />
          <div className="flex flex-wrap gap-1.5">
            {song.tags.split(',').filter(Boolean).map((tag) => (
              <Tag key={tag}>{tag}</Tag>
            ))}
          </div>
          <div className="flex flex-wrap items-center gap-x-4 gap-y-1 text-sm text-soft">
            <span>{clock(seconds)}</span>
            <time dateTime={song.created_at} title={exactTime(song.created_at, i18n.language)}>
              {ago(song.created_at, i18n.language)}
            </time>
            <Rating song={song} />
          </div>
          <div className="flex flex-wrap items-center gap-2">
            <Button filled look="warm" icon={playing ? Pause : Play} onClick={play} className="h-11 grow px-6 md:grow-0">
              {playing ? t('player.pause') : t('player.play')}
            </Button>
            <Button icon={PenLine} onClick={() => acts.again(song)} className="grow md:grow-0">
              {t('library.again')}
            </Button>
            <DownloadMenu song={song} labelled />
            <IconButton label={t('library.copyLink')} icon={Link2} onClick={() => void copyLink()} />
            <SongActions song={song} takes={takes} compact onLeave={() => undefined} />
          </div>
        </div>
      </div>
      <Card className="mt-8 p-4 md:p-6">
        <Waveform
          peaks={peaks.data?.peaks}
          duration={seconds}
          time={time}
          onSeek={place}
          label={t('player.position')}
          className="h-24"
        />
        <div className="mt-2 flex justify-between text-xs text-soft">
          <span>{clock(time)}</span>
          <span>{clock(seconds)}</span>
        </div>
      </Card>
      {takes.length > 1 && (
        <section className="mt-8">
          <div className="mb-3 flex items-center justify-between">
            <h2 className="text-base">{t('library.takes')}</h2>
            <Button
              look="quiet"
              icon={GitCompareArrows}
              onClick={() => void navigate(`/compare?ids=${takes.map((s) => s.id).join(',')}`)}
            >
              {t('library.compare')}
            </Button>
          </div>
          <div className="flex flex-wrap gap-2">
            {takes.map((take) => (
              <Link
                key={take.id}
                to={`/library/${take.id}`}
                aria-current={take.id === song.id ? 'page' : undefined}
                className="inline-flex min-h-10 items-center gap-2 rounded-full border border-line bg-panel px-4 text-sm text-soft hover:border-edge aria-[current=page]:border-hearttext aria-[current=page]:text-text"
              >
                {t('library.take', { number: take.take + 1 })}
                {take.rating > 0 && <span className="text-warn">{'★'.repeat(take.rating)}</span>}
              </Link>
            ))}
          </div>
        </section>
      )}
      <div className="mt-8 grid gap-8 md:grid-cols-[minmax(0,1fr)_minmax(240px,340px)]">
        <section>
          <h2 className="mb-4 text-base">{t('library.lyrics')}</h2>
          <SungLyrics song={song} small />
        </section>
        <Recipe song={song} />
      </div>
      <MoreLikeThis song={song} />
    </div>
  );
}

/** Every setting that made it. */
function Recipe({ song }: { song: Song }) {
  const { t, i18n } = useTranslation();
  const after = song.reference;
  const known: [string, string][] = [
    [t('create.duration'), clock(song.max_audio_length_ms / 1000)],
    [t('create.seed'), song.recipe ? String(song.seed) : t('library.unknownSeed')],
    [t('library.takeLabel'), String(song.take + 1)],
    [t('create.temperature'), String(song.temperature)],
    [t('create.topk'), String(song.topk)],
    [t('create.cfg'), String(song.cfg_scale)],
    ...(after
      ? ([
          [t('like.title'), [after.source ?? t('like.unnamed'), pieceOf(after)].filter(Boolean).join(', ')],
          [t('like.strength'), decimal(after.strength ?? kUsualStrength, i18n.language)],
        ] as [string, string][])
      : []),
    ...(after?.licence ? ([[t('like.licence'), after.licence]] as [string, string][]) : []),
    ...(song.tag_similarity === null
      ? []
      : ([[t('like.fit'), decimal(song.tag_similarity, i18n.language)]] as [string, string][])),
  ];
  const shown = new Set(['seed', 'take', 'tags', 'max_audio_length_ms', 'topk', 'temperature', 'cfg_scale', 'lyrics', 'title']);
  const rest = Object.entries(song.recipe ?? {}).filter(([key]) => !shown.has(key));
  return (
    <Card className="h-fit p-5">
      <h2 className="mb-3 text-base">{t('library.recipe')}</h2>
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1.5 text-sm">
        {known.map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="text-faint">{name}</dt>
            <dd className="text-right break-words">{value}</dd>
          </div>
        ))}
      </dl>
      {rest.length > 0 && (
        <details className="mt-4 border-t border-line pt-3 text-sm">
          <summary className="min-h-8 text-soft">{t('library.allSettings')}</summary>
          <dl className="mt-2 grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1.5 text-xs">
            {rest.map(([name, value]) => (
              <div key={name} className="contents">
                <dt className="text-faint">{name}</dt>
                <dd className="text-right break-all">{String(value)}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </Card>
  );
}
