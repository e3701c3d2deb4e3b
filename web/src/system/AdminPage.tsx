import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Archive, Copy, Download, ShieldCheck, Trash2, UserPlus, UserX } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { useSession } from '../account/session';
import { linkTo } from '../api/base';
import { type Account, client, got } from '../api/client';
import { sentenceFor } from '../api/problems';
import { PageHead } from '../shell/PageHead';
import { ago, bytes, exactTime } from '../ui/format';
import { Button, Empty, IconButton, Tag, TextInput } from '../ui/kit';
import { Menu } from '../ui/Menu';
import { toast } from '../ui/toasts';
import { Models } from './Models';
import { Part } from './Part';
import { saveBackup } from './saveBackup';

export function AdminPage() {
  const { t } = useTranslation();
  const admin = useSession((s) => s.user?.admin);
  if (!admin) return <Empty alone icon={ShieldCheck} title={t('admin.only')} text={t('admin.onlyText')} />;
  return (
    <div className="mx-auto grid grid-cols-1 max-w-[1000px] gap-6 px-4 md:px-8">
      <PageHead title={t('user.admin')} text={t('admin.text')} />
      <Users />
      <Invites />
      <WholeQueue />
      <Models />
      <div className="grid items-start gap-6 md:grid-cols-2">
        <Disk />
        <Backups />
      </div>
    </div>
  );
}

function useSay() {
  const { t } = useTranslation();
  return (error: unknown): void => void toast(sentenceFor(error, t), { tone: 'bad' });
}

function Users() {
  const { t, i18n } = useTranslation();
  const say = useSay();
  const queries = useQueryClient();
  const own = useSession((s) => s.user?.id);
  const [going, setGoing] = useState<Account | null>(null);
  const users = useQuery({
    queryKey: ['admin', 'users'] as const,
    queryFn: ({ signal }) => got(client.GET('/api/admin/users', { signal })),
  });
  const settle = (): void => void queries.invalidateQueries({ queryKey: ['admin'] });
  const change = useMutation({
    mutationFn: ({ id, body }: { id: string; body: { admin?: boolean; disabled?: boolean } }) =>
      got(client.PATCH('/api/admin/users/{id}', { params: { path: { id } }, body })),
    onError: say,
    onSettled: settle,
  });
  const remove = useMutation({
    mutationFn: (id: string) => got(client.DELETE('/api/admin/users/{id}', { params: { path: { id } } })),
    onError: say,
    onSettled: () => {
      settle();
      setGoing(null);
    },
  });
  return (
    <Part title={t('admin.users')}>
      <ul>
        {users.data?.items.map((user) => (
          <li key={user.id} className="flex items-center gap-x-3 border-b border-line py-2 pr-3 pl-5 last:border-0">
            <div className="min-w-0 grow">
              <p className="flex items-center gap-2 text-sm font-medium">
                <span className="truncate">{user.username}</span>
                {user.admin && <Tag>{t('admin.admin')}</Tag>}
                {user.disabled && <Tag className="text-bad">{t('admin.disabled')}</Tag>}
              </p>
              <p className="truncate text-xs text-soft">
                {user.email} · {ago(user.created_at, i18n.language)}
              </p>
            </div>
            {user.id !== own && (
              <Menu
                label={t('admin.actions', { name: user.username })}
                items={[
                  {
                    label: user.admin ? t('admin.takeAdmin') : t('admin.makeAdmin'),
                    icon: ShieldCheck,
                    run: () => change.mutate({ id: user.id, body: { admin: !user.admin } }),
                  },
                  {
                    label: user.disabled ? t('admin.enable') : t('admin.disable'),
                    icon: UserX,
                    run: () => change.mutate({ id: user.id, body: { disabled: !user.disabled } }),
                  },
                  'line',
                  { label: t('admin.deleteUser'), icon: Trash2, bad: true, run: () => setGoing(user) },
                ]}
                button={(props) => <Button {...props}>{t('admin.change')}</Button>}
              />
            )}
          </li>
        ))}
      </ul>
      {going && (
        <DeleteUser
          user={going}
          busy={remove.isPending}
          onNo={() => setGoing(null)}
          onYes={() => remove.mutate(going.id)}
        />
      )}
    </Part>
  );
}

