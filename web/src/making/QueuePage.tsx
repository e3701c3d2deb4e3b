import { useQuery } from '@tanstack/react-query';
import { Music4 } from 'lucide-react';
import { useTranslation } from 'react-i18next';

import { failuresQuery, queueQuery } from '../api/queries';
import { Fault, WriteASong } from '../shell/Fault';
import { PageHead } from '../shell/PageHead';
import { Empty, Skeleton } from '../ui/kit';
import { FailedCard, JobCard } from './JobCard';
import { useActiveJobs } from './hooks';

export function QueuePage() {
  const { t } = useTranslation();
  const queue = useQuery(queueQuery);
  const failures = useQuery(failuresQuery);
  const jobs = useActiveJobs();
  const ended = failures.data?.items ?? [];
  const firstWaiting = jobs.find((job) => job.status === 'pending');
  return (
    <div className="mx-auto grid grid-cols-1 max-w-[824px] gap-6 px-4 md:px-8">
      <PageHead title={t('nav.queue')} text={jobs.length > 0 ? t('making.count', { count: jobs.length }) : undefined} />
      {queue.isPending && (
        <div className="grid grid-cols-1 gap-3">
          <Skeleton className="h-36" />
          <Skeleton className="h-20" />
        </div>
      )}
      {queue.isError && <Fault error={queue.error} onAgain={() => void queue.refetch()} />}
      {queue.isSuccess && jobs.length === 0 && (
        <Empty icon={Music4} title={t('making.empty')} text={t('making.emptyText')} action={<WriteASong />} />
      )}
      <div className="grid grid-cols-1 gap-3">
        {jobs.length > 0 && <h2 className="sr-only">{t('making.now')}</h2>}
        {jobs.map((job) => (
          <JobCard key={job.id} job={job} first={firstWaiting} />
        ))}
      </div>
      {ended.length > 0 && (
        <section className="grid grid-cols-1 gap-3 pt-4">
          <h2 className="text-sm text-faint">{t('making.endedTitle')}</h2>
          {ended.map((job) => (
            <FailedCard key={job.id} job={job} />
          ))}
        </section>
      )}
    </div>
  );
}
