// "Sounds like this": choosing music, songs near a song, how well a song goes with its tags, and licences that are not free.

import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { Route, Routes } from 'react-router';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { ApiError } from '../../src/api/client';
import { changeSong, makeQueryClient } from '../../src/api/queries';
import { sendForm } from '../../src/api/upload';
import { CreatePage } from '../../src/create/CreatePage';
import { SoundsLike } from '../../src/create/SoundsLike';
import { type Reference, kEmpty, useDesk } from '../../src/create/draft';
import { kMostBytes, numberIn, pieceOf, useListening } from '../../src/create/listening';
import { LibraryPage } from '../../src/library/LibraryPage';
import { MoreLikeThis } from '../../src/library/MoreLikeThis';
import { SongActions } from '../../src/library/SongActions';
import { SongPage } from '../../src/library/SongPage';
import { Models, toAccept } from '../../src/system/Models';
import { asked, expectAccessible, replies, show, status } from './studio';

vi.mock('../../src/api/upload', () => ({ sendForm: vi.fn() }));

const hearing = { status: 200, body: { ...status, embedder_present: true } };
const kept = { id: 'r1', source: 'river.flac', start: 30, seconds: 10, model: 'MuQ-MuLan-large', licence: 'CC-BY-NC-4.0', created_at: '2026-11-28T12:00:00Z' };
const river: Reference = { of: 'reference', id: 'r1', source: 'river.flac', start: 30, seconds: 10, model: 'MuQ-MuLan-large', licence: 'CC-BY-NC-4.0' };
const paths = (): string[] => asked.map((a) => a.path);

beforeEach(() => {
  vi.mocked(sendForm).mockReset();
  replies['GET /api/status'] = hearing;
  replies['GET /api/references'] = { status: 200, body: { items: [kept], limit: 50 } };
});

describe('numbers of a piece', () => {
  it.each([['0', 0], [' 12.5 ', 12.5], ['12,5', 12.5], ['.5', 0.5], ['', null], ['-1', null], ['1e3', null], ['86401', null], ['ten', null]])(
    '%j is %j', (text, value) => expect(numberIn(text, [0, 86_400])).toBe(value));
  it('are shown as a span of the sound, where they are known', () => {
    expect(pieceOf({ start: 42, seconds: 10 })).toBe('0:42 – 0:52');
    expect(pieceOf({ start: null, seconds: 10 })).toBe('');
  });
});

