import { FilePlus2, History } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { ago, exactTime } from '../ui/format';
import { Empty, IconButton, Sheet } from '../ui/kit';
import { toast } from '../ui/toasts';
import { kEmpty, kUsualStrength, useDesk } from './draft';

/** Starting over, and the drafts that something took the place of. */
export function DraftMenu() {
  const { t, i18n } = useTranslation();
  const [open, setOpen] = useState(false);
  const earlier = useDesk((s) => s.earlier);
  const replace = useDesk((s) => s.replace);
  const restore = useDesk((s) => s.restore);
  const startOver = (): void => {
    const undo = replace(
      { title: '', idea: '', tags: '', lyrics: '', seed: kEmpty.seed, seedLocked: false, reference: null, strength: kUsualStrength },
      'cleared',
    );
    toast(t('create.cleared'), { action: { label: t('ui.undo'), run: undo } });
  };
  return (
    <span className="flex shrink-0 items-center pt-0.5">
      <IconButton label={t('create.startOver')} icon={FilePlus2} onClick={startOver} />
      <IconButton label={t('create.earlier')} icon={History} onClick={() => setOpen(true)} />
      <Sheet open={open} onClose={() => setOpen(false)} title={t('create.earlier')} shape="side">
        {earlier.length === 0 ? (
          <Empty icon={History} title={t('create.noEarlier')} text={t('create.noEarlierText')} />
        ) : (
          <ul className="grid grid-cols-1 gap-1 p-2">
            {earlier.map(({ at, draft, why }) => (
              <li key={at}>
                <button
                  type="button"
                  className="grid grid-cols-1 w-full gap-0.5 rounded-control px-3 py-2.5 text-left outline-offset-[-2px] hover:bg-raised"
                  onClick={() => {
                    restore(at);
                    setOpen(false);
                  }}
                >
                  <span className="truncate font-medium">{draft.title || t('create.untitled')}</span>
                  <span className="truncate text-sm text-soft">{draft.lyrics.replaceAll('\n', ' ') || draft.tags}</span>
                  <span className="text-xs text-faint" title={exactTime(new Date(at).toISOString(), i18n.language)}>
                    {t(`create.why.${why}`)} · {ago(new Date(at).toISOString(), i18n.language)}
                  </span>
                </button>
              </li>
            ))}
          </ul>
        )}
      </Sheet>
    </span>
  );
}
