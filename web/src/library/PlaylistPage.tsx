import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { ArrowDown, ArrowUp, ListMusic, Play, SearchX, Trash2, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useNavigate, useParams } from 'react-router';

import { client, got } from '../api/client';
import { sentenceFor } from '../api/problems';
import { playlistQuery, useSignedMedia } from '../api/queries';
import { playTracks, trackOf } from '../player/player';
import { Loading } from '../shell/Frame';
import { PageHead } from '../shell/PageHead';
import { span } from '../ui/format';
import { Button, ButtonLink, Empty, IconButton } from '../ui/kit';
import { toast } from '../ui/toasts';
import { SongRow } from './SongRow';

export function PlaylistPage() {
  const { id = '' } = useParams();
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const signed = useSignedMedia();
  const list = useQuery(playlistQuery(id));
  const path = { params: { path: { id } } };
  const say = (error: unknown): void => void toast(sentenceFor(error, t), { tone: 'bad' });
  const settle = (): void => {
    void queries.invalidateQueries({ queryKey: ['playlist', id] });
    void queries.invalidateQueries({ queryKey: ['playlists'] });
  };
  const put = useMutation({
    mutationFn: (songs: string[]) => got(client.PUT('/api/playlists/{id}/songs', { ...path, body: { songs } })),
    onError: say,
    onSettled: settle,
  });
  const rename = useMutation({
    mutationFn: (to: string) => got(client.PATCH('/api/playlists/{id}', { ...path, body: { name: to } })),
    onError: say,
    onSettled: settle,
  });
  const remove = useMutation({
    mutationFn: () => got(client.DELETE('/api/playlists/{id}', path)),
    onError: say,
    onSuccess: () => {
      toast(t('library.playlistRemoved'), {});
      void navigate('/library');
    },
    onSettled: () => void queries.invalidateQueries({ queryKey: ['playlists'] }),
  });
  if (list.isPending) return <Loading />;
  if (!list.data) {
    return (
      <Empty
        alone
        icon={SearchX}
        title={t('library.noPlaylist')}
        text={t('library.goneText')}
        action={<ButtonLink to="/library">{t('library.back')}</ButtonLink>}
      />
    );
  }
  const { songs } = list.data;
  const ids = songs.map((s) => s.id);
  const tracks = songs.map((s) => trackOf(s, signed));
  const move = (from: number, to: number): void => {
    const now = [...ids];
    const [one] = now.splice(from, 1);
    if (one) now.splice(to, 0, one);
    put.mutate(now);
  };
  const length = songs.reduce((sum, s) => sum + s.duration_ms / 1000, 0);
  return (
    <div className="mx-auto grid grid-cols-1 max-w-[824px] gap-6 px-4 md:px-8">
      <PageHead
        over={t('library.playlist')}
        title={list.data.name}
        text={t('library.songs', { count: songs.length }) + (songs.length > 0 ? ` · ${span(length)}` : '')}
        onRename={(to) => rename.mutate(to)}
      >
        <Button filled look="warm" icon={Play} disabled={songs.length === 0} onClick={() => playTracks(tracks)}>
          {t('player.playAll')}
        </Button>
        <IconButton label={t('library.removePlaylist')} icon={Trash2} onClick={() => remove.mutate()} />
      </PageHead>
      {songs.length === 0 && <Empty icon={ListMusic} title={t('library.playlistEmpty')} text={t('library.playlistEmptyText')} />}
      <ol className="grid grid-cols-1 gap-1">
        {songs.map((song, index) => (
          <li key={song.id} className="flex items-center">
            <div className="min-w-0 grow">
              <SongRow song={song} tracks={tracks} index={index} />
            </div>
            <IconButton
              label={t('library.moveUp', { title: song.title ?? '' })}
              icon={ArrowUp}
              size={16}
              disabled={index === 0}
              onClick={() => move(index, index - 1)}
            />
            <IconButton
              label={t('library.moveDown', { title: song.title ?? '' })}
              icon={ArrowDown}
              size={16}
              disabled={index === songs.length - 1}
              onClick={() => move(index, index + 1)}
            />
            <IconButton
              label={t('library.takeOut', { title: song.title ?? '' })}
              icon={X}
              size={16}
              onClick={() => put.mutate(ids.filter((other) => other !== song.id))}
            />
          </li>
        ))}
      </ol>
    </div>
  );
}
