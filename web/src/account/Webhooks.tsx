// Addresses that are told when a song of one's own ends.

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Copy, Plus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { client, got } from '../api/client';
import { sentenceFor } from '../api/problems';
import { ago, exactTime } from '../ui/format';
import { Button, Card, Field, IconButton, TextInput } from '../ui/kit';
import { toast } from '../ui/toasts';

const kKey = ['webhooks'] as const;

export function Webhooks() {
  const { t, i18n } = useTranslation();
  const queries = useQueryClient();
  const list = useQuery({ queryKey: kKey, queryFn: ({ signal }) => got(client.GET('/api/webhooks', { signal })) });
  const remove = useMutation({
    mutationFn: (id: string) => got(client.DELETE('/api/webhooks/{id}', { params: { path: { id } } })),
    onError: (error) => void toast(sentenceFor(error, t), { tone: 'bad' }),
    onSettled: () => void queries.invalidateQueries({ queryKey: kKey }),
  });
  const items = list.data?.items ?? [];
  return (
    <Card className="overflow-hidden">
      <div className="grid grid-cols-1 gap-4 p-5 md:p-6">
        <div>
          <h2 className="text-base">{t('hooks.title')}</h2>
          <p className="text-sm text-soft">{t('hooks.text')}</p>
        </div>
        <AddWebhook />
      </div>
      {items.length > 0 && (
        <ul className="border-t border-line">
          {items.map((hook) => (
            <li key={hook.id} className="flex items-center gap-3 border-b border-line py-1.5 pr-3 pl-5 text-sm last:border-0 md:pl-6">
              <span className="min-w-0 grow truncate" title={hook.url}>
                {hook.url}
              </span>
              <time className="shrink-0 text-xs text-faint" dateTime={hook.created_at} title={exactTime(hook.created_at, i18n.language)}>
                {ago(hook.created_at, i18n.language)}
              </time>
              <IconButton label={t('hooks.remove', { url: hook.url })} icon={Trash2} size={17} onClick={() => remove.mutate(hook.id)} />
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function AddWebhook() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [url, setUrl] = useState('');
  const add = useMutation({
    mutationFn: () => got(client.POST('/api/webhooks', { body: { url: url.trim() } })),
    onSuccess: () => {
      setUrl('');
      void queries.invalidateQueries({ queryKey: kKey });
    },
  });
  const copy = (secret: string): void =>
    void navigator.clipboard.writeText(secret).then(
      () => toast(t('library.copied'), { tone: 'good' }),
      () => toast(t('library.copyFailed'), { tone: 'bad' }),
    );
  return (
    <>
      <form
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          if (url.trim() && !add.isPending) add.mutate();
        }}
      >
        <Field label={t('hooks.url')} error={add.isError ? sentenceFor(add.error, t) : null}>
          {(ids) => (
            <div className="flex gap-2">
              <TextInput {...ids} type="url" placeholder="https://example.org/hook" value={url} onChange={(e) => setUrl(e.target.value)} />
              <Button type="submit" icon={Plus} busy={add.isPending} disabled={!url.trim()} className="shrink-0">
                {t('ui.add')}
              </Button>
            </div>
          )}
        </Field>
      </form>
      {add.data && (
        <div className="grid grid-cols-1 gap-2 rounded-control border border-line bg-raised p-4">
          <p className="text-sm text-soft">{t('hooks.secretOnce')}</p>
          <div className="flex gap-2">
            <TextInput readOnly aria-label={t('hooks.secret')} value={add.data.secret} onFocus={(e) => e.target.select()} />
            <Button icon={Copy} onClick={() => copy(add.data.secret)} className="shrink-0">
              {t('library.copy')}
            </Button>
          </div>
        </div>
      )}
    </>
  );
}
