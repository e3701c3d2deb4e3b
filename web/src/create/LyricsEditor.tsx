// Lyrics as plain text, with what the page understands of them drawn behind: a coloured gutter a section. The text area stays
// an ordinary one, so that typing, undo, spelling and screen readers work as everywhere.

import { ArrowDown, ArrowUp, GripVertical, Plus, TextCursor, Trash2, TriangleAlert } from 'lucide-react';
import { type DragEvent, useId, useMemo, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { useTranslation } from 'react-i18next';

import { Menu } from '../ui/Menu';
import { clock, span } from '../ui/format';
import { Note, cx } from '../ui/kit';
import { useDesk } from './draft';
import {
  type Section,
  type SectionKind,
  countsOf,
  estimateSeconds,
  hintsFor,
  insertSection,
  kSections,
  moveSection,
  sectionsOf,
} from './lyrics';
import { parseTags } from './tags';

const colourOf = (kind: SectionKind): string => `var(--section-${kind})`;

/** Writes into the text area the way typing does, so that Ctrl Z takes it back. */
function typeInto(area: HTMLTextAreaElement, text: string, write: (text: string) => void, cursor?: number): void {
  area.focus();
  area.setSelectionRange(0, area.value.length);
  const typed = typeof document.execCommand === 'function' && document.execCommand('insertText', false, text);
  if (!typed) flushSync(() => write(text));
  // At once: someone may type the next letter before the next frame.
  if (cursor !== undefined) area.setSelectionRange(cursor, cursor);
}

export function LyricsEditor({ limit }: { limit?: number }) {
  const { t } = useTranslation();
  const text = useDesk((s) => s.draft.lyrics);
  const seconds = useDesk((s) => s.draft.seconds);
  const tags = useDesk((s) => s.draft.tags);
  const set = useDesk((s) => s.set);
  const area = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  const sections = useMemo(() => sectionsOf(text), [text]);
  const counts = useMemo(() => countsOf(text), [text]);
  const needed = useMemo(() => estimateSeconds(text), [text]);
  const hints = useMemo(() => hintsFor(text, parseTags(tags), seconds), [text, tags, seconds]);
  const write = (lyrics: string): void => set({ lyrics });
  const rewrite = (lyrics: string, cursor?: number): void => {
    if (area.current) typeInto(area.current, lyrics, write, cursor);
  };
  const jump = (section: Section): void => {
    const at = text.split('\n').slice(0, section.first + 1).join('\n').length;
    area.current?.focus();
    area.current?.setSelectionRange(at, at);
  };
  const remove = (section: Section): void => {
    const lines = text.split('\n');
    lines.splice(section.first, section.last - section.first);
    rewrite(lines.join('\n'));
  };
  const tooBig = limit !== undefined && counts.bytes > limit;

  return (
    <section className="grid grid-cols-1 gap-3" aria-labelledby={`${id}-name`}>
      <h2 id={`${id}-name`} className="text-base">
        {t('create.words')}
      </h2>
      <div className="rounded-card border border-edge/60 bg-panel transition-colors focus-within:border-edge hover:border-edge">
        <div className="flex gap-1 overflow-x-auto border-b border-line p-2" role="group" aria-label={t('create.insert')}>
          {kSections.map((kind) => (
            <button
              key={kind}
              type="button"
              onClick={() => {
                const made = insertSection(text, kind, area.current?.selectionStart ?? text.length);
                rewrite(made.text, made.cursor);
              }}
              className="inline-flex min-h-8 shrink-0 items-center gap-1.5 rounded-full px-2.5 text-xs text-soft hover:bg-raised hover:text-text"
            >
              <Plus size={13} aria-hidden style={{ color: colourOf(kind) }} strokeWidth={3} />
              {t(`create.section.${kind}`)}
            </button>
          ))}
        </div>
        <div className="relative grid grid-cols-1 text-base leading-[26px]">
          <Gutter text={text} sections={sections} />
          <textarea
            ref={area}
            aria-labelledby={`${id}-name`}
            aria-describedby={`${id}-counts`}
            aria-invalid={tooBig || undefined}
            value={text}
            onChange={(e) => write(e.target.value)}
            placeholder={t('create.lyricsPlaceholder')}
            className="col-start-1 row-start-1 block min-h-[338px] w-full resize-none overflow-hidden bg-transparent py-3 pr-4 pl-6 leading-[26px] whitespace-pre-wrap break-words focus-visible:outline-none"
          />
        </div>
        {sections.length > 1 && (
          <Sections
            sections={sections}
            onMove={(from, to) => rewrite(moveSection(text, from, to))}
            onJump={jump}
            onRemove={remove}
          />
        )}
        <div className="grid grid-cols-1 gap-2 border-t border-line px-4 py-3">
          <div id={`${id}-counts`} className="flex flex-wrap justify-between gap-x-4 text-xs text-soft">
            <span>
              {t('create.lines', { count: counts.lines })} · {t('create.wordCount', { count: counts.words })}
            </span>
            <span>{needed > 0 ? t('create.takes', { needed: span(needed), of: clock(seconds) }) : t('create.noWordsYet')}</span>
          </div>
          <div aria-hidden className="relative h-1 overflow-hidden rounded-full bg-raised">
            <div
              className={cx('h-full rounded-full transition-[width] duration-[240ms]', needed > seconds * 1.15 ? 'bg-warn' : 'bg-soft')}
              style={{ width: `${Math.min(100, (needed / Math.max(1, seconds)) * 100)}%` }}
            />
          </div>
        </div>
      </div>
      {tooBig && (
        <Note tone="bad" icon={TriangleAlert}>
          {t('create.tooBig', { bytes: counts.bytes, limit: limit ?? 0 })}
        </Note>
      )}
      <div aria-live="polite" className="grid grid-cols-1 gap-1.5 empty:hidden">
        {hints.map(({ hint, detail }) => (
          <Note key={hint} tone="warn" icon={TriangleAlert}>
            {t(`create.hint.${hint}`, { detail: detail ?? '', needed: span(needed), seconds: span(seconds) })}
          </Note>
        ))}
      </div>
    </section>
  );
}

/** The same text once more, invisible, line for line, with the colours of its sections. */
function Gutter({ text, sections }: { text: string; sections: Section[] }) {
  return (
    <div
      aria-hidden
      className="pointer-events-none col-start-1 row-start-1 py-3 pr-4 leading-[26px] whitespace-pre-wrap break-words text-transparent select-none"
    >
      {text.split('\n').map((line, index) => {
        const section = sections.find((s) => index >= s.first && index < s.last);
        const head = section?.header !== '' && section?.first === index;
        return (
          <div
            key={index}
            className="min-h-[26px] border-l-[3px] pl-[21px]"
            style={
              section
                ? {
                    borderColor: colourOf(section.kind),
                    background: head
                      ? `linear-gradient(90deg, color-mix(in srgb, ${colourOf(section.kind)} 18%, transparent), transparent 70%)`
                      : undefined,
                  }
                : { borderColor: 'transparent' }
            }
          >
            {line}
          </div>
        );
      })}
    </div>
  );
}

type SectionsProps = {
  sections: Section[];
  onMove: (from: number, to: number) => void;
  onJump: (section: Section) => void;
  onRemove: (section: Section) => void;
};

function Sections({ sections, onMove, onJump, onRemove }: SectionsProps) {
  const { t } = useTranslation();
  const [dragged, setDragged] = useState<number | null>(null);
  const [over, setOver] = useState<number | null>(null);
  const name = (s: Section): string => (s.kind === 'other' ? s.header || t('create.section.other') : s.header);
  const drop = (e: DragEvent, to: number): void => {
    e.preventDefault();
    if (dragged !== null) onMove(dragged, to);
    setDragged(null);
    setOver(null);
  };
  return (
    <div className="flex flex-wrap gap-1.5 border-t border-line p-2.5" role="group" aria-label={t('create.order')}>
      {sections.map((section, index) => (
        <span
          key={`${section.first}-${section.header}`}
          draggable
          onDragStart={(e) => {
            e.dataTransfer.effectAllowed = 'move';
            setDragged(index);
          }}
          onDragEnd={() => setDragged(null)}
          onDragOver={(e) => {
            if (dragged === null) return;
            e.preventDefault();
            setOver(index);
          }}
          onDrop={(e) => drop(e, index)}
          className={cx('rounded-full', dragged === index && 'opacity-40', over === index && dragged !== null && 'ring-2 ring-edge')}
        >
          <Menu
            label={`${t('create.sectionMenu', { name: name(section) })}${section.sung > 0 ? ` ${t('create.lines', { count: section.sung })}` : ''}`}
            items={[
              { label: t('create.jump'), icon: TextCursor, run: () => onJump(section) },
              ...(index > 0 ? [{ label: t('create.earlierUp'), icon: ArrowUp, run: () => onMove(index, index - 1) }] : []),
              ...(index < sections.length - 1
                ? [{ label: t('create.laterDown'), icon: ArrowDown, run: () => onMove(index, index + 1) }]
                : []),
              'line',
              { label: t('create.removeSection'), icon: Trash2, bad: true, run: () => onRemove(section) },
            ]}
            button={(props) => (
              <button
                type="button"
                {...props}
                className="inline-flex min-h-8 cursor-grab items-center gap-1 rounded-full border border-line bg-raised pr-3 pl-1.5 text-xs hover:border-edge"
              >
                <GripVertical size={13} aria-hidden className="text-faint" />
                <span aria-hidden className="size-2 rounded-full" style={{ background: colourOf(section.kind) }} />
                <span className="ml-1">{name(section)}</span>{' '}
                {section.sung > 0 && <span className="ml-1 text-faint">{section.sung}</span>}
              </button>
            )}
          />
        </span>
      ))}
    </div>
  );
}