/** An account and all its songs go for good: the one thing that wants its name typed. */
function DeleteUser({ user, busy, onYes, onNo }: { user: Account; busy: boolean; onYes: () => void; onNo: () => void }) {
  const { t } = useTranslation();
  const [name, setName] = useState('');
  return (
    <form
      className="grid grid-cols-1 gap-3 border-t border-line bg-raised p-5"
      onSubmit={(e) => {
        e.preventDefault();
        if (name === user.username) onYes();
      }}
    >
      <p className="text-sm">{t('admin.deleteText', { name: user.username })}</p>
      <div className="flex flex-wrap gap-2">
        <TextInput
          autoFocus
          aria-label={t('admin.typeName')}
          placeholder={user.username}
          value={name}
          onChange={(e) => setName(e.target.value)}
          className="h-10 max-w-60 text-sm"
        />
        <Button type="submit" look="bad" icon={Trash2} busy={busy} disabled={name !== user.username}>
          {t('admin.deleteUser')}
        </Button>
        <Button look="quiet" onClick={onNo}>
          {t('ui.cancel')}
        </Button>
      </div>
    </form>
  );
}

function Invites() {
  const { t, i18n } = useTranslation();
  const say = useSay();
  const queries = useQueryClient();
  const invites = useQuery({
    queryKey: ['admin', 'invites'] as const,
    queryFn: ({ signal }) => got(client.GET('/api/admin/invites', { signal })),
  });
  const settle = (): void => void queries.invalidateQueries({ queryKey: ['admin', 'invites'] });
  const make = useMutation({
    mutationFn: () => got(client.POST('/api/admin/invites', { body: {} })),
    onError: say,
    onSettled: settle,
  });
  const remove = useMutation({
    mutationFn: (id: string) => got(client.DELETE('/api/admin/invites/{id}', { params: { path: { id } } })),
    onError: say,
    onSettled: settle,
  });
  const address = make.data ? linkTo(`/register?invite=${encodeURIComponent(make.data.code)}`) : '';
  const open = invites.data?.items.filter((i) => !i.used_by && new Date(i.expires_at).getTime() > Date.now()) ?? [];
  return (
    <Part
      title={t('admin.invites')}
      action={
        <Button icon={UserPlus} busy={make.isPending} onClick={() => make.mutate()}>
          {t('admin.invite')}
        </Button>
      }
    >
      {address && (
        <div className="grid grid-cols-1 gap-2 border-b border-line bg-raised p-5">
          <p className="text-sm text-soft">{t('admin.inviteOnce')}</p>
          <div className="flex gap-2">
            <TextInput readOnly aria-label={t('admin.inviteLink')} value={address} onFocus={(e) => e.target.select()} />
            <Button
              icon={Copy}
              onClick={() =>
                void navigator.clipboard.writeText(address).then(
                  () => toast(t('library.copied'), { tone: 'good' }),
                  () => toast(t('library.copyFailed'), { tone: 'bad' }),
                )
              }
            >
              {t('library.copy')}
            </Button>
          </div>
        </div>
      )}
      {open.length === 0 && !address && <p className="px-5 py-4 text-sm text-soft">{t('admin.noInvites')}</p>}
      <ul>
        {open.map((invite) => (
          <li key={invite.id} className="flex items-center justify-between border-b border-line py-1 pr-3 pl-5 text-sm last:border-0">
            <span title={exactTime(invite.expires_at, i18n.language)}>
              {t('admin.inviteUntil', { date: ago(invite.expires_at, i18n.language) })}
            </span>
            <IconButton label={t('admin.removeInvite')} icon={Trash2} size={17} onClick={() => remove.mutate(invite.id)} />
          </li>
        ))}
      </ul>
    </Part>
  );
}

