import type { Song } from '../api/client';

export type Stack = { key: string; songs: Song[] };

/** Takes of one request lie together, where the newest of them is, in the order in which they were made. */
export function stacksOf(songs: readonly Song[]): Stack[] {
  const out: Stack[] = [];
  const places = new Map<string, Stack>();
  for (const song of songs) {
    const key = song.request_id ?? song.id;
    const open = places.get(key);
    if (open) open.songs.push(song);
    else {
      const stack = { key, songs: [song] };
      places.set(key, stack);
      out.push(stack);
    }
  }
  for (const stack of out) stack.songs.sort((a, b) => a.take - b.take);
  return out;
}
