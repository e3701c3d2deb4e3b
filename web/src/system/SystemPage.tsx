import { useQuery } from '@tanstack/react-query';
import { BookOpen, Cpu } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import { useSession } from '../account/session';
import { at } from '../api/base';
import { client, got } from '../api/client';
import { statusQuery } from '../api/queries';
import { useMaking } from '../making/jobs';
import { Fault } from '../shell/Fault';
import { PageHead } from '../shell/PageHead';
import { bytes, span } from '../ui/format';
import { ButtonLink, Card, Skeleton, cx } from '../ui/kit';

function Row({ name, children, good }: { name: string; children: ReactNode; good?: boolean }) {
  return (
    <div className="flex items-baseline justify-between gap-6 border-b border-line py-2.5 text-sm last:border-0">
      <dt className="text-soft">{name}</dt>
      <dd className="flex items-center gap-2 text-right break-words">
        {good !== undefined && <span aria-hidden className={cx('size-2 rounded-full', good ? 'bg-ok' : 'bg-faint')} />}
        {children}
      </dd>
    </div>
  );
}

/** Numbers that only administrators get, out of the text for Prometheus. */
function useNumbers(admin: boolean): (name: string) => number | null {
  const metrics = useQuery({
    queryKey: ['metrics'] as const,
    queryFn: ({ signal }) => got(client.GET('/metrics', { signal, parseAs: 'text' })),
    enabled: admin,
    refetchInterval: 10_000,
  });
  return (name) => {
    const found = new RegExp(`^${name} ([-+.0-9e]+)$`, 'm').exec(String(metrics.data ?? ''));
    return found ? Number(found[1]) : null;
  };
}

/** What the studio is and can do now, in plain words. */
export function SystemPage() {
  const { t } = useTranslation();
  const status = useQuery({ ...statusQuery, refetchInterval: 10_000 });
  const pace = useMaking((s) => s.pace.perSecond);
  const admin = useSession((s) => s.user?.admin);
  const number = useNumbers(admin ?? false);
  const memory = number('process_resident_memory_bytes');
  const work = number('heart_job_work_seconds_total');
  const made = number('heart_job_song_seconds_total');
  const s = status.data;
  return (
    <div className="mx-auto grid grid-cols-1 max-w-[824px] gap-6 px-4 md:px-8">
      <PageHead title={t('nav.system')} text={t('system.text')}>
        <ButtonLink to={at('/docs')} icon={BookOpen} outside>
          {t('system.api')}
        </ButtonLink>
        {admin && <ButtonLink to="/admin">{t('user.admin')}</ButtonLink>}
      </PageHead>
      {status.isPending && <Skeleton className="h-64" />}
      {status.isError && !s && <Fault error={status.error} onAgain={() => void status.refetch()} />}
      {s && (
        <>
          <Card className="flex items-center gap-5 p-5 md:p-6">
            <span className={cx('grid size-14 shrink-0 place-items-center rounded-full', s.gpu ? 'warm' : 'bg-raised text-soft')}>
              <Cpu size={26} aria-hidden />
            </span>
            <div className="min-w-0">
              <h2 className="text-lg break-words">{s.gpu_name ?? s.device}</h2>
              <p className="text-sm text-soft">
                {s.gpu ? t('system.gpu') : t('system.cpu')}
                {pace !== null && ` ${t('system.pace', { factor: pace.toFixed(1) })}`}
              </p>
            </div>
          </Card>
          <Card className="px-5 py-3 md:px-6">
            <dl>
              <Row name={t('system.model')}>{s.model}</Row>
              <Row name={t('system.loaded')} good={s.model_loaded}>
                {s.model_loaded ? t('system.inMemory') : t('system.notInMemory')}
              </Row>
              {memory !== null && memory > 0 && <Row name={t('system.memory')}>{bytes(memory)}</Row>}
              {made !== null && work !== null && made > 0 && (
                <Row name={t('system.made')}>{t('system.madeText', { music: span(made), work: span(work) })}</Row>
              )}
              <Row name={t('system.queue')}>{t('library.songs', { count: s.queue_length })}</Row>
              <Row name={t('system.help')} good={s.openai_configured}>
                {s.openai_configured ? t('system.connected') : t('system.notConnected')}
              </Row>
              <Row name={t('system.covers')} good>
                {s.covers_configured ? t('system.coversBoth') : t('system.coversOwn')}
              </Row>
              <Row name={t('system.registration')}>{t(`system.registrations.${s.registration}`)}</Row>
              <Row name={t('system.media')}>{s.signed_media ? t('system.signed') : t('system.unsigned')}</Row>
              <Row name={t('system.limits')}>
                {t('system.limitsText', { takes: s.limits.takes, waiting: s.limits.queue_per_user })}
              </Row>
              <Row name={t('system.version')}>{s.version}</Row>
            </dl>
          </Card>
        </>
      )}
    </div>
  );
}
