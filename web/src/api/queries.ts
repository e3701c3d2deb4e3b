// What the page knows of the server, and how it changes it. One place for the keys of the cache.

import {
  QueryClient,
  type InfiniteData,
  infiniteQueryOptions,
  queryOptions,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';

import { ApiError, type Embedding, type Song, type Timings, client, got } from './client';

export const kPageSize = 60;

export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 15_000,
        retry: (count, error) => count < 2 && error instanceof ApiError && (error.status === 0 || error.status >= 500),
      },
      mutations: { retry: false },
    },
  });
}

export type SongFilter = {
  search: string;
  order: 'newest' | 'oldest' | 'title' | 'longest' | 'tag_similarity';
  favourites: boolean;
  deleted: boolean;
  playlist: string | null;
};

export type SongPage = { items: Song[]; total: number; page: number; page_size: number };

const songsAt = (filter: SongFilter, page: number, signal: AbortSignal): Promise<SongPage> =>
  got(
    client.GET('/api/songs', {
      signal,
      params: {
        query: {
          page,
          page_size: kPageSize,
          order: filter.order,
          favourites: filter.favourites,
          deleted: filter.deleted,
          ...(filter.search ? { search: filter.search } : {}),
          ...(filter.playlist ? { playlist: filter.playlist } : {}),
        },
      },
    }),
  );

export const songsQuery = (filter: SongFilter) =>
  infiniteQueryOptions({
    queryKey: ['songs', filter] as const,
    initialPageParam: 1,
    queryFn: ({ pageParam, signal }): Promise<SongPage> => songsAt(filter, pageParam, signal),
    getNextPageParam: (last) => (last.page * last.page_size < last.total ? last.page + 1 : undefined),
  });

/** One page of them, for lists that begin anywhere. Of the same key as the others: what changes one changes all. */
export const songsPageQuery = (filter: SongFilter, page: number) =>
  queryOptions({
    queryKey: ['songs', filter, page] as const,
    queryFn: ({ signal }) => songsAt(filter, page, signal),
  });

export const statusQuery = queryOptions({
  queryKey: ['status'] as const,
  queryFn: ({ signal }) => got(client.GET('/api/status', { signal })),
  staleTime: 30_000,
});
export const queueQuery = queryOptions({
  queryKey: ['queue'] as const,
  queryFn: ({ signal }) => got(client.GET('/api/queue', { signal })),
  staleTime: 5_000,
});
export const failuresQuery = queryOptions({
  queryKey: ['failures'] as const,
  queryFn: ({ signal }) => got(client.GET('/api/jobs/failures', { signal })),
});
export const songQuery = (id: string) =>
  queryOptions({
    queryKey: ['song', id] as const,
    queryFn: ({ signal }) => got(client.GET('/api/history/{id}', { signal, params: { path: { id } } })),
  });
export const peaksQuery = (id: string) =>
  queryOptions({
    queryKey: ['peaks', id] as const,
    queryFn: ({ signal }) => got(client.GET('/api/audio/{id}/peaks', { signal, params: { path: { id } } })),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 30 * 60_000,
  });
const isBeingFound = (found: { state: string } | undefined): boolean =>
  found?.state === 'waiting' || found?.state === 'listening';
const kTimingsEvery = 2_000; // ms between looks while they are being found
export const timingsQuery = (id: string) =>
  queryOptions({
    queryKey: ['timings', id] as const,
    queryFn: ({ signal }) =>
      // Without a format it is JSON; the other forms are texts.
      got(client.GET('/api/songs/{id}/timings', { signal, params: { path: { id } } })) as Promise<Timings>,
    refetchInterval: (query) => (isBeingFound(query.state.data) ? kTimingsEvery : false),
  });
export const referencesQuery = queryOptions({
  queryKey: ['references'] as const,
  queryFn: ({ signal }) => got(client.GET('/api/references', { signal })),
});
export const embeddingQuery = (id: string) =>
  queryOptions({
    queryKey: ['embedding', id] as const,
    queryFn: ({ signal }) => got(client.GET('/api/songs/{id}/embedding', { signal, params: { path: { id } } })),
    refetchInterval: (query) => (isBeingFound(query.state.data) ? kTimingsEvery : false),
  });
