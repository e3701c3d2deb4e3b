// The bar at the bottom of every page. On a phone it is a mini bar above the tabs; it opens into the listening view.

import { useQuery } from '@tanstack/react-query';
import {
  ChevronUp,
  Pause,
  Play,
  Repeat,
  Repeat1,
  RotateCcw,
  Shuffle,
  SkipBack,
  SkipForward,
  Volume1,
  Volume2,
  VolumeX,
  X,
} from 'lucide-react';
import { useTranslation } from 'react-i18next';

import { peaksQuery } from '../api/queries';
import { Cover } from '../ui/Cover';
import { Menu } from '../ui/Menu';
import { Waveform } from '../ui/Waveform';
import { clock } from '../ui/format';
import { IconButton, Range, cx } from '../ui/kit';
import { ListeningView } from './ListeningView';
import {
  close,
  currentTrack,
  cycleRepeat,
  kSpeeds,
  next,
  previous,
  seek,
  setOpen,
  setSpeed,
  setVolume,
  toggle,
  toggleMute,
  toggleShuffle,
  usePlayer,
} from './player';

export function usePeaks(id: string | undefined, live: boolean | undefined) {
  return useQuery({ ...peaksQuery(id ?? ''), enabled: !!id && !live });
}

export function PlayButton({ big }: { big?: boolean }) {
  const { t } = useTranslation();
  const playing = usePlayer((p) => p.playing);
  const waiting = usePlayer((p) => p.waiting);
  const failed = usePlayer((p) => p.failed);
  const Icon = failed ? RotateCcw : playing ? Pause : Play;
  return (
    <button
      type="button"
      aria-label={playing ? t('player.pause') : t('player.play')}
      onClick={toggle}
      className={cx(
        'warm grid shrink-0 place-items-center rounded-full shadow-one transition active:scale-95',
        big ? 'size-16' : 'size-11',
        waiting && playing && 'animate-breathe',
      )}
    >
      <Icon size={big ? 26 : 19} aria-hidden fill={failed ? 'none' : 'currentColor'} className={cx(!playing && !failed && 'ml-0.5')} />
    </button>
  );
}

export function ModeButtons() {
  const { t } = useTranslation();
  const repeat = usePlayer((p) => p.repeat);
  const shuffle = usePlayer((p) => p.shuffle);
  return (
    <>
      <IconButton label={t('player.shuffle')} icon={Shuffle} size={17} on={shuffle} onClick={toggleShuffle} />
      <IconButton
        label={t(`player.repeat.${repeat}`)}
        icon={repeat === 'one' ? Repeat1 : Repeat}
        size={17}
        on={repeat !== 'off'}
        onClick={cycleRepeat}
      />
    </>
  );
}

export function Speed() {
  const { t } = useTranslation();
  const speed = usePlayer((p) => p.speed);
  return (
    <Menu
      label={`${t('player.speed')} ${speed}×`}
      items={kSpeeds.map((s) => ({ label: `${s}×`, on: s === speed, run: () => setSpeed(s) }))}
      button={(props) => (
        <button
          type="button"
          {...props}
          className={cx(
            'min-h-10 min-w-11 rounded-control px-2 text-xs font-semibold hover:bg-raised',
            speed === 1 ? 'text-soft' : 'text-hearttext',
          )}
        >
          {speed}×
        </button>
      )}
    />
  );
}

export function Volume() {
  const { t } = useTranslation();
  const volume = usePlayer((p) => p.volume);
  const muted = usePlayer((p) => p.muted);
  const shown = muted ? 0 : volume;
  const Icon = shown === 0 ? VolumeX : shown < 0.5 ? Volume1 : Volume2;
  return (
    <div className="flex items-center">
      <IconButton label={muted ? t('player.unmute') : t('player.mute')} icon={Icon} size={18} onClick={toggleMute} />
      <div className="w-24">
        <Range
          aria-label={t('player.volume')}
          aria-valuetext={`${Math.round(shown * 100)} %`}
          min={0}
          max={1}
          step={0.01}
          value={shown}
          onValue={setVolume}
        />
      </div>
    </div>
  );
}

