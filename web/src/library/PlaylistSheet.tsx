import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { ListMusic, Plus } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { type Playlist, client, got } from '../api/client';
import { sentenceFor } from '../api/problems';
import { playlistsQuery } from '../api/queries';
import { Button, Sheet, TextInput } from '../ui/kit';
import { toast } from '../ui/toasts';

type Props = { ids: string[]; open: boolean; onClose: () => void };

export function PlaylistSheet({ ids, open, onClose }: Props) {
  const { t } = useTranslation();
  return (
    <Sheet open={open} onClose={onClose} title={t('library.addToPlaylist')}>
      <Lists ids={ids} onClose={onClose} />
    </Sheet>
  );
}

export function useAddToPlaylist() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async ({ list, ids }: { list: Playlist; ids: string[] }) => {
      const path = { params: { path: { id: list.id } } };
      const { songs } = await got(client.GET('/api/playlists/{id}', path));
      const old = songs.map((s) => s.id);
      const all = [...old, ...ids.filter((id) => !old.includes(id))];
      return got(client.PUT('/api/playlists/{id}/songs', { ...path, body: { songs: all } }));
    },
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: ['playlists'] });
      void queries.invalidateQueries({ queryKey: ['playlist'] });
    },
  });
}

export function useNewPlaylist() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (name: string) => got(client.POST('/api/playlists', { body: { name } })),
    onSettled: () => void queries.invalidateQueries({ queryKey: ['playlists'] }),
  });
}

function Lists({ ids, onClose }: { ids: string[]; onClose: () => void }) {
  const { t } = useTranslation();
  const lists = useQuery(playlistsQuery);
  const add = useAddToPlaylist();
  const make = useNewPlaylist();
  const [name, setName] = useState('');
  const say = (error: unknown): void => void toast(sentenceFor(error, t), { tone: 'bad' });
  const put = (list: Playlist): void =>
    add.mutate(
      { list, ids },
      {
        onError: say,
        onSuccess: () => {
          toast(t('library.added', { count: ids.length, name: list.name }), { tone: 'good' });
          onClose();
        },
      },
    );
  return (
    <div className="grid grid-cols-1 gap-2 p-3">
      <form
        className="flex gap-2 p-2"
        onSubmit={(e) => {
          e.preventDefault();
          if (name.trim()) make.mutate(name.trim(), { onSuccess: put, onError: say });
        }}
      >
        <TextInput
          aria-label={t('library.newPlaylist')}
          placeholder={t('library.newPlaylist')}
          maxLength={200}
          value={name}
          onChange={(e) => setName(e.target.value)}
        />
        <Button type="submit" icon={Plus} disabled={!name.trim()} busy={make.isPending}>
          {t('ui.add')}
        </Button>
      </form>
      <ul>
        {lists.data?.items.map((list) => (
          <li key={list.id}>
            <button
              type="button"
              onClick={() => put(list)}
              className="flex min-h-12 w-full items-center gap-3 rounded-control px-3 text-left text-sm outline-offset-[-2px] hover:bg-raised"
            >
              <ListMusic size={18} aria-hidden className="text-faint" />
              <span className="min-w-0 grow truncate">{list.name}</span>
              <span className="text-xs text-faint">{t('library.songs', { count: list.song_count })}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
