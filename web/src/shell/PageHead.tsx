import { Check, Pencil, X } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { IconButton, TextInput, cx } from '../ui/kit';

type Props = {
  title: string;
  text?: ReactNode;
  /** A word above the title: what kind of thing it names. */
  over?: string;
  onRename?: (name: string) => void;
  children?: ReactNode;
};

/** The head of every page: its title, a line about it, and what can be done with all of it. */
export function PageHead({ title, text, over, onRename, children }: Props) {
  return (
    <header className="flex flex-wrap items-end justify-between gap-x-6 gap-y-3 pt-6 md:pt-10">
      <div className="min-w-0 max-w-full">
        {over && <p className="text-xs text-faint">{over}</p>}
        {onRename ? <RenamableTitle title={title} onRename={onRename} /> : <h1 className="text-xl break-words">{title}</h1>}
        {text && <p className="mt-1 text-sm text-soft">{text}</p>}
      </div>
      {children && <div className="flex flex-wrap items-center gap-2">{children}</div>}
    </header>
  );
}

/** A title with a pencil. Enter keeps the new name, Escape the old one. */
export function RenamableTitle({ title, big, onRename }: { title: string; big?: boolean; onRename: (name: string) => void }) {
  const { t } = useTranslation();
  const [name, setName] = useState<string | null>(null);
  if (name === null) {
    return (
      <div className="flex items-start gap-1">
        <h1 className={cx('min-w-0 text-xl break-words', big && 'md:text-2xl')}>{title}</h1>
        <IconButton label={t('library.rename')} icon={Pencil} size={17} onClick={() => setName(title)} className={cx('-my-0.5', big && 'md:my-0.5')} />
      </div>
    );
  }
  return (
    <form
      className="flex items-center gap-1"
      onSubmit={(e) => {
        e.preventDefault();
        if (name.trim() && name.trim() !== title) onRename(name.trim());
        setName(null);
      }}
    >
      <TextInput
        autoFocus
        aria-label={t('library.rename')}
        value={name}
        maxLength={200}
        onChange={(e) => setName(e.target.value)}
        onFocus={(e) => e.target.select()}
        onKeyDown={(e) => e.key === 'Escape' && setName(null)}
        className="text-lg font-semibold"
      />
      <IconButton label={t('ui.save')} icon={Check} type="submit" />
      <IconButton label={t('ui.cancel')} icon={X} onClick={() => setName(null)} />
    </form>
  );
}
