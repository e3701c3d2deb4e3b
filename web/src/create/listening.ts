// A piece of music on its way to be a reference: sent, listened to, there or not. One at a time, wherever the page is meanwhile.

import type { QueryClient } from '@tanstack/react-query';
import { create } from 'zustand';

import { useSession } from '../account/session';
import { type Reference as KeptReference, ApiError, client, got } from '../api/client';
import { referencesQuery } from '../api/queries';
import { sendForm } from '../api/upload';
import { clock } from '../ui/format';
import { type Reference, kUsualStrength, useDesk } from './draft';

export const kMostBytes = 64 << 20;
export const kPiece = { start: [0, 86_400], seconds: [0.1, 3600], usualStart: 0, usualSeconds: 10 } as const;

export type Piece = { start: number; seconds: number };
type Now =
  | { phase: 'sending'; name: string; share: number }
  | { phase: 'listening'; name: string }
  | { phase: 'failed'; name: string; error: unknown; again: () => void };

type Listening = { now: Now | null };
export const useListening = create<Listening>(() => ({ now: null }));

let underway: AbortController | null = null;

export const referenceOf = (kept: KeptReference): Reference => ({
  of: 'reference', id: kept.id, source: kept.source, start: kept.start, seconds: kept.seconds, model: kept.model, licence: kept.licence,
});

/** "0:42 – 0:52"; empty where it is not known. */
export const pieceOf = ({ start, seconds }: { start: number | null; seconds: number | null }): string =>
  start === null || seconds === null ? '' : `${clock(start)} – ${clock(start + seconds)}`;

/** A number as people type it, with a point or a comma; none where it is no number within the limits. */
export function numberIn(text: string, [least, most]: readonly [number, number]): number | null {
  const plain = text.trim().replace(',', '.');
  if (!/^\d+(\.\d*)?$|^\.\d+$/.test(plain)) return null;
  const value = Number(plain);
  return value >= least && value <= most ? value : null;
}

/** The draft takes after it, as strongly as the model is used to. */
export const takeAfter = (reference: Reference): void => useDesk.getState().set({ reference, strength: kUsualStrength });

export function stopListening(): void {
  underway?.abort();
  underway = null;
  useListening.setState({ now: null });
}

type Work = (signal: AbortSignal) => Promise<KeptReference>;

async function listen(queries: QueryClient, name: string, first: Now, work: Work): Promise<void> {
  underway?.abort();
  const own = new AbortController();
  underway = own;
  const user = useSession.getState().user?.id;
  useListening.setState({ now: first });
  try {
    const kept = await work(own.signal);
    if (underway !== own) return;
    useListening.setState({ now: null });
    queries.setQueryData(referencesQuery.queryKey, (old) =>
      old ? { ...old, items: [kept, ...old.items.filter((one) => one.id !== kept.id)] } : old,
    );
    // Someone else may sit at the desk by now.
    if (useSession.getState().user?.id === user) takeAfter(referenceOf(kept));
  } catch (error) {
    if (underway !== own) return;
    const signedOut = error instanceof ApiError && error.status === 401;
    const again = (): void => void listen(queries, name, first, work);
    useListening.setState({ now: signedOut ? null : { phase: 'failed', name, error, again } });
  } finally {
    void queries.invalidateQueries({ queryKey: referencesQuery.queryKey });
  }
}

export function listenToFile(queries: QueryClient, file: File, piece: Piece): Promise<void> {
  const { name } = file;
  return listen(queries, name, { phase: 'sending', name, share: 0 }, (signal) => {
    const form = new FormData();
    form.set('file', file, name);
    form.set('start', String(piece.start));
    form.set('seconds', String(piece.seconds));
    const onSent = (share: number): void => {
      if (signal.aborted) return;
      useListening.setState({ now: share < 1 ? { phase: 'sending', name, share } : { phase: 'listening', name } });
    };
    return sendForm<KeptReference>('/api/references', form, { signal, onSent });
  });
}

export function listenToSong(queries: QueryClient, song: { id: string; title?: string | null }): Promise<void> {
  const name = song.title ?? '';
  return listen(queries, name, { phase: 'listening', name }, (signal) =>
    got(client.POST('/api/songs/{id}/reference', { signal, params: { path: { id: song.id } }, body: {} })),
  );
}
