// Keeps the page in step with the studio while someone is signed in.

import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';

import { setUser, signOut } from '../account/session';
import { type Job, type ProgressUpdate, client, got } from '../api/client';
import { listenToEvents } from '../api/events';
import { queueQuery, statusQuery } from '../api/queries';
import { becameWhole, playTracks, trackOf } from '../player/player';
import { toast } from '../ui/toasts';
import { applyUpdate, forgetUpdates, setLink, useMaking } from './jobs';

export function useEvents(token: string | null): void {
  const queries = useQueryClient();
  const { t } = useTranslation();
  useEffect(() => {
    if (token === null) return undefined;
    let lost = false;
    // What was kept of the account may be old: its rights, or the account itself.
    void got(client.GET('/api/auth/me')).then(setUser, () => undefined);
    const refresh = (...keys: string[]): void => {
      for (const key of keys) void queries.invalidateQueries({ queryKey: [key] });
    };
    const finished = async (update: ProgressUpdate): Promise<void> => {
      refresh('songs');
      const [song, status] = await Promise.all([
        got(client.GET('/api/history/{id}', { params: { path: { id: update.id } } })),
        queries.ensureQueryData(statusQuery),
      ]);
      queries.setQueryData(['song', song.id], song);
      becameWhole(song, status.signed_media);
      // Nothing jumps, nothing plays by itself: the song says that it is there, and waits.
      toast(t('making.ready', { title: song.title ?? '' }), {
        tone: 'good',
        action: { label: t('player.play'), run: () => playTracks([trackOf(song, status.signed_media)]) },
      });
    };
    const onUpdate = (update: ProgressUpdate): void => {
      const before = useMaking.getState().updates[update.id];
      const known = queries.getQueryData(queueQuery.queryKey)?.items.find((job: Job) => job.id === update.id);
      applyUpdate(update);
      const ended = update.status !== 'pending' && update.status !== 'processing';
      if (ended && before?.status !== update.status) {
        refresh('queue', 'status');
        if (update.status === 'completed') void finished(update).catch(() => undefined);
        else {
          refresh('failures');
          if (update.status === 'failed') toast(t('making.failedToast', { title: known?.title ?? '' }), { tone: 'bad' });
        }
        return;
      }
      // Its address comes with the job, as soon as there is something to hear.
      const audible = update.rendered_seconds > 0 && !known?.audio_url && !((before?.rendered_seconds ?? 0) > 0);
      if (!known || audible) refresh('queue');
    };
    const stop = listenToEvents({
      token,
      onUpdate,
      onLink: (link) => {
        setLink(link);
        if (link === 'lost') lost = true;
        else if (lost) {
          lost = false;
          refresh('queue', 'failures', 'songs', 'status');
        }
      },
      onRefused: () => signOut('expired'),
    });
    return () => {
      stop();
      forgetUpdates();
    };
  }, [token, queries, t]);
}
