// One player for the whole page: it lives outside of all components, so that going somewhere else never stops a song.

import { create } from 'zustand';

import { at } from '../api/base';
import { type Job, type Song, audioAddress, client, coverAddress } from '../api/client';

export type Track = {
  /** Of the song, which is also that of its job. */
  id: string;
  title: string;
  tags: string;
  source: string;
  cover: string | null;
  /** Seconds; 0 while nobody knows. */
  duration: number;
  /** Still being made: its sound comes as it is rendered and cannot be wound. */
  live: boolean;
};

export type Repeat = 'off' | 'all' | 'one';
export const kSpeeds = [0.75, 1, 1.25, 1.5] as const;

type Player = {
  tracks: Track[];
  /** Places in `tracks` in the order of playing. */
  order: number[];
  at: number;
  playing: boolean;
  waiting: boolean;
  failed: boolean;
  time: number;
  duration: number;
  volume: number;
  muted: boolean;
  speed: number;
  repeat: Repeat;
  shuffle: boolean;
  open: boolean;
};

type Habits = Pick<Player, 'volume' | 'muted' | 'speed' | 'repeat' | 'shuffle'>;
const kHabits = 'heart.player';

function keptHabits(): Habits {
  const usual: Habits = { volume: 0.9, muted: false, speed: 1, repeat: 'off', shuffle: false };
  try {
    const kept = JSON.parse(localStorage.getItem(kHabits) ?? '{}') as Partial<Habits>;
    return {
      volume: typeof kept.volume === 'number' ? Math.min(1, Math.max(0, kept.volume)) : usual.volume,
      muted: kept.muted === true,
      speed: kSpeeds.find((s) => s === kept.speed) ?? usual.speed,
      repeat: kept.repeat === 'all' || kept.repeat === 'one' ? kept.repeat : 'off',
      shuffle: kept.shuffle === true,
    };
  } catch {
    return usual;
  }
}

export const usePlayer = create<Player>()(() => ({
  tracks: [],
  order: [],
  at: -1,
  playing: false,
  waiting: false,
  failed: false,
  time: 0,
  duration: 0,
  open: false,
  ...keptHabits(),
}));

const get = usePlayer.getState;
const set = usePlayer.setState;

export const audio: HTMLAudioElement = new Audio();
audio.preload = 'auto';
let retried = false;

export function trackOf(song: Song, signed: boolean): Track {
  return {
    id: song.id,
    title: song.title ?? '',
    tags: song.tags,
    source: audioAddress(song, signed),
    cover: coverAddress(song, signed),
    duration: song.duration_ms / 1000,
    live: false,
  };
}

export function liveTrackOf(job: Job): Track | null {
  if (!job.audio_url) return null;
  return { id: job.id, title: job.title, tags: job.tags, source: at(job.audio_url), cover: null, duration: 0, live: true };
}

export const currentTrack = (p: Player = get()): Track | null => p.tracks[p.order[p.at] ?? -1] ?? null;

export function shuffled(count: number, first: number, random: () => number = Math.random): number[] {
  const others = Array.from({ length: count }, (_, i) => i).filter((i) => i !== first);
  for (let i = others.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [others[i], others[j]] = [others[j]!, others[i]!];
  }
  return [first, ...others];
}

function start(seconds = 0): void {
  const track = currentTrack();
  if (!track) return;
  retried = false;
  set({ time: seconds, duration: track.duration, failed: false, waiting: true });
  audio.src = track.source;
  audio.playbackRate = get().speed;
  if (seconds > 0) audio.currentTime = seconds;
  // Refused when the browser wants a click first: the button then shows "play".
  audio.play().catch(() => set({ playing: false, waiting: false }));
  tellSystem(track);
}

/** Plays these songs, the one at `index` first. */
export function playTracks(tracks: Track[], index = 0, seconds = 0): void {
  if (!tracks[index]) return;
  const order = get().shuffle ? shuffled(tracks.length, index) : tracks.map((_, i) => i);
  set({ tracks, order, at: order.indexOf(index) });
  start(seconds);
}

