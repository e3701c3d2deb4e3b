import { Check, Plus, Tags, X } from 'lucide-react';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { Button, Sheet, TextInput, cx } from '../ui/kit';
import { useDesk } from './draft';
import { addTags, joinTags, kGroupNames, kTagGroups, parseTags, toggleTag } from './tags';

const kAll = kGroupNames.flatMap((name) => [...kTagGroups[name]]);
/** Asked for most: one press for someone who does not know where to begin. */
const kFirst = ['pop', 'folk', 'electronic', 'piano', 'acoustic guitar', 'happy', 'melancholic', 'female vocal', 'male vocal'];

export function TagField() {
  const { t } = useTranslation();
  const text = useDesk((s) => s.draft.tags);
  const set = useDesk((s) => s.set);
  const [word, setWord] = useState('');
  const [picking, setPicking] = useState(false);
  const id = useId();
  const tags = parseTags(text);
  const add = (): void => {
    set({ tags: addTags(text, word) });
    setWord('');
  };
  return (
    <section className="grid grid-cols-1 gap-3" aria-labelledby={`${id}-name`}>
      <div className="flex items-center justify-between">
        <h2 id={`${id}-name`} className="text-base">
          {t('create.sound')}
        </h2>
        <Button look="quiet" icon={Tags} onClick={() => setPicking(true)} className="-mr-2">
          {t('create.pickTags')}
        </Button>
      </div>
      <div className="rounded-card border border-edge/60 bg-panel p-2.5 transition-colors focus-within:border-edge hover:border-edge">
        <div className="flex flex-wrap items-center gap-1.5">
          {tags.map((tag) => (
            <span
              key={tag}
              className="animate-fade inline-flex h-8 items-center rounded-full border border-line bg-raised pl-3 text-sm"
            >
              {tag}
              <button
                type="button"
                aria-label={t('create.removeTag', { tag })}
                onClick={() => set({ tags: toggleTag(text, tag) })}
                className="grid size-8 place-items-center rounded-full text-faint hover:text-text"
              >
                <X size={14} aria-hidden />
              </button>
            </span>
          ))}
          <input
            aria-label={t('create.addTag')}
            list={`${id}-known`}
            value={word}
            placeholder={tags.length === 0 ? t('create.tagsPlaceholder') : t('create.addTagShort')}
            onChange={(e) => {
              const { value } = e.target;
              // A comma ends a tag; something pasted may have several.
              if (/[,，、]/.test(value)) {
                set({ tags: addTags(text, value) });
                setWord('');
              } else setWord(value);
            }}
            onKeyDown={(e) => {
              if (e.nativeEvent.isComposing) return;
              if (e.key === 'Enter') {
                e.preventDefault();
                add();
              } else if (e.key === 'Backspace' && word === '' && tags.length > 0) {
                set({ tags: joinTags(tags.slice(0, -1)) });
              }
            }}
            onBlur={() => word.trim() && add()}
            className="h-8 min-w-36 flex-1 bg-transparent px-2 text-sm focus-visible:outline-none"
          />
          <datalist id={`${id}-known`}>
            {kAll
              .filter((tag) => !tags.includes(tag))
              .map((tag) => (
                <option key={tag} value={tag} />
              ))}
          </datalist>
        </div>
        <div className="mt-2 flex items-baseline gap-2 border-t border-line px-2 pt-2">
          <label htmlFor={`${id}-literal`} className="shrink-0 text-xs text-faint">
            {t('create.literal')}
          </label>
          <input
            id={`${id}-literal`}
            value={text}
            spellCheck={false}
            onChange={(e) => set({ tags: e.target.value })}
            onBlur={() => set({ tags: joinTags(parseTags(text)) })}
            className="min-w-0 grow rounded-md bg-transparent text-xs text-soft focus-visible:text-text"
          />
        </div>
      </div>
      {tags.length === 0 && (
        <div className="flex flex-wrap gap-1.5">
          {kFirst.map((tag) => (
            <TagToggle key={tag} tag={tag} on={false} onToggle={() => set({ tags: toggleTag(text, tag) })} />
          ))}
        </div>
      )}
      <TagPicker open={picking} onClose={() => setPicking(false)} />
    </section>
  );
}

function TagToggle({ tag, on, onToggle }: { tag: string; on: boolean; onToggle: () => void }) {
  const Icon = on ? Check : Plus;
  return (
    <button
      type="button"
      aria-pressed={on}
      onClick={onToggle}
      className={cx(
        'inline-flex min-h-8 items-center gap-1.5 rounded-full border px-3 text-sm transition-colors duration-[120ms]',
        on ? 'border-hearttext text-hearttext' : 'border-line text-soft hover:border-edge hover:text-text',
      )}
    >
      <Icon size={13} aria-hidden />
      {tag}
    </button>
  );
}

function TagPicker({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const text = useDesk((s) => s.draft.tags);
  const set = useDesk((s) => s.set);
  const [search, setSearch] = useState('');
  const tags = parseTags(text);
  const wanted = search.trim().toLowerCase();
  const groups = kGroupNames
    .map((name) => ({ name, tags: kTagGroups[name].filter((tag) => tag.includes(wanted)) }))
    .filter((group) => group.tags.length > 0);
  const free = wanted !== '' && !kAll.includes(wanted as (typeof kAll)[number]) ? wanted : null;
  return (
    <Sheet open={open} onClose={onClose} title={t('create.pickTags')} shape="side">
      <div className="sticky top-0 z-10 border-b border-line bg-panel p-3">
        <TextInput
          type="search"
          aria-label={t('create.findTag')}
          placeholder={t('create.findTag')}
          value={search}
          onChange={(e) => setSearch(e.target.value)}
        />
      </div>
      <div className="grid grid-cols-1 gap-6 p-5">
        <p className="text-sm text-soft">{t('create.tagsAdvice')}</p>
        {free && (
          <div className="flex flex-wrap gap-1.5">
            <TagToggle tag={free} on={tags.includes(free)} onToggle={() => set({ tags: toggleTag(text, free) })} />
          </div>
        )}
        {groups.map((group) => (
          <section key={group.name}>
            <h3 className="mb-2 text-sm text-faint">{t(`create.groups.${group.name}`)}</h3>
            <div className="flex flex-wrap gap-1.5">
              {group.tags.map((tag) => (
                <TagToggle key={tag} tag={tag} on={tags.includes(tag)} onToggle={() => set({ tags: toggleTag(text, tag) })} />
              ))}
            </div>
          </section>
        ))}
      </div>
      <div className="sticky bottom-0 border-t border-line bg-panel p-3">
        <Button look="warm" className="w-full" onClick={onClose}>
          {tags.length === 0 ? t('ui.done') : t('create.doneTags', { count: tags.length })}
        </Button>
      </div>
    </Sheet>
  );
}
