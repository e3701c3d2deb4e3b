import { Download, KeyRound, Keyboard, LogOut, Monitor, Moon, ShieldCheck, Sun } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';

import { signOut, useSession } from '../account/session';
import { install, useInstall } from '../offline';
import { Menu, type MenuItem } from '../ui/Menu';
import { setTheme, useTheme } from '../ui/look';
import { usePanels } from './panels';

export function UserMenu() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const user = useSession((s) => s.user);
  const installable = useInstall((s) => s.event !== null);
  const theme = useTheme((s) => s.theme);
  if (!user) return null;
  const items: MenuItem[] = [
    { label: t('user.profile'), icon: KeyRound, run: () => void navigate('/profile') },
    ...(user.admin ? [{ label: t('user.admin'), icon: ShieldCheck, run: () => void navigate('/admin') }] : []),
    { label: t('user.keys'), icon: Keyboard, run: () => usePanels.setState({ keys: true }) },
    ...(installable ? [{ label: t('user.install'), icon: Download, run: install }] : []),
    'line',
    { label: t('user.system'), icon: Monitor, on: theme === 'system', run: () => setTheme('system') },
    { label: t('user.light'), icon: Sun, on: theme === 'light', run: () => setTheme('light') },
    { label: t('user.dark'), icon: Moon, on: theme === 'dark', run: () => setTheme('dark') },
    'line',
    { label: t('user.signOut'), icon: LogOut, run: () => signOut() },
  ];
  return (
    <Menu
      label={t('user.menu', { name: user.username })}
      items={items}
      button={(props) => (
        <button
          type="button"
          {...props}
          className="grid size-10 place-items-center rounded-full border border-line bg-raised text-sm font-semibold text-soft uppercase hover:border-edge hover:text-text"
        >
          {[...user.username][0]}
        </button>
      )}
    />
  );
}
