import { useQueryClient } from '@tanstack/react-query';
import { Suspense, lazy, useEffect, useRef } from 'react';
import { Navigate, Route, Routes, useLocation } from 'react-router';

import { RegisterPage, SignInPage } from '../account/SignIn';
import { useSession } from '../account/session';
import { CreatePage } from '../create/CreatePage';
import { openDesk } from '../create/draft';
import { LibraryPage } from '../library/LibraryPage';
import { useEvents } from '../making/useEvents';
import { QueuePage } from '../making/QueuePage';
import { close } from '../player/player';
import { Toasts } from '../ui/Toasts';
import { Frame, Loading } from './Frame';
import { Mishap } from './Mishap';
import { NotFound } from './NotFound';

const SongPage = lazy(() => import('../library/SongPage').then((m) => ({ default: m.SongPage })));
const ComparePage = lazy(() => import('../library/ComparePage').then((m) => ({ default: m.ComparePage })));
const PlaylistPage = lazy(() => import('../library/PlaylistPage').then((m) => ({ default: m.PlaylistPage })));
const SharedPage = lazy(() => import('../library/SharedPage').then((m) => ({ default: m.SharedPage })));
const SystemPage = lazy(() => import('../system/SystemPage').then((m) => ({ default: m.SystemPage })));
const AdminPage = lazy(() => import('../system/AdminPage').then((m) => ({ default: m.AdminPage })));
const ProfilePage = lazy(() => import('../account/ProfilePage').then((m) => ({ default: m.ProfilePage })));

export function App() {
  return (
    <>
      <Suspense fallback={<Loading />}>
        <Routes>
          <Route path="/shared/:token" element={<SharedPage />} />
          <Route path="/*" element={<Inside />} />
        </Routes>
      </Suspense>
      <Toasts />
    </>
  );
}

/** What only someone who is signed in sees. */
function Inside() {
  const token = useSession((s) => s.token);
  const queries = useQueryClient();
  const { pathname, search } = useLocation();
  const user = useSession((s) => s.user?.id ?? null);
  const before = useRef(user);
  useEvents(token);
  useEffect(() => {
    // Another account must find nothing of the one before.
    if (before.current !== user) {
      queries.clear();
      if (user === null) close();
    }
    before.current = user;
    if (user !== null) openDesk(user);
  }, [user, queries]);

  if (token === null) {
    const back = pathname === '/' || pathname === '/sign-in' ? '' : `?next=${encodeURIComponent(pathname + search)}`;
    return (
      <Routes>
        <Route path="/sign-in" element={<SignInPage />} />
        <Route path="/register" element={<RegisterPage />} />
        <Route path="*" element={<Navigate to={`/sign-in${back}`} replace />} />
      </Routes>
    );
  }
  return (
    <Frame>
      <Mishap place={pathname}>
        <Suspense fallback={<Loading />}>
          <Routes>
            <Route path="/" element={<Navigate to="/create" replace />} />
            <Route path="/sign-in" element={<AfterSignIn />} />
            <Route path="/register" element={<Navigate to="/create" replace />} />
            <Route path="/create" element={<CreatePage />} />
            <Route path="/queue" element={<QueuePage />} />
            <Route path="/library" element={<LibraryPage />} />
            <Route path="/library/bin" element={<LibraryPage bin />} />
            <Route path="/library/:id" element={<SongPage />} />
            <Route path="/playlists/:id" element={<PlaylistPage />} />
            <Route path="/compare" element={<ComparePage />} />
            <Route path="/system" element={<SystemPage />} />
            <Route path="/admin" element={<AdminPage />} />
            <Route path="/profile" element={<ProfilePage />} />
            <Route path="*" element={<NotFound />} />
          </Routes>
        </Suspense>
      </Mishap>
    </Frame>
  );
}

function AfterSignIn() {
  const wanted = new URLSearchParams(useLocation().search).get('next');
  // Only to a place on this page: never to another site.
  const to = wanted?.startsWith('/') && !wanted.startsWith('//') ? wanted : '/create';
  return <Navigate to={to} replace />;
}
