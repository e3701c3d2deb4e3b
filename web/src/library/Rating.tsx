import { useTranslation } from 'react-i18next';

import type { Song } from '../api/client';
import { cx } from '../ui/kit';
import { useSongActs } from './useSongActs';

const kStar = 'M12 2.6l2.9 6.1 6.6.9-4.8 4.6 1.2 6.6-5.9-3.2-5.9 3.2 1.2-6.6L2.5 9.6l6.6-.9z';

/** One to five stars; pressing the one that is set takes it back. */
export function Rating({ song, small }: { song: Song; small?: boolean }) {
  const { t } = useTranslation();
  const acts = useSongActs();
  return (
    <div role="group" aria-label={t('library.rating', { title: song.title ?? '' })} className="flex">
      {[1, 2, 3, 4, 5].map((stars) => (
        <button
          key={stars}
          type="button"
          aria-label={t('library.stars', { count: stars })}
          aria-pressed={song.rating === stars}
          onClick={() => acts.rate(song, song.rating === stars ? 0 : stars)}
          className={cx(
            'grid place-items-center rounded-control hover:text-warn',
            small ? 'h-8 w-6' : 'h-10 w-9',
            stars <= song.rating ? 'text-warn' : 'text-faint',
          )}
        >
          <svg
            aria-hidden
            viewBox="0 0 24 24"
            className={small ? 'size-[15px]' : 'size-5'}
            fill={stars <= song.rating ? 'currentColor' : 'none'}
            stroke="currentColor"
            strokeWidth="2"
            strokeLinejoin="round"
          >
            <path d={kStar} />
          </svg>
        </button>
      ))}
    </div>
  );
}
