// A made-up browser with a made-up studio: what it answers, what it was asked, and that axe finds nothing.

import { QueryClientProvider } from '@tanstack/react-query';
import { render } from '@testing-library/react';
import axe from 'axe-core';
import type { ReactNode } from 'react';
import { MemoryRouter } from 'react-router';
import { beforeEach, expect, vi } from 'vitest';

import { signOut } from '../../src/account/session';
import { makeQueryClient } from '../../src/api/queries';
import { kEmpty, useDesk } from '../../src/create/draft';
import { stopListening } from '../../src/create/listening';
import { useToasts } from '../../src/ui/toasts';

export const status = {
  gpu_available: false, gpu_name: null, model_loaded: true, queue_length: 2, openai_configured: true, version: '1', model: 'm',
  device: 'cpu', registration: 'open', covers_configured: false, transcriptor_present: true, embedder_present: false, signed_media: false,
  limits: { lyrics_bytes: 20000, tags_bytes: 2000, title_bytes: 500, takes: 8, queue_per_user: 20, queue: 500 },
};
type Reply = { status: number; body: unknown };
export let replies: Record<string, Reply>;
export let asked: { path: string; body: unknown; headers: Headers }[];

beforeEach(() => {
  asked = [];
  replies = {
    'GET /api/status': { status: 200, body: status },
    'GET /api/queue': { status: 200, body: { items: [], active_id: null } },
    'GET /api/jobs/failures': { status: 200, body: { items: [] } },
    'GET /api/songs': { status: 200, body: { items: [], total: 0, page: 1, page_size: 60 } },
  };
  useDesk.setState({ draft: kEmpty, earlier: [], presets: [] });
  useToasts.setState({ list: [] });
  signOut();
  stopListening();
  vi.stubGlobal('fetch', async (request: Request) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    const text = request.method === 'GET' ? '' : await request.text();
    asked.push({ path: `${request.method} ${pathname}`, body: text ? JSON.parse(text) : null, headers: request.headers });
    const reply = replies[`${request.method} ${pathname}`] ?? { status: 404, body: { detail: 'Not Found' } };
    return new Response(JSON.stringify(reply.body), { status: reply.status, headers: { 'Content-Type': 'application/json' } });
  });
});

export function show(page: ReactNode, at = '/') {
  return render(
    <QueryClientProvider client={makeQueryClient()}>
      <MemoryRouter initialEntries={[at]}>{page}</MemoryRouter>
    </QueryClientProvider>,
  );
}

export async function expectAccessible(element: Element): Promise<void> {
  // Contrast is judged where there are colours: in tokens.test.ts and in Chromium.
  const { violations } = await axe.run(element, { rules: { 'color-contrast': { enabled: false }, region: { enabled: false } } });
  expect(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' | ')}`)).toEqual([]);
}
