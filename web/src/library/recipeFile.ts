// The recipe that Heart writes into every file it makes: ID3v2 in WAV and MP3, Xiph comments in FLAC and Opus. Every byte of a
// dropped file is a stranger's: what does not fit is passed over.

export type FileRecipe = { title: string; lyrics: string; settings: Record<string, string> };

const kMostBytes = 64 << 20;
const kMostText = 1 << 20;

const latin1 = (bytes: Uint8Array): string => new TextDecoder('latin1').decode(bytes);
const utf8 = (bytes: Uint8Array): string => new TextDecoder('utf-8').decode(bytes);
const big32 = (b: Uint8Array, at: number): number => new DataView(b.buffer, b.byteOffset).getUint32(at, false);
const little32 = (b: Uint8Array, at: number): number => new DataView(b.buffer, b.byteOffset).getUint32(at, true);

/** The settings in the last line of a comment, when it is one JSON object of texts. */
export function settingsIn(comment: string): Record<string, string> | null {
  const line = comment.trimEnd().split('\n').at(-1) ?? '';
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
    const texts = Object.entries(value).filter((e): e is [string, string] => typeof e[1] === 'string');
    return texts.some(([key]) => key === 'max_audio_length_ms' || key === 'tags') ? Object.fromEntries(texts) : null;
  } catch {
    return null;
  }
}

/** Text of an ID3v2 frame behind its encoding byte. */
function id3Text(encoding: number, bytes: Uint8Array): string {
  if (encoding === 1) {
    const name = bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-16le';
    return new TextDecoder(name).decode(bytes);
  }
  if (encoding === 2) return new TextDecoder('utf-16be').decode(bytes);
  return encoding === 3 ? utf8(bytes) : latin1(bytes);
}

/** Where the text behind a zero-ended description begins. */
function behindZero(encoding: number, bytes: Uint8Array, at: number): number {
  const wide = encoding === 1 || encoding === 2;
  for (let i = at; i < bytes.length; i += wide ? 2 : 1) {
    if (bytes[i] === 0 && (!wide || bytes[i + 1] === 0)) return i + (wide ? 2 : 1);
  }
  return bytes.length;
}

type Words = { title?: string; lyrics?: string; comments: string[] };

function readId3(bytes: Uint8Array, start: number): Words {
  const out: Words = { comments: [] };
  const version = bytes[start + 3];
  const safe = (at: number): number =>
    ((bytes[at]! & 127) << 21) | ((bytes[at + 1]! & 127) << 14) | ((bytes[at + 2]! & 127) << 7) | (bytes[at + 3]! & 127);
  const end = Math.min(bytes.length, start + 10 + safe(start + 6));
  for (let at = start + 10; at + 10 < end && bytes[at] !== 0; ) {
    const name = latin1(bytes.subarray(at, at + 4));
    const size = version === 4 ? safe(at + 4) : big32(bytes, at + 4);
    const body = bytes.subarray(at + 10, Math.min(end, at + 10 + size));
    at += 10 + size;
    if (size === 0 || size > kMostText) continue;
    const encoding = body[0] ?? 0;
    if (name === 'TIT2') out.title = id3Text(encoding, body.subarray(1));
    if (name === 'USLT') out.lyrics = id3Text(encoding, body.subarray(behindZero(encoding, body, 4)));
    if (name === 'COMM') out.comments.push(id3Text(encoding, body.subarray(behindZero(encoding, body, 4))));
  }
  return out;
}

/** A list of Xiph comments (vendor, count, KEY=value). */
function readXiph(bytes: Uint8Array): Words {
  const out: Words = { comments: [] };
  if (bytes.length < 8) return out;
  let at = 4 + little32(bytes, 0);
  if (at + 4 > bytes.length) return out;
  const count = little32(bytes, at);
  at += 4;
  for (let i = 0; i < count && at + 4 <= bytes.length; i++) {
    const size = little32(bytes, at);
    const text = size <= kMostText ? utf8(bytes.subarray(at + 4, at + 4 + size)) : '';
    at += 4 + size;
    const cut = text.indexOf('=');
    const key = text.slice(0, cut).toUpperCase();
    const value = text.slice(cut + 1);
    if (key === 'TITLE') out.title = value;
    if (key === 'LYRICS') out.lyrics = value;
    if (key === 'COMMENT' || key === 'DESCRIPTION') out.comments.push(value);
  }
  return out;
}

function readFlac(bytes: Uint8Array): Words {
  for (let at = 4; at + 4 <= bytes.length; ) {
    const head = bytes[at]!;
    const size = (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
    if ((head & 127) === 4) return readXiph(bytes.subarray(at + 4, at + 4 + size));
    if (head & 128) break;
    at += 4 + size;
  }
  return { comments: [] };
}

/** The second packet of an Ogg stream, put together from its pages. */
function readOpus(bytes: Uint8Array): Words {
  const parts: Uint8Array[] = [];
  let packet = 0;
  for (let at = 0; at + 27 < bytes.length && latin1(bytes.subarray(at, at + 4)) === 'OggS' && packet < 2; ) {
    const count = bytes[at + 26]!;
    let data = at + 27 + count;
    for (let i = 0; i < count && packet < 2; i++) {
      const size = bytes[at + 27 + i]!;
      if (packet === 1) parts.push(bytes.subarray(data, data + size));
      data += size;
      if (size < 255) packet += 1;
    }
    at = at + 27 + count + bytes.subarray(at + 27, at + 27 + count).reduce((sum, size) => sum + size, 0);
  }
  const whole = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return latin1(whole.subarray(0, 8)) === 'OpusTags' ? readXiph(whole.subarray(8)) : { comments: [] };
}

function readWav(bytes: Uint8Array): Words {
  for (let at = 12; at + 8 <= bytes.length; ) {
    const name = latin1(bytes.subarray(at, at + 4)).toLowerCase();
    const size = little32(bytes, at + 4);
    if (name === 'id3 ') return readId3(bytes, at + 8);
    at += 8 + size + (size & 1);
  }
  return { comments: [] };
}

/** None when the file is not one of Heart's. */
export function recipeOf(bytes: Uint8Array): FileRecipe | null {
  const head = latin1(bytes.subarray(0, 4));
  let words: Words;
  if (head === 'RIFF') words = readWav(bytes);
  else if (head === 'fLaC') words = readFlac(bytes);
  else if (head === 'OggS') words = readOpus(bytes);
  else if (head.startsWith('ID3')) words = readId3(bytes, 0);
  else return null;
  const settings = words.comments.map(settingsIn).find((s) => s !== null);
  if (!settings) return null;
  const tidy = (text: string | undefined): string => (text ?? '').replace(/^\ufeff/, '').replace(/\0+$/, '').replaceAll('\r\n', '\n');
  return { title: tidy(words.title), lyrics: tidy(words.lyrics), settings };
}

export async function readRecipe(file: File): Promise<FileRecipe | null> {
  // A WAV of four minutes at 24 bits is just below this.
  if (file.size > kMostBytes * 2) return null;
  return recipeOf(new Uint8Array(await file.arrayBuffer()));
}