export function toggle(): void {
  if (!currentTrack()) return;
  if (audio.paused) audio.play().catch(() => set({ playing: false }));
  else audio.pause();
}

export const pause = (): void => audio.pause();

/** Plays the song, or pauses it when it plays. */
export function toggleTrack(tracks: Track[], index: number): void {
  if (currentTrack()?.id === tracks[index]?.id && !get().failed) toggle();
  else playTracks(tracks, index);
}

export function seek(seconds: number): void {
  const { duration } = get();
  const track = currentTrack();
  if (!track || track.live) return;
  const to = Math.min(Math.max(0, seconds), duration > 0 ? duration : seconds);
  audio.currentTime = to;
  set({ time: to });
}
export const seekBy = (seconds: number): void => seek(audio.currentTime + seconds);

export function next(byItself = false): void {
  const { at, order, repeat, tracks, shuffle } = get();
  if (byItself && repeat === 'one') {
    audio.currentTime = 0;
    void audio.play();
    return;
  }
  if (at + 1 < order.length) {
    set({ at: at + 1 });
    start();
  } else if (repeat === 'all' && order.length > 0) {
    if (shuffle) set({ order: shuffled(tracks.length, Math.floor(Math.random() * tracks.length)) });
    set({ at: 0 });
    start();
  } else if (byItself) {
    set({ playing: false });
  }
}

export function previous(): void {
  const { at, order, repeat } = get();
  if (audio.currentTime > 3 || (at === 0 && repeat !== 'all')) {
    seek(0);
  } else if (at > 0 || repeat === 'all') {
    set({ at: at > 0 ? at - 1 : order.length - 1 });
    start();
  }
}

export function setVolume(volume: number): void {
  set({ volume: Math.min(1, Math.max(0, volume)), muted: false });
}
export const toggleMute = (): void => set((p) => ({ muted: !p.muted }));
export function setSpeed(speed: number): void {
  audio.playbackRate = speed;
  set({ speed });
}
export function cycleRepeat(): void {
  const order: Repeat[] = ['off', 'all', 'one'];
  set((p) => ({ repeat: order[(order.indexOf(p.repeat) + 1) % order.length]! }));
}
export function toggleShuffle(): void {
  set((p) => {
    const shuffle = !p.shuffle;
    const current = p.order[p.at] ?? 0;
    const order = shuffle ? shuffled(p.tracks.length, current) : p.tracks.map((_, i) => i);
    return { shuffle, order, at: Math.max(0, order.indexOf(current)) };
  });
}
export const setOpen = (open: boolean): void => set({ open });

/** Adds songs behind the ones that wait. */
export function enqueue(tracks: Track[]): void {
  if (!currentTrack()) {
    playTracks(tracks);
    return;
  }
  set((p) => ({
    tracks: [...p.tracks, ...tracks],
    order: [...p.order, ...tracks.map((_, i) => p.tracks.length + i)],
  }));
}

/** The song that was heard while it was made is finished: goes on in the whole one, at the same second. */
export function becameWhole(song: Song, signed: boolean): void {
  const { tracks } = get();
  if (!tracks.some((t) => t.id === song.id && t.live)) return;
  const track = currentTrack();
  const current = track?.id === song.id && track.live;
  const { currentTime, paused, ended } = audio;
  set({ tracks: tracks.map((t) => (t.id === song.id ? trackOf(song, signed) : t)) });
  if (!current) return;
  const whole = currentTrack()!;
  const stopped = paused && !ended && !get().waiting;
  audio.src = whole.source;
  audio.currentTime = Math.min(currentTime, Math.max(0, whole.duration - 0.1));
  audio.playbackRate = get().speed;
  set({ duration: whole.duration, time: currentTime, failed: false });
  tellSystem(whole);
  if (!stopped) audio.play().catch(() => set({ playing: false, waiting: false }));
}

