import {
  AudioLines,
  Disc3,
  Download,
  Ellipsis,
  GitCompareArrows,
  Heart,
  Info,
  ListEnd,
  ListPlus,
  PenLine,
  Share2,
  Trash2,
} from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';

import { type Song, downloadAddress } from '../api/client';
import { useStatus } from '../api/queries';
import { enqueue, trackOf } from '../player/player';
import { Menu, type MenuItem } from '../ui/Menu';
import { IconButton } from '../ui/kit';
import { PlaylistSheet } from './PlaylistSheet';
import { ShareSheet } from './ShareSheet';
import { useSongActs } from './useSongActs';

const kFormats = ['wav', 'flac', 'mp3', 'opus'] as const;

export function DownloadMenu({ song, labelled }: { song: Song; labelled?: boolean }) {
  const { t } = useTranslation();
  return (
    <Menu
      label={t('library.download')}
      items={() =>
        kFormats.map((format) => ({
          label: t(`library.format.${format}`),
          icon: Download,
          href: downloadAddress(song, format),
          download: true,
        }))
      }
      button={(props) =>
        labelled ? (
          <button
            type="button"
            {...props}
            className="inline-flex min-h-10 items-center gap-2 rounded-control border border-line bg-raised px-4 text-sm hover:border-edge"
          >
            <Download size={17} aria-hidden />
            {t('library.download')}
          </button>
        ) : (
          <IconButton {...props} label={t('library.download')} icon={Download} />
        )
      }
    />
  );
}

export function FavouriteButton({ song }: { song: Song }) {
  const { t } = useTranslation();
  const acts = useSongActs();
  return (
    <IconButton
      label={t('library.favourite', { title: song.title ?? '' })}
      icon={Heart}
      on={song.favourite}
      onClick={() => acts.favourite(song)}
    />
  );
}

type Props = { song: Song; takes?: Song[]; onLeave?: () => void; compact?: boolean };

/** The favourite button, downloads, and everything else in a menu. */
export function SongActions({ song, takes, onLeave, compact }: Props) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const status = useStatus().data;
  const signed = status?.signed_media ?? false;
  const acts = useSongActs();
  const [sheet, setSheet] = useState<'share' | 'playlist' | null>(null);
  const go = (run: () => void) => () => {
    onLeave?.();
    run();
  };
  const items = (): MenuItem[] => [
    { label: t('library.details'), icon: Info, run: go(() => void navigate(`/library/${song.id}`)) },
    { label: t('library.again'), icon: PenLine, run: go(() => acts.again(song)) },
    ...(status?.embedder_present ? [{ label: t('like.likeSong'), icon: Disc3, run: go(() => acts.like(song)) }] : []),
    { label: t('library.playNext'), icon: ListEnd, run: () => enqueue([trackOf(song, signed)]) },
    { label: t('library.addToPlaylist'), icon: ListPlus, run: () => setSheet('playlist') },
    { label: t('library.share'), icon: Share2, run: () => setSheet('share') },
    ...(takes && takes.length > 1
      ? [
          {
            label: t('library.compare'),
            icon: GitCompareArrows,
            run: go(() => void navigate(`/compare?ids=${takes.map((s) => s.id).join(',')}`)),
          },
        ]
      : []),
    ...(compact
      ? kFormats.map((format) => ({
          label: t(`library.downloadAs.${format}`),
          icon: format === 'wav' ? Download : AudioLines,
          href: downloadAddress(song, format),
          download: true,
        }))
      : []),
    'line',
    { label: t('library.remove'), icon: Trash2, bad: true, run: go(() => acts.remove([song.id])) },
  ];
  return (
    <span className="inline-flex items-center">
      <FavouriteButton song={song} />
      {!compact && <DownloadMenu song={song} />}
      <Menu
        label={t('library.more', { title: song.title ?? '' })}
        items={items}
        button={(props) => <IconButton {...props} label={t('library.more', { title: song.title ?? '' })} icon={Ellipsis} />}
      />
      {sheet === 'share' && <ShareSheet song={song} open onClose={() => setSheet(null)} />}
      {sheet === 'playlist' && <PlaylistSheet ids={[song.id]} open onClose={() => setSheet(null)} />}
    </span>
  );
}
