import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { client, got } from '../api/client';
import { sentenceFor } from '../api/problems';
import { type Language, kLanguages, setLanguage } from '../i18n';
import { PageHead } from '../shell/PageHead';
import { Button, Card, Field, Select } from '../ui/kit';
import { type Theme, setTheme, useTheme } from '../ui/look';
import { toast } from '../ui/toasts';
import { Entry } from './Entry';
import { Webhooks } from './Webhooks';
import { signIn, signOut, useSession } from './session';

export function ProfilePage() {
  const { t, i18n } = useTranslation();
  const user = useSession((s) => s.user);
  const theme = useTheme((s) => s.theme);
  if (!user) return null;
  const since = new Intl.DateTimeFormat(i18n.language, { dateStyle: 'long' }).format(new Date(user.created_at));
  return (
    <div className="mx-auto grid grid-cols-1 max-w-[760px] gap-6 px-4 md:px-8">
      <PageHead title={user.username} text={`${user.email} · ${t('account.since', { date: since })}`} />
      <Card className="grid gap-5 p-5 md:grid-cols-2 md:p-6">
        <Field label={t('account.language')}>
          {(ids) => (
            <Select {...ids} value={i18n.language} onChange={(e) => void setLanguage(e.target.value as Language)}>
              {Object.entries(kLanguages).map(([code, name]) => (
                <option key={code} value={code}>
                  {name}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Field label={t('account.theme')}>
          {(ids) => (
            <Select {...ids} value={theme} onChange={(e) => setTheme(e.target.value as Theme)}>
              <option value="system">{t('user.system')}</option>
              <option value="light">{t('user.light')}</option>
              <option value="dark">{t('user.dark')}</option>
            </Select>
          )}
        </Field>
      </Card>
      <ChangePassword />
      <Webhooks />
      <Card className="flex flex-wrap items-center justify-between gap-4 p-5 md:p-6">
        <div className="min-w-0">
          <h2 className="text-base">{t('account.everywhere')}</h2>
          <p className="text-sm text-soft">{t('account.everywhereText')}</p>
        </div>
        <Button
          look="bad"
          onClick={() =>
            void got(client.POST('/api/auth/sign-out-everywhere')).then(
              () => signOut(),
              (error) => toast(sentenceFor(error, t), { tone: 'bad' }),
            )
          }
        >
          {t('account.everywhereButton')}
        </Button>
      </Card>
    </div>
  );
}

function ChangePassword() {
  const { t } = useTranslation();
  const [old, setOld] = useState('');
  const [fresh, setFresh] = useState('');
  const change = useMutation({
    mutationFn: () => got(client.POST('/api/auth/password', { body: { old_password: old, new_password: fresh } })),
    onSuccess: ({ access_token }) => {
      const { user } = useSession.getState();
      if (user) signIn(access_token, user);
      setOld('');
      setFresh('');
      toast(t('account.passwordChanged'), { tone: 'good' });
    },
  });
  return (
    <Card className="p-5 md:p-6">
      <h2 className="mb-4 text-base">{t('account.changePassword')}</h2>
      <form
        className="grid items-start gap-5 md:grid-cols-2"
        onSubmit={(e) => {
          e.preventDefault();
          change.mutate();
        }}
      >
        <Entry
          label={t('account.oldPassword')}
          error={change.isError ? sentenceFor(change.error, t) : null}
          type="password"
          required
          autoComplete="current-password"
          value={old}
          onText={setOld}
        />
        <Entry
          label={t('account.newPassword')}
          hint={t('account.passwordHint')}
          type="password"
          required
          minLength={6}
          autoComplete="new-password"
          value={fresh}
          onText={setFresh}
        />
        <Button type="submit" busy={change.isPending} className="justify-self-start">
          {t('account.changePassword')}
        </Button>
      </form>
    </Card>
  );
}
