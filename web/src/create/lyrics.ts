// What the page understands of lyrics: sections, counts, about how long they take to sing, and what the model is known to
// do badly with.

export const kSections = ['intro', 'verse', 'prechorus', 'chorus', 'bridge', 'outro'] as const;
export type SectionKind = (typeof kSections)[number] | 'other';

export type Section = {
  kind: SectionKind;
  /** The header as it is written, "" for words before the first one. */
  header: string;
  /** Lines [first, last) of the text, the header's among them. */
  first: number;
  last: number;
  /** Lines that are sung. */
  sung: number;
};

const kHeader = /^\s*\[([^\]]*)\]\s*$/;

export function headerOf(line: string): string | null {
  return kHeader.exec(line)?.[1]?.trim() ?? null;
}

export function kindOf(header: string): SectionKind {
  const word = header.toLowerCase().replace(/[\s\-_]*\d+$/, '').replace(/[\s\-_]/g, '');
  return (kSections as readonly string[]).includes(word) ? (word as SectionKind) : 'other';
}

export function sectionsOf(text: string): Section[] {
  const out: Section[] = [];
  if (text === '') return out;
  text.split('\n').forEach((line, index) => {
    const header = headerOf(line);
    const open = out.at(-1);
    if (header !== null || !open) {
      const kind = header === null ? 'other' : kindOf(header);
      out.push({ kind, header: header ?? '', first: index, last: index + 1, sung: header === null && line.trim() ? 1 : 0 });
    } else {
      open.last = index + 1;
      if (line.trim()) open.sung += 1;
    }
  });
  return out.filter((s) => s.header !== '' || s.sung > 0);
}

/** The text with one section moved to where another one is; empty lines travel with the section before them. */
export function moveSection(text: string, from: number, to: number): string {
  const sections = sectionsOf(text);
  const moving = sections[from];
  if (!moving || to < 0 || to >= sections.length || from === to) return text;
  const lines = text.split('\n');
  const head = lines.slice(0, sections[0]?.first ?? 0);
  const parts = sections.map((s) => lines.slice(s.first, s.last));
  // The last section may lack the empty line that keeps it from the next one.
  const last = parts.at(-1);
  const closing = last && last.at(-1)?.trim() !== '' ? 1 : 0;
  if (closing && last) last.push('');
  const [part] = parts.splice(from, 1);
  if (part) parts.splice(to, 0, part);
  const out = [...head, ...parts.flat()];
  if (closing && out.at(-1) === '') out.pop();
  return out.join('\n');
}

/** A new section at the end, or after the line where the cursor is; returns the text and where the cursor goes. */
export function insertSection(text: string, kind: SectionKind, cursor: number): { text: string; cursor: number } {
  const name = kind === 'other' ? 'Verse' : kind[0]!.toUpperCase() + kind.slice(1);
  const lineEnd = text.indexOf('\n', cursor);
  const at = text.trim() === '' || lineEnd < 0 ? text.length : lineEnd;
  const before = text.slice(0, at).replace(/\s+$/, '');
  const after = text.slice(at).replace(/^\s+/, '');
  const head = before === '' ? '' : `${before}\n\n`;
  const opened = `${head}[${name}]\n`;
  return { text: after === '' ? opened : `${opened}\n\n${after}`, cursor: opened.length };
}

// Measured on songs people sing: a line of lyrics takes three to four seconds, a section without words about eight.
const kSecondsPerUnit = 0.36;
const kShortestLine = 2.4;
const kBreath = 0.7;
const kWordless = 8;
const kCjk = /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]/g;

/** Seconds that the words take, roughly. 0 for nothing. */
export function estimateSeconds(text: string): number {
  let seconds = 0;
  for (const line of text.split('\n')) {
    if (!line.trim() || headerOf(line) !== null) continue;
    const wide = line.match(kCjk)?.length ?? 0;
    const syllables = wide + Math.ceil(line.replace(kCjk, '').replace(/\s+/g, '').length / 3);
    seconds += Math.max(kShortestLine, syllables * kSecondsPerUnit * (wide > 0 ? 0.9 : 1)) + kBreath;
  }
  const sections = sectionsOf(text);
  seconds += sections.filter((s) => s.sung === 0).length * kWordless;
  if (seconds > 0 && sections.length > 1) seconds += (sections.length - 1) * 1.5;
  return Math.round(seconds);
}

export function countsOf(text: string): { lines: number; words: number; bytes: number } {
  const sung = text.split('\n').filter((line) => line.trim() && headerOf(line) === null);
  const words = sung.reduce((n, line) => {
    const wide = line.match(kCjk)?.length ?? 0;
    return n + wide + line.replace(kCjk, ' ').split(/\s+/).filter(Boolean).length;
  }, 0);
  return { lines: sung.length, words, bytes: new TextEncoder().encode(text).length };
}

export type Hint =
  | 'noSections'
  | 'unknownSection'
  | 'inlineNotes'
  | 'tooLong'
  | 'tooShort'
  | 'instrumental'
  | 'loneTag'
  | 'noTags';

export type HintNote = { hint: Hint; detail?: string };

/** What people have found the model to do badly with, in the order of how much it matters. */
export function hintsFor(text: string, tags: string[], seconds: number): HintNote[] {
  const out: HintNote[] = [];
  const sections = sectionsOf(text);
  const needed = estimateSeconds(text);
  const { lines } = countsOf(text);
  if (lines > 0 && sections.every((s) => s.header === '')) out.push({ hint: 'noSections' });
  const strange = sections.find((s) => s.header !== '' && s.kind === 'other');
  if (strange) out.push({ hint: 'unknownSection', detail: strange.header });
  const note = text.split('\n').find((line) => headerOf(line) === null && /\([^)]*\b(solo|instrumental|guitar|spoken|music|beat|drop|fade|repeat|x\d)\b[^)]*\)|\[[^\]]+\]/i.test(line));
  if (note) out.push({ hint: 'inlineNotes', detail: note.trim().slice(0, 40) });
  if (lines > 0 && needed > seconds * 1.15) out.push({ hint: 'tooLong' });
  if (lines > 0 && needed < seconds * 0.4) out.push({ hint: 'tooShort' });
  if (text.trim() && lines === 0) out.push({ hint: 'instrumental' });
  if (tags.length === 1) out.push({ hint: 'loneTag' });
  if (tags.length === 0 && lines > 0) out.push({ hint: 'noTags' });
  return out;
}