function WholeQueue() {
  const { t } = useTranslation();
  const say = useSay();
  const queries = useQueryClient();
  const queue = useQuery({
    queryKey: ['admin', 'queue'] as const,
    queryFn: ({ signal }) => got(client.GET('/api/admin/queue', { signal })),
    refetchInterval: 5000,
  });
  const cancel = useMutation({
    mutationFn: (id: string) => got(client.DELETE('/api/admin/queue/{id}', { params: { path: { id } } })),
    onError: say,
    onSettled: () => void queries.invalidateQueries({ queryKey: ['admin', 'queue'] }),
  });
  const items = queue.data?.items ?? [];
  return (
    <Part title={t('admin.queue')}>
      {items.length === 0 && <p className="px-5 py-4 text-sm text-soft">{t('making.idle')}</p>}
      <ul>
        {items.map((job) => (
          <li key={job.id} className="flex items-center gap-3 border-b border-line py-1.5 pr-3 pl-5 text-sm last:border-0">
            <div className="flex min-w-0 grow flex-wrap items-baseline justify-between gap-x-3">
              <span className="truncate">{job.title}</span>
              <span className="text-xs text-soft">
                {job.user.username} · {t(`making.phase.${job.phase}`)}
              </span>
            </div>
            <IconButton
              label={t('making.cancel', { title: job.title })}
              icon={Trash2}
              size={17}
              onClick={() => cancel.mutate(job.id)}
            />
          </li>
        ))}
      </ul>
    </Part>
  );
}

function Disk() {
  const { t } = useTranslation();
  const disk = useQuery({
    queryKey: ['admin', 'disk'] as const,
    queryFn: ({ signal }) => got(client.GET('/api/admin/disk', { signal })),
  });
  const d = disk.data;
  const rows: [string, number][] = d
    ? [
        [t('admin.audio', { count: d.songs }), d.audio_bytes],
        [t('admin.coverFiles'), d.cover_bytes],
        [t('admin.cache'), d.cache_bytes],
        [t('admin.database'), d.database_bytes],
        [t('admin.backups'), d.backup_bytes],
        [t('admin.free'), d.free_bytes],
      ]
    : [];
  return (
    <Part title={t('admin.disk')}>
      <dl className="px-5 py-2">
        {rows.map(([name, value]) => (
          <div key={name} className="flex justify-between border-b border-line py-2 text-sm last:border-0">
            <dt className="text-soft">{name}</dt>
            <dd>{bytes(value)}</dd>
          </div>
        ))}
      </dl>
    </Part>
  );
}

function Backups() {
  const { t, i18n } = useTranslation();
  const say = useSay();
  const queries = useQueryClient();
  const list = useQuery({
    queryKey: ['admin', 'backups'] as const,
    queryFn: ({ signal }) => got(client.GET('/api/admin/backups', { signal })),
  });
  const settle = (): void => void queries.invalidateQueries({ queryKey: ['admin'] });
  const make = useMutation({
    mutationFn: () => got(client.POST('/api/admin/backup')),
    onError: say,
    onSuccess: () => void toast(t('admin.backedUp'), { tone: 'good' }),
    onSettled: settle,
  });
  const save = useMutation({ mutationFn: saveBackup, onError: say });
  const remove = useMutation({
    mutationFn: (name: string) => got(client.DELETE('/api/admin/backups/{name}', { params: { path: { name } } })),
    onError: say,
    onSettled: settle,
  });
  return (
    <Part
      title={t('admin.backups')}
      action={
        <Button icon={Archive} busy={make.isPending} onClick={() => make.mutate()}>
          {t('admin.backUp')}
        </Button>
      }
    >
      {list.data?.items.length === 0 && <p className="px-5 py-4 text-sm text-soft">{t('admin.noBackups')}</p>}
      <ul>
        {list.data?.items.map((backup) => (
          <li key={backup.name} className="flex items-center gap-3 border-b border-line py-1.5 pr-3 pl-5 text-sm last:border-0">
            <span className="min-w-0 grow truncate" title={backup.name}>
              {ago(backup.created_at, i18n.language)}
            </span>
            <span className="text-xs text-soft">{bytes(backup.bytes)}</span>
            <IconButton
              label={t('admin.downloadBackup', { name: backup.name })}
              icon={Download}
              size={17}
              disabled={save.isPending}
              onClick={() => save.mutate(backup.name)}
            />
            <IconButton label={t('admin.removeBackup', { name: backup.name })} icon={Trash2} size={17} onClick={() => remove.mutate(backup.name)} />
          </li>
        ))}
      </ul>
    </Part>
  );
}
