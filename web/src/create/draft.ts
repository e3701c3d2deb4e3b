// The song that is being written. Every letter is kept as it is typed: no navigation, reload or crash loses it. What a draft
// held before something replaced it (writing help, a recipe, "start over") stays among the earlier ones.

import { create } from 'zustand';
import { createJSONStorage, persist } from 'zustand/middleware';

import type { TakenAfter } from '../api/client';

export type Settings = {
  seconds: number;
  temperature: number;
  topk: number;
  cfg: number;
  takes: number;
};

/** What the song is to take after: one of one's references, or (`song`) what a song or job of one's own took after. */
export type Reference = {
  of: 'reference' | 'song';
  id: string;
  source: string | null;
  start: number | null;
  seconds: number | null;
  model: string | null;
  licence: string | null;
};

export type Draft = Settings & {
  title: string;
  idea: string;
  tags: string;
  lyrics: string;
  seed: number | null;
  seedLocked: boolean;
  reference: Reference | null;
  strength: number;
};

export type Earlier = { at: number; why: 'help' | 'recipe' | 'cleared' | 'made' | 'file'; draft: Draft };
type PresetReference = { reference: Reference; strength: number };
export type Preset = { name: string; settings: Settings & { tags: string | null }; likeness?: PresetReference };

export const kDefaults: Settings = { seconds: 120, temperature: 1, topk: 50, cfg: 1.5, takes: 1 };
/** What the language model was trained with. */
export const kUsualStrength = 1;
export const kEmpty: Draft = {
  ...kDefaults, title: '', idea: '', tags: '', lyrics: '', seed: null, seedLocked: false, reference: null, strength: kUsualStrength,
};
export const kLargestSeed = Number.MAX_SAFE_INTEGER;
const kMostEarlier = 20;

export const kLimits = {
  seconds: [10, 240],
  temperature: [0.1, 2],
  topk: [1, 500],
  cfg: [1, 5],
  takes: [1, 8],
  strength: [0, 16],
} as const;

type Desk = {
  /** Whose desk it is; null before anyone signed in here. */
  owner: string | null;
  draft: Draft;
  earlier: Earlier[];
  presets: Preset[];
  set: (change: Partial<Draft>) => void;
  /** Puts something else in its place; the draft that was there is kept. Returns what takes it back. */
  replace: (change: Partial<Draft>, why: Earlier['why']) => () => void;
  restore: (at: number) => void;
  savePreset: (name: string, withTags: boolean, withReference?: boolean) => void;
  removePreset: (name: string) => void;
  applyPreset: (name: string) => void;
};

const worthKeeping = (d: Draft): boolean => [d.title, d.tags, d.lyrics].some((text) => text.trim() !== '');
const sameWords = (a: Draft, b: Draft): boolean => a.title === b.title && a.tags === b.tags && a.lyrics === b.lyrics;

const within = (value: number, [least, most]: readonly [number, number], fallback: number): number =>
  Number.isFinite(value) ? Math.min(most, Math.max(least, value)) : fallback;

export function clampSettings(s: Settings): Settings {
  return {
    seconds: Math.round(within(s.seconds, kLimits.seconds, kDefaults.seconds)),
    temperature: within(s.temperature, kLimits.temperature, kDefaults.temperature),
    topk: Math.round(within(s.topk, kLimits.topk, kDefaults.topk)),
    cfg: within(s.cfg, kLimits.cfg, kDefaults.cfg),
    takes: Math.round(within(s.takes, kLimits.takes, kDefaults.takes)),
  };
}

export const clampStrength = (value: unknown): number =>
  typeof value === 'number' ? within(value, kLimits.strength, kUsualStrength) : kUsualStrength;

/** What was kept as a reference, as far as it is one: drafts of earlier versions of the page have none. */
export function referenceIn(kept: unknown): Reference | null {
  if (typeof kept !== 'object' || kept === null) return null;
  const r = kept as Record<string, unknown>;
  if (typeof r.id !== 'string' || r.id === '' || (r.of !== 'reference' && r.of !== 'song')) return null;
  const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
  const number = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null);
  return {
    of: r.of, id: r.id, source: text(r.source), start: number(r.start), seconds: number(r.seconds), model: text(r.model),
    licence: text(r.licence),
  };
}

/** A draft from storage, with what it lacks. */
function wholeDraft(kept: Partial<Draft> | undefined): Draft {
  const draft = { ...kEmpty, ...kept };
  return { ...draft, ...clampSettings(draft), reference: referenceIn(draft.reference), strength: clampStrength(draft.strength) };
}

export function keepEarlier(list: Earlier[], draft: Draft, why: Earlier['why'], now: number): Earlier[] {
  if (!worthKeeping(draft)) return list;
  const others = list.filter((e) => !sameWords(e.draft, draft));
  return [{ at: now, why, draft }, ...others].slice(0, kMostEarlier);
}

