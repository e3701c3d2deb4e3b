// Small accessible parts that every page is made of.

import { type LucideIcon, X } from 'lucide-react';
import {
  type ButtonHTMLAttributes,
  type InputHTMLAttributes,
  type ReactNode,
  type Ref,
  type SelectHTMLAttributes,
  useEffect,
  useId,
  useRef,
} from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

export const cx = (...parts: (string | false | null | undefined)[]): string => parts.filter(Boolean).join(' ');

type ButtonLook = 'warm' | 'plain' | 'quiet' | 'compose' | 'bad';
const looks: Record<ButtonLook, string> = {
  warm: 'warm font-semibold shadow-one hover:brightness-110',
  plain: 'bg-raised border border-line hover:border-edge',
  quiet: 'text-soft hover:text-text hover:bg-raised',
  compose: 'bg-compose text-oncompose font-semibold hover:brightness-110',
  bad: 'bg-raised border border-line text-bad hover:border-bad',
};

type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & {
  look?: ButtonLook;
  icon?: LucideIcon;
  busy?: boolean;
  /** The icon is a shape, not lines. */
  filled?: boolean;
  ref?: Ref<HTMLButtonElement>;
};

const buttonShape =
  'inline-flex min-h-10 items-center justify-center gap-2 rounded-control px-4 text-sm transition duration-[120ms] active:scale-[0.98]';

export function Button({ look = 'plain', icon: Icon, busy, filled, className, children, disabled, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      disabled={disabled}
      aria-busy={busy || undefined}
      className={cx(
        buttonShape,
        'disabled:cursor-not-allowed disabled:opacity-50',
        looks[look],
        busy && 'animate-breathe',
        className,
      )}
    >
      {Icon && <Icon size={17} aria-hidden className="shrink-0" fill={filled ? 'currentColor' : 'none'} />}
      {children}
    </button>
  );
}

type ButtonLinkProps = { to: string; look?: ButtonLook; icon?: LucideIcon; children: ReactNode };

/** Somewhere else on the page that looks like a button; an address of the server itself when it is not the page's. */
export function ButtonLink({ to, look = 'plain', icon: Icon, children, outside }: ButtonLinkProps & { outside?: boolean }) {
  const inside = (
    <>
      {Icon && <Icon size={17} aria-hidden className="shrink-0" />}
      {children}
    </>
  );
  const className = cx(buttonShape, looks[look]);
  return outside ? (
    <a href={to} className={className}>
      {inside}
    </a>
  ) : (
    <Link to={to} className={className}>
      {inside}
    </Link>
  );
}

type IconButtonProps = Omit<ButtonProps, 'children'> & { label: string; icon: LucideIcon; size?: number; on?: boolean };

export function IconButton({ label, icon: Icon, size = 19, on, className, look = 'quiet', ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      title={label}
      aria-label={label}
      aria-pressed={on}
      {...rest}
      className={cx(
        'inline-grid size-10 shrink-0 place-items-center rounded-control transition duration-[120ms] active:scale-95',
        'disabled:cursor-not-allowed disabled:opacity-40',
        on && look === 'quiet' ? 'text-hearttext hover:bg-raised' : looks[look],
        className,
      )}
    >
      <Icon size={size} aria-hidden fill={on && look === 'quiet' ? 'currentColor' : 'none'} fillOpacity={0.25} />
    </button>
  );
}

export const inputLook =
  'w-full rounded-control border border-edge/70 bg-panel px-3.5 text-base text-text transition-colors duration-[120ms] ' +
  'hover:border-edge focus-visible:border-hearttext aria-invalid:border-bad';

type FieldProps = { label: ReactNode; hint?: ReactNode; error?: string | null; children: (ids: FieldIds) => ReactNode };
type FieldIds = { id: string; 'aria-describedby'?: string; 'aria-invalid'?: true };

/** A label, what it labels, and what is to be said about it. */
export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const about = [hint ? `${id}-hint` : '', error ? `${id}-error` : ''].filter(Boolean).join(' ');
  return (
    <div className="grid grid-cols-1 gap-1.5">
      <label htmlFor={id} className="text-sm font-medium text-soft">
        {label}
      </label>
      {children({ id, ...(about ? { 'aria-describedby': about } : {}), ...(error ? { 'aria-invalid': true } : {}) })}
      {hint && (
        <p id={`${id}-hint`} className="text-xs text-faint">
          {hint}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} role="alert" className="text-sm text-bad">
          {error}
        </p>
      )}
    </div>
  );
}

type TextInputProps = InputHTMLAttributes<HTMLInputElement> & { ref?: Ref<HTMLInputElement> };
export function TextInput({ className, ...rest }: TextInputProps) {
  return <input {...rest} className={cx(inputLook, 'h-11', className)} />;
}

export function Select({ className, ...rest }: SelectHTMLAttributes<HTMLSelectElement>) {
  return (
    <select
      {...rest}
      className={cx(
        'h-10 rounded-control border border-line bg-raised px-3 pr-8 text-sm text-text hover:border-edge',
        className,
      )}
    />
  );
}

