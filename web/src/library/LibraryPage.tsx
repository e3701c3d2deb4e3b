// All one's songs: instant search, order, favourites, playlists, the bin; as cards or as a table; thousands of them, of which
// only those in sight are drawn.

import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { Heart, LayoutGrid, ListMusic, ListPlus, Music4, PenLine, Plus, Rows3, Search, ServerCrash, Trash2, Undo2, X } from 'lucide-react';
import { useDeferredValue, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';

import type { Song } from '../api/client';
import { sentenceFor } from '../api/problems';
import { type SongFilter, playlistsQuery, songsQuery, useSignedMedia } from '../api/queries';
import { PageHead } from '../shell/PageHead';
import { trackOf } from '../player/player';
import { Button, Empty, IconButton, Select, Skeleton, TextInput, cx } from '../ui/kit';
import { useLook } from '../ui/look';
import { toast } from '../ui/toasts';
import { PlaylistSheet, useNewPlaylist } from './PlaylistSheet';
import { SongCard } from './SongCard';
import { SongTableHead, SongTableRow } from './SongTable';
import { stacksOf } from './stacks';
import { useSongActs } from './useSongActs';

const kOrders = ['newest', 'oldest', 'title', 'longest'] as const;
const kCardWidth = 208;
const kRowHeight = 60;

export function LibraryPage({ bin }: { bin?: boolean }) {
  const { t } = useTranslation();
  const [params, setParams] = useSearchParams();
  const view = useLook((s) => s.libraryView);
  const [text, setText] = useState(params.get('q') ?? '');
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const search = useDeferredValue(text.trim());
  const order = kOrders.find((name) => name === params.get('order')) ?? 'newest';
  const filter: SongFilter = {
    search,
    order,
    favourites: params.get('favourites') === '1',
    deleted: bin ?? false,
    playlist: null,
  };
  const query = useInfiniteQuery({ ...songsQuery(filter), placeholderData: keepPreviousData });
  const songs = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  const total = query.data?.pages[0]?.total ?? 0;
  const change = (name: string, value: string | null): void =>
    setParams(
      (old) => {
        if (value === null) old.delete(name);
        else old.set(name, value);
        return old;
      },
      { replace: true },
    );
  useEffect(() => {
    // The address keeps what is searched for, without a step of history for every letter.
    if ((params.get('q') ?? '') !== search) change('q', search || null);
  });
  useEffect(() => setSelected(new Set()), [bin]);
  const select = (ids: string[]): void =>
    setSelected((old) => {
      const now = new Set(old);
      const all = ids.every((id) => now.has(id));
      for (const id of ids) {
        if (all) now.delete(id);
        else now.add(id);
      }
      return now;
    });
  const filtered = search !== '' || filter.favourites;

  return (
    <div className="mx-auto grid grid-cols-1 max-w-[1600px] gap-5 px-4 md:px-8">
      <PageHead
        title={bin ? t('library.bin') : t('nav.library')}
        text={bin ? t('library.binText') : query.isSuccess ? t('library.songs', { count: total }) : undefined}
      >
        {bin ? (
          <Link to="/library" className="inline-flex min-h-10 items-center rounded-control px-3 text-sm text-soft hover:bg-raised hover:text-text">
            {t('library.back')}
          </Link>
        ) : (
          <>
            <IconButton
              label={view === 'cards' ? t('library.asTable') : t('library.asCards')}
              icon={view === 'cards' ? Rows3 : LayoutGrid}
              onClick={() => useLook.setState({ libraryView: view === 'cards' ? 'table' : 'cards' })}
            />
            <Link
              to="/library/bin"
              title={t('library.bin')}
              aria-label={t('library.bin')}
              className="grid size-10 place-items-center rounded-control text-soft hover:bg-raised hover:text-text"
            >
              <Trash2 size={19} aria-hidden />
            </Link>
          </>
        )}
      </PageHead>
      {!bin && <Playlists />}
      <div className="flex flex-wrap items-center gap-2">
        <div className="relative min-w-0 flex-[1_1_240px]">
          <Search size={17} aria-hidden className="pointer-events-none absolute top-1/2 left-3.5 -translate-y-1/2 text-faint" />
          <TextInput
            data-search
            type="search"
            autoFocus={params.has('find')}
            aria-label={t('library.search')}
            placeholder={t('library.search')}
            value={text}
            onChange={(e) => setText(e.target.value)}
            onKeyDown={(e) => e.key === 'Escape' && (text ? setText('') : e.currentTarget.blur())}
            className="pl-10"
          />
        </div>
        {!bin && (
          <Button
            icon={Heart}
            aria-pressed={filter.favourites}
            onClick={() => change('favourites', filter.favourites ? null : '1')}
            className={cx(filter.favourites && 'border-hearttext text-hearttext')}
          >
            {t('library.favourites')}
          </Button>
        )}
        <Select aria-label={t('library.order')} value={order} onChange={(e) => change('order', e.target.value)}>
          {kOrders.map((name) => (
            <option key={name} value={name}>
              {t(`library.orders.${name}`)}
            </option>
          ))}
        </Select>
      </div>
      {query.isPending && (
        <div className="grid grid-cols-[repeat(auto-fill,minmax(160px,1fr))] gap-4">
          {Array.from({ length: 8 }, (_, i) => (
            <Skeleton key={i} className="aspect-[4/5]" />
          ))}
        </div>
      )}
      {query.isError && (
        <Empty
          icon={ServerCrash}
          title={t('errors.title')}
          text={sentenceFor(query.error, t)}
          action={<Button onClick={() => void query.refetch()}>{t('ui.tryAgain')}</Button>}
        />
      )}
      {query.isSuccess && songs.length === 0 && <Nothing bin={bin} filtered={filtered} onAll={() => setText('')} />}
      {songs.length > 0 && (
        <Songs
          songs={songs}
          table={view === 'table' || !!bin}
          selected={selected}
          onSelect={select}
          onEnd={() => query.hasNextPage && !query.isFetchingNextPage && void query.fetchNextPage()}
        />
      )}
      <Bulk ids={[...selected]} bin={bin} onClear={() => setSelected(new Set())} onAll={() => setSelected(new Set(songs.map((s) => s.id)))} />
    </div>
  );
}

function Nothing({ bin, filtered, onAll }: { bin?: boolean; filtered: boolean; onAll: () => void }) {
  const { t } = useTranslation();
  if (filtered) {
    return (
      <Empty
        icon={Search}
        title={t('library.nothingFound')}
        text={t('library.nothingFoundText')}
        action={<Button onClick={onAll}>{t('library.clearSearch')}</Button>}
      />
    );
  }
  if (bin) return <Empty icon={Trash2} title={t('library.binEmpty')} text={t('library.binEmptyText')} />;
  return (
    <Empty
      icon={Music4}
      title={t('library.empty')}
      text={t('library.emptyText')}
      action={
        <Link to="/create" className="warm inline-flex min-h-10 items-center gap-2 rounded-control px-4 text-sm font-semibold">
          <PenLine size={17} aria-hidden />
          {t('making.emptyAction')}
        </Link>
      }
    />
  );
}

function Playlists() {
  const { t } = useTranslation();
  const lists = useQuery(playlistsQuery);
  const make = useNewPlaylist();
  const [name, setName] = useState<string | null>(null);
  const items = lists.data?.items ?? [];
  return (
    <nav aria-label={t('library.playlists')} className="-mx-1 flex flex-wrap items-center gap-2 px-1">
      {items.map((list) => (
        <Link
          key={list.id}
          to={`/playlists/${list.id}`}
          className="inline-flex min-h-9 max-w-full items-center gap-2 rounded-full border border-line bg-panel px-3.5 text-sm text-soft hover:border-edge hover:text-text"
        >
          <ListMusic size={15} aria-hidden className="shrink-0" />
          <span className="truncate">{list.name}</span>
          <span className="text-xs text-faint">{list.song_count}</span>
        </Link>
      ))}
      {name === null ? (
        <Button look="quiet" icon={Plus} onClick={() => setName('')} className="min-h-9">
          {t('library.newPlaylist')}
        </Button>
      ) : (
        <form
          onSubmit={(e) => {
            e.preventDefault();
            if (!name.trim()) return setName(null);
            make.mutate(name.trim(), {
              onSuccess: () => setName(null),
              onError: (error) => void toast(sentenceFor(error, t), { tone: 'bad' }),
            });
          }}
        >
          <TextInput
            autoFocus
            aria-label={t('library.newPlaylist')}
            placeholder={t('library.playlistName')}
            value={name}
            maxLength={200}
            onChange={(e) => setName(e.target.value)}
            onKeyDown={(e) => e.key === 'Escape' && setName(null)}
            onBlur={() => !name.trim() && setName(null)}
            className="h-9 rounded-full text-sm"
          />
        </form>
      )}
    </nav>
  );
}

type SongsProps = {
  songs: Song[];
  table: boolean;
  selected: ReadonlySet<string>;
  onSelect: (ids: string[]) => void;
  onEnd: () => void;
};

/** Rows of cards or of the table; only those near the window exist. */
function Songs({ songs, table, selected, onSelect, onEnd }: SongsProps) {
  const signed = useSignedMedia();
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const measure = (): void => {
      setWidth(element.clientWidth);
      setTop(element.offsetTop);
    };
    measure();
    const sizes = new ResizeObserver(measure);
    sizes.observe(element);
    return () => sizes.disconnect();
  }, [table]);
  const stacks = useMemo(() => stacksOf(songs), [songs]);
  const tracks = useMemo(() => songs.map((s) => trackOf(s, signed)), [songs, signed]);
  const columns = table ? 1 : Math.max(2, Math.floor((width || 960) / kCardWidth));
  const count = table ? songs.length : Math.ceil(stacks.length / columns);
  const rows = useWindowVirtualizer({
    count,
    estimateSize: () => (table ? kRowHeight : (width || 960) / columns + 112),
    overscan: 4,
    scrollMargin: top,
  });
  const items = rows.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= count - 3) onEnd();
  }, [last, count, onEnd]);
  useEffect(() => {
    rows.measure();
  }, [columns, table, rows]);
  return (
    <div ref={box}>
      {table && <SongTableHead />}
      <div
        role="list"
        style={{ height: rows.getTotalSize() }}
        className="relative w-full"
      >
        {items.map((row) => (
          <div
            key={row.key}
            ref={rows.measureElement}
            data-index={row.index}
            role={table ? 'listitem' : 'presentation'}
            className="absolute inset-x-0 top-0"
            style={{ transform: `translateY(${row.start - rows.options.scrollMargin}px)` }}
          >
            {table ? (
              <SongTableRow
                song={songs[row.index]!}
                tracks={tracks}
                index={row.index}
                selected={selected.has(songs[row.index]!.id)}
                onSelect={() => onSelect([songs[row.index]!.id])}
              />
            ) : (
              <div className="grid grid-cols-1 gap-2 pb-3" role="presentation" style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}>
                {stacks.slice(row.index * columns, (row.index + 1) * columns).map((stack) => (
                  <div key={stack.key} role="listitem" className="min-w-0">
                    <SongCard
                      stack={stack}
                      signed={signed}
                      selecting={selected.size > 0}
                      selected={stack.songs.every((s) => selected.has(s.id))}
                      onSelect={() => onSelect(stack.songs.map((s) => s.id))}
                    />
                  </div>
                ))}
              </div>
            )}
          </div>
        ))}
      </div>
    </div>
  );
}

