// The column beside the writing desk: what is being made, and what came out of it last.

import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import { failuresQuery, songsQuery, useSignedMedia } from '../api/queries';
import { SongRow } from '../library/SongRow';
import { trackOf } from '../player/player';
import { FailedCard, JobCard } from './JobCard';
import { useActiveJobs } from './hooks';

export const kLatest = { search: '', order: 'newest', favourites: false, deleted: false, playlist: null } as const;

export function QueuePanel() {
  const { t } = useTranslation();
  const jobs = useActiveJobs();
  const signed = useSignedMedia();
  const latest = useInfiniteQuery(songsQuery(kLatest));
  const failures = useQuery(failuresQuery);
  const songs = latest.data?.pages[0]?.items.slice(0, 8) ?? [];
  const failed = failures.data?.items.find((job) => job.status === 'failed');
  const firstWaiting = jobs.find((job) => job.status === 'pending');
  const tracks = songs.map((song) => trackOf(song, signed));
  return (
    <div className="grid grid-cols-1 gap-8 p-5">
      <section className="grid grid-cols-1 gap-3">
        <div className="flex items-baseline justify-between">
          <h2 className="text-base">{t('making.now')}</h2>
          <Link to="/queue" className="text-xs text-soft underline-offset-4 hover:underline">
            {t('making.all')}
          </Link>
        </div>
        {jobs.length === 0 && (
          <p className="rounded-card border border-dashed border-line px-4 py-6 text-center text-sm text-soft">{t('making.idle')}</p>
        )}
        {jobs.map((job) => (
          <JobCard key={job.id} job={job} first={firstWaiting} dense />
        ))}
        {failed && <FailedCard job={failed} dense />}
      </section>
      {songs.length > 0 && (
        <section className="grid grid-cols-1 gap-1">
          <div className="mb-2 flex items-baseline justify-between">
            <h2 className="text-base">{t('making.latest')}</h2>
            <Link to="/library" className="text-xs text-soft underline-offset-4 hover:underline">
              {t('nav.library')}
            </Link>
          </div>
          {songs.map((song, index) => (
            <SongRow key={song.id} song={song} tracks={tracks} index={index} />
          ))}
        </section>
      )}
    </div>
  );
}
