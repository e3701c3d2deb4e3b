import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';

import type { Job } from '../api/client';
import { queueQuery } from '../api/queries';
import { useMaking, withUpdate } from './jobs';

const moving = (job: Job): boolean => job.status === 'pending' || job.status === 'processing';

/** One's own songs that wait or are being made, with what the events said last. */
export function useActiveJobs(): Job[] {
  const { data } = useQuery(queueQuery);
  const updates = useMaking((s) => s.updates);
  return useMemo(() => (data?.items ?? []).map((job) => withUpdate(job, updates[job.id])).filter(moving), [data, updates]);
}
