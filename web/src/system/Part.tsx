import { type ReactNode } from 'react';

import { Card } from '../ui/kit';

/** A card with a head, as administrators' pages are made of. */
export function Part({ title, children, action }: { title: string; children: ReactNode; action?: ReactNode }) {
  return (
    <Card className="overflow-hidden">
      <header className="flex min-h-14 items-center justify-between gap-3 border-b border-line py-2 pr-3 pl-5">
        <h2 className="text-base">{title}</h2>
        {action}
      </header>
      {children}
    </Card>
  );
}
