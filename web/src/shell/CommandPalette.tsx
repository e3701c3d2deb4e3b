// Ctrl K: everything by its name. Songs are found by the server, so all of them are within reach.

import { useInfiniteQuery } from '@tanstack/react-query';
import {
  BarChart3,
  CornerDownLeft,
  Keyboard,
  Library,
  ListMusic,
  LogOut,
  type LucideIcon,
  Moon,
  PenLine,
  Play,
  Settings2,
  Shuffle,
  SkipForward,
  Sun,
  Trash2,
  UserRound,
} from 'lucide-react';
import { useDeferredValue, useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';

import { signOut, useSession } from '../account/session';
import { songsQuery, useSignedMedia } from '../api/queries';
import { next, playTracks, toggle, toggleShuffle, trackOf } from '../player/player';
import { clock } from '../ui/format';
import { Sheet, cx } from '../ui/kit';
import { setTheme } from '../ui/look';
import { usePanels } from './panels';

type Command = { id: string; label: string; detail?: string; icon: LucideIcon; run: () => void };

export function CommandPalette() {
  const { t } = useTranslation();
  const open = usePanels((s) => s.palette);
  return (
    <Sheet open={open} onClose={() => usePanels.setState({ palette: false })} title={t('palette.open')} shape="top" hideTitle>
      {open && <Palette />}
    </Sheet>
  );
}

function useCommands(): Command[] {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const admin = useSession((s) => s.user?.admin);
  const to = (place: string) => () => void navigate(place);
  return [
    { id: 'create', label: t('nav.create'), icon: PenLine, run: to('/create') },
    { id: 'queue', label: t('nav.queue'), icon: ListMusic, run: to('/queue') },
    { id: 'library', label: t('nav.library'), icon: Library, run: to('/library') },
    { id: 'favourites', label: t('library.favourites'), icon: Library, run: to('/library?favourites=1') },
    { id: 'bin', label: t('library.bin'), icon: Trash2, run: to('/library/bin') },
    { id: 'system', label: t('nav.system'), icon: Settings2, run: to('/system') },
    { id: 'profile', label: t('user.profile'), icon: UserRound, run: to('/profile') },
    ...(admin ? [{ id: 'admin', label: t('user.admin'), icon: BarChart3, run: to('/admin') }] : []),
    { id: 'play', label: t('player.playPause'), icon: Play, run: toggle },
    { id: 'next', label: t('player.next'), icon: SkipForward, run: () => next() },
    { id: 'shuffle', label: t('player.shuffle'), icon: Shuffle, run: toggleShuffle },
    { id: 'light', label: t('user.light'), icon: Sun, run: () => setTheme('light') },
    { id: 'dark', label: t('user.dark'), icon: Moon, run: () => setTheme('dark') },
    { id: 'keys', label: t('keys.title'), icon: Keyboard, run: () => usePanels.setState({ keys: true }) },
    { id: 'out', label: t('user.signOut'), icon: LogOut, run: () => signOut() },
  ];
}

function Palette() {
  const { t } = useTranslation();
  const commands = useCommands();
  const signed = useSignedMedia();
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const id = useId();
  const wanted = text.trim().toLowerCase();
  const search = useDeferredValue(text.trim());
  const songs = useInfiniteQuery({
    ...songsQuery({ search, order: 'newest', favourites: false, deleted: false, playlist: null }),
    enabled: search.length > 0,
  });
  const found = search ? (songs.data?.pages[0]?.items.slice(0, 6) ?? []) : [];
  const list: Command[] = [
    ...commands.filter((c) => c.label.toLowerCase().includes(wanted)),
    ...found.map((song) => ({
      id: song.id,
      label: song.title ?? '',
      detail: clock(song.duration_ms / 1000),
      icon: Play,
      run: () => playTracks([trackOf(song, signed)]),
    })),
  ];
  const chosen = Math.min(at, list.length - 1);
  const run = (command: Command | undefined): void => {
    if (!command) return;
    usePanels.setState({ palette: false });
    command.run();
  };
  return (
    <div>
      <input
        data-first
        role="combobox"
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={list[chosen] ? `${id}-${list[chosen].id}` : undefined}
        aria-label={t('palette.label')}
        placeholder={t('palette.placeholder')}
        value={text}
        onChange={(e) => {
          setText(e.target.value);
          setAt(0);
        }}
        onKeyDown={(e) => {
          const step = e.key === 'ArrowDown' ? 1 : e.key === 'ArrowUp' ? -1 : 0;
          if (step !== 0) {
            e.preventDefault();
            setAt((chosen + step + list.length) % Math.max(1, list.length));
          } else if (e.key === 'Enter' && !e.nativeEvent.isComposing) {
            e.preventDefault();
            run(list[chosen]);
          }
        }}
        className="h-14 w-full border-b border-line bg-transparent px-5 text-base focus-visible:outline-none"
      />
      <ul id={`${id}-list`} role="listbox" aria-label={t('palette.label')} className="max-h-[50dvh] overflow-y-auto p-2">
        {list.map((command, index) => {
          const Icon = command.icon;
          return (
            <li
              key={command.id}
              id={`${id}-${command.id}`}
              role="option"
              aria-selected={index === chosen}
              ref={index === chosen ? (el) => el?.scrollIntoView?.({ block: 'nearest' }) : undefined}
              onPointerMove={() => setAt(index)}
              onClick={() => run(command)}
              className={cx(
                'flex min-h-11 cursor-pointer items-center gap-3 rounded-control px-3 text-sm',
                index === chosen ? 'bg-raised' : 'text-soft',
              )}
            >
              <Icon size={17} aria-hidden className="shrink-0 text-faint" />
              <span className="min-w-0 grow truncate">{command.label}</span>
              {command.detail && <span className="text-xs text-faint">{command.detail}</span>}
              {index === chosen && <CornerDownLeft size={14} aria-hidden className="text-faint" />}
            </li>
          );
        })}
      </ul>
      {list.length === 0 && <p className="px-5 pb-6 text-sm text-soft">{t('palette.nothing')}</p>}
    </div>
  );
}
