// A song's cover; a quiet mark in its place while there is none.

import { AudioLines } from 'lucide-react';
import { useState } from 'react';

import { cx } from './kit';

export function Cover({ source, className, live }: { source: string | null; className?: string; live?: boolean }) {
  const [broken, setBroken] = useState<string | null>(null);
  const shown = source && broken !== source ? source : null;
  return (
    <div
      className={cx(
        'relative grid aspect-square place-items-center overflow-hidden rounded-control bg-raised text-faint',
        live && 'warm animate-breathe',
        className,
      )}
    >
      {shown ? (
        <img
          src={shown}
          alt=""
          loading="lazy"
          decoding="async"
          draggable={false}
          className="absolute inset-0 size-full object-cover"
          onError={() => setBroken(shown)}
        />
      ) : (
        <AudioLines aria-hidden className="size-2/5" strokeWidth={1.6} />
      )}
    </div>
  );
}
