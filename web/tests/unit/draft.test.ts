import { beforeEach, describe, expect, it } from 'vitest';

import { requestOf } from '../../src/create/MakeBar';
import { clampSettings, draftOf, kDefaults, kEmpty, keepEarlier, openDesk, useDesk } from '../../src/create/draft';

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
