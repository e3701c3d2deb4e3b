import { useMutation, useQueryClient } from '@tanstack/react-query';
import { AudioLines } from 'lucide-react';
import { useEffect, useId, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';

import { client, got } from '../api/client';
import { sentenceFor } from '../api/problems';
import { useStatus } from '../api/queries';
import { useActiveJobs } from '../making/hooks';
import { useMaking } from '../making/jobs';
import { span } from '../ui/format';
import { Button } from '../ui/kit';
import { toast } from '../ui/toasts';
import { type Draft, type Reference, useDesk } from './draft';
import { useListening } from './listening';
import { joinTags, parseTags } from './tags';

const referenceAsked = ({ of, id }: Reference): { reference_id: string } | { reference_of: string } =>
  of === 'song' ? { reference_of: id } : { reference_id: id };

export function requestOf(draft: Draft) {
  return {
    title: draft.title.trim() || null,
    lyrics: draft.lyrics,
    tags: joinTags(parseTags(draft.tags)),
    max_audio_length_ms: draft.seconds * 1000,
    temperature: draft.temperature,
    topk: draft.topk,
    cfg_scale: draft.cfg,
    takes: draft.takes,
    ...(draft.reference ? { ...referenceAsked(draft.reference), reference_strength: draft.strength } : {}),
    ...(draft.seedLocked && draft.seed !== null ? { seed: draft.seed } : {}),
  };
}

/** The one button, and what will happen. */
export function MakeBar() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const draft = useDesk((s) => s.draft);
  const status = useStatus().data;
  const own = useActiveJobs();
  const pace = useMaking((s) => s.pace.perSecond);
  const id = useId();
  const [lacking, setLacking] = useState<'words' | 'reference' | null>(null);
  const listening = useListening((s) => s.now?.phase === 'sending' || s.now?.phase === 'listening');
  // The same key until an answer came: asked again after a lost connection, the studio makes one song, not two.
  const key = useRef<string | null>(null);

  const make = useMutation({
    mutationFn: (body: ReturnType<typeof requestOf>) => {
      key.current ??= crypto.randomUUID();
      return got(client.POST('/api/generate', { body, params: { header: { 'Idempotency-Key': key.current } } }));
    },
    onSuccess: () => {
      key.current = null;
      void queries.invalidateQueries({ queryKey: ['queue'] });
      void queries.invalidateQueries({ queryKey: ['status'] });
      toast(t('create.queued', { count: draft.takes }), {
        tone: 'good',
        action: { label: t('create.seeQueue'), run: () => void navigate('/queue') },
      });
    },
    onError: (error) => {
      if ('status' in error && error.status !== 0) key.current = null;
    },
  });

  const press = (): void => {
    const nothing = !draft.lyrics.trim() && parseTags(draft.tags).length === 0;
    // What it is to sound like is on its way: without it, it would be another song.
    setLacking(nothing ? 'words' : listening ? 'reference' : null);
    if (!nothing && !listening && !make.isPending) make.mutate(requestOf(draft));
  };
  const pressed = useRef(press);
  pressed.current = press;
  useEffect(() => {
    const keys = (e: KeyboardEvent): void => {
      if ((e.ctrlKey || e.metaKey) && e.key === 'Enter' && !document.querySelector('dialog[open]')) {
        e.preventDefault();
        pressed.current();
      }
    };
    document.addEventListener('keydown', keys);
    return () => document.removeEventListener('keydown', keys);
  }, []);

  const ahead = Math.max(status?.queue_length ?? 0, own.length);
  const parts = [
    draft.takes > 1
      ? t('create.promiseTakes', { count: draft.takes, span: span(draft.seconds) })
      : t('create.promise', { span: span(draft.seconds) }),
    pace === null ? null : t('create.promiseWork', { span: span(pace * draft.seconds * draft.takes) }),
    ahead > 0 ? t('create.promisePosition', { position: ahead + 1 }) : t('create.promiseNow'),
  ].filter(Boolean);

  return (
    <div className="glass sticky bottom-[var(--dock)] z-20 -mx-4 border-t border-line px-4 py-3 md:mx-0 md:mb-4 md:rounded-card md:border md:px-4 md:shadow-two lg:bottom-[calc(var(--dock)+16px)]">
      {(lacking === 'words' || (lacking === 'reference' && listening)) && (
        <p role="alert" className="mb-2 text-sm text-warn">
          {lacking === 'words' ? t('create.lacking') : t('like.wait')}
        </p>
      )}
      {make.isError && (
        <p role="alert" className="mb-2 text-sm text-bad">
          {sentenceFor(make.error, t)} {t('create.kept')}
        </p>
      )}
      <div className="flex flex-wrap items-center gap-x-5 gap-y-2">
        <Button
          look="warm"
          icon={AudioLines}
          busy={make.isPending}
          onClick={press}
          aria-describedby={`${id}-promise`}
          className="h-12 grow text-base sm:grow-0 sm:px-8"
        >
          {make.isPending ? t('create.asking') : t('create.make')}
        </Button>
        <p id={`${id}-promise`} className="min-w-0 grow text-center text-xs text-soft sm:text-left">
          {parts.join(' · ')}
        </p>
      </div>
    </div>
  );
}
