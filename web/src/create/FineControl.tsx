// How adventurous the song is: one slider that everybody needs, the rest behind a door with a sentence each.

import { Bookmark, ChevronDown, Dices, Lock, LockOpen, Plus, RotateCcw, Trash2 } from 'lucide-react';
import { type ReactNode, useId, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { Menu, type MenuItem } from '../ui/Menu';
import { clock } from '../ui/format';
import { Button, IconButton, Range, Sheet, TextInput, cx } from '../ui/kit';
import { useLook } from '../ui/look';
import { toast } from '../ui/toasts';
import { drawSeed, kDefaults, kLargestSeed, kLimits, useDesk } from './draft';

export function FineControl({ mostTakes }: { mostTakes?: number }) {
  const { t } = useTranslation();
  const draft = useDesk((s) => s.draft);
  const set = useDesk((s) => s.set);
  const open = useLook((s) => s.fine);
  const id = useId();
  const takes = Math.min(mostTakes ?? kLimits.takes[1], kLimits.takes[1]);
  const changed = (['temperature', 'topk', 'cfg', 'takes'] as const).filter((key) => draft[key] !== kDefaults[key]).length;
  return (
    <section className="grid grid-cols-1 gap-4" aria-labelledby={`${id}-name`}>
      <h2 id={`${id}-name`} className="text-base">
        {t('create.howLong')}
      </h2>
      <div className="rounded-card border border-line bg-panel">
        <div className="px-4 pt-3 pb-2">
          <div className="flex items-baseline justify-between">
            <label htmlFor={`${id}-seconds`} className="text-sm text-soft">
              {t('create.duration')}
            </label>
            <output htmlFor={`${id}-seconds`} className="text-lg font-semibold">
              {clock(draft.seconds)}
            </output>
          </div>
          <Range
            id={`${id}-seconds`}
            min={kLimits.seconds[0]}
            max={kLimits.seconds[1]}
            step={5}
            warm
            value={draft.seconds}
            aria-valuetext={clock(draft.seconds)}
            onValue={(seconds) => set({ seconds })}
          />
        </div>
        <div className="flex items-center border-t border-line py-1 pr-2 pl-1">
          <button
            type="button"
            aria-expanded={open}
            aria-controls={`${id}-fine`}
            onClick={() => useLook.setState({ fine: !open })}
            className="flex min-h-10 grow items-center gap-2 rounded-control px-3 text-left text-sm text-soft hover:text-text"
          >
            <ChevronDown size={16} aria-hidden className={cx('transition-transform duration-[240ms]', !open && '-rotate-90')} />
            {t('create.fine')}
            {changed > 0 && <span className="text-xs text-faint">{t('create.changed', { count: changed })}</span>}
          </button>
          <Presets />
        </div>
        {open && (
          <div id={`${id}-fine`} className="animate-fade grid gap-5 border-t border-line p-4 md:grid-cols-2">
            <Dial name="temperature" step={0.05} digits={2} />
            <Dial name="topk" step={1} digits={0} />
            <Dial name="cfg" step={0.1} digits={1} />
            <Part title={t('create.takesLabel')} text={t('create.takesText')} value={String(draft.takes)} htmlFor={`${id}-takes`}>
              <Range
                id={`${id}-takes`}
                min={1}
                max={takes}
                step={1}
                value={Math.min(draft.takes, takes)}
                onValue={(value) => set({ takes: value })}
              />
            </Part>
            <Seed />
            <div className="flex items-end md:justify-end">
              <Button
                look="quiet"
                icon={RotateCcw}
                disabled={changed === 0}
                onClick={() => set({ ...kDefaults, seconds: draft.seconds })}
              >
                {t('create.defaults')}
              </Button>
            </div>
          </div>
        )}
      </div>
    </section>
  );
}

type PartProps = { title: string; text: string; value?: string; htmlFor: string; children: ReactNode };
function Part({ title, text, value, htmlFor, children }: PartProps) {
  return (
    <div>
      <div className="flex items-baseline justify-between">
        <label htmlFor={htmlFor} className="text-sm font-medium">
          {title}
        </label>
        {value !== undefined && <output htmlFor={htmlFor} className="text-sm text-soft">{value}</output>}
      </div>
      {children}
      <p id={`${htmlFor}-hint`} className="text-xs text-faint">
        {text}
      </p>
    </div>
  );
}

function Dial({ name, step, digits }: { name: 'temperature' | 'topk' | 'cfg'; step: number; digits: number }) {
  const { t } = useTranslation();
  const value = useDesk((s) => s.draft[name]);
  const set = useDesk((s) => s.set);
  const id = useId();
  const [min, max] = kLimits[name];
  return (
    <Part title={t(`create.${name}`)} text={t(`create.${name}Text`)} value={value.toFixed(digits)} htmlFor={id}>
      <Range
        id={id}
        min={min}
        max={max}
        step={step}
        value={value}
        aria-describedby={`${id}-hint`}
        onValue={(v) => set({ [name]: Number(v.toFixed(digits)) })}
      />
    </Part>
  );
}

function Seed() {
  const { t } = useTranslation();
  const seed = useDesk((s) => s.draft.seed);
  const locked = useDesk((s) => s.draft.seedLocked);
  const set = useDesk((s) => s.set);
  const id = useId();
  return (
    <Part title={t('create.seed')} text={locked ? t('create.seedLockedText') : t('create.seedText')} htmlFor={id}>
      <div className="my-1 flex items-center gap-1">
        <TextInput
          id={id}
          inputMode="numeric"
          autoComplete="off"
          aria-describedby={`${id}-hint`}
          value={locked ? String(seed ?? '') : ''}
          placeholder={t('create.seedDrawn')}
          onChange={(e) => {
            const digits = e.target.value.replace(/\D/g, '');
            const value = digits === '' ? null : Math.min(Number(digits), kLargestSeed);
            set({ seed: value, seedLocked: value !== null });
          }}
          className="h-10 min-w-0 text-sm"
        />
        <IconButton
          label={locked ? t('create.unlockSeed') : t('create.lockSeed')}
          icon={locked ? Lock : LockOpen}
          on={locked}
          onClick={() => set({ seedLocked: !locked, seed: locked ? seed : (seed ?? drawSeed()) })}
        />
        <IconButton label={t('create.drawSeed')} icon={Dices} onClick={() => set({ seed: drawSeed(), seedLocked: true })} />
        <IconButton
          label={t('create.nextSeed')}
          icon={Plus}
          disabled={!locked}
          onClick={() => set({ seed: Math.min((seed ?? 0) + 1, kLargestSeed) })}
        />
      </div>
    </Part>
  );
}

/** Settings by name. */
function Presets() {
  const { t } = useTranslation();
  const { presets, applyPreset, removePreset } = useDesk();
  const [naming, setNaming] = useState(false);
  const items: MenuItem[] = [
    ...presets.map((p) => ({ label: p.name, icon: Bookmark, run: () => applyPreset(p.name) })),
    ...(presets.length > 0 ? (['line'] as const) : []),
    { label: t('create.savePreset'), icon: Plus, run: () => setNaming(true) },
  ];
  return (
    <>
      <Menu
        label={t('create.presets')}
        items={items}
        button={(props) => (
          <Button {...props} look="quiet" icon={Bookmark}>
            {t('create.presets')}
          </Button>
        )}
      />
      <Sheet open={naming} onClose={() => setNaming(false)} title={t('create.savePreset')}>
        <NamePreset onDone={() => setNaming(false)} />
        {presets.length > 0 && (
          <ul className="border-t border-line p-2">
            {presets.map((p) => (
              <li key={p.name} className="flex items-center gap-2 pl-3 text-sm">
                <span className="min-w-0 grow truncate">{p.name}</span>
                <IconButton label={t('create.removePreset', { name: p.name })} icon={Trash2} onClick={() => removePreset(p.name)} />
              </li>
            ))}
          </ul>
        )}
      </Sheet>
    </>
  );
}

function NamePreset({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation();
  const save = useDesk((s) => s.savePreset);
  const [name, setName] = useState('');
  const [withTags, setWithTags] = useState(false);
  const hasReference = useDesk((s) => s.draft.reference !== null);
  const [withReference, setWithReference] = useState(false);
  return (
    <form
      className="grid grid-cols-1 gap-4 p-5"
      onSubmit={(e) => {
        e.preventDefault();
        if (!name.trim()) return;
        save(name.trim(), withTags, withReference);
        toast(t('create.presetSaved', { name: name.trim() }), { tone: 'good' });
        onDone();
      }}
    >
      <TextInput
        data-first
        aria-label={t('create.presetName')}
        placeholder={t('create.presetName')}
        maxLength={60}
        value={name}
        onChange={(e) => setName(e.target.value)}
      />
      <label className="flex min-h-10 items-center gap-3 text-sm">
        <input type="checkbox" className="size-5 accent-heart" checked={withTags} onChange={(e) => setWithTags(e.target.checked)} />
        {t('create.presetTags')}
      </label>
      {hasReference && (
        <label className="flex min-h-10 items-center gap-3 text-sm">
          <input
            type="checkbox"
            className="size-5 accent-heart"
            checked={withReference}
            onChange={(e) => setWithReference(e.target.checked)}
          />
          {t('like.inPreset')}
        </label>
      )}
      <Button type="submit" look="warm" disabled={!name.trim()}>
        {t('ui.save')}
      </Button>
    </form>
  );
}
