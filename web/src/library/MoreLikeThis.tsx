// The songs that are nearest to one, where the studio knows what it is like; finding that out where it does not.

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { AudioLines, Sparkles } from 'lucide-react';
import { useEffect, useMemo } from 'react';
import { useTranslation } from 'react-i18next';

import { ApiError, type Embedding, type Song } from '../api/client';
import { sentenceFor } from '../api/problems';
import { embeddingQuery, patchSong, similarQuery, useFindEmbedding, useSignedMedia, useStatus } from '../api/queries';
import { trackOf } from '../player/player';
import { decimal } from '../ui/format';
import { Button, Note, Skeleton } from '../ui/kit';
import { SongRow } from './SongRow';

export function MoreLikeThis({ song }: { song: Song }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const able = useStatus().data?.embedder_present ?? false;
  const embedding = useQuery(embeddingQuery(song.id));
  const state = embedding.data?.state;
  const fit = state === 'done' ? embedding.data?.tag_similarity : undefined;
  useEffect(() => {
    // What was found with it belongs to the song, wherever it is shown.
    if (fit !== undefined && fit !== song.tag_similarity) patchSong(queries, song.id, { tag_similarity: fit });
  }, [queries, fit, song.id, song.tag_similarity]);
  // A studio that cannot listen still knows what it found before.
  if (!able && state !== 'done') return null;
  return (
    <section className="mt-8">
      <h2 className="mb-3 text-base">{t('like.more')}</h2>
      {embedding.isPending && <Skeleton className="h-14" />}
      {embedding.isError && <Again error={embedding.error} onAgain={() => void embedding.refetch()} />}
      {state === 'done' && <Nearest id={song.id} />}
      {state !== undefined && state !== 'done' && <NotYet id={song.id} state={state} />}
    </section>
  );
}

function Again({ error, onAgain }: { error: unknown; onAgain: () => void }) {
  const { t } = useTranslation();
  return (
    <div role="alert" className="flex flex-wrap items-center gap-3">
      <Note tone="bad">{sentenceFor(error, t)}</Note>
      <Button onClick={onAgain}>{t('ui.tryAgain')}</Button>
    </div>
  );
}

function Nearest({ id }: { id: string }) {
  const { t, i18n } = useTranslation();
  const signed = useSignedMedia();
  const similar = useQuery(similarQuery(id));
  const songs = similar.data?.items;
  const tracks = useMemo(() => songs?.map((song) => trackOf(song, signed)) ?? [], [songs, signed]);
  if (similar.isPending) return <Skeleton className="h-14" />;
  if (!songs) return <Again error={similar.error} onAgain={() => void similar.refetch()} />;
  if (songs.length === 0) return <p className="text-sm text-soft">{t('like.alone')}</p>;
  return (
    <ul className="grid gap-1 md:grid-cols-2 md:gap-x-4">
      {songs.map((song, index) => (
        <li key={song.id} className="min-w-0">
          <SongRow
            song={song}
            tracks={tracks}
            index={index}
            note={t('like.similarity', { value: decimal(song.similarity, i18n.language) })}
          />
        </li>
      ))}
    </ul>
  );
}

function NotYet({ id, state }: { id: string; state: Exclude<Embedding['state'], 'done'> }) {
  const { t } = useTranslation();
  const find = useFindEmbedding(id);
  if (state === 'waiting' || state === 'listening') {
    return (
      <p role="status" className="flex min-h-10 items-center gap-2 text-sm text-soft">
        <AudioLines size={17} aria-hidden className="animate-breathe text-composetext" />
        {t(state === 'waiting' ? 'like.findWait' : 'like.findListen')}
      </p>
    );
  }
  const full = find.error instanceof ApiError && find.error.status === 429;
  return (
    <div>
      <p className="mb-2 text-sm text-soft">{t('like.unknown')}</p>
      <Button icon={Sparkles} busy={find.isPending} onClick={() => find.mutate()}>
        {t('like.find')}
      </Button>
      {(state === 'failed' || find.isError) && (
        <p role="alert" className="mt-1 text-sm text-bad">
          {t(full ? 'like.findFull' : 'like.findFailed')}
        </p>
      )}
    </div>
  );
}
