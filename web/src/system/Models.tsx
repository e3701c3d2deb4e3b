import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Download, Square } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { client, got } from '../api/client';
import { sentenceFor } from '../api/problems';
import type { components } from '../api/schema';
import { bytes } from '../ui/format';
import { Button, IconButton, Sheet, Tag } from '../ui/kit';
import { toast } from '../ui/toasts';
import { Part } from './Part';

type Pull = NonNullable<components['schemas']['Models']['pull']>;

type Model = components['schemas']['Models']['items'][number];
type Order = { names: string[]; accept_licence?: string };

/** The first of what is asked for whose licence is not free: someone has to say yes to it. */
export const toAccept = (models: Model[], names: string[]): Model | undefined =>
  models.find((model) => model.licence_note != null && (names.length > 0 ? names.includes(model.name) : model.recommended));

const runs = (pull: Pull | null | undefined): boolean =>
  pull != null && (pull.phase === 'looking' || pull.phase === 'fetching' || pull.phase === 'checking');

/** The published checkpoints: which are here, and their download with its progress. */
export function Models() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const models = useQuery({
    queryKey: ['admin', 'models'] as const,
    queryFn: ({ signal }) => got(client.GET('/api/admin/models', { signal })),
    refetchInterval: (query) => (runs(query.state.data?.pull) ? 1000 : false),
  });
  const say = (error: unknown): void => void toast(sentenceFor(error, t), { tone: 'bad' });
  const settle = (): void => void queries.invalidateQueries({ queryKey: ['admin', 'models'] });
  const pull = useMutation({
    mutationFn: (body: Order) => got(client.POST('/api/admin/models/pull', { body })),
    onError: say,
    onSettled: settle,
  });
  const stop = useMutation({
    mutationFn: () => got(client.DELETE('/api/admin/models/pull')),
    onError: say,
    onSettled: settle,
  });
  const [asked, setAsked] = useState<{ names: string[]; model: Model } | null>(null);
  const fetchThem = (names: string[]): void => {
    const model = toAccept(models.data?.items ?? [], names);
    if (model) setAsked({ names, model });
    else pull.mutate({ names });
  };
  const state = models.data?.pull ?? null;
  const busy = runs(state);
  return (
    <Part
      title={t('admin.models')}
      action={
        busy ? (
          <Button icon={Square} busy={stop.isPending} onClick={() => stop.mutate()}>
            {t('admin.stopPull')}
          </Button>
        ) : (
          <Button icon={Download} busy={pull.isPending} onClick={() => fetchThem([])}>
            {t('admin.pullModels')}
          </Button>
        )
      }
    >
      <p className="border-b border-line px-5 py-3 text-sm text-soft">{t('admin.modelsText')}</p>
      {state && <PullState pull={state} />}
      <ul>
        {models.data?.items.map((model) => (
          <li key={model.name} className="flex min-h-14 items-center gap-3 border-b border-line py-2 pr-3 pl-5 text-sm last:border-0">
            <div className="min-w-0 grow">
              <p className="flex flex-wrap items-center gap-2 font-medium">
                <span className="break-all">{model.name}</span>
                {model.recommended && <Tag>{t('admin.recommended')}</Tag>}
                {model.licence_note != null && <Tag className="text-warn">{t('admin.notFree')}</Tag>}
                {model.present && <Tag className="text-ok">{t('admin.modelHere')}</Tag>}
              </p>
              <p className="text-xs text-soft" lang="en">
                {model.about} · {bytes(model.bytes)} · {model.licence}
              </p>
            </div>
            <IconButton
              label={t('admin.pullOne', { name: model.name })}
              icon={Download}
              size={17}
              disabled={busy}
              onClick={() => fetchThem([model.name])}
            />
          </li>
        ))}
      </ul>
      {asked && (
        <LicenceSheet
          model={asked.model}
          onClose={() => setAsked(null)}
          onAccept={() => {
            pull.mutate({ names: asked.names, accept_licence: asked.model.licence });
            setAsked(null);
          }}
        />
      )}
    </Part>
  );
}

/** What a licence that is not free means, before anything under it comes. */
function LicenceSheet({ model, onClose, onAccept }: { model: Model; onClose: () => void; onAccept: () => void }) {
  const { t } = useTranslation();
  const [accepted, setAccepted] = useState(false);
  return (
    <Sheet open onClose={onClose} title={t('admin.licenceOf', { name: model.name })}>
      <form
        className="grid grid-cols-1 gap-4 p-5"
        onSubmit={(e) => {
          e.preventDefault();
          if (accepted) onAccept();
        }}
      >
        <p className="text-sm">{t('admin.licenceText', { licence: model.licence })}</p>
        <p lang="en" className="text-sm break-words text-soft">
          {model.licence_note}
        </p>
        <label className="flex min-h-10 items-center gap-3 text-sm">
          <input
            data-first
            type="checkbox"
            className="size-5 shrink-0 accent-heart"
            checked={accepted}
            onChange={(e) => setAccepted(e.target.checked)}
          />
          {t('admin.acceptLicence', { licence: model.licence })}
        </label>
        <div className="flex flex-wrap justify-end gap-2">
          <Button look="quiet" onClick={onClose}>
            {t('ui.cancel')}
          </Button>
          <Button type="submit" look="warm" icon={Download} disabled={!accepted}>
            {t('admin.pullAccepted')}
          </Button>
        </div>
      </form>
    </Sheet>
  );
}

function PullState({ pull }: { pull: Pull }) {
  const { t } = useTranslation();
  const name = pull.at ?? '';
  const sentence = {
    looking: t('admin.pullLooking'),
    fetching: t('admin.pullFetching', { name, done: bytes(pull.done_bytes), total: bytes(pull.total_bytes) }),
    checking: t('admin.pullChecking', { name }),
    done: t('admin.pullDone'),
    cancelled: t('admin.pullCancelled'),
    failed: t('admin.pullFailed', { reason: pull.reason ?? '' }),
  }[pull.phase];
  const share = pull.total_bytes > 0 ? pull.done_bytes / pull.total_bytes : 0;
  return (
    <div className="border-b border-line px-5 py-3">
      {/* The end is read out, not every byte before it. */}
      <p className="text-sm" role={runs(pull) ? undefined : 'status'}>
        {sentence}
      </p>
      {pull.phase === 'fetching' && (
        <progress className="mt-2 h-1.5 w-full accent-heart" aria-label={sentence} value={share} max={1} />
      )}
    </div>
  );
}
