// Pages in a made-up browser with a made-up studio: what people can do with them, and that axe finds nothing.

import { QueryClientProvider } from '@tanstack/react-query';
import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { MemoryRouter } from 'react-router';
import { describe, expect, it, vi } from 'vitest';

import { RegisterPage, SignInPage } from '../../src/account/SignIn';
import { useSession } from '../../src/account/session';
import { makeQueryClient } from '../../src/api/queries';
import { CreatePage } from '../../src/create/CreatePage';
import { useDesk } from '../../src/create/draft';
import { SungLyrics } from '../../src/library/SungLyrics';
import { JobCard } from '../../src/making/JobCard';
import { audio, playTracks, trackOf } from '../../src/player/player';
import { Menu } from '../../src/ui/Menu';
import { useToasts } from '../../src/ui/toasts';
import { asked, expectAccessible, replies, show, status } from './studio';

describe('signing in', () => {
  it('keeps token and user where clients of the API look for them', async () => {
    replies['POST /api/auth/login'] = {
      status: 200,
      body: { user: { id: 'u', username: 'ada', email: 'a@b.c', created_at: '2026-01-01T00:00:00Z', admin: false }, token: { access_token: 'a.b.c', token_type: 'bearer' } },
    };
    const { container } = show(<SignInPage />);
    await userEvent.type(screen.getByLabelText('Email'), 'a@b.c');
    await userEvent.type(screen.getByLabelText('Password'), 'secret1');
    await expectAccessible(container);
    await userEvent.click(screen.getByRole('button', { name: 'Sign in' }));
    await waitFor(() => expect(useSession.getState().token).toBe('a.b.c'));
    expect(localStorage.getItem('heartmula_token')).toBe('a.b.c');
  });
  it('says in words that the password is wrong', async () => {
    replies['POST /api/auth/login'] = { status: 401, body: { detail: 'Invalid email or password' } };
    show(<SignInPage />);
    await userEvent.type(screen.getByLabelText('Email'), 'a@b.c');
    await userEvent.type(screen.getByLabelText('Password'), 'wrong{Enter}');
    expect(await screen.findByRole('alert')).toHaveTextContent('Email or password is not right.');
  });
});

describe('registering', () => {
  it('checks before it asks', async () => {
    const { container } = show(<RegisterPage />);
    await userEvent.type(screen.getByLabelText('Name'), 'ab');
    await userEvent.click(screen.getByRole('button', { name: 'Open account' }));
    expect(screen.getByText('At least 3 characters.')).toBeInTheDocument();
    expect(asked.some((a) => a.path.startsWith('POST'))).toBe(false);
    await expectAccessible(container);
  });
  it('brings the invite of its link along', async () => {
    show(<RegisterPage />, '/register?invite=code-1');
    expect(screen.getByLabelText('Invite')).toHaveValue('code-1');
  });
});

