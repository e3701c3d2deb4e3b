// The one page where a song is written, in the order in which people think: what it is about, how it sounds, what it sings,
// how adventurous it is, and one button.

import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';

import { useStatus } from '../api/queries';
import { QueuePanel } from '../making/QueuePanel';
import { DraftMenu } from './DraftMenu';
import { FineControl } from './FineControl';
import { LyricsEditor } from './LyricsEditor';
import { MakeBar } from './MakeBar';
import { SoundsLike } from './SoundsLike';
import { TagField } from './TagField';
import { WritingHelp } from './WritingHelp';
import { useDesk } from './draft';

export function CreatePage() {
  const { t } = useTranslation();
  const title = useDesk((s) => s.draft.title);
  const set = useDesk((s) => s.set);
  const status = useStatus();

  useEffect(() => {
    const another = (e: StorageEvent): void => {
      // The same draft in another tab: what was typed last counts, here too.
      if (e.key === 'heart.desk' && document.visibilityState === 'hidden') void useDesk.persist.rehydrate();
    };
    window.addEventListener('storage', another);
    return () => window.removeEventListener('storage', another);
  }, []);

  return (
    <div className="lg:grid lg:grid-cols-[minmax(0,1fr)_var(--side)]">
      <div className="mx-auto grid grid-cols-1 w-full max-w-[824px] gap-8 px-4 pt-5 md:px-8 md:pt-10">
        <h1 className="sr-only">{t('create.heading')}</h1>
        <section className="grid grid-cols-1 gap-3">
          <div className="flex items-start gap-2">
            <input
              aria-label={t('create.title')}
              placeholder={t('create.titlePlaceholder')}
              value={title}
              onChange={(e) => set({ title: e.target.value })}
              maxLength={200}
              className="-ml-2 min-w-0 grow rounded-control bg-transparent px-2 py-1 text-lg font-semibold md:text-xl tracking-tight focus-visible:outline-offset-0"
            />
            <DraftMenu />
          </div>
          {status.data?.openai_configured && <WritingHelp />}
        </section>
        <TagField />
        <SoundsLike />
        <LyricsEditor limit={status.data?.limits.lyrics_bytes} />
        <FineControl mostTakes={status.data?.limits.takes} />
        <MakeBar />
      </div>
      <aside
        aria-label={t('nav.queue')}
        className="sticky top-0 hidden h-[calc(100dvh-var(--mini))] overflow-y-auto border-l border-line bg-panel/40 lg:block"
      >
        <QueuePanel />
      </aside>
    </div>
  );
}
