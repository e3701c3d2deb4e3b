// Songs on their way, as the studio's events tell. A job only moves forward here, whatever arrives late.

import { create } from 'zustand';

import type { Job, ProgressUpdate } from '../api/client';
import type { Link } from '../api/events';

type Pace = {
  /** Seconds of work for a second of music, lately; null before the first song. */
  perSecond: number | null;
};

type Making = {
  updates: Record<string, ProgressUpdate>;
  link: Link;
  pace: Pace;
};

const kPace = 'heart.pace';

function storedPace(): Pace {
  const value = Number(localStorage.getItem(kPace));
  return { perSecond: Number.isFinite(value) && value > 0 ? value : null };
}

export const useMaking = create<Making>(() => ({ updates: {}, link: 'open', pace: storedPace() }));

const ended = (status: ProgressUpdate['status']): boolean =>
  status === 'completed' || status === 'failed' || status === 'cancelled';

/** When a job was first seen to be composed, to learn how fast this studio is. */
const starts = new Map<string, number>();

export function learnPace(old: number | null, workSeconds: number, musicSeconds: number): number | null {
  if (musicSeconds < 2 || workSeconds <= 0) return old;
  const now = workSeconds / musicSeconds;
  return old === null ? now : old * 0.6 + now * 0.4;
}

export function applyUpdate(update: ProgressUpdate): void {
  const before = useMaking.getState().updates[update.id];
  if (before && ended(before.status) && update.status !== 'pending') return;
  if (update.phase === 'composing' && !starts.has(update.id) && update.composed_seconds < 1) {
    starts.set(update.id, performance.now());
  }
  if (update.status === 'completed') {
    const start = starts.get(update.id);
    const music = Math.max(update.composed_seconds, before?.composed_seconds ?? 0);
    if (start !== undefined) {
      const perSecond = learnPace(useMaking.getState().pace.perSecond, (performance.now() - start) / 1000, music);
      if (perSecond !== null) localStorage.setItem(kPace, String(perSecond));
      useMaking.setState({ pace: { perSecond } });
    }
  }
  if (ended(update.status)) starts.delete(update.id);
  useMaking.setState((s) => ({ updates: { ...s.updates, [update.id]: update } }));
}

export const setLink = (link: Link): void => useMaking.setState({ link });

export function forgetUpdates(): void {
  starts.clear();
  useMaking.setState({ updates: {}, link: 'open' });
}

/** The job with what the events said since it was asked for. */
export function withUpdate<T extends Job>(job: T, update: ProgressUpdate | undefined): T {
  if (!update) return job;
  if (job.status === 'processing' && update.status === 'pending') return job;
  if (update.status === job.status && update.progress < job.progress) return job;
  return {
    ...job,
    status: update.status,
    phase: update.phase,
    progress: update.progress,
    total_frames: update.total_frames,
    composed_seconds: update.composed_seconds,
    rendered_seconds: update.rendered_seconds,
    position: update.position,
    eta_seconds: update.eta_seconds,
    message: update.message,
  };
}
