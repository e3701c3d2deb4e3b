// A menu button as the ARIA practices describe it: arrows move, letters jump, Escape closes.

import type { LucideIcon } from 'lucide-react';
import { type KeyboardEvent, type ReactNode, useEffect, useId, useLayoutEffect, useRef, useState } from 'react';
import { createPortal } from 'react-dom';

import { cx } from './kit';

export type MenuItem =
  | { label: string; icon?: LucideIcon; run?: () => void; href?: string; download?: boolean; bad?: boolean; on?: boolean }
  | 'line';

type Props = {
  label: string;
  /** A function is asked when the menu opens: lists have many menus, and few are opened. */
  items: MenuItem[] | (() => MenuItem[]);
  /** The button that opens it. */
  button: (props: {
    'aria-haspopup': 'menu';
    'aria-expanded': boolean;
    'aria-label': string;
    title: string;
    onClick: () => void;
    onKeyDown: (e: KeyboardEvent) => void;
  }) => ReactNode;
};

const kGap = 6;

export function Menu({ label, items, button }: Props) {
  const [open, setOpen] = useState(false);
  const id = useId();
  const anchor = useRef<HTMLSpanElement>(null);
  const list = useRef<HTMLDivElement>(null);

  const close = (back = true): void => {
    setOpen(false);
    if (back) anchor.current?.querySelector<HTMLElement>('button')?.focus();
  };

  useLayoutEffect(() => {
    const menu = list.current;
    if (!open || !menu || !anchor.current) return;
    const at = anchor.current.getBoundingClientRect();
    const { width, height } = menu.getBoundingClientRect();
    const below = at.bottom + kGap + height < window.innerHeight;
    menu.style.top = `${Math.max(8, below ? at.bottom + kGap : at.top - kGap - height)}px`;
    menu.style.left = `${Math.min(Math.max(8, at.right - width), window.innerWidth - width - 8)}px`;
    menu.querySelector<HTMLElement>('[role^=menuitem]')?.focus({ preventScroll: true });
  }, [open]);

  useEffect(() => {
    if (!open) return undefined;
    const outside = (e: PointerEvent): void => {
      if (!list.current?.contains(e.target as Node) && !anchor.current?.contains(e.target as Node)) setOpen(false);
    };
    const away = (): void => setOpen(false);
    // The page may still tell of a scrolling that ended before: only what moves the button closes its menu.
    const top = anchor.current?.getBoundingClientRect().top;
    const scrolled = (): void => {
      if (anchor.current?.getBoundingClientRect().top !== top) away();
    };
    document.addEventListener('pointerdown', outside);
    window.addEventListener('resize', away);
    window.addEventListener('scroll', scrolled, { passive: true });
    return () => {
      document.removeEventListener('pointerdown', outside);
      window.removeEventListener('resize', away);
      window.removeEventListener('scroll', scrolled);
    };
  }, [open]);

  const keys = (e: KeyboardEvent): void => {
    const all = [...(list.current?.querySelectorAll<HTMLElement>('[role^=menuitem]') ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    const go = (to: number): void => all[(to + all.length) % all.length]?.focus();
    e.stopPropagation();
    if (e.key === 'ArrowDown') go(at + 1);
    else if (e.key === 'ArrowUp') go(at - 1);
    else if (e.key === 'Home') go(0);
    else if (e.key === 'End') go(all.length - 1);
    else if (e.key === 'Escape') close();
    else if (e.key === 'Tab') return close(false);
    else if (e.key.length === 1 && /\p{L}/u.test(e.key)) {
      const letter = e.key.toLowerCase();
      const found = [...all.slice(at + 1), ...all].find((el) => el.textContent?.trim().toLowerCase().startsWith(letter));
      found?.focus();
      return;
    } else return;
    e.preventDefault();
  };

  return (
    <span ref={anchor} className="inline-flex">
      {button({
        'aria-haspopup': 'menu',
        'aria-expanded': open,
        'aria-label': label,
        title: label,
        onClick: () => setOpen(!open),
        onKeyDown: (e) => {
          if (e.key === 'ArrowDown') {
            e.preventDefault();
            setOpen(true);
          }
        },
      })}
      {open &&
        createPortal(
          <div
            ref={list}
            id={id}
            role="menu"
            aria-label={label}
            onKeyDown={keys}
            className="animate-fade fixed z-[70] max-h-[70dvh] min-w-48 overflow-y-auto rounded-card border border-line bg-panel p-1.5 shadow-two"
          >
            {(typeof items === 'function' ? items() : items).map((item, index) => {
              if (item === 'line') return <div key={index} role="separator" className="my-1.5 h-px bg-line" />;
              const Icon = item.icon;
              const look = cx(
                'flex min-h-10 w-full items-center gap-3 rounded-control px-3 text-left text-sm outline-offset-[-2px] hover:bg-raised focus-visible:bg-raised',
                item.bad && 'text-bad',
                item.on && 'text-hearttext',
              );
              const inside = (
                <>
                  {Icon && <Icon size={17} aria-hidden className="shrink-0 opacity-80" />}
                  <span className="grow">{item.label}</span>
                </>
              );
              return item.href ? (
                <a
                  key={index}
                  role="menuitem"
                  tabIndex={-1}
                  href={item.href}
                  {...(item.download ? { download: '' } : {})}
                  className={look}
                  onClick={() => close()}
                >
                  {inside}
                </a>
              ) : (
                <button
                  key={index}
                  type="button"
                  role={item.on === undefined ? 'menuitem' : 'menuitemradio'}
                  aria-checked={item.on}
                  tabIndex={-1}
                  className={look}
                  onClick={() => {
                    close();
                    item.run?.();
                  }}
                >
                  {inside}
                </button>
              );
            })}
          </div>,
          // Inside an open dialog the menu must be in it to be reached.
          anchor.current?.closest('dialog') ?? document.body,
        )}
    </span>
  );
}
