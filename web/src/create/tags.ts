// Tags are one string for the model: words joined by commas without spaces, in small letters.

export const kTagGroups = {
  genre: [
    'pop', 'rock', 'folk', 'jazz', 'blues', 'country', 'soul', 'r&b', 'funk', 'hip hop', 'rap', 'electronic', 'house',
    'techno', 'trance', 'ambient', 'lo-fi', 'synthwave', 'disco', 'reggae', 'latin', 'bossa nova', 'metal', 'punk',
    'indie', 'classical', 'gospel', 'ballad', 'soundtrack',
  ],
  mood: [
    'happy', 'sad', 'romantic', 'melancholic', 'energetic', 'calm', 'dreamy', 'hopeful', 'nostalgic', 'dark', 'epic',
    'playful', 'angry', 'tender', 'warm', 'lonely', 'uplifting', 'mysterious',
  ],
  instrument: [
    'piano', 'acoustic guitar', 'electric guitar', 'bass', 'drums', 'strings', 'violin', 'cello', 'synthesizer', 'organ',
    'saxophone', 'trumpet', 'flute', 'harmonica', 'ukulele', 'banjo', 'accordion', 'harp', 'choir', 'drum machine',
  ],
  voice: [
    'female vocal', 'male vocal', 'duet', 'soft', 'powerful', 'breathy', 'raspy', 'clear', 'deep', 'high', 'whispered',
    'falsetto',
  ],
  scene: [
    'wedding', 'party', 'driving', 'workout', 'study', 'sleep', 'cafe', 'rainy day', 'road trip', 'campfire', 'beach',
    'night', 'morning', 'christmas', 'lullaby',
  ],
  region: [
    'american', 'british', 'chinese', 'japanese', 'korean', 'spanish', 'latin american', 'french', 'german', 'italian',
    'african', 'indian', 'celtic', 'nordic',
  ],
  topic: [
    'love', 'heartbreak', 'friendship', 'family', 'home', 'freedom', 'nature', 'city', 'time', 'memory', 'dreams',
    'travel', 'growing up', 'faith', 'loss',
  ],
} as const;

export type TagGroup = keyof typeof kTagGroups;
export const kGroupNames = Object.keys(kTagGroups) as TagGroup[];

/** The tags in the string, trimmed, in small letters, each once, in their order. */
export function parseTags(text: string): string[] {
  const out: string[] = [];
  for (const part of text.split(/[,，、;\n]/)) {
    const tag = part.trim().replace(/\s+/g, ' ').toLowerCase();
    if (tag && !out.includes(tag)) out.push(tag);
  }
  return out;
}

export const joinTags = (tags: readonly string[]): string => tags.join(',');

export function toggleTag(text: string, tag: string): string {
  const tags = parseTags(text);
  const clean = parseTags(tag)[0];
  if (!clean) return joinTags(tags);
  return joinTags(tags.includes(clean) ? tags.filter((t) => t !== clean) : [...tags, clean]);
}

export function addTags(text: string, more: string): string {
  return joinTags(parseTags(`${text},${more}`));
}

export function groupOf(tag: string): TagGroup | null {
  return kGroupNames.find((name) => (kTagGroups[name] as readonly string[]).includes(tag)) ?? null;
}