export const useDesk = create<Desk>()(
  persist(
    (set, get) => ({
      owner: null,
      draft: kEmpty,
      earlier: [],
      presets: [],
      set: (change) => set((s) => ({ draft: { ...s.draft, ...change } })),
      replace: (change, why) => {
        const before = get().draft;
        const at = Math.max(Date.now(), (get().earlier[0]?.at ?? 0) + 1);
        set((s) => ({ draft: { ...s.draft, ...change }, earlier: keepEarlier(s.earlier, before, why, at) }));
        return () => set((s) => ({ draft: before, earlier: s.earlier.filter((e) => e.at !== at) }));
      },
      restore: (at) => {
        const found = get().earlier.find((e) => e.at === at);
        if (!found) return;
        set((s) => ({
          draft: wholeDraft(found.draft),
          earlier: keepEarlier(
            s.earlier.filter((e) => e.at !== at),
            s.draft,
            'recipe',
            Date.now(),
          ),
        }));
      },
      savePreset: (name, withTags, withReference) =>
        set((s) => {
          const { seconds, temperature, topk, cfg, takes, tags, reference, strength } = s.draft;
          const preset: Preset = {
            name,
            settings: { seconds, temperature, topk, cfg, takes, tags: withTags ? tags : null },
            ...(withReference && reference ? { likeness: { reference, strength } } : {}),
          };
          return { presets: [...s.presets.filter((p) => p.name !== name), preset] };
        }),
      removePreset: (name) => set((s) => ({ presets: s.presets.filter((p) => p.name !== name) })),
      applyPreset: (name) =>
        set((s) => {
          const found = s.presets.find((p) => p.name === name);
          if (!found) return s;
          const { tags, ...settings } = found.settings;
          const reference = referenceIn(found.likeness?.reference);
          return {
            draft: {
              ...s.draft,
              ...clampSettings(settings),
              ...(tags === null ? {} : { tags }),
              ...(reference ? { reference, strength: clampStrength(found.likeness?.strength) } : {}),
            },
          };
        }),
    }),
    {
      name: 'heart.desk',
      version: 1,
      storage: createJSONStorage(() => localStorage),
      partialize: ({ owner, draft, earlier, presets }) => ({ owner, draft, earlier, presets }),
      merge: (kept, fresh) => {
        const desk = kept as Partial<Pick<Desk, 'owner' | 'draft' | 'earlier' | 'presets'>> | undefined;
        return {
          ...fresh,
          owner: typeof desk?.owner === 'string' ? desk.owner : null,
          draft: wholeDraft(desk?.draft),
          earlier: Array.isArray(desk?.earlier) ? desk.earlier : [],
          presets: Array.isArray(desk?.presets) ? desk.presets : [],
        };
      },
    },
  ),
);

/** Each account finds its own desk: that of another one is put away, and comes back with its owner. */
export function openDesk(owner: string): void {
  const { owner: before, draft, earlier, presets } = useDesk.getState();
  if (before === owner) return;
  if (before === null) {
    useDesk.setState({ owner });
    return;
  }
  const drawer = (user: string): string => `heart.desk.${user}`;
  localStorage.setItem(drawer(before), JSON.stringify({ draft, earlier, presets }));
  let kept: Partial<Pick<Desk, 'draft' | 'earlier' | 'presets'>> = {};
  try {
    kept = JSON.parse(localStorage.getItem(drawer(owner)) ?? '{}') as typeof kept;
  } catch {
    // A drawer that cannot be read is an empty one.
  }
  useDesk.setState({ owner, draft: wholeDraft(kept.draft), earlier: kept.earlier ?? [], presets: kept.presets ?? [] });
}

type RecipeLike = {
  /** Of the song or job, where it is in the studio. */
  id?: string;
  title?: string | null;
  lyrics: string;
  tags: string;
  max_audio_length_ms: number;
  temperature: number;
  topk: number;
  cfg_scale: number;
  seed?: number | null;
  reference?: TakenAfter;
};

/** The draft that makes this song again. */
export function draftOf(song: RecipeLike): Partial<Draft> {
  const settings = clampSettings({
    seconds: song.max_audio_length_ms / 1000,
    temperature: song.temperature,
    topk: song.topk,
    cfg: song.cfg_scale,
    takes: 1,
  });
  const after = song.id === undefined ? null : song.reference;
  const hasSeed = typeof song.seed === 'number';
  return {
    ...settings,
    title: song.title ?? '',
    lyrics: song.lyrics,
    tags: song.tags,
    seed: hasSeed ? (song.seed as number) : null,
    seedLocked: hasSeed,
    reference: after ? referenceIn({ ...after, of: 'song', id: song.id }) : null,
    strength: clampStrength(after?.strength),
  };
}

/** A seed that is easy to read and to tell someone. */
export const drawSeed = (): number => crypto.getRandomValues(new Uint32Array(1))[0]!;
