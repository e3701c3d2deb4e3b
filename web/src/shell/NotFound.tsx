import { Compass } from 'lucide-react';
import { useTranslation } from 'react-i18next';

import { ButtonLink, Empty } from '../ui/kit';

export function NotFound() {
  const { t } = useTranslation();
  return (
    <Empty
      alone
      icon={Compass}
      title={t('shell.notFound')}
      text={t('shell.notFoundText')}
      action={
        <ButtonLink to="/create" look="warm">
          {t('shell.toCreate')}
        </ButtonLink>
      }
    />
  );
}