describe('music that a song is to sound like', () => {
  it('is not offered where the studio cannot listen', async () => {
    replies['GET /api/status'] = { status: 200, body: status };
    show(<CreatePage />);
    // This, too, waits for what the studio says of itself.
    await screen.findByLabelText('Idea for the writing help');
    expect(screen.queryByText('Sounds like')).toBeNull();
    expect(paths()).not.toContain('GET /api/references');
  });
  it('is seen even there when it goes along with the song', async () => {
    replies['GET /api/status'] = { status: 200, body: status };
    useDesk.getState().set({ reference: { ...river, of: 'song', id: 's' } });
    show(<SoundsLike />);
    expect(screen.getByText('river.flac')).toBeInTheDocument();
    expect(screen.queryByRole('button', { name: /Choose/ })).toBeNull();
  });
  it('is a file of one\'s own: sent, listened to, and in the draft', async () => {
    let sent!: (share: number) => void;
    let answer!: (value: unknown) => void;
    vi.mocked(sendForm).mockImplementation((_path, _form, { onSent }) => {
      sent = onSent;
      return new Promise((done) => (answer = done as typeof answer));
    });
    const { container } = show(<SoundsLike />);
    await userEvent.click(await screen.findByRole('button', { name: 'Choose music' }));
    const sheet = screen.getByRole('dialog', { name: 'Sounds like' });
    await within(sheet).findByText('river.flac');
    await expectAccessible(sheet);
    await userEvent.upload(within(sheet).getByLabelText('Audio file'), new File(['x'], 'sea.mp3', { type: 'audio/mpeg' }));
    await userEvent.clear(within(sheet).getByLabelText('Begins at, seconds'));
    await userEvent.type(within(sheet).getByLabelText('Begins at, seconds'), '42');
    await userEvent.click(within(sheet).getByRole('button', { name: 'Listen to it' }));
    const [path, form] = vi.mocked(sendForm).mock.calls[0]!;
    expect(path).toBe('/api/references');
    expect([form.get('start'), form.get('seconds'), (form.get('file') as File).name]).toEqual(['42', '10', 'sea.mp3']);
    expect(screen.getByRole('status')).toHaveTextContent('Sending sea.mp3');
    sent(0.5);
    await waitFor(() => expect(screen.getByRole('progressbar')).toHaveAttribute('value', '0.5'));
    sent(1);
    await waitFor(() => expect(screen.getByRole('status')).toHaveTextContent('Listening to sea.mp3'));
    await expectAccessible(container);
    answer({ ...kept, id: 'r2', source: 'sea.mp3', start: 42 });
    await waitFor(() => expect(useDesk.getState().draft).toMatchObject({ reference: { of: 'reference', id: 'r2' }, strength: 1 }));
    expect(screen.getByText('0:42 – 0:52')).toBeInTheDocument();
    expect(screen.getByText(/whose weights are under CC-BY-NC-4.0\. They are not for commercial use/)).toBeInTheDocument();
    await expectAccessible(container);
  });
  it('is checked before anything is sent', async () => {
    show(<SoundsLike />);
    await userEvent.click(await screen.findByRole('button', { name: 'Choose music' }));
    await userEvent.click(screen.getByRole('button', { name: 'Listen to it' }));
    expect(screen.getByText('Choose a file first.')).toBeInTheDocument();
    const large = new File(['x'], 'large.wav', { type: 'audio/wav' });
    Object.defineProperty(large, 'size', { value: kMostBytes + 1 });
    await userEvent.upload(screen.getByLabelText('Audio file'), large);
    expect(screen.getByText(/more than 64 MiB/)).toBeInTheDocument();
    await userEvent.upload(screen.getByLabelText('Audio file'), new File(['x'], 'a.wav', { type: 'audio/wav' }));
    await userEvent.clear(screen.getByLabelText('Length, seconds'));
    await userEvent.click(screen.getByRole('button', { name: 'Listen to it' }));
    expect(screen.getByLabelText('Length, seconds')).toHaveAccessibleDescription(/A number from 0.1 to 3600/);
    expect(sendForm).not.toHaveBeenCalled();
  });
  it.each([
    [400, /no sound that the studio can read/], [413, /more than 64 MiB/], [429, /listens to other sounds/], [501, /cannot listen now/], [503, /cannot listen now/],
    [504, /took too long/], [0, /cannot be reached/],
  ])('says what was wrong after %i, and is tried again', async (code, sentence) => {
    vi.mocked(sendForm).mockRejectedValueOnce(new ApiError(code, 'no')).mockResolvedValueOnce(kept);
    show(<SoundsLike />);
    await userEvent.click(await screen.findByRole('button', { name: 'Choose music' }));
    await userEvent.upload(screen.getByLabelText('Audio file'), new File(['x'], 'sea.mp3', { type: 'audio/mpeg' }));
    await userEvent.click(screen.getByRole('button', { name: 'Listen to it' }));
    expect(await screen.findByRole('alert')).toHaveTextContent(sentence);
    await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
    await waitFor(() => expect(useDesk.getState().draft.reference?.id).toBe('r1'));
    expect(screen.queryByRole('alert')).toBeNull();
  });
  it('can be stopped on its way, and then changes nothing', async () => {
    vi.mocked(sendForm).mockImplementation((_path, _form, { signal }) =>
      new Promise((_done, fail) => signal.addEventListener('abort', () => fail(new DOMException('stopped', 'AbortError')))));
    show(<SoundsLike />);
    await userEvent.click(await screen.findByRole('button', { name: 'Choose music' }));
    await userEvent.upload(screen.getByLabelText('Audio file'), new File(['x'], 'sea.mp3', { type: 'audio/mpeg' }));
    await userEvent.click(screen.getByRole('button', { name: 'Listen to it' }));
    await userEvent.click(await screen.findByRole('button', { name: 'Stop' }));
    expect(screen.queryByRole('status')).toBeNull();
    expect(useListening.getState().now).toBeNull();
    expect(useDesk.getState().draft.reference).toBeNull();
  });
  it('is one that was used before, made stronger, and taken away', async () => {
    show(<SoundsLike />);
    await userEvent.click(await screen.findByRole('button', { name: 'Choose music' }));
    await userEvent.click(await screen.findByRole('button', { name: /^river.flac/ }));
    expect(useDesk.getState().draft.reference).toEqual(river);
    expect(screen.queryByRole('dialog')).toBeNull();
    const slider = screen.getByLabelText('Strength');
    expect([slider.getAttribute('min'), slider.getAttribute('max'), slider.getAttribute('step')]).toEqual(['0', '2', '0.05']);
    expect(slider).toHaveAccessibleDescription(/1 is what the model was trained with/);
    await userEvent.click(screen.getByRole('button', { name: 'Take “river.flac” away' }));
    expect(useDesk.getState().draft).toMatchObject({ reference: null, strength: 1 });
  });
  it('is forgotten by the studio and by the draft', async () => {
    replies['DELETE /api/references/r1'] = { status: 200, body: { message: 'Reference deleted' } };
    useDesk.getState().set({ reference: river });
    show(<SoundsLike />);
    await userEvent.click(await screen.findByRole('button', { name: 'Choose other music' }));
    await userEvent.click(await screen.findByRole('button', { name: 'Forget “river.flac”' }));
    await waitFor(() => expect(useDesk.getState().draft.reference).toBeNull());
  });
  it('says when the studio does not have it any more', async () => {
    replies['GET /api/references'] = { status: 200, body: { items: [], limit: 50 } };
    useDesk.getState().set({ reference: river });
    show(<SoundsLike />);
    expect(await screen.findByRole('alert')).toHaveTextContent('not in the studio any more');
  });
  it('says so, too, when the studio refuses the song for it', async () => {
    replies['POST /api/generate'] = { status: 422, body: { detail: [{ type: 'value_error', loc: ['body', 'reference_id'], msg: 'there is no such reference', input: 'r1' }] } };
    useDesk.getState().set({ reference: river, tags: 'folk' });
    show(<CreatePage />);
    await userEvent.click(screen.getByRole('button', { name: 'Make it' }));
    expect(await screen.findByText(/What the song was to sound like is not here any more/)).toBeInTheDocument();
  });
  it('is waited for: no song is made without what it is to sound like', async () => {
    useDesk.getState().set({ tags: 'folk' });
    useListening.setState({ now: { phase: 'listening', name: 'sea.mp3' } });
    show(<CreatePage />);
    await userEvent.click(screen.getByRole('button', { name: 'Make it' }));
    expect(screen.getByRole('alert')).toHaveTextContent('still listens');
    expect(paths()).not.toContain('POST /api/generate');
  });
});

