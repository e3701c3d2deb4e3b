// What the song is to sound like: one piece of music, and how strongly the song takes after it.

import { useQuery } from '@tanstack/react-query';
import type { TFunction } from 'i18next';
import { AudioLines, Disc3, FileMusic, RotateCcw, X } from 'lucide-react';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { ApiError } from '../api/client';
import { sentenceFor } from '../api/problems';
import { referencesQuery, useStatus } from '../api/queries';
import { Button, IconButton, Note, Range } from '../ui/kit';
import { ReferenceSheet } from './ReferenceSheet';
import { type Reference, kUsualStrength, useDesk } from './draft';
import { pieceOf, stopListening, useListening } from './listening';

const kMostOnSlider = 2;

/** What went wrong with a sound, and what helps. */
export function listeningFault(error: unknown, t: TFunction): string {
  switch (error instanceof ApiError ? error.status : 0) {
    case 400:
    case 415:
      return t('like.unreadable');
    case 413:
      return t('like.tooLarge');
    case 429:
      return t('like.busy');
    case 501:
    case 503:
      return t('like.absent');
    case 504:
      return t('like.late');
    default:
      return sentenceFor(error, t);
  }
}

/** Only where the studio can listen; what is chosen is seen everywhere, for it goes along. */
export function SoundsLike() {
  const { t } = useTranslation();
  const able = useStatus().data?.embedder_present ?? false;
  const reference = useDesk((s) => s.draft.reference);
  const now = useListening((s) => s.now);
  const [choosing, setChoosing] = useState(false);
  const id = useId();
  if (!able && !reference && !now) return null;
  return (
    <section className="grid grid-cols-1 gap-3" aria-labelledby={`${id}-name`}>
      <div className="flex items-center justify-between gap-2">
        <h2 id={`${id}-name`} className="text-base">
          {t('like.title')}
        </h2>
        {able && (
          <Button look="quiet" icon={FileMusic} onClick={() => setChoosing(true)} className="-mr-2">
            {t(reference ? 'like.another' : 'like.choose')}
          </Button>
        )}
      </div>
      {now && <Now />}
      {reference && <Chosen reference={reference} />}
      {!reference && !now && <p className="text-sm text-faint">{t('like.text')}</p>}
      <ReferenceSheet open={choosing} onClose={() => setChoosing(false)} />
    </section>
  );
}

/** How far the studio is with what was given to it. */
function Now() {
  const { t } = useTranslation();
  const now = useListening((s) => s.now);
  if (!now) return null;
  const name = now.name || t('like.unnamed');
  if (now.phase === 'failed') {
    return (
      <div className="flex flex-wrap items-center gap-2 rounded-card border border-line bg-panel px-4 py-3">
        <p role="alert" className="min-w-0 grow basis-60 text-sm break-words text-bad">
          {name}: {listeningFault(now.error, t)}
        </p>
        <Button icon={RotateCcw} onClick={now.again}>
          {t('ui.tryAgain')}
        </Button>
        <IconButton label={t('ui.dismiss')} icon={X} onClick={stopListening} />
      </div>
    );
  }
  const sending = now.phase === 'sending';
  return (
    <div className="flex items-center gap-3 rounded-card border border-line bg-panel py-2 pr-2 pl-4">
      <AudioLines size={17} aria-hidden className="animate-breathe shrink-0 text-composetext" />
      <div className="min-w-0 grow">
        {/* What it does is read out, not every byte. */}
        <p role="status" className="truncate text-sm text-soft">
          {t(sending ? 'like.sending' : 'like.listening', { name })}
        </p>
        {sending && (
          <progress className="mt-1 block h-1.5 w-full accent-heart" aria-label={t('like.sending', { name })} value={now.share} max={1} />
        )}
      </div>
      <IconButton label={t('like.stop')} icon={X} onClick={stopListening} />
    </div>
  );
}

function Chosen({ reference }: { reference: Reference }) {
  const { t } = useTranslation();
  const strength = useDesk((s) => s.draft.strength);
  const set = useDesk((s) => s.set);
  const kept = useQuery({ ...referencesQuery, enabled: reference.of === 'reference' });
  const id = useId();
  const name = reference.source ?? t('like.unnamed');
  const gone =
    reference.of === 'reference' && kept.isSuccess && !kept.isFetching && !kept.data.items.some((one) => one.id === reference.id);
  return (
    <div className="rounded-card border border-line bg-panel">
      <div className="flex items-center gap-3 py-2 pr-2 pl-4">
        <Disc3 size={19} aria-hidden className="shrink-0 text-hearttext" />
        <div className="min-w-0 grow">
          <p className="truncate text-sm font-medium">{name}</p>
          <p className="text-xs text-soft">{pieceOf(reference)}</p>
        </div>
        <IconButton label={t('like.remove', { name })} icon={X} onClick={() => set({ reference: null, strength: kUsualStrength })} />
      </div>
      {gone && (
        <div role="alert" className="px-4 pb-2">
          <Note tone="warn">{t('like.gone')}</Note>
        </div>
      )}
      <div className="border-t border-line px-4 pt-3 pb-2">
        <div className="flex items-baseline justify-between">
          <label htmlFor={id} className="text-sm text-soft">
            {t('like.strength')}
          </label>
          <output htmlFor={id} className="text-sm font-medium">
            {strength.toFixed(2)}
          </output>
        </div>
        <Range
          id={id}
          min={0}
          // A song that was asked for elsewhere may have more.
          max={Math.max(kMostOnSlider, strength)}
          step={0.05}
          value={strength}
          aria-describedby={`${id}-hint`}
          onValue={(value) => set({ strength: Number(value.toFixed(2)) })}
        />
        <p id={`${id}-hint`} className="text-xs text-faint">
          {t('like.strengthText')}
        </p>
      </div>
      <Weights model={reference.model} licence={reference.licence} />
    </div>
  );
}

/** Whose work the embedding comes from, where that is known. */
function Weights({ model, licence }: { model: string | null; licence: string | null }) {
  const { t } = useTranslation();
  if (!licence) return null;
  return (
    <p className="border-t border-line px-4 py-2 text-xs text-faint">
      {t('like.weights', { model: model ?? 'MuQ-MuLan', licence })}
      {/(^|-)NC(-|$)/.test(licence) && ` ${t('like.nonCommercial')}`}
    </p>
  );
}
