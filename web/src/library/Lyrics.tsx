import { headerOf, kindOf } from '../create/lyrics';
import type { TimedLine } from './timings';

type Props = {
  text: string;
  small?: boolean;
  /** Where it is known when lines are sung. */
  times?: TimedLine[];
  /** The line that is sung now. */
  now?: number | null;
  onSeek?: (seconds: number) => void;
};

/** Words to read: section headers become small coloured titles, and lines with times lead to their place in the song. */
export function Lyrics({ text, small, times = [], now = null, onSeek }: Props) {
  const starts = new Map(times.map((line) => [line.line, line.start]));
  return (
    <div className={small ? 'text-base leading-[26px]' : 'text-base leading-[30px] md:text-lg md:leading-[34px]'}>
      {text.split('\n').map((line, index) => {
        const header = headerOf(line);
        const start = starts.get(index);
        if (start !== undefined && onSeek) {
          return (
            <button
              key={index}
              type="button"
              data-line={index}
              aria-current={index === now ? 'true' : undefined}
              onClick={() => onSeek(start)}
              className="-mx-2 block w-fit rounded-control px-2 text-left text-soft transition-colors duration-(--move) hover:bg-raised hover:text-text aria-[current=true]:text-hearttext"
            >
              {line.trim()}
            </button>
          );
        }
        if (header !== null) {
          return (
            <p
              key={index}
              className="mt-5 mb-1 text-xs font-semibold tracking-[0.08em] uppercase first:mt-0"
              style={{ color: `var(--section-${kindOf(header)})` }}
            >
              {header}
            </p>
          );
        }
        return line.trim() === '' ? null : <p key={index}>{line}</p>;
      })}
    </div>
  );
}
