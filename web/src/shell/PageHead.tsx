import type { ReactNode } from 'react';

export function PageHead({ title, text, children }: { title: string; text?: string; children?: ReactNode }) {
  return (
    <header className="flex flex-wrap items-end justify-between gap-x-6 gap-y-3 pt-6 md:pt-10">
      <div className="min-w-0">
        <h1 className="text-xl break-words">{title}</h1>
        {text && <p className="mt-1 text-sm text-soft">{text}</p>}
      </div>
      {children && <div className="flex flex-wrap items-center gap-2">{children}</div>}
    </header>
  );
}
