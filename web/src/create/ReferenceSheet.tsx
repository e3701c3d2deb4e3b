// Choosing what a song is to sound like: a file of one's own, or something that was heard before.

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Check, Disc3, Ear, Trash2 } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { type Reference as KeptReference, client, got } from '../api/client';
import { sentenceFor } from '../api/problems';
import { referencesQuery } from '../api/queries';
import { ago, exactTime } from '../ui/format';
import { Button, Field, IconButton, Note, Sheet, Skeleton, TextInput, cx, inputLook } from '../ui/kit';
import { toast } from '../ui/toasts';
import { kUsualStrength, useDesk } from './draft';
import { kMostBytes, kPiece, listenToFile, numberIn, pieceOf, referenceOf, takeAfter } from './listening';

export function ReferenceSheet({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Sheet open={open} onClose={onClose} title={t('like.title')}>
      <OwnFile onDone={onClose} />
      <Earlier onDone={onClose} />
    </Sheet>
  );
}

function OwnFile({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [file, setFile] = useState<File | null>(null);
  const [start, setStart] = useState(String(kPiece.usualStart));
  const [seconds, setSeconds] = useState(String(kPiece.usualSeconds));
  const [tried, setTried] = useState(false);
  const from = numberIn(start, kPiece.start);
  const long = numberIn(seconds, kPiece.seconds);
  const fileFault = !file
    ? t('like.noFile')
    : file.size > kMostBytes
      ? t('like.tooLarge')
      : null;
  const between = ([least, most]: readonly [number, number]): string => t('like.between', { least, most });
  const submit = (e: FormEvent): void => {
    e.preventDefault();
    setTried(true);
    if (!file || fileFault || from === null || long === null) return;
    void listenToFile(queries, file, { start: from, seconds: long });
    onDone();
  };
  return (
    <form noValidate className="grid grid-cols-1 gap-4 p-5" onSubmit={submit}>
      <Field
        label={t('like.file')}
        hint={`${t('like.fileHint')} ${t('like.notKept')}`}
        error={tried || file ? fileFault : null}
      >
        {(ids) => (
          <input
            {...ids}
            data-first
            type="file"
            accept="audio/*,.wav,.flac,.mp3,.ogg,.opus,.m4a"
            onChange={(e) => setFile(e.target.files?.[0] ?? null)}
            className={cx(
              inputLook,
              'min-w-0 py-2 text-sm file:mr-3 file:rounded-control file:border-0 file:bg-raised file:px-3 file:py-1.5 file:text-text',
            )}
          />
        )}
      </Field>
      <div className="grid grid-cols-2 items-start gap-3">
        <Field label={t('like.start')} error={tried && from === null ? between(kPiece.start) : null}>
          {(ids) => <TextInput {...ids} inputMode="decimal" autoComplete="off" value={start} onChange={(e) => setStart(e.target.value)} />}
        </Field>
        <Field
          label={t('like.seconds')}
          hint={t('like.secondsHint')}
          error={tried && long === null ? between(kPiece.seconds) : null}
        >
          {(ids) => (
            <TextInput {...ids} inputMode="decimal" autoComplete="off" value={seconds} onChange={(e) => setSeconds(e.target.value)} />
          )}
        </Field>
      </div>
      <Button type="submit" look="warm" icon={Ear}>
        {t('like.listen')}
      </Button>
    </form>
  );
}

/** What was listened to before, newest first. */
function Earlier({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const kept = useQuery(referencesQuery);
  const chosen = useDesk((s) => (s.draft.reference?.of === 'reference' ? s.draft.reference.id : null));
  const forget = useMutation({
    mutationFn: (one: KeptReference) => got(client.DELETE('/api/references/{id}', { params: { path: { id: one.id } } })),
    onSuccess: (_answer, one) => {
      const { draft, set } = useDesk.getState();
      if (draft.reference?.of === 'reference' && draft.reference.id === one.id) set({ reference: null, strength: kUsualStrength });
    },
    onError: (error) => void toast(sentenceFor(error, t), { tone: 'bad' }),
    onSettled: () => void queries.invalidateQueries({ queryKey: referencesQuery.queryKey }),
  });
  return (
    <section className="border-t border-line p-2 pt-4">
      <h3 className="px-3 pb-2 text-sm font-medium">{t('like.earlier')}</h3>
      {kept.isPending && <Skeleton className="mx-3 mb-3 h-12" />}
      {kept.isError && (
        <div role="alert" className="flex flex-wrap items-center gap-2 px-3 pb-3">
          <Note tone="bad">{sentenceFor(kept.error, t)}</Note>
          <Button onClick={() => void kept.refetch()}>{t('ui.tryAgain')}</Button>
        </div>
      )}
      {kept.data?.items.length === 0 && <p className="px-3 pb-3 text-sm text-soft">{t('like.none')}</p>}
      <ul>
        {kept.data?.items.map((one) => (
          <li key={one.id} className="flex items-center gap-1">
            <Pick
              one={one}
              on={one.id === chosen}
              onPick={() => {
                takeAfter(referenceOf(one));
                onDone();
              }}
            />
            <IconButton
              label={t('like.forget', { name: one.source })}
              icon={Trash2}
              disabled={forget.isPending}
              onClick={() => forget.mutate(one)}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Pick({ one, on, onPick }: { one: KeptReference; on: boolean; onPick: () => void }) {
  const { i18n } = useTranslation();
  const Icon = on ? Check : Disc3;
  return (
    <button
      type="button"
      aria-pressed={on}
      onClick={onPick}
      className="flex min-h-12 min-w-0 grow items-center gap-3 rounded-control px-3 py-1.5 text-left outline-offset-[-2px] hover:bg-raised"
    >
      <Icon size={17} aria-hidden className={cx('shrink-0', on ? 'text-hearttext' : 'text-faint')} />
      <span className="min-w-0">
        <span className="block truncate text-sm font-medium">{one.source}</span>
        <span className="block truncate text-xs text-soft" title={exactTime(one.created_at, i18n.language)}>
          {pieceOf(one)} · {ago(one.created_at, i18n.language)}
        </span>
      </span>
    </button>
  );
}