const song = {
  id: 's', title: 'Rain', lyrics: '', tags: 'folk', audio_url: '/a?sig=x', duration_ms: 60_000, created_at: '2026-11-28T12:00:00Z',
  favourite: false, rating: 0, tag_similarity: null, reference: null, deleted_at: null, recipe: null,
} as never;

describe('the menu of a song', () => {
  it('lets the next one be like it', async () => {
    replies['POST /api/songs/s/reference'] = { status: 200, body: { ...kept, source: 'Rain', start: 0 } };
    useDesk.setState({ draft: { ...kEmpty, lyrics: 'mine' } });
    show(<SongActions song={song} />);
    await waitFor(() => expect(paths()).toContain('GET /api/status'));
    await userEvent.click(screen.getByRole('button', { name: 'More for Rain' }));
    await userEvent.click(await screen.findByRole('menuitem', { name: 'Like this song' }));
    await waitFor(() => expect(useDesk.getState().draft).toMatchObject({ lyrics: 'mine', reference: { id: 'r1', source: 'Rain' } }));
  });
});

describe('songs near a song', () => {
  const none = { state: 'none', reason: null, tag_similarity: null };
  const near = { ...(song as object), id: 'n', song_id: 'n', title: 'Fog', similarity: 0.874 };
  it('are listed with how near they are', async () => {
    replies['GET /api/songs/s/embedding'] = { status: 200, body: { ...none, state: 'done', tag_similarity: 0.31 } };
    replies['GET /api/songs/s/similar'] = { status: 200, body: { items: [near] } };
    const { container } = show(<MoreLikeThis song={song} />);
    expect(await screen.findByRole('link', { name: 'Fog' })).toHaveAttribute('href', '/library/n');
    expect(screen.getByText(/similarity 0.87/)).toBeInTheDocument();
    await expectAccessible(container);
  });
  it('are found out when that is asked for', async () => {
    replies['GET /api/songs/s/embedding'] = { status: 200, body: none };
    replies['POST /api/songs/s/embedding'] = { status: 200, body: { ...none, state: 'waiting' } };
    replies['GET /api/songs/s/similar'] = { status: 200, body: { items: [] } };
    show(<MoreLikeThis song={song} />);
    await userEvent.click(await screen.findByRole('button', { name: 'Find songs like it' }));
    expect(await screen.findByRole('status')).toHaveTextContent('Waits for its turn');
    expect(paths()).not.toContain('GET /api/songs/s/similar');
    replies['GET /api/songs/s/embedding'] = { status: 200, body: { ...none, state: 'done' } };
    expect(await screen.findByText(/No other song of yours/, {}, { timeout: 5000 })).toBeInTheDocument();
  });
  it('say when that did not work, and when too many wait', async () => {
    replies['GET /api/songs/s/embedding'] = { status: 200, body: { ...none, state: 'failed', reason: 'no' } };
    replies['POST /api/songs/s/embedding'] = { status: 429, body: { detail: 'Too many songs wait for their embedding' } };
    show(<MoreLikeThis song={song} />);
    expect(await screen.findByRole('alert')).toHaveTextContent('did not work');
    await userEvent.click(screen.getByRole('button', { name: 'Find songs like it' }));
    await waitFor(() => expect(screen.getByRole('alert')).toHaveTextContent('Too many songs'));
  });
  it('are no matter where the studio cannot listen and knows nothing', async () => {
    replies['GET /api/status'] = { status: 200, body: status };
    replies['GET /api/songs/s/embedding'] = { status: 200, body: none };
    const { container } = show(<MoreLikeThis song={song} />);
    await waitFor(() => expect(paths()).toEqual(expect.arrayContaining(['GET /api/status', 'GET /api/songs/s/embedding'])));
    expect(container).toBeEmptyDOMElement();
  });
});

