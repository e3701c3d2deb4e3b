import { beforeEach, describe, expect, it } from 'vitest';

import { requestOf } from '../../src/create/MakeBar';
import { type Draft, type Reference, clampSettings, draftOf, kDefaults, kEmpty, keepEarlier, openDesk, referenceIn, useDesk } from '../../src/create/draft';

beforeEach(() => useDesk.setState({ owner: null, draft: kEmpty, earlier: [], presets: [] }));

describe('the desk', () => {
  it('keeps every letter as it is typed', () => {
    useDesk.getState().set({ lyrics: 'a li' });
    const kept = JSON.parse(localStorage.getItem('heart.desk') ?? '{}') as { state: { draft: { lyrics: string } } };
    expect(kept.state.draft.lyrics).toBe('a li');
  });
  it('gives back what was replaced', () => {
    useDesk.getState().set({ lyrics: 'mine', title: 'Mine' });
    const undo = useDesk.getState().replace({ lyrics: 'theirs', title: 'Theirs' }, 'help');
    expect(useDesk.getState().draft.lyrics).toBe('theirs');
    expect(useDesk.getState().earlier[0]?.draft.lyrics).toBe('mine');
    undo();
    expect(useDesk.getState().draft.lyrics).toBe('mine');
    expect(useDesk.getState().earlier).toEqual([]);
  });
  it('keeps an earlier draft when it goes back to another one', () => {
    const { set, replace, restore } = useDesk.getState();
    set({ lyrics: 'first' });
    replace({ lyrics: 'second' }, 'recipe');
    restore(useDesk.getState().earlier[0]!.at);
    expect(useDesk.getState().draft.lyrics).toBe('first');
    expect(useDesk.getState().earlier.map((e) => e.draft.lyrics)).toEqual(['second']);
  });
  it('keeps no empty drafts, no doubles, and not for ever', () => {
    expect(keepEarlier([], kEmpty, 'cleared', 1)).toEqual([]);
    const one = keepEarlier([], { ...kEmpty, lyrics: 'a' }, 'cleared', 1);
    expect(keepEarlier(one, { ...kEmpty, lyrics: 'a' }, 'cleared', 2)).toHaveLength(1);
    let list = one;
    for (let i = 0; i < 50; i++) list = keepEarlier(list, { ...kEmpty, lyrics: `song ${i}` }, 'cleared', i + 2);
    expect(list.length).toBeLessThanOrEqual(20);
  });
  it('saves settings by name, with or without tags', () => {
    const { set, savePreset, applyPreset } = useDesk.getState();
    set({ temperature: 0.7, tags: 'folk' });
    savePreset('calm', false);
    savePreset('folk', true);
    set({ temperature: 1.6, tags: 'metal' });
    applyPreset('calm');
    expect(useDesk.getState().draft).toMatchObject({ temperature: 0.7, tags: 'metal' });
    applyPreset('folk');
    expect(useDesk.getState().draft.tags).toBe('folk');
  });
  it('is another one for another account, and comes back with its owner', () => {
    useDesk.getState().set({ lyrics: 'typed before anyone signed in' });
    openDesk('ada');
    expect(useDesk.getState().draft.lyrics).toBe('typed before anyone signed in');
    openDesk('grace');
    expect(useDesk.getState().draft).toEqual(kEmpty);
    useDesk.getState().set({ lyrics: 'by grace' });
    openDesk('ada');
    expect(useDesk.getState().draft.lyrics).toBe('typed before anyone signed in');
    openDesk('grace');
    expect(useDesk.getState().draft.lyrics).toBe('by grace');
  });
  it('survives settings that are none', () =>
    expect(clampSettings({ seconds: Number.NaN, temperature: 99, topk: -1, cfg: 3, takes: 2.4 })).toEqual({
      seconds: kDefaults.seconds,
      temperature: 2,
      topk: 1,
      cfg: 3,
      takes: 2,
    }));
});

