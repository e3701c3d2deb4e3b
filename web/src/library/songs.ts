// The songs of a library view: as a list that grows (cards), or page by page from anywhere (the table).

import { type InfiniteData, type QueryClient, keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';

import { type SongFilter, type SongPage, songsPageQuery, songsQuery } from '../api/queries';

export function useSongs(filter: SongFilter, table: boolean) {
  const list = useInfiniteQuery({ ...songsQuery(filter), placeholderData: keepPreviousData, enabled: !table });
  // The first page tells how many there are.
  const head = useQuery({ ...songsPageQuery(filter, 1), placeholderData: keepPreviousData, enabled: table });
  const songs = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  return {
    songs,
    total: (table ? head.data?.total : list.data?.pages[0]?.total) ?? 0,
    query: table ? head : list,
    more: () => {
      if (list.hasNextPage && !list.isFetchingNextPage) void list.fetchNextPage();
    },
  };
}

/** The ids of all that the page has got of these songs. */
export function loadedIds(queries: QueryClient, filter: SongFilter): string[] {
  const pages = queries
    .getQueriesData<InfiniteData<SongPage> | SongPage>({ queryKey: ['songs', filter] })
    .flatMap(([, data]) => (data === undefined ? [] : 'pages' in data ? data.pages : [data]));
  return [...new Set(pages.flatMap((page) => page.items.map((song) => song.id)))];
}
