// Deleting for good. There is no undo, so it is asked for once.

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Trash2 } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { client, got } from '../api/client';
import { sentenceFor } from '../api/problems';
import { Button, Sheet } from '../ui/kit';
import { toast } from '../ui/toasts';

/** As many as one request may have. */
const kMost = 1000;
const kPage = 100;

/** Everything that is in the bin, however much it is; what lands there meanwhile goes, too. */
async function purgeAll(): Promise<number> {
  let purged = 0;
  for (;;) {
    const { items } = await got(client.GET('/api/songs', { params: { query: { deleted: true, page: 1, page_size: kPage } } }));
    if (items.length === 0) return purged;
    const now = await purgeThese(items.map((song) => song.id));
    // A bin that does not get emptier must not be asked for ever.
    if (now === 0) return purged;
    purged += now;
  }
}

async function purgeThese(ids: string[]): Promise<number> {
  let purged = 0;
  for (let from = 0; from < ids.length; from += kMost) {
    purged += (await got(client.POST('/api/songs/purge', { body: { ids: ids.slice(from, from + kMost) } }))).purged;
  }
  return purged;
}

type Props = { ids: string[] | 'all'; count: number; open: boolean; onClose: () => void; onDone?: () => void };

export function PurgeSheet({ ids, count, open, onClose, onDone }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const purge = useMutation({
    mutationFn: () => (ids === 'all' ? purgeAll() : purgeThese(ids)),
    onError: (error) => void toast(sentenceFor(error, t), { tone: 'bad' }),
    onSuccess: (purged) => {
      toast(t('library.purged', { count: purged }), { tone: 'good' });
      onDone?.();
    },
    onSettled: () => {
      onClose();
      void queries.invalidateQueries({ queryKey: ['songs'] });
    },
  });
  return (
    <Sheet open={open} onClose={onClose} title={t(ids === 'all' ? 'library.emptyBin' : 'library.purge')}>
      <div className="grid grid-cols-1 gap-5 p-5">
        <p className="text-sm text-soft">{t('library.purgeText', { count })}</p>
        <div className="flex flex-wrap justify-end gap-2">
          <Button data-first look="quiet" onClick={onClose}>
            {t('ui.cancel')}
          </Button>
          <Button look="bad" icon={Trash2} busy={purge.isPending} onClick={() => !purge.isPending && purge.mutate()}>
            {t('library.purge')}
          </Button>
        </div>
      </div>
    </Sheet>
  );
}

export function EmptyBin({ count }: { count: number }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  if (count === 0) return null;
  return (
    <>
      <Button look="bad" icon={Trash2} onClick={() => setOpen(true)}>
        {t('library.emptyBin')}
      </Button>
      <PurgeSheet ids="all" count={count} open={open} onClose={() => setOpen(false)} />
    </>
  );
}
