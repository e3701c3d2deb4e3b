import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useLocation, useSearchParams } from 'react-router';

import { ApiError, client, got } from '../api/client';
import { sentenceFor } from '../api/problems';
import { useStatus } from '../api/queries';
import { Logo } from '../shell/Frame';
import { Button, Card } from '../ui/kit';
import { Entry } from './Entry';
import { signIn, useSession } from './session';

function Door({ title, text, children }: { title: string; text: string; children: ReactNode }) {
  return (
    <main className="grid min-h-dvh place-items-center px-4 py-10">
      {/* No fading in: what begins unseen counts as not painted, and is. */}
      <div className="w-full max-w-[400px]">
        <div className="mb-8 grid justify-items-center gap-4 text-center">
          <Logo className="size-16" />
          <div className="grid grid-cols-1 gap-2">
            <h1 className="text-xl">{title}</h1>
            <p className="text-sm text-soft">{text}</p>
          </div>
        </div>
        <Card className="p-6 shadow-two">{children}</Card>
      </div>
    </main>
  );
}

const faultFor = (error: unknown, field: string): string | null =>
  error instanceof ApiError ? (error.faults.find((f) => f.field === field)?.message ?? null) : null;

export function SignInPage() {
  const { t } = useTranslation();
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const { search } = useLocation();
  const expired = useSession((s) => s.ended === 'expired');
  const open = useStatus().data?.registration !== 'closed';
  const enter = useMutation({
    mutationFn: () => got(client.POST('/api/auth/login', { body: { email, password } })),
    onSuccess: ({ token, user }) => signIn(token.access_token, user),
  });
  return (
    <Door title={t('account.welcome')} text={t('account.welcomeText')}>
      <form
        className="grid grid-cols-1 gap-5"
        onSubmit={(e) => {
          e.preventDefault();
          enter.mutate();
        }}
      >
        {expired && !enter.isError && (
          <p role="status" className="text-sm text-warn">
            {t('account.expired')}
          </p>
        )}
        <Entry label={t('account.email')} type="email" autoComplete="email" required value={email} onText={setEmail} />
        <Entry
          label={t('account.password')}
          type="password"
          autoComplete="current-password"
          required
          value={password}
          onText={setPassword}
        />
        {enter.isError && (
          <p role="alert" className="text-sm text-bad">
            {sentenceFor(enter.error, t)}
          </p>
        )}
        <Button type="submit" look="warm" busy={enter.isPending} className="h-12 text-base">
          {enter.isPending ? t('account.signingIn') : t('account.signIn')}
        </Button>
        {open && (
          <p className="text-center text-sm text-soft">
            {t('account.noAccount')}{' '}
            <Link to={`/register${search}`} className="font-semibold text-hearttext underline-offset-4 hover:underline">
              {t('account.register')}
            </Link>
          </p>
        )}
      </form>
    </Door>
  );
}

const kShortestName = 3;
const kShortestPassword = 6;

export function RegisterPage() {
  const { t } = useTranslation();
  const [params] = useSearchParams();
  const [form, setForm] = useState({ username: '', email: '', password: '', again: '', invite: params.get('invite') ?? '' });
  const [tried, setTried] = useState(false);
  const registration = useStatus().data?.registration;
  const enter = useMutation({
    mutationFn: () =>
      got(
        client.POST('/api/auth/register', {
          body: {
            username: form.username.trim(),
            email: form.email.trim(),
            password: form.password,
            ...(form.invite.trim() ? { invite: form.invite.trim() } : {}),
          },
        }),
      ),
    onSuccess: ({ token, user }) => signIn(token.access_token, user),
  });
  const faults = {
    username: form.username.trim().length < kShortestName ? t('account.nameShort') : faultFor(enter.error, 'username'),
    email: form.email.includes('@') ? faultFor(enter.error, 'email') : t('account.emailBad'),
    password: form.password.length < kShortestPassword ? t('account.passwordShort') : faultFor(enter.error, 'password'),
    again: form.again === form.password ? null : t('account.passwordsDiffer'),
  };
  const good = form.username.trim().length >= kShortestName && form.email.includes('@');
  const fine = good && form.password.length >= kShortestPassword && form.again === form.password;
  const bound = (name: keyof typeof form) => ({ value: form[name], onText: (text: string) => setForm({ ...form, [name]: text }) });
  const fault = (name: keyof typeof faults): string | null => (tried ? faults[name] : null);
  return (
    <Door title={t('account.create')} text={t('account.createText')}>
      <form
        noValidate
        className="grid grid-cols-1 gap-5"
        onSubmit={(e) => {
          e.preventDefault();
          setTried(true);
          if (fine) enter.mutate();
        }}
      >
        <Entry label={t('account.name')} error={fault('username')} autoComplete="username" maxLength={50} {...bound('username')} />
        <Entry label={t('account.email')} error={fault('email')} type="email" autoComplete="email" {...bound('email')} />
        <Entry
          label={t('account.password')}
          hint={t('account.passwordHint')}
          error={fault('password')}
          type="password"
          autoComplete="new-password"
          {...bound('password')}
        />
        <Entry
          label={t('account.passwordAgain')}
          error={fault('again')}
          type="password"
          autoComplete="new-password"
          {...bound('again')}
        />
        {(registration === 'invite' || form.invite !== '') && (
          <Entry label={t('account.invite')} hint={t('account.inviteHint')} autoComplete="off" {...bound('invite')} />
        )}
        {enter.isError && (
          <p role="alert" className="text-sm text-bad">
            {sentenceFor(enter.error, t)}
          </p>
        )}
        <Button type="submit" look="warm" busy={enter.isPending} className="h-12 text-base">
          {enter.isPending ? t('account.creating') : t('account.createButton')}
        </Button>
        <p className="text-center text-sm text-soft">
          {t('account.haveAccount')}{' '}
          <Link to="/sign-in" className="font-semibold text-hearttext underline-offset-4 hover:underline">
            {t('account.signIn')}
          </Link>
        </p>
      </form>
    </Door>
  );
}