describe('what a song is to sound like', () => {
  const river: Reference = { of: 'reference', id: 'r1', source: 'river.flac', start: 30, seconds: 10, model: 'MuQ-MuLan-large', licence: 'CC-BY-NC-4.0' };
  const song = { id: 's1', title: 'A', lyrics: 'l', tags: 't', max_audio_length_ms: 60_000, temperature: 1, topk: 50, cfg_scale: 1.5 };
  const after = { source: 'river.flac', start: 30, seconds: 10, model: 'm', licence: null, strength: 0.5 };
  it('is asked for with its strength, and nothing is asked for without it', () => {
    expect(requestOf({ ...kEmpty, reference: river, strength: 0.75 })).toMatchObject({ reference_id: 'r1', reference_strength: 0.75 });
    const without = requestOf({ ...kEmpty, strength: 0.75 });
    expect(Object.keys(without).filter((key) => key.startsWith('reference'))).toEqual([]);
  });
  it('is that of the song when a song is made again', () => {
    const request = requestOf({ ...kEmpty, ...draftOf({ ...song, reference: after }) });
    expect(request).toMatchObject({ reference_of: 's1', reference_strength: 0.5 });
    expect(request).not.toHaveProperty('reference_id');
  });
  it('goes when a song without one is made again', () =>
    expect({ ...kEmpty, reference: river, strength: 2, ...draftOf({ ...song, reference: null }) }).toMatchObject({ reference: null, strength: 1 }));
  it('cannot come from a file: the studio knows nothing of that', () =>
    expect(draftOf({ ...song, id: undefined, reference: after }).reference).toBeNull());
  it('is in a preset where that is wished, and else a preset leaves it alone', () => {
    const { set, savePreset, applyPreset } = useDesk.getState();
    set({ reference: river, strength: 1.5 });
    savePreset('plain', false);
    savePreset('river', false, true);
    set({ reference: { ...river, id: 'r2' }, strength: 1 });
    applyPreset('plain');
    expect(useDesk.getState().draft).toMatchObject({ reference: { id: 'r2' }, strength: 1 });
    applyPreset('river');
    expect(useDesk.getState().draft).toMatchObject({ reference: { id: 'r1' }, strength: 1.5 });
  });
  it('is missing from drafts of earlier versions, and they open all the same', () => {
    const { reference: _reference, strength: _strength, ...old } = { ...kEmpty, lyrics: 'old' };
    useDesk.setState({ earlier: [{ at: 1, why: 'made', draft: old as Draft }] });
    useDesk.getState().restore(1);
    expect(useDesk.getState().draft).toMatchObject({ lyrics: 'old', reference: null, strength: 1 });
  });
  it.each([[null], ['r1'], [{}], [{ of: 'reference', id: '' }], [{ of: 'file', id: 'x' }], [{ of: 'song', id: 7 }]])('is not %j', (kept) =>
    expect(referenceIn(kept)).toBeNull());
});

describe('a request', () => {
  it('has a seed only when it is kept', () => {
    expect(requestOf({ ...kEmpty, seed: 7, seedLocked: false })).not.toHaveProperty('seed');
    expect(requestOf({ ...kEmpty, seed: 7, seedLocked: true })).toMatchObject({ seed: 7 });
  });
  it('has tags as the model wants them and no empty title', () =>
    expect(requestOf({ ...kEmpty, title: '  ', tags: 'Folk, Piano' })).toMatchObject({ title: null, tags: 'folk,piano' }));
  it('of a finished song makes it again', () => {
    const draft = { ...kEmpty, ...draftOf({ title: 'A', lyrics: 'l', tags: 't', max_audio_length_ms: 60_000, temperature: 0.9, topk: 40, cfg_scale: 2, seed: 5 }) };
    expect(requestOf(draft)).toMatchObject({ max_audio_length_ms: 60_000, temperature: 0.9, topk: 40, cfg_scale: 2, seed: 5, takes: 1 });
  });
});
