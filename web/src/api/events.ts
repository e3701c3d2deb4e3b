// Server-sent events by fetch, because EventSource cannot send the token in a header.

import { at } from './base';
import type { ProgressUpdate } from './client';

/** Cuts a stream of text into the data of events (HTML standard, 9.2.6). Comments and other fields are passed over. */
export class EventParser {
  private rest = '';
  private data: string[] = [];

  push(text: string): string[] {
    const out: string[] = [];
    this.rest += text;
    for (;;) {
      const end = this.rest.search(/\r\n|\n|\r(?!$)/);
      if (end < 0) return out;
      const line = this.rest.slice(0, end);
      this.rest = this.rest.slice(end + (this.rest.startsWith('\r\n', end) ? 2 : 1));
      if (line === '') {
        if (this.data.length > 0) out.push(this.data.join('\n'));
        this.data = [];
      } else if (line.startsWith('data:')) {
        this.data.push(line.slice(line[5] === ' ' ? 6 : 5));
      }
    }
  }
}

export type Link = 'open' | 'lost';

type Listen = {
  token: string;
  onUpdate: (update: ProgressUpdate) => void;
  onLink: (link: Link) => void;
  onRefused: () => void;
};

const kFirstWait = 1000;
const kLongestWait = 15000;

/** Listens until the returned function is called; what breaks is taken up again, less and less eagerly. */
export function listenToEvents({ token, onUpdate, onLink, onRefused }: Listen): () => void {
  const stop = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wait = kFirstWait;

  const hear = async (): Promise<void> => {
    const response = await fetch(at('/api/events'), {
      headers: { Authorization: `Bearer ${token}`, Accept: 'text/event-stream' },
      signal: stop.signal,
      cache: 'no-store',
    });
    if (response.status === 401) {
      stop.abort();
      onRefused();
      return;
    }
    if (!response.ok || !response.body) throw new Error(`events: ${response.status}`);
    onLink('open');
    wait = kFirstWait;
    const parser = new EventParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw new Error('events: ended');
      for (const data of parser.push(value)) {
        try {
          onUpdate(JSON.parse(data) as ProgressUpdate);
        } catch {
          // An event that is not understood must not end the others.
        }
      }
    }
  };

  const go = (): void => {
    hear().catch(() => {
      if (stop.signal.aborted) return;
      onLink('lost');
      timer = setTimeout(go, wait * (0.75 + Math.random() / 2));
      wait = Math.min(wait * 2, kLongestWait);
    });
  };
  const hurry = (): void => {
    if (timer === undefined || stop.signal.aborted) return;
    clearTimeout(timer);
    timer = undefined;
    wait = kFirstWait;
    go();
  };
  window.addEventListener('online', hurry);
  go();
  return () => {
    stop.abort();
    if (timer !== undefined) clearTimeout(timer);
    window.removeEventListener('online', hurry);
  };
}