/** Where the song is: a waveform to wind, or, of a song that is being made, how much is there. */
export function Position({ className }: { className?: string }) {
  const { t } = useTranslation();
  const track = usePlayer(currentTrack);
  const time = usePlayer((p) => p.time);
  const duration = usePlayer((p) => p.duration);
  const peaks = usePeaks(track?.id, track?.live);
  if (!track) return null;
  if (track.live) {
    return (
      <p className={cx('flex items-center gap-2 text-sm text-soft', className)}>
        <span aria-hidden className="animate-breathe size-2 rounded-full bg-heart" />
        {t('player.live')}
      </p>
    );
  }
  return (
    <Waveform
      peaks={peaks.data?.peaks}
      duration={duration}
      time={time}
      onSeek={seek}
      label={t('player.position')}
      className={className}
    />
  );
}

export function PlayerBar() {
  const { t } = useTranslation();
  const track = usePlayer(currentTrack);
  const time = usePlayer((p) => p.time);
  const duration = usePlayer((p) => p.duration);
  const failed = usePlayer((p) => p.failed);
  const many = usePlayer((p) => p.order.length > 1);
  if (!track) return null;
  const part = duration > 0 ? Math.min(100, (time / duration) * 100) : 0;
  return (
    <>
      <section
        aria-label={t('player.label')}
        className="glass fixed inset-x-0 bottom-[calc(var(--tabs)+env(safe-area-inset-bottom,0px))] z-40 border-t border-line lg:bottom-0"
        style={{ height: 'var(--mini)' }}
      >
        <div aria-hidden className="absolute inset-x-0 top-0 h-[2px] lg:hidden">
          <div className="warm h-full" style={{ width: `${part}%` }} />
        </div>
        <div className="grid h-full grid-cols-[minmax(0,1fr)_auto] items-center gap-3 px-3 lg:grid-cols-[minmax(220px,300px)_auto_minmax(0,1fr)_auto] lg:gap-5 lg:px-5">
          <div className="flex min-w-0 items-center gap-3">
            <button
              type="button"
              aria-label={t('player.open')}
              onClick={() => setOpen(true)}
              className="group relative shrink-0 rounded-control"
            >
              <Cover source={track.cover} side={128} live={track.live} className="size-12 lg:size-14" />
              <span
                aria-hidden
                className="absolute inset-0 hidden place-items-center rounded-control bg-veil text-white opacity-0 transition-opacity group-hover:opacity-100 lg:grid"
              >
                <ChevronUp size={20} />
              </span>
            </button>
            <div className="min-w-0">
              <p className="truncate text-sm font-semibold">{track.title}</p>
              <p className={cx('truncate text-xs', failed ? 'text-bad' : 'text-soft')}>
                {failed ? t('player.failed') : track.tags.replaceAll(',', ', ')}
              </p>
            </div>
          </div>
          <div className="flex items-center">
            <span className="hidden lg:inline-flex">
              <ModeButtons />
            </span>
            <span className={many ? 'hidden sm:inline-flex' : 'hidden lg:inline-flex'}>
              <IconButton label={t('player.previous')} icon={SkipBack} size={18} onClick={previous} />
            </span>
            <PlayButton />
            <IconButton label={t('player.next')} icon={SkipForward} size={18} disabled={!many} onClick={() => next()} />
          </div>
          <div className="hidden min-w-0 items-center gap-3 lg:flex">
            <span className="w-11 text-right text-xs text-soft">{clock(time)}</span>
            <Position className="h-11 grow" />
            <span className="w-11 text-xs text-soft">{track.live ? '' : clock(duration)}</span>
          </div>
          <div className="hidden items-center lg:flex">
            <Speed />
            <Volume />
            <IconButton label={t('player.close')} icon={X} size={17} onClick={close} />
          </div>
        </div>
      </section>
      <ListeningView />
    </>
  );
}