/** What is in the bin is not played on. */
export function dropTracks(ids: string[]): void {
  const track = currentTrack();
  if (track && ids.includes(track.id)) close();
  else {
    set((p) => {
      const current = p.order[p.at];
      const order = p.order.filter((i) => !ids.includes(p.tracks[i]?.id ?? ''));
      return { order, at: current === undefined ? -1 : order.indexOf(current) };
    });
  }
}

export function close(): void {
  audio.pause();
  audio.removeAttribute('src');
  audio.load();
  set({ tracks: [], order: [], at: -1, playing: false, waiting: false, failed: false, time: 0, duration: 0, open: false });
}

/** A signed address may have run out while the page lay open: asks for a new one, once. */
async function renew(): Promise<void> {
  const track = currentTrack();
  if (!track || retried || track.live) {
    set({ playing: false, waiting: false, failed: true });
    return;
  }
  retried = true;
  const seconds = get().time;
  try {
    const { data } = await client.GET('/api/history/{id}', { params: { path: { id: track.id } } });
    if (!data || currentTrack()?.id !== track.id) throw new Error('gone');
    audio.src = track.source.includes('sig=') ? audioAddress(data, true) : audioAddress(data, false);
    audio.currentTime = seconds;
    await audio.play();
  } catch {
    set({ playing: false, waiting: false, failed: true });
  }
}

// --- the element's own news ---

audio.addEventListener('timeupdate', () => set({ time: audio.currentTime }));
audio.addEventListener('durationchange', () => {
  const { duration } = audio;
  if (Number.isFinite(duration) && duration > 0 && !currentTrack()?.live) set({ duration });
});
audio.addEventListener('playing', () => set({ playing: true, waiting: false, failed: false }));
audio.addEventListener('play', () => set({ playing: true }));
audio.addEventListener('pause', () => set({ playing: false }));
audio.addEventListener('waiting', () => set({ waiting: true }));
audio.addEventListener('ended', () => {
  // A live song that ran dry waits for its whole self.
  if (currentTrack()?.live) set({ waiting: true });
  else next(true);
});
audio.addEventListener('error', () => {
  if (audio.hasAttribute('src')) void renew();
});

function applyVolume(p: Player): void {
  audio.volume = p.volume;
  audio.muted = p.muted;
}
applyVolume(get());
usePlayer.subscribe((p, before) => {
  // Habits are kept when they change, not with every tick of the clock.
  const { volume, muted, speed, repeat, shuffle } = p;
  const habits = { volume, muted, speed, repeat, shuffle };
  if (Object.entries(habits).some(([key, value]) => before[key as keyof Habits] !== value)) {
    localStorage.setItem(kHabits, JSON.stringify(habits));
  }
  if (p.volume !== before.volume || p.muted !== before.muted) applyVolume(p);
  if (p.playing !== before.playing) {
    document.documentElement.toggleAttribute('data-playing', p.playing);
    if ('mediaSession' in navigator) navigator.mediaSession.playbackState = p.playing ? 'playing' : 'paused';
  }
});

// --- media keys, lock screens (Media Session) ---

function tellSystem(track: Track): void {
  if (!('mediaSession' in navigator) || typeof MediaMetadata === 'undefined') return;
  navigator.mediaSession.metadata = new MediaMetadata({
    title: track.title,
    artist: track.tags.replaceAll(',', ', '),
    album: 'Heart Studio',
    artwork: track.cover ? [{ src: track.cover, type: 'image/png' }] : [],
  });
}

if ('mediaSession' in navigator) {
  const on = (action: MediaSessionAction, handler: MediaSessionActionHandler): void => {
    try {
      navigator.mediaSession.setActionHandler(action, handler);
    } catch {
      // This browser does not know the action.
    }
  };
  on('play', () => void audio.play());
  on('pause', pause);
  on('nexttrack', () => next());
  on('previoustrack', previous);
  on('seekbackward', (d) => seekBy(-(d.seekOffset ?? 10)));
  on('seekforward', (d) => seekBy(d.seekOffset ?? 10));
  on('seekto', (d) => d.seekTime !== undefined && seek(d.seekTime));
}
