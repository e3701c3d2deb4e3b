// All one's songs: instant search, order, favourites, playlists, the bin; as cards or as a table; thousands of them, of which
// only those in sight are drawn.

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Heart, LayoutGrid, ListMusic, ListPlus, Music4, Plus, Rows3, Search, Trash2, Undo2, X } from 'lucide-react';
import { useCallback, useDeferredValue, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';

import { sentenceFor } from '../api/problems';
import { type SongFilter, playlistsQuery, useStatus } from '../api/queries';
import { Fault, WriteASong } from '../shell/Fault';
import { PageHead } from '../shell/PageHead';
import { Button, ButtonLink, Empty, IconButton, Select, Skeleton, TextInput, cx } from '../ui/kit';
import { useLook } from '../ui/look';
import { toast } from '../ui/toasts';
import { EmptyBin, PurgeSheet } from './Purge';
import { PlaylistSheet, useNewPlaylist } from './PlaylistSheet';
import { SongGrid } from './SongGrid';
import { SongTable } from './SongTable';
import { loadedIds, useSongs } from './songs';
import { useSongActs } from './useSongActs';

const kOrders = ['newest', 'oldest', 'title', 'longest', 'tag_similarity'] as const;

export function LibraryPage({ bin }: { bin?: boolean }) {
  const { t } = useTranslation();
  const [params, setParams] = useSearchParams();
  const view = useLook((s) => s.libraryView);
  const [text, setText] = useState(params.get('q') ?? '');
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const search = useDeferredValue(text.trim());
  const order = kOrders.find((name) => name === params.get('order')) ?? 'newest';
  const compares = useStatus().data?.embedder_present ?? false;
  const filter: SongFilter = {
    search,
    order,
    favourites: params.get('favourites') === '1',
    deleted: bin ?? false,
    playlist: null,
  };
  const table = view === 'table' || !!bin;
  const queries = useQueryClient();
  const { songs, total, query, more } = useSongs(filter, table);
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
  // One and the same: songs are drawn again only where they change.
  const select = useCallback((ids: string[]): void => {
    setSelected((old) => {
      const now = new Set(old);
      const all = ids.every((id) => now.has(id));
      for (const id of ids) {
        if (all) now.delete(id);
        else now.add(id);
      }
      return now;
    });
  }, []);
  const filtered = search !== '' || filter.favourites;

  return (
    <div className="mx-auto grid grid-cols-1 max-w-[1600px] gap-5 px-4 md:px-8">
      <PageHead
        title={bin ? t('library.bin') : t('nav.library')}
        text={bin ? t('library.binText') : query.isSuccess ? t('library.songs', { count: total }) : undefined}
      >
        {bin ? (
          <>
            <ButtonLink to="/library" look="quiet">
              {t('library.back')}
            </ButtonLink>
            <EmptyBin count={total} />
          </>
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
          {kOrders.filter((name) => name !== 'tag_similarity' || compares || order === name).map((name) => (
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
      {query.isError && <Fault error={query.error} onAgain={() => void query.refetch()} />}
      {query.isSuccess && total === 0 && <Nothing bin={bin} filtered={filtered} onAll={() => setText('')} />}
      {total > 0 && table && <SongTable filter={filter} total={total} selected={selected} onSelect={select} />}
      {total > 0 && !table && <SongGrid songs={songs} selected={selected} onSelect={select} onEnd={more} />}
      <Bulk ids={[...selected]} bin={bin} onClear={() => setSelected(new Set())} onAll={() => setSelected(new Set(loadedIds(queries, filter)))} />
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
  return <Empty icon={Music4} title={t('library.empty')} text={t('library.emptyText')} action={<WriteASong />} />;
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

type BulkProps = { ids: string[]; bin?: boolean; onClear: () => void; onAll: () => void };

/** What can be done with all that is chosen. */
function Bulk({ ids, bin, onClear, onAll }: BulkProps) {
  const { t } = useTranslation();
  const acts = useSongActs();
  const [adding, setAdding] = useState(false);
  const [purging, setPurging] = useState(false);
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
        <>
          <Button look="quiet" icon={Undo2} onClick={then(() => acts.restore(ids))}>
            {t('library.restore')}
          </Button>
          <Button look="quiet" icon={Trash2} className="text-bad" onClick={() => setPurging(true)}>
            {t('library.purge')}
          </Button>
          <PurgeSheet ids={ids} count={ids.length} open={purging} onClose={() => setPurging(false)} onDone={onClear} />
        </>
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
