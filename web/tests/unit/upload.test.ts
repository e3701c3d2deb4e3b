// A form on its way, against a made-up connection.

import { beforeEach, describe, expect, it, vi } from 'vitest';

import { signIn, signOut, useSession } from '../../src/account/session';
import { ApiError } from '../../src/api/client';
import { sendForm } from '../../src/api/upload';

class Connection {
  static last: Connection;
  status = 0;
  responseText = '';
  retryAfter: string | null = null;
  headers: Record<string, string> = {};
  opened: string[] = [];
  sent: unknown = null;
  upload: { onprogress?: (e: object) => void; onload?: () => void } = {};
  onload?: () => void;
  onerror?: () => void;
  onabort?: () => void;
  constructor() {
    Connection.last = this;
  }
  open(...how: string[]): void {
    this.opened = how;
  }
  setRequestHeader(name: string, value: string): void {
    this.headers[name] = value;
  }
  getResponseHeader = (): string | null => this.retryAfter;
  send(body: unknown): void {
    this.sent = body;
  }
  abort(): void {
    this.onabort?.();
  }
  answer(status: number, text: string): void {
    this.status = status;
    this.responseText = text;
    this.onload?.();
  }
}

const user = { id: 'u', username: 'ada', email: 'a@b.c', created_at: '' };
const form = new FormData();

beforeEach(() => {
  vi.stubGlobal('XMLHttpRequest', Connection);
  signOut();
});

describe('a form that is sent', () => {
  it('tells how much has left, carries the token and brings the answer', async () => {
    signIn('a.b.c', user);
    const shares: number[] = [];
    const answer = sendForm<{ id: string }>('/api/references', form, { signal: new AbortController().signal, onSent: (s) => shares.push(s) });
    const { last } = Connection;
    expect(last.opened).toEqual(['POST', '/api/references']);
    expect(last.headers).toEqual({ Authorization: 'Bearer a.b.c' });
    expect(last.sent).toBe(form);
    last.upload.onprogress?.({ lengthComputable: true, loaded: 1, total: 4 });
    last.upload.onprogress?.({ lengthComputable: false, loaded: 2, total: 0 });
    last.upload.onload?.();
    expect(shares).toEqual([0.25, 1]);
    last.answer(200, '{"id":"r1"}');
    expect(await answer).toEqual({ id: 'r1' });
  });
  it.each([
    [429, '{"detail":"Other sounds are being listened to"}', 'Other sounds are being listened to'],
    [502, '<html>', 'HTTP 502'],
    [200, '<html>', 'HTTP 200'],
  ])('is refused with %i and says why', async (status, text, message) => {
    const answer = sendForm('/api/references', form, { signal: new AbortController().signal, onSent: () => undefined });
    Connection.last.answer(status, text);
    await expect(answer).rejects.toMatchObject({ status, message });
  });
  it('ends the session when the token is not good any more', async () => {
    signIn('a.b.c', user);
    const answer = sendForm('/api/references', form, { signal: new AbortController().signal, onSent: () => undefined });
    Connection.last.answer(401, '{"detail":"Not authenticated"}');
    await expect(answer).rejects.toBeInstanceOf(ApiError);
    expect(useSession.getState()).toMatchObject({ token: null, ended: 'expired' });
  });
  it('says that there is no studio', async () => {
    const answer = sendForm('/api/references', form, { signal: new AbortController().signal, onSent: () => undefined });
    Connection.last.onerror?.();
    await expect(answer).rejects.toMatchObject({ status: 0 });
  });
  it('stops, and is not sent when it was stopped before', async () => {
    const stop = new AbortController();
    const answer = sendForm('/api/references', form, { signal: stop.signal, onSent: () => undefined });
    stop.abort();
    await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
    await expect(sendForm('/api/references', form, { signal: stop.signal, onSent: () => undefined })).rejects.toMatchObject({ name: 'AbortError' });
    expect(Connection.last.sent).toBeNull();
  });
});
