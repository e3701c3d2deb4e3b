// A song's cover; a quiet mark in its place while there is none.

import { AudioLines } from 'lucide-react';
import { useState } from 'react';
import { create } from 'zustand';

import { useFlying } from './flying';
import { cx } from './kit';

/** How often the cover of a song was changed while the page is open: its address stays, so the picture would, too. */
const useChanges = create<Record<string, number>>(() => ({}));
const songOf = (source: string | null): string => /\/api\/thumbnail\/([^/?]+)/.exec(source ?? '')?.[1] ?? '';

export const coverChanged = (song: string): void => useChanges.setState((s) => ({ [song]: (s[song] ?? 0) + 1 }));

export function useCover(source: string | null): string | null {
  const changes = useChanges((s) => s[songOf(source)]);
  return source && changes ? `${source}&v=${changes}` : source;
}

type Props = {
  source: string | null;
  /** Pixels a side that are enough; as it was made where not given. */
  side?: 128 | 384;
  className?: string;
  live?: boolean;
};

export function Cover({ source, side, className, live }: Props) {
  const [broken, setBroken] = useState<string | null>(null);
  const whole = useCover(source);
  const address = whole && side ? `${whole}&side=${side}` : whole;
  const shown = address && broken !== address ? address : null;
  // What flies past is not fetched; what was begun stays.
  const [begun, begin] = useState<string | null>(null);
  const flying = useFlying((s) => s.flying && begun !== shown);
  if (!flying && begun !== shown) begin(shown);
  return (
    <div
      className={cx(
        'relative grid aspect-square place-items-center overflow-hidden rounded-control bg-raised text-faint',
        live && 'warm animate-breathe',
        className,
      )}
    >
      {shown && flying ? null : shown ? (
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