type RangeProps = Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange' | 'value'> & {
  value: number;
  min: number;
  max: number;
  warm?: boolean;
  onValue: (value: number) => void;
};
export function Range({ value, min, max, warm, onValue, className, style, ...rest }: RangeProps) {
  const fill = `${((value - min) / (max - min || 1)) * 100}%`;
  return (
    <input
      {...rest}
      type="range"
      min={min}
      max={max}
      value={value}
      onChange={(e) => onValue(Number(e.target.value))}
      className={cx('range', className)}
      style={{
        ...style,
        ['--fill' as string]: fill,
        ...(warm ? { ['--range-a' as string]: 'var(--heart)', ['--range-b' as string]: 'var(--ember)' } : {}),
      }}
    />
  );
}

export function Card({ className, children, ...rest }: { className?: string; children: ReactNode; id?: string }) {
  return (
    <section {...rest} className={cx('rounded-card border border-line bg-panel', className)}>
      {children}
    </section>
  );
}

type EmptyProps = {
  icon: LucideIcon;
  title: string;
  text: string;
  action?: ReactNode;
  /** It is all that the page has: its title is the page's. */
  alone?: boolean;
};

/** Teaches one thing and offers one action. */
export function Empty({ icon: Icon, title, text, action, alone }: EmptyProps) {
  const Title = alone ? 'h1' : 'h2';
  return (
    <div className="animate-fade grid justify-items-center gap-3 px-6 py-16 text-center">
      <span className="grid size-14 place-items-center rounded-full border border-line bg-panel text-faint">
        <Icon size={24} aria-hidden />
      </span>
      <Title className="text-lg">{title}</Title>
      <p className="max-w-sm text-sm text-soft">{text}</p>
      {action && <div className="mt-2">{action}</div>}
    </div>
  );
}

export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden className={cx('animate-breathe rounded-control bg-raised', className)} />;
}

type SheetProps = {
  open: boolean;
  onClose: () => void;
  title: string;
  /** 'side' slides in from the right on wide screens. */
  shape?: 'middle' | 'side' | 'top';
  hideTitle?: boolean;
  children: ReactNode;
};

/** A dialog: the browser keeps the focus inside and gives it back. On a phone it comes from the bottom. */
export function Sheet({ open, onClose, title, shape = 'middle', hideTitle, children }: SheetProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const { t } = useTranslation();
  const id = useId();
  useEffect(() => {
    const element = dialog.current;
    if (!element) return undefined;
    if (open && !element.open) {
      element.showModal();
      // The browser would begin at the first button, which closes.
      element.querySelector<HTMLElement>('[data-first]')?.focus();
    }
    if (!open && element.open) element.close();
    return undefined;
  }, [open]);
  if (!open) return null;
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={(e) => {
        e.preventDefault();
        onClose();
      }}
      onClick={(e) => e.target === dialog.current && onClose()}
      onKeyDown={(e) => e.key === 'Escape' && e.stopPropagation()}
      className={cx(
        'animate-sheet fixed m-0 max-h-[92dvh] w-full max-w-none overflow-hidden border border-line bg-panel p-0 shadow-three',
        'inset-x-0 top-auto bottom-0 rounded-t-card',
        shape === 'middle' && 'md:inset-0 md:m-auto md:h-fit md:max-h-[86dvh] md:w-[min(640px,92vw)] md:rounded-card',
        shape === 'top' && 'md:inset-x-0 md:top-[12vh] md:bottom-auto md:mx-auto md:h-fit md:w-[min(640px,92vw)] md:rounded-card',
        shape === 'side' &&
          'md:inset-y-0 md:right-0 md:left-auto md:h-dvh md:max-h-none md:w-[420px] md:rounded-none md:rounded-l-card',
      )}
    >
      <div className="flex max-h-[inherit] flex-col">
        <header className={cx('flex items-center gap-3 border-b border-line py-2 pr-2 pl-5', hideTitle && 'sr-only')}>
          <h2 id={id} className="grow text-base">
            {title}
          </h2>
          <IconButton label={t('ui.close')} icon={X} onClick={onClose} />
        </header>
        <div className="min-h-0 grow overflow-y-auto overscroll-contain">{children}</div>
      </div>
    </dialog>
  );
}

export function Tag({ children, className }: { children: ReactNode; className?: string }) {
  return (
    <span
      className={cx(
        'inline-flex items-center rounded-full border border-line bg-raised px-2.5 py-0.5 text-xs whitespace-nowrap text-soft',
        className,
      )}
    >
      {children}
    </span>
  );
}

export function Note({ tone, icon: Icon, children }: { tone: 'plain' | 'warn' | 'bad' | 'ok'; icon?: LucideIcon; children: ReactNode }) {
  const tones = { plain: 'text-soft', warn: 'text-warn', bad: 'text-bad', ok: 'text-ok' };
  return (
    <div className={cx('flex items-start gap-2 text-sm', tones[tone])}>
      {Icon && <Icon size={16} aria-hidden className="mt-[3px] shrink-0" />}
      <div className="min-w-0">{children}</div>
    </div>
  );
}