describe('the writing desk', () => {
  it('asks for exactly what is on it, once, and keeps the draft', async () => {
    replies['POST /api/generate'] = { status: 200, body: { id: 'j', status: 'pending', message: 'Generation added to queue', ids: ['j'] } };
    const { container } = show(<CreatePage />);
    await userEvent.type(screen.getByLabelText('Title'), 'Rain');
    await userEvent.type(screen.getByLabelText('Add a tag'), 'Folk,Warm{Enter}');
    await userEvent.type(screen.getByRole('textbox', { name: 'What it sings' }), '[[Verse]\nA line');
    await expectAccessible(container);
    await userEvent.click(screen.getByRole('button', { name: 'Make it' }));
    await waitFor(() => expect(asked.filter((a) => a.path === 'POST /api/generate')).toHaveLength(1));
    const request = asked.find((a) => a.path === 'POST /api/generate')!;
    expect(request.body).toMatchObject({ title: 'Rain', tags: 'folk,warm', lyrics: '[Verse]\nA line', max_audio_length_ms: 120_000, takes: 1 });
    expect(request.headers.get('Idempotency-Key')).toMatch(/^[0-9a-f-]{36}$/);
    expect(useDesk.getState().draft.lyrics).toBe('[Verse]\nA line');
    expect(useToasts.getState().list.at(-1)?.text).toBe('Your song is in the queue.');
  });
  it('does not ask for nothing', async () => {
    show(<CreatePage />);
    await userEvent.click(screen.getByRole('button', { name: 'Make it' }));
    expect(screen.getByRole('alert')).toHaveTextContent('Write a line or pick a tag first.');
    expect(asked.some((a) => a.path === 'POST /api/generate')).toBe(false);
  });
  it('takes tags out by their cross and by Backspace', async () => {
    useDesk.getState().set({ tags: 'folk,warm,piano' });
    show(<CreatePage />);
    await userEvent.click(screen.getByRole('button', { name: 'Remove warm' }));
    expect(useDesk.getState().draft.tags).toBe('folk,piano');
    await userEvent.type(screen.getByLabelText('Add a tag'), '{Backspace}');
    expect(useDesk.getState().draft.tags).toBe('folk');
  });
  it('gives words back that the writing help took the place of', async () => {
    replies['POST /api/ai/lyrics'] = { status: 200, body: { title: 'Theirs', tags: 'Folk, Warm', lyrics: '[Verse]\ntheirs' } };
    useDesk.getState().set({ lyrics: 'mine', title: 'Mine' });
    show(<CreatePage />);
    await userEvent.type(await screen.findByLabelText('Idea for the writing help'), 'rain');
    await userEvent.click(screen.getByRole('button', { name: 'Write it' }));
    await waitFor(() => expect(useDesk.getState().draft.lyrics).toBe('[Verse]\ntheirs'));
    expect(useDesk.getState().draft.tags).toBe('folk,warm');
    useToasts.getState().list.at(-1)?.action?.run();
    expect(useDesk.getState().draft).toMatchObject({ lyrics: 'mine', title: 'Mine' });
  });
  it('locks, draws and counts the seed on', async () => {
    show(<CreatePage />);
    await userEvent.click(screen.getByRole('button', { name: /Fine control/ }));
    await userEvent.type(screen.getByLabelText('Seed'), '41');
    await userEvent.click(screen.getByRole('button', { name: 'Seed + 1' }));
    expect(useDesk.getState().draft).toMatchObject({ seed: 42, seedLocked: true });
    await userEvent.click(screen.getByRole('button', { name: 'Draw it anew each time' }));
    expect(useDesk.getState().draft.seedLocked).toBe(false);
  });
});

describe('a job', () => {
  const job = {
    id: 'j', title: 'Rain', status: 'processing', progress: 500, total_frames: 1500, created_at: '', lyrics: '', tags: 'folk',
    phase: 'rendering', composed_seconds: 40, rendered_seconds: 20, position: 0, eta_seconds: 34, message: '', reason: null,
    attempts: 1, started_at: null, finished_at: null, max_audio_length_ms: 120_000, temperature: 1, topk: 50, cfg_scale: 1.5,
    seed: 1, take: 0, request_id: null, reference: null, audio_url: null,
  } as const;
  it('tells phase, seconds and what is left in numbers', async () => {
    const { container } = show(<JobCard job={job} />);
    expect(screen.getByText(/Rendering the sound/)).toHaveTextContent('about 34 s left');
    expect(screen.getByText('0:40 / 2:00')).toBeInTheDocument();
    expect(screen.getByRole('progressbar')).toHaveAttribute('aria-valuenow', '25');
    await expectAccessible(container);
  });
  it('can be heard as soon as there is something to hear', () => {
    const { rerender } = show(<JobCard job={job} />);
    expect(screen.queryByRole('button', { name: /Listen/ })).toBeNull();
    rerender(
      <QueryClientProvider client={makeQueryClient()}>
        <MemoryRouter>
          <JobCard job={{ ...job, audio_url: '/api/jobs/j/audio?sig=x' }} />
        </MemoryRouter>
      </QueryClientProvider>,
    );
    expect(screen.getByRole('button', { name: 'Listen to Rain while it is made' })).toBeInTheDocument();
  });
});

