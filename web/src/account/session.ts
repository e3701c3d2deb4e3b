// Who is signed in. The keys in localStorage are those that clients of the API have always used.

import { create } from 'zustand';

export type SessionUser = { id: string; username: string; email: string; created_at: string; admin?: boolean };
type Session = { token: string | null; user: SessionUser | null; ended: 'expired' | null };

const kToken = 'heartmula_token';
const kUser = 'heartmula_user';

function stored(): Session {
  try {
    const token = localStorage.getItem(kToken);
    const user = localStorage.getItem(kUser);
    if (token && user) return { token, user: JSON.parse(user) as SessionUser, ended: null };
  } catch {
    // What is broken counts as signed out.
  }
  return { token: null, user: null, ended: null };
}

export const useSession = create<Session>(() => stored());

export const sessionToken = (): string | null => useSession.getState().token;

export function signIn(token: string, user: SessionUser): void {
  localStorage.setItem(kToken, token);
  localStorage.setItem(kUser, JSON.stringify(user));
  useSession.setState({ token, user, ended: null });
}

export function setUser(user: SessionUser): void {
  localStorage.setItem(kUser, JSON.stringify(user));
  useSession.setState({ user });
}

export function signOut(why: 'expired' | null = null): void {
  localStorage.removeItem(kToken);
  localStorage.removeItem(kUser);
  useSession.setState({ token: null, user: null, ended: why });
}

// Signing in or out in one tab counts in the others.
window.addEventListener('storage', (event) => {
  if (event.key === kToken) useSession.setState(stored());
});
