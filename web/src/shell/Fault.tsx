import { PenLine, ServerCrash } from 'lucide-react';
import { useTranslation } from 'react-i18next';

import { sentenceFor } from '../api/problems';
import { Button, ButtonLink, Empty } from '../ui/kit';

/** What a page shows in place of what it could not get. */
export function Fault({ error, onAgain }: { error: unknown; onAgain: () => void }) {
  const { t } = useTranslation();
  return (
    <Empty
      icon={ServerCrash}
      title={t('errors.title')}
      text={sentenceFor(error, t)}
      action={<Button onClick={onAgain}>{t('ui.tryAgain')}</Button>}
    />
  );
}

/** The way on from where there is nothing yet. */
export function WriteASong() {
  const { t } = useTranslation();
  return (
    <ButtonLink to="/create" look="warm" icon={PenLine}>
      {t('making.emptyAction')}
    </ButtonLink>
  );
}