export type SimilarSong = Song & { song_id: string; similarity: number };
const kMostSimilar = 6;
/** The songs that are nearest to one that has an embedding. */
export const similarQuery = (id: string) =>
  queryOptions({
    queryKey: ['similar', id] as const,
    queryFn: ({ signal }): Promise<{ items: SimilarSong[] }> =>
      got(client.GET('/api/songs/{id}/similar', { signal, params: { path: { id }, query: { limit: kMostSimilar } } })),
  });
export const playlistsQuery = queryOptions({
  queryKey: ['playlists'] as const,
  queryFn: ({ signal }) => got(client.GET('/api/playlists', { signal })),
});
export const playlistQuery = (id: string) =>
  queryOptions({
    queryKey: ['playlist', id] as const,
    queryFn: ({ signal }) => got(client.GET('/api/playlists/{id}', { signal, params: { path: { id } } })),
  });

export const useStatus = () => useQuery(statusQuery);
export const useSignedMedia = (): boolean => useStatus().data?.signed_media ?? false;

/** Changes a song wherever the cache holds it. */
export function patchSong(queries: QueryClient, id: string, change: Partial<Song>): void {
  const patch = (song: Song): Song => (song.id === id ? { ...song, ...change } : song);
  const patchPage = (page: SongPage): SongPage => ({ ...page, items: page.items.map(patch) });
  queries.setQueriesData<InfiniteData<SongPage> | SongPage>({ queryKey: ['songs'] }, (old) => {
    if (!old) return old;
    return 'pages' in old ? { ...old, pages: old.pages.map(patchPage) } : patchPage(old);
  });
  queries.setQueryData<Song>(['song', id], (old) => (old ? patch(old) : old));
  queries.setQueriesData<{ songs: Song[] }>({ queryKey: ['playlist'] }, (old) =>
    old?.songs ? { ...old, songs: old.songs.map(patch) } : old,
  );
  queries.setQueriesData<{ items: SimilarSong[] }>({ queryKey: ['similar'] }, (old) =>
    old ? { ...old, items: old.items.map((song) => (song.id === id ? { ...song, ...change } : song)) } : old,
  );
}

type SongChange = { title?: string; tags?: string; lyrics?: string; favourite?: boolean; rating?: number };

/** Shows the change at once and takes it back when the server says no. */
export async function changeSong(queries: QueryClient, song: Song, change: SongChange): Promise<void> {
  patchSong(queries, song.id, change);
  try {
    const now = await got(client.PATCH('/api/songs/{id}', { params: { path: { id: song.id } }, body: change }));
    if (change.tags !== undefined) {
      // How well it went with other tags says nothing of these.
      queries.setQueryData<Embedding>(['embedding', song.id], (old) => old && { ...old, state: 'none', tag_similarity: null });
    }
    patchSong(queries, song.id, now);
  } catch (error) {
    patchSong(queries, song.id, Object.fromEntries(Object.keys(change).map((key) => [key, song[key as keyof Song]])));
    throw error;
  }
  if (change.tags !== undefined) void queries.invalidateQueries({ queryKey: ['embedding', song.id] });
  if (change.lyrics !== undefined) void queries.invalidateQueries({ queryKey: ['timings', song.id] });
}

/** Into the bin, or out of it. */
export async function moveToBin(queries: QueryClient, ids: string[], deleted: boolean): Promise<void> {
  try {
    if (deleted) await got(client.POST('/api/songs/delete', { body: { ids } }));
    else await got(client.POST('/api/songs/restore', { body: { ids } }));
  } finally {
    for (const list of ['songs', 'playlist', 'playlists', 'similar']) void queries.invalidateQueries({ queryKey: [list] });
  }
}

/** Asks the studio to find out when the lines of a song are sung. */
export function useFindTimings(id: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => got(client.POST('/api/songs/{id}/timings', { params: { path: { id } } })),
    onSuccess: (timings) => queries.setQueryData<Timings>(['timings', id], timings),
  });
}

/** Asks the studio to find out what a song is like. */
export function useFindEmbedding(id: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => got(client.POST('/api/songs/{id}/embedding', { params: { path: { id } } })),
    onSuccess: (embedding) => queries.setQueryData<Embedding>(['embedding', id], embedding),
  });
}
