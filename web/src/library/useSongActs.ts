// What can be done with songs, wherever they are shown.

import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';

import type { Song } from '../api/client';
import { sentenceFor } from '../api/problems';
import { useChangeSong, useMoveToBin } from '../api/queries';
import { draftOf, useDesk } from '../create/draft';
import { dropTracks } from '../player/player';
import { toast } from '../ui/toasts';

export function useSongActs() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const change = useChangeSong();
  const bin = useMoveToBin();
  const say = (error: unknown): void => void toast(sentenceFor(error, t), { tone: 'bad' });
  return {
    favourite: (song: Song) => change.mutate({ song, change: { favourite: !song.favourite } }, { onError: say }),
    rate: (song: Song, rating: number) => change.mutate({ song, change: { rating } }, { onError: say }),
    rename: (song: Song, title: string) => change.mutate({ song, change: { title } }, { onError: say }),
    remove: (ids: string[]) => {
      bin.mutate(
        { ids, deleted: true },
        {
          onError: say,
          onSuccess: () => {
            dropTracks(ids);
            toast(t('library.removed', { count: ids.length }), {
              action: { label: t('ui.undo'), run: () => bin.mutate({ ids, deleted: false }, { onError: say }) },
            });
          },
        },
      );
    },
    restore: (ids: string[]) =>
      bin.mutate(
        { ids, deleted: false },
        { onError: say, onSuccess: () => void toast(t('library.restored', { count: ids.length }), { tone: 'good' }) },
      ),
    again: (song: Song) => {
      const undo = useDesk.getState().replace(draftOf({ ...song, seed: song.recipe ? song.seed : null }), 'recipe');
      toast(t('library.loaded'), { action: { label: t('ui.undo'), run: undo } });
      void navigate('/create');
    },
  };
}
