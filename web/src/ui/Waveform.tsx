// A song's loudness as bars. What was heard is warm, the rest waits. Works as a slider for hands, keys and screen readers.

import { type KeyboardEvent, type PointerEvent, useEffect, useRef } from 'react';

import { clock } from './format';
import { cx } from './kit';

type Props = {
  peaks: readonly number[] | undefined;
  duration: number;
  time: number;
  label: string;
  onSeek?: (seconds: number) => void;
  className?: string;
  /** Width of a bar and of the gap behind it, in CSS pixels. */
  bar?: number;
  gap?: number;
  marks?: readonly number[];
};

/** The largest of the peaks that fall into each bar. */
export function barsOf(peaks: readonly number[], count: number): number[] {
  if (count <= 0) return [];
  if (peaks.length === 0) return Array.from({ length: count }, () => 0);
  return Array.from({ length: count }, (_, i) => {
    const from = Math.floor((i * peaks.length) / count);
    const to = Math.max(from + 1, Math.floor(((i + 1) * peaks.length) / count));
    let most = 0;
    for (let k = from; k < to; k++) most = Math.max(most, peaks[k] ?? 0);
    return Math.min(1, most);
  });
}

type Drawing = { peaks: readonly number[]; part: number; bar: number; gap: number };

function draw(canvas: HTMLCanvasElement, { peaks, part, bar, gap }: Drawing): void {
  const context = canvas.getContext('2d');
  const { clientWidth: width, clientHeight: height } = canvas;
  if (!context || width === 0) return;
  const scale = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  const style = getComputedStyle(canvas);
  const warm = context.createLinearGradient(0, 0, width, 0);
  warm.addColorStop(0, style.getPropertyValue('--heart'));
  warm.addColorStop(1, style.getPropertyValue('--ember'));
  const rest = style.getPropertyValue('--wave');
  const count = Math.floor((width + gap) / (bar + gap));
  const bars = barsOf(peaks, count);
  const edge = part * width;
  bars.forEach((value, i) => {
    const x = i * (bar + gap);
    const tall = Math.max(bar, value ** 0.8 * height);
    context.fillStyle = x + bar / 2 <= edge ? warm : rest;
    context.beginPath();
    context.roundRect(x, (height - tall) / 2, bar, tall, bar / 2);
    context.fill();
  });
}

export function Waveform({ peaks, duration, time, label, onSeek, className, bar = 3, gap = 2 }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const part = duration > 0 ? Math.min(1, time / duration) : 0;

  useEffect(() => {
    const element = canvas.current;
    if (!element) return undefined;
    const paint = (): void => draw(element, { peaks: peaks ?? [], part, bar, gap });
    paint();
    const sizes = new ResizeObserver(paint);
    sizes.observe(element);
    const themes = new MutationObserver(paint);
    themes.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    return () => {
      sizes.disconnect();
      themes.disconnect();
    };
  }, [peaks, part, bar, gap]);

  if (!onSeek) return <canvas ref={canvas} aria-hidden className={cx('block w-full', className)} />;

  const toPlace = (e: PointerEvent<HTMLDivElement>): void => {
    const box = e.currentTarget.getBoundingClientRect();
    onSeek(((e.clientX - box.left) / box.width) * duration);
  };
  const keys = (e: KeyboardEvent): void => {
    const steps: Record<string, number> = {
      ArrowLeft: time - 5,
      ArrowDown: time - 5,
      ArrowRight: time + 5,
      ArrowUp: time + 5,
      PageUp: time + 15,
      PageDown: time - 15,
      Home: 0,
      End: duration,
    };
    const to = steps[e.key];
    if (to === undefined) return;
    e.preventDefault();
    e.stopPropagation();
    onSeek(Math.min(duration, Math.max(0, to)));
  };
  return (
    <div
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={Math.round(duration)}
      aria-valuenow={Math.round(time)}
      aria-valuetext={`${clock(time)} / ${clock(duration)}`}
      onKeyDown={keys}
      onPointerDown={(e) => {
        e.currentTarget.setPointerCapture(e.pointerId);
        toPlace(e);
      }}
      onPointerMove={(e) => e.currentTarget.hasPointerCapture(e.pointerId) && toPlace(e)}
      className={cx('cursor-pointer touch-none rounded-control', className)}
    >
      <canvas ref={canvas} aria-hidden className="block size-full" />
    </div>
  );
}
