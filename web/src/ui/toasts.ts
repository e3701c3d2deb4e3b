// Short notes at the edge of the page, with at most one thing to do.

import { create } from 'zustand';

export type Toast = {
  id: number;
  text: string;
  tone: 'plain' | 'good' | 'bad';
  action?: { label: string; run: () => void };
};

type Toasts = { list: Toast[] };
export const useToasts = create<Toasts>(() => ({ list: [] }));

let last = 0;
const kLife = 6000;
const kLifeWithAction = 12000;
const kMost = 3;

export function toast(text: string, more: Partial<Omit<Toast, 'id' | 'text'>> = {}): number {
  const id = ++last;
  useToasts.setState((s) => ({ list: [...s.list, { id, text, tone: 'plain' as const, ...more }].slice(-kMost) }));
  setTimeout(() => dismiss(id), more.action ? kLifeWithAction : kLife);
  return id;
}

export function dismiss(id: number): void {
  useToasts.setState((s) => ({ list: s.list.filter((t) => t.id !== id) }));
}
