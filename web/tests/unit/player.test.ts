import { beforeEach, describe, expect, it, vi } from 'vitest';

import {
  type Track,
  audio,
  becameWhole,
  close,
  currentTrack,
  cycleRepeat,
  dropTracks,
  enqueue,
  next,
  playTracks,
  previous,
  seek,
  shuffled,
  toggleShuffle,
  usePlayer,
} from '../../src/player/player';

const track = (id: string, more: Partial<Track> = {}): Track => ({
  id, title: id, tags: '', source: `/api/audio/${id}?inline=1`, cover: null, duration: 60, live: false, ...more,
});
const three = [track('a'), track('b'), track('c')];

beforeEach(() => {
  vi.spyOn(audio, 'play').mockResolvedValue(undefined);
  vi.spyOn(audio, 'pause').mockReturnValue(undefined);
  vi.spyOn(audio, 'load').mockReturnValue(undefined);
  close();
  usePlayer.setState({ repeat: 'off', shuffle: false });
});

describe('the player', () => {
  it('plays what is chosen, and another choice at once', () => {
    playTracks(three, 1);
    expect(currentTrack()?.id).toBe('b');
    playTracks(three, 2);
    expect(currentTrack()?.id).toBe('c');
    expect(audio.src).toContain('/api/audio/c');
  });
  it('goes on to the next one and stops behind the last', () => {
    playTracks(three, 1);
    next(true);
    expect(currentTrack()?.id).toBe('c');
    next(true);
    expect(currentTrack()?.id).toBe('c');
    expect(usePlayer.getState().playing).toBe(false);
  });
  it('begins anew when all repeats, and stays when one does', () => {
    playTracks(three, 2);
    cycleRepeat();
    next(true);
    expect(currentTrack()?.id).toBe('a');
    cycleRepeat();
    next(true);
    expect(currentTrack()?.id).toBe('a');
  });
  it('goes back to the beginning first, then to the song before', () => {
    playTracks(three, 1);
    audio.currentTime = 20;
    previous();
    expect(currentTrack()?.id).toBe('b');
    audio.currentTime = 1;
    previous();
    expect(currentTrack()?.id).toBe('a');
  });
  it('shuffles every song once, the one that plays first', () => {
    for (let i = 0; i < 20; i++) {
      const order = shuffled(9, 4);
      expect(order[0]).toBe(4);
      expect([...order].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    }
    playTracks(three, 1);
    toggleShuffle();
    expect(currentTrack()?.id).toBe('b');
    toggleShuffle();
    expect(currentTrack()?.id).toBe('b');
  });
  it('puts songs behind the ones that wait', () => {
    playTracks([track('a')]);
    enqueue([track('z')]);
    next();
    expect(currentTrack()?.id).toBe('z');
  });
  it('does not wind what is being made', () => {
    playTracks([track('a', { live: true, duration: 0 })]);
    seek(30);
    expect(usePlayer.getState().time).toBe(0);
  });
  it('goes on in the whole song at the same second', () => {
    playTracks([track('a', { live: true, duration: 0, source: '/api/jobs/a/audio?sig=x' })]);
    audio.currentTime = 12;
    becameWhole({ id: 'a', title: 'A', tags: '', duration_ms: 60_000, audio_url: '/api/audio/a?sig=x', thumbnail_url: null, thumbnail_path: null } as never, false);
    expect(currentTrack()).toMatchObject({ live: false, duration: 60 });
    expect(audio.src).toContain('/api/audio/a?inline=1');
    expect(audio.currentTime).toBe(12);
  });
  it('lets go of what is in the bin', () => {
    playTracks(three, 0);
    dropTracks(['b']);
    next();
    expect(currentTrack()?.id).toBe('c');
    dropTracks(['c']);
    expect(currentTrack()).toBeNull();
  });
  it('keeps volume and habits, and nothing else', () => {
    usePlayer.setState({ volume: 0.3 });
    const kept = JSON.parse(localStorage.getItem('heart.player') ?? '{}') as object;
    expect(Object.keys(kept).sort()).toEqual(['muted', 'repeat', 'shuffle', 'speed', 'volume']);
  });
});
