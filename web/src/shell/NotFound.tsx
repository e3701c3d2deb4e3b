import { Compass } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import { Empty } from '../ui/kit';

export function NotFound() {
  const { t } = useTranslation();
  return (
    <Empty
      icon={Compass}
      title={t('shell.notFound')}
      text={t('shell.notFoundText')}
      action={
        <Link to="/create" className="warm inline-flex min-h-10 items-center rounded-control px-4 text-sm font-semibold">
          {t('shell.toCreate')}
        </Link>
      }
    />
  );
}
