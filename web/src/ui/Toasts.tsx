import { X } from 'lucide-react';
import { useTranslation } from 'react-i18next';

import { IconButton, cx } from './kit';
import { dismiss, useToasts } from './toasts';

export function Toasts() {
  const list = useToasts((s) => s.list);
  const { t } = useTranslation();
  return (
    <div
      role="status"
      aria-live="polite"
      className="pointer-events-none fixed inset-x-3 bottom-[calc(var(--dock)+12px)] z-[60] grid justify-items-center gap-2"
    >
      {list.map((note) => (
        <div
          key={note.id}
          className={cx(
            'animate-rise pointer-events-auto flex min-h-12 max-w-full items-center gap-2 rounded-card border border-line bg-raised py-1 pr-1 pl-4 text-sm shadow-two',
            note.tone === 'bad' && 'text-bad',
          )}
        >
          {note.tone === 'good' && <span aria-hidden className="size-2 shrink-0 rounded-full bg-ok" />}
          <span className="min-w-0 py-1.5 pr-2">{note.text}</span>
          {note.action && (
            <button
              type="button"
              className="min-h-9 shrink-0 rounded-control px-3 font-semibold text-hearttext hover:bg-panel"
              onClick={() => {
                note.action?.run();
                dismiss(note.id);
              }}
            >
              {note.action.label}
            </button>
          )}
          <IconButton label={t('ui.dismiss')} icon={X} size={16} onClick={() => dismiss(note.id)} />
        </div>
      ))}
    </div>
  );
}