describe('how well a song goes with its tags', () => {
  const facts = { ...(song as object), max_audio_length_ms: 60_000, temperature: 1, topk: 50, cfg_scale: 1.5, seed: 7, take: 0, request_id: null, tag_similarity: 0.314 };
  const after = { source: 'river.flac', start: 30, seconds: 10, model: 'MuQ-MuLan-large', licence: 'CC-BY-NC-4.0', strength: 0.5 };
  it('is among its details, beside what it took after', async () => {
    replies['GET /api/history/s'] = { status: 200, body: { ...facts, reference: after } };
    const { container } = show(
      <Routes>
        <Route path="/library/:id" element={<SongPage />} />
      </Routes>,
      '/library/s',
    );
    const value = async (name: string): Promise<string | null | undefined> => (await screen.findByText(name)).nextElementSibling?.textContent;
    expect(await value('Fit with its tags')).toBe('0.31');
    expect(await value('Sounds like')).toBe('river.flac, 0:30 – 0:40');
    expect(await value('Strength')).toBe('0.50');
    expect(await value('Licence of the weights')).toBe('CC-BY-NC-4.0');
    await expectAccessible(container);
  });
  it('is not known any more once its tags are others', async () => {
    const queries = makeQueryClient();
    queries.setQueryData(['song', 's'], facts);
    queries.setQueryData(['embedding', 's'], { state: 'done', reason: null, tag_similarity: 0.314 });
    replies['PATCH /api/songs/s'] = { status: 200, body: { ...facts, tags: 'metal', tag_similarity: null } };
    await changeSong(queries, facts as never, { tags: 'metal' });
    expect(queries.getQueryData(['song', 's'])).toMatchObject({ tags: 'metal', tag_similarity: null });
    expect(queries.getQueryData(['embedding', 's'])).toMatchObject({ state: 'none', tag_similarity: null });
  });
});

