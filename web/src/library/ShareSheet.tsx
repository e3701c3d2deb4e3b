import { useMutation } from '@tanstack/react-query';
import { Check, Copy, Link2, Link2Off } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { linkTo } from '../api/base';
import { type Song, client, got } from '../api/client';
import { sentenceFor } from '../api/problems';
import { exactTime } from '../ui/format';
import { Button, Field, Note, Select, Sheet, TextInput } from '../ui/kit';
import { toast } from '../ui/toasts';

const kHours = [24, 168, 720] as const;

export function ShareSheet({ song, open, onClose }: { song: Song; open: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Sheet open={open} onClose={onClose} title={t('library.share')}>
      <Share song={song} />
    </Sheet>
  );
}

function Share({ song }: { song: Song }) {
  const { t, i18n } = useTranslation();
  const [hours, setHours] = useState<number>(168);
  const [copied, setCopied] = useState(false);
  const path = { params: { path: { id: song.id } } };
  const share = useMutation({
    mutationFn: () => got(client.POST('/api/songs/{id}/shares', { ...path, body: { expires_in_hours: hours } })),
  });
  const withdraw = useMutation({
    mutationFn: () => got(client.DELETE('/api/songs/{id}/shares', path)),
    onSuccess: () => {
      share.reset();
      toast(t('library.unshared'), { tone: 'good' });
    },
  });
  const address = share.data ? linkTo(`/shared/${share.data.token}`) : '';
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(address);
      setCopied(true);
      setTimeout(() => setCopied(false), 2500);
    } catch {
      toast(t('library.copyFailed'), { tone: 'bad' });
    }
  };
  return (
    <div className="grid grid-cols-1 gap-5 p-5">
      <p className="text-sm text-soft">{t('library.shareText')}</p>
      <div className="flex flex-wrap items-end gap-3">
        <Field label={t('library.shareFor')}>
          {(ids) => (
            <Select {...ids} value={hours} onChange={(e) => setHours(Number(e.target.value))}>
              {kHours.map((h) => (
                <option key={h} value={h}>
                  {t('library.days', { count: h / 24 })}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Button look="warm" icon={Link2} busy={share.isPending} onClick={() => share.mutate()}>
          {t('library.makeLink')}
        </Button>
        <Button look="quiet" icon={Link2Off} busy={withdraw.isPending} onClick={() => withdraw.mutate()}>
          {t('library.withdraw')}
        </Button>
      </div>
      {share.data && (
        <div className="grid grid-cols-1 gap-2">
          <div className="flex gap-2">
            <TextInput readOnly aria-label={t('library.link')} value={address} onFocus={(e) => e.target.select()} />
            <Button icon={copied ? Check : Copy} onClick={() => void copy()}>
              {copied ? t('library.copied') : t('library.copy')}
            </Button>
          </div>
          <p className="text-xs text-faint">
            {t('library.sharedUntil', { date: exactTime(share.data.expires_at, i18n.language) })}
          </p>
        </div>
      )}
      {(share.isError || withdraw.isError) && <Note tone="bad">{sentenceFor(share.error ?? withdraw.error, t)}</Note>}
    </div>
  );
}
