import { headerOf, kindOf } from '../create/lyrics';

/** Words to read: section headers become small coloured titles. */
export function Lyrics({ text, small }: { text: string; small?: boolean }) {
  return (
    <div className={small ? 'text-base leading-[26px]' : 'text-base leading-[30px] md:text-lg md:leading-[34px]'}>
      {text.split('\n').map((line, index) => {
        const header = headerOf(line);
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
