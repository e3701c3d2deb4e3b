// The typed client of the studio's API. What went wrong arrives here as one kind of error, with a sentence for people.

import createClient from 'openapi-fetch';

import { sessionToken, signOut } from '../account/session';
import { at, base } from './base';
import type { components, paths } from './schema';

export type Song = components['schemas']['Song'];
export type Job = components['schemas']['Job'];
export type ProgressUpdate = components['schemas']['ProgressUpdate'];
export type SongRequest = components['schemas']['SongRequest'];
export type Status = components['schemas']['Status'];
export type User = components['schemas']['User'];
export type Account = components['schemas']['Account'];
export type Timings = components['schemas']['Timings'];
export type Reference = components['schemas']['Reference'];
export type TakenAfter = components['schemas']['TakenAfter'];
export type Embedding = components['schemas']['Embedding'];
export type Playlist = components['schemas']['Playlist'];

export type FieldFault = { field: string; message: string };

/** An answer that is none, or says no. `status` 0: the studio could not be reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly faults: FieldFault[] = [],
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }
}

/** What {"detail": ...} says: a sentence, or the fields that are wrong. */
export function faultOf(status: number, body: unknown, retryAfter: string | null = null): ApiError {
  const detail = (body as { detail?: unknown } | null | undefined)?.detail;
  const wait = retryAfter !== null && Number.isFinite(Number(retryAfter)) ? Number(retryAfter) : null;
  if (typeof detail === 'string') return new ApiError(status, detail, [], wait);
  if (Array.isArray(detail)) {
    const faults = detail.map((part: { loc?: unknown[]; msg?: unknown }) => ({
      field: String(part.loc?.at(-1) ?? ''),
      message: String(part.msg ?? ''),
    }));
    return new ApiError(status, faults.map((f) => `${f.field}: ${f.message}`).join('\n'), faults, wait);
  }
  return new ApiError(status, `HTTP ${status}`, [], wait);
}

/** What is done with every answer: a token that is not good any more ends the session. */
export function refusedToken(status: number, url: string): void {
  // A wrong password does not.
  if (status === 401 && !url.endsWith('/api/auth/password')) signOut('expired');
}

export const client = createClient<paths>({ baseUrl: base, fetch: (request) => fetch(request) });

client.use({
  onRequest({ request }) {
    const token = sessionToken();
    if (token) request.headers.set('Authorization', `Bearer ${token}`);
    return request;
  },
  onResponse({ request, response }) {
    if (request.headers.has('Authorization')) refusedToken(response.status, request.url);
    return undefined;
  },
  onError({ error }) {
    if (error instanceof DOMException && error.name === 'AbortError') return undefined;
    return new ApiError(0, 'unreachable');
  },
});

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** The data of an answer, or an ApiError. */
export async function got<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok || error !== undefined) {
    throw faultOf(response.status, error, response.headers.get('Retry-After'));
  }
  return data as T;
}

/** Where a song's sound is, for an audio element. */
export function audioAddress(song: Pick<Song, 'id' | 'audio_url'>, signed: boolean): string {
  return at(signed ? `${song.audio_url}&inline=1` : `/api/audio/${song.id}?inline=1`);
}

export function coverAddress(song: Pick<Song, 'id' | 'thumbnail_url' | 'thumbnail_path'>, signed: boolean): string | null {
  if (!song.thumbnail_path && !song.thumbnail_url) return null;
  if (signed) return song.thumbnail_url ? at(`${song.thumbnail_url}&inline=1`) : null;
  return at(`/api/thumbnail/${song.id}?inline=1`);
}

export function downloadAddress(song: Pick<Song, 'audio_url'>, format: 'wav' | 'flac' | 'mp3' | 'opus'): string {
  return at(`${song.audio_url}${song.audio_url.includes('?') ? '&' : '?'}format=${format}`);
}
