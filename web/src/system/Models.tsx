import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Download, Square } from 'lucide-react';
import { useTranslation } from 'react-i18next';

import { client, got } from '../api/client';
import { sentenceFor } from '../api/problems';
import type { components } from '../api/schema';
import { bytes } from '../ui/format';
import { Button, IconButton, Tag } from '../ui/kit';
import { toast } from '../ui/toasts';
import { Part } from './Part';

type Pull = NonNullable<components['schemas']['Models']['pull']>;

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
    mutationFn: (names: string[]) => got(client.POST('/api/admin/models/pull', { body: { names } })),
    onError: say,
    onSettled: settle,
  });
  const stop = useMutation({
    mutationFn: () => got(client.DELETE('/api/admin/models/pull')),
    onError: say,
    onSettled: settle,
  });
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
          <Button icon={Download} busy={pull.isPending} onClick={() => pull.mutate([])}>
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
              onClick={() => pull.mutate([model.name])}
            />
          </li>
        ))}
      </ul>
    </Part>
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
