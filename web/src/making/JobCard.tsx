import { useMutation, useQueryClient } from '@tanstack/react-query';
import { ArrowUpToLine, FileText, Pause, Play, RotateCcw, Trash2, TriangleAlert, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';

import { type Job, client, got } from '../api/client';
import { sentenceFor } from '../api/problems';
import { draftOf, useDesk } from '../create/draft';
import { currentTrack, liveTrackOf, toggleTrack, usePlayer } from '../player/player';
import { clock, span } from '../ui/format';
import { Button, IconButton, Tag, cx } from '../ui/kit';
import { toast } from '../ui/toasts';
import { CodeStrip } from './CodeStrip';

export function JobCard({ job, first, dense }: { job: Job; first?: Job; dense?: boolean }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const playsThis = usePlayer((p) => currentTrack(p)?.id === job.id && p.playing);
  // Once all of it is rendered, its length is known; until then only how long it may be.
  const total = Math.max(1, job.phase === 'tagging' ? job.composed_seconds : job.max_audio_length_ms / 1000);
  const failed = (error: unknown): void => void toast(sentenceFor(error, t), { tone: 'bad' });
  const settle = (): void => void queries.invalidateQueries({ queryKey: ['queue'] });
  const cancel = useMutation({
    mutationFn: () => got(client.DELETE('/api/queue/{id}', { params: { path: { id: job.id } } })),
    onError: failed,
    onSettled: () => {
      settle();
      void queries.invalidateQueries({ queryKey: ['failures'] });
    },
  });
  const move = useMutation({
    mutationFn: (before: string) =>
      got(client.POST('/api/jobs/{id}/move', { params: { path: { id: job.id } }, body: { before } })),
    onError: failed,
    onSettled: settle,
  });
  const running = job.status === 'processing';
  const live = liveTrackOf(job);
  const phase = t(`making.phase.${job.phase}`);

  return (
    <article
      aria-label={job.title}
      className={cx('animate-rise rounded-card border border-line bg-panel', dense ? 'p-3' : 'p-4 md:p-5')}
    >
      <div className="flex items-center gap-3">
        {live ? (
          <button
            type="button"
            aria-label={playsThis ? t('player.pause') : t('making.listen', { title: job.title })}
            onClick={() => toggleTrack([live], 0)}
            className="warm grid size-11 shrink-0 place-items-center rounded-full shadow-one transition active:scale-95"
          >
            {playsThis ? <Pause size={19} aria-hidden fill="currentColor" /> : <Play size={19} aria-hidden fill="currentColor" className="ml-0.5" />}
          </button>
        ) : (
          <span
            aria-hidden
            className={cx(
              'grid size-11 shrink-0 place-items-center rounded-full border border-line bg-raised text-sm font-semibold',
              running ? 'text-hearttext' : 'text-faint',
            )}
          >
            {running ? <span className="animate-breathe size-2.5 rounded-full bg-heart" /> : job.position || '·'}
          </span>
        )}
        <div className="min-w-0 grow">
          <h3 className="truncate text-base">{job.title}</h3>
          <p className="text-xs text-soft">
            {running ? phase : job.position > 0 ? t('making.position', { position: job.position }) : phase}
            {job.eta_seconds !== null && ` · ${t('making.eta', { span: span(job.eta_seconds) })}`}
          </p>
        </div>
        {!running && first && first.id !== job.id && (
          <IconButton label={t('making.first')} icon={ArrowUpToLine} size={17} onClick={() => move.mutate(first.id)} />
        )}
        <IconButton
          label={t('making.cancel', { title: job.title })}
          icon={X}
          disabled={cancel.isPending}
          onClick={() => cancel.mutate()}
        />
      </div>
      {running && (
        <>
          <div
            role="progressbar"
            aria-label={t('making.progress', { title: job.title })}
            aria-valuemin={0}
            aria-valuemax={100}
            aria-valuenow={Math.round(((job.composed_seconds + job.rendered_seconds) / (2 * total)) * 100)}
            aria-valuetext={phase}
            className="mt-3"
          >
            <CodeStrip
              id={job.id}
              composed={job.composed_seconds / total}
              rendered={job.rendered_seconds / total}
              className={dense ? 'h-10' : 'h-16'}
            />
          </div>
          <dl className="mt-2 flex flex-wrap justify-between gap-x-4 text-xs text-soft">
            <div className="flex gap-1.5">
              <dt className="text-faint">{t('making.composed')}</dt>
              <dd>
                {clock(job.composed_seconds)} / {clock(total)}
              </dd>
            </div>
            <div className="flex gap-1.5">
              <dt className="text-faint">{t('making.rendered')}</dt>
              <dd className={job.rendered_seconds > 0 ? 'text-hearttext' : ''}>{clock(job.rendered_seconds)}</dd>
            </div>
          </dl>
        </>
      )}
      {!dense && job.tags && (
        <div className="mt-3 flex flex-wrap gap-1">
          {job.tags.split(',').slice(0, 8).map((tag) => (
            <Tag key={tag}>{tag}</Tag>
          ))}
          {job.take > 0 && <Tag>{t('library.take', { number: job.take + 1 })}</Tag>}
        </div>
      )}
    </article>
  );
}

/** A song that did not come to be keeps its card, says why, and offers what to do. */
export function FailedCard({ job, dense }: { job: Job; dense?: boolean }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const failed = (error: unknown): void => void toast(sentenceFor(error, t), { tone: 'bad' });
  const settle = (): void => {
    void queries.invalidateQueries({ queryKey: ['queue'] });
    void queries.invalidateQueries({ queryKey: ['failures'] });
  };
  const path = { params: { path: { id: job.id } } };
  const retry = useMutation({
    mutationFn: () => got(client.POST('/api/jobs/{id}/retry', path)),
    onError: failed,
    onSettled: settle,
  });
  const forget = useMutation({ mutationFn: () => got(client.DELETE('/api/jobs/{id}', path)), onError: failed, onSettled: settle });
  const edit = (): void => {
    const undo = useDesk.getState().replace(draftOf(job), 'recipe');
    toast(t('library.loaded'), { action: { label: t('ui.undo'), run: undo } });
    void navigate('/create');
  };
  const broken = job.status === 'failed';
  return (
    <article aria-label={job.title} className="rounded-card border border-line bg-panel p-4">
      <div className="flex items-start gap-3">
        <span className={cx('mt-0.5 shrink-0', broken ? 'text-bad' : 'text-faint')}>
          {broken ? <TriangleAlert size={18} aria-hidden /> : <X size={18} aria-hidden />}
        </span>
        <div className="min-w-0 grow">
          <h3 className="truncate text-base">{job.title}</h3>
          <p className="text-sm text-soft">{job.reason || t(broken ? 'making.failed' : 'making.cancelled')}</p>
          {broken && <p className="mt-0.5 text-xs text-faint">{t('making.kept')}</p>}
        </div>
      </div>
      <div className="mt-3 flex flex-wrap gap-2 md:pl-[30px]">
        <Button icon={RotateCcw} busy={retry.isPending} onClick={() => retry.mutate()}>
          {t('making.retry')}
        </Button>
        <Button look="quiet" icon={FileText} onClick={edit} className={dense ? 'px-2.5' : ''}>
          {t('making.edit')}
        </Button>
        {dense ? (
          <IconButton label={t('making.forget')} icon={Trash2} size={17} onClick={() => forget.mutate()} />
        ) : (
          <Button look="quiet" icon={Trash2} onClick={() => forget.mutate()}>
            {t('making.forget')}
          </Button>
        )}
      </div>
    </article>
  );
}