describe('the order by fit with tags', () => {
  it.each([[true, 1], [false, 0]])('is there when the studio compares (%s)', async (embedder_present, count) => {
    replies['GET /api/status'] = { status: 200, body: { ...status, embedder_present } };
    replies['GET /api/playlists'] = { status: 200, body: { items: [] } };
    show(<LibraryPage />);
    await screen.findByText('No songs yet');
    await waitFor(() => expect(screen.queryAllByRole('option', { name: 'Best fit with its tags' })).toHaveLength(count));
  });
});

describe('a checkpoint that is not free', () => {
  const model = (name: string, note: string | null, recommended = false) => ({
    name, about: 'a model', licence: note === null ? 'Apache-2.0' : 'CC-BY-NC-4.0', licence_note: note, bytes: 1e9, recommended, folder: name, present: false,
  });
  const items = [model('Free', null, true), model('MuQ-MuLan-large', 'No commercial use.')];
  beforeEach(() => {
    replies['GET /api/admin/models'] = { status: 200, body: { items, source: 'huggingface', pull: null } };
    replies['POST /api/admin/models/pull'] = { status: 202, body: { items, source: 'huggingface', pull: null } };
  });
  const pulls = () => asked.filter((a) => a.path === 'POST /api/admin/models/pull').map((a) => a.body);
  it('comes when its licence was read and accepted', async () => {
    show(<Models />);
    await userEvent.click(await screen.findByRole('button', { name: 'Download MuQ-MuLan-large' }));
    const sheet = screen.getByRole('dialog', { name: 'Licence of MuQ-MuLan-large' });
    expect(within(sheet).getByText('No commercial use.')).toBeInTheDocument();
    await expectAccessible(sheet);
    expect(within(sheet).getByRole('button', { name: 'Download' })).toBeDisabled();
    await userEvent.click(within(sheet).getByRole('checkbox', { name: 'I accept CC-BY-NC-4.0' }));
    await userEvent.click(within(sheet).getByRole('button', { name: 'Download' }));
    await waitFor(() => expect(pulls()).toEqual([{ names: ['MuQ-MuLan-large'], accept_licence: 'CC-BY-NC-4.0' }]));
  });
  it('stays where it is when the licence is not accepted', async () => {
    show(<Models />);
    await userEvent.click(await screen.findByRole('button', { name: 'Download MuQ-MuLan-large' }));
    await userEvent.click(screen.getByRole('button', { name: 'Cancel' }));
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(pulls()).toEqual([]);
  });
  it('asks nothing of those that are free', async () => {
    show(<Models />);
    await userEvent.click(await screen.findByRole('button', { name: 'Download Free' }));
    await waitFor(() => expect(pulls()).toEqual([{ names: ['Free'] }]));
  });
  it('counts among the recommended ones when nothing is named', () => {
    expect(toAccept(items, [])).toBeUndefined();
    expect(toAccept([...items, model('Recommended', 'Terms.', true)], [])?.name).toBe('Recommended');
  });
});