describe('the words of a song', () => {
  const song = { id: 's', title: 'Rain', lyrics: '[Verse]\nrain\n\n  falls \n[End]', tags: 'pop', audio_url: '/a?sig=x', duration_ms: 60_000 };
  const timed = {
    state: 'done', reason: null,
    lines: [{ line: 1, text: 'rain', start: 2, end: 4 }, { line: 3, text: 'falls', start: 5, end: 8 }],
  };
  const none = { state: 'none', reason: null, lines: [] };
  it('get their times where the studio can find them', async () => {
    replies['GET /api/songs/s/timings'] = { status: 200, body: none };
    replies['POST /api/songs/s/timings'] = { status: 200, body: { ...none, state: 'waiting' } };
    show(<SungLyrics song={song as never} />);
    await userEvent.click(await screen.findByRole('button', { name: 'Find when each line is sung' }));
    expect(await screen.findByRole('status')).toHaveTextContent('Waits for its turn');
    replies['GET /api/songs/s/timings'] = { status: 200, body: timed };
    expect(await screen.findByRole('button', { name: 'rain' }, { timeout: 5000 })).toBeInTheDocument();
  });
  it('say when that did not work, and offer it again', async () => {
    replies['GET /api/songs/s/timings'] = { status: 200, body: { ...none, state: 'failed', reason: 'no' } };
    replies['POST /api/songs/s/timings'] = { status: 429, body: { detail: 'Too many' } };
    show(<SungLyrics song={song as never} />);
    expect(await screen.findByRole('alert')).toHaveTextContent('That did not work');
    await userEvent.click(screen.getByRole('button', { name: 'Find when each line is sung' }));
    await waitFor(() => expect(screen.getByRole('alert')).toHaveTextContent('Too many songs'));
  });
  it('are only read where the studio cannot hear', async () => {
    replies['GET /api/status'] = { status: 200, body: { ...status, transcriptor_present: false } };
    replies['GET /api/songs/s/timings'] = { status: 200, body: none };
    show(<SungLyrics song={song as never} />);
    await waitFor(() => expect(asked.map((a) => a.path)).toContain('GET /api/songs/s/timings'));
    expect(screen.getByText('rain')).toBeInTheDocument();
    expect(screen.queryByRole('button')).toBeNull();
  });
  it('follow the song, and lead to their places in it', async () => {
    replies['GET /api/songs/s/timings'] = { status: 200, body: timed };
    const { container } = show(<SungLyrics song={song as never} />);
    const [rain, falls] = [await screen.findByRole('button', { name: 'rain' }), screen.getByRole('button', { name: 'falls' })];
    await expectAccessible(container);
    await userEvent.click(falls);
    expect(audio.src).toContain('/api/audio/s');
    await waitFor(() => expect(falls).toHaveAttribute('aria-current', 'true'));
    expect(rain).not.toHaveAttribute('aria-current');
    await userEvent.click(rain);
    await waitFor(() => expect(rain).toHaveAttribute('aria-current', 'true'));
    playTracks([trackOf({ ...song, id: 'other' } as never, false)], 0, 6);
    await waitFor(() => expect(container.querySelector('[aria-current]')).toBeNull());
  });
});

describe('a menu', () => {
  it('is opened, walked and closed by keys', async () => {
    const run = vi.fn();
    show(<Menu label="More" items={[{ label: 'Alpha' }, { label: 'Beta', run }]} button={(props) => <button {...props}>More</button>} />);
    const button = screen.getByRole('button', { name: 'More' });
    button.focus();
    await userEvent.keyboard('{ArrowDown}');
    const menu = screen.getByRole('menu');
    expect(within(menu).getByRole('menuitem', { name: 'Alpha' })).toHaveFocus();
    await userEvent.keyboard('{ArrowDown}{Enter}');
    expect(run).toHaveBeenCalledOnce();
    expect(button).toHaveFocus();
    await userEvent.keyboard('{ArrowDown}{Escape}');
    expect(screen.queryByRole('menu')).toBeNull();
    expect(button).toHaveFocus();
  });
});
