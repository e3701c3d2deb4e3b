// What can be done with songs, wherever they are shown.

import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';

import type { Song } from '../api/client';
import { sentenceFor } from '../api/problems';
import { changeSong, moveToBin } from '../api/queries';
import { draftOf, useDesk } from '../create/draft';
import { listenToSong } from '../create/listening';
import { dropTracks } from '../player/player';
import { toast } from '../ui/toasts';

export function useSongActs() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queries = useQueryClient();
  // A list has these many times over: plain functions, without a mutation's observer for each.
  const told = (act: Promise<void>, good?: () => void): void =>
    void act.then(good, (error: unknown) => toast(sentenceFor(error, t), { tone: 'bad' }));
  return {
    favourite: (song: Song) => told(changeSong(queries, song, { favourite: !song.favourite })),
    rate: (song: Song, rating: number) => told(changeSong(queries, song, { rating })),
    rename: (song: Song, title: string) => told(changeSong(queries, song, { title })),
    remove: (ids: string[]) =>
      told(moveToBin(queries, ids, true), () => {
        dropTracks(ids);
        toast(t('library.removed', { count: ids.length }), {
          action: { label: t('ui.undo'), run: () => told(moveToBin(queries, ids, false)) },
        });
      }),
    restore: (ids: string[]) =>
      told(moveToBin(queries, ids, false), () => void toast(t('library.restored', { count: ids.length }), { tone: 'good' })),
    like: (song: Song) => {
      void listenToSong(queries, song);
      void navigate('/create');
    },
    again: (song: Song) => {
      const undo = useDesk.getState().replace(draftOf({ ...song, seed: song.recipe ? song.seed : null }), 'recipe');
      toast(t('library.loaded'), { action: { label: t('ui.undo'), run: undo } });
      void navigate('/create');
    },
  };
}
