// Comparing takes fairly: the louder one always seems better, so all are played as loud as the quietest.

/** The root mean square of a song's bars: how loud it is beside another one. */
export function loudnessOf(bars: readonly number[]): number {
  if (bars.length === 0) return 0;
  return Math.sqrt(bars.reduce((sum, v) => sum + v * v, 0) / bars.length);
}

/** A factor from 0 to 1 for each song that makes all as loud as the quietest; 1 where nothing is known. */
export function gainsFor(loudness: readonly number[]): number[] {
  const known = loudness.filter((v) => v > 0);
  if (known.length < 2) return loudness.map(() => 1);
  const quietest = Math.min(...known);
  return loudness.map((v) => (v > 0 ? quietest / v : 1));
}