type BulkProps = { ids: string[]; bin?: boolean; onClear: () => void; onAll: () => void };

/** What can be done with all that is chosen. */
function Bulk({ ids, bin, onClear, onAll }: BulkProps) {
  const { t } = useTranslation();
  const acts = useSongActs();
  const [adding, setAdding] = useState(false);
  if (ids.length === 0) return null;
  const then = (run: () => void) => () => {
    run();
    onClear();
  };
  return (
    <div
      role="toolbar"
      aria-label={t('library.chosen', { count: ids.length })}
      className="animate-rise fixed inset-x-3 bottom-[calc(var(--dock)+12px)] z-40 mx-auto flex w-fit max-w-[calc(100vw-24px)] flex-wrap items-center gap-1 rounded-card border border-edge bg-raised py-1.5 pr-1.5 pl-4 shadow-two"
    >
      <span className="mr-2 text-sm font-semibold">{t('library.chosen', { count: ids.length })}</span>
      <Button look="quiet" onClick={onAll}>
        {t('library.chooseAll')}
      </Button>
      {bin ? (
        <Button look="quiet" icon={Undo2} onClick={then(() => acts.restore(ids))}>
          {t('library.restore')}
        </Button>
      ) : (
        <>
          <Button look="quiet" icon={ListPlus} onClick={() => setAdding(true)}>
            {t('library.addToPlaylist')}
          </Button>
          <Button look="quiet" icon={Trash2} className="text-bad" onClick={then(() => acts.remove(ids))}>
            {t('library.remove')}
          </Button>
        </>
      )}
      <IconButton label={t('library.clearChoice')} icon={X} onClick={onClear} />
      <PlaylistSheet ids={ids} open={adding} onClose={() => setAdding(false)} />
    </div>
  );
}
