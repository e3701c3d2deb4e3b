// What stays while pages change: where one can go, the player, and what is said when the studio is out of reach.

import { Disc3, Library, ListMusic, type LucideIcon, PenLine, Search, Settings2, WifiOff } from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { NavLink, useLocation } from 'react-router';

import { at } from '../api/base';
import { RecipeDrop } from '../library/RecipeDrop';
import { useActiveJobs } from '../making/hooks';
import { useMaking } from '../making/jobs';
import { PlayerBar } from '../player/PlayerBar';
import { usePlayer } from '../player/player';
import { IconButton, cx } from '../ui/kit';
import { CommandPalette } from './CommandPalette';
import { KeyHelp } from './KeyHelp';
import { UserMenu } from './UserMenu';
import { useDocumentTitle } from './title';
import { useGlobalKeys } from './keys';
import { usePanels } from './panels';

type Place = { to: string; label: string; icon: LucideIcon; count?: number };

export function Logo({ className }: { className?: string }) {
  return <img src={at('/icon.svg')} alt="" className={cx('size-9', className)} width={36} height={36} />;
}

export function Loading() {
  const { t } = useTranslation();
  return (
    <div role="status" className="grid min-h-[50dvh] place-items-center text-faint">
      <Disc3 aria-hidden className="animate-breathe" />
      <span className="sr-only">{t('ui.loading')}</span>
    </div>
  );
}

function usePlaces(): Place[] {
  const { t } = useTranslation();
  const jobs = useActiveJobs();
  return [
    { to: '/create', label: t('nav.create'), icon: PenLine },
    { to: '/queue', label: t('nav.queue'), icon: ListMusic, count: jobs.length },
    { to: '/library', label: t('nav.library'), icon: Library },
    { to: '/system', label: t('nav.system'), icon: Settings2 },
  ];
}

function Go({ place, shape }: { place: Place; shape: 'rail' | 'tab' }) {
  const { t } = useTranslation();
  const Icon = place.icon;
  return (
    <NavLink
      to={place.to}
      className={({ isActive }) =>
        cx(
          'group relative grid justify-items-center gap-1 rounded-control text-xs transition-colors duration-[120ms]',
          shape === 'rail' ? 'py-2.5' : 'content-center py-1.5',
          isActive ? 'text-text' : 'text-faint hover:text-text',
        )
      }
    >
      {({ isActive }) => (
        <>
          <span
            className={cx(
              'relative grid h-8 w-12 place-items-center rounded-full transition-colors duration-[120ms]',
              isActive && 'bg-raised text-hearttext',
            )}
          >
            <Icon size={20} aria-hidden strokeWidth={isActive ? 2.2 : 1.8} />
            {!!place.count && (
              <span className="warm absolute -top-1 right-0 min-w-[18px] rounded-full px-1 text-center text-[11px] leading-[18px] font-bold">
                <span aria-hidden>{place.count}</span>
                <span className="sr-only">{t('nav.inQueue', { count: place.count })}</span>
              </span>
            )}
          </span>
          {place.label}
        </>
      )}
    </NavLink>
  );
}

function Reach() {
  const { t } = useTranslation();
  const link = useMaking((s) => s.link);
  const [online, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const change = (): void => setOnline(navigator.onLine);
    window.addEventListener('online', change);
    window.addEventListener('offline', change);
    return () => {
      window.removeEventListener('online', change);
      window.removeEventListener('offline', change);
    };
  }, []);
  const lost = !online || link === 'lost';
  return (
    <div role="status">
      {lost && (
        <div className="animate-fade flex items-center justify-center gap-2 border-b border-line bg-raised px-4 py-2 text-sm text-warn">
          <WifiOff size={16} aria-hidden />
          {online ? t('shell.lost') : t('shell.offline')}
        </div>
      )}
    </div>
  );
}

export function Frame({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  const places = usePlaces();
  const { pathname } = useLocation();
  const hasTrack = usePlayer((p) => p.at >= 0);
  useGlobalKeys();
  useDocumentTitle();
  useEffect(() => {
    document.documentElement.toggleAttribute('data-player', hasTrack);
    return () => document.documentElement.removeAttribute('data-player');
  }, [hasTrack]);
  useEffect(() => {
    // In braces: browsers have begun to return a promise here, which is no clean-up.
    window.scrollTo(0, 0);
  }, [pathname]);

  return (
    <div className="lg:grid lg:grid-cols-[var(--rail)_minmax(0,1fr)]">
      <a href="#page" className="warm fixed top-2 left-2 z-[80] -translate-y-20 rounded-control px-4 py-2 focus:translate-y-0">
        {t('shell.skip')}
      </a>
      <aside className="sticky top-0 hidden h-[calc(100dvh-var(--mini))] flex-col items-center border-r border-line bg-panel/60 py-4 lg:flex">
        <NavLink to="/create" aria-label={t('shell.home')} className="mb-6">
          <Logo />
        </NavLink>
        <nav aria-label={t('nav.label')} className="grid grid-cols-1 w-full gap-1 px-2">
          {places.map((p) => (
            <Go key={p.to} place={p} shape="rail" />
          ))}
        </nav>
        <div className="mt-auto grid justify-items-center gap-2">
          <IconButton label={t('palette.open')} icon={Search} onClick={() => usePanels.setState({ palette: true })} />
          <UserMenu />
        </div>
      </aside>
      <div className="min-w-0">
        <header className="glass sticky top-0 z-30 flex items-center gap-2 border-b border-line px-4 py-2 lg:hidden">
          <Logo className="size-8" />
          <span className="grow font-semibold tracking-tight">Heart Studio</span>
          <IconButton label={t('palette.open')} icon={Search} onClick={() => usePanels.setState({ palette: true })} />
          <UserMenu />
        </header>
        <Reach />
        <main id="page" tabIndex={-1} className="pb-[calc(var(--dock)+48px)] outline-none">
          {children}
        </main>
      </div>
      <PlayerBar />
      <nav
        aria-label={t('nav.label')}
        className="glass fixed inset-x-0 bottom-0 z-40 grid grid-cols-4 border-t border-line px-2 pb-[env(safe-area-inset-bottom,0px)] lg:hidden"
        style={{ minHeight: 'var(--tabs)' }}
      >
        {places.map((p) => (
          <Go key={p.to} place={p} shape="tab" />
        ))}
      </nav>
      <CommandPalette />
      <KeyHelp />
      <RecipeDrop />
    </div>
  );
}
