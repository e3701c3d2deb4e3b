// A song being drawn. Each tick is a piece of it: empty at first, dim when its codes are composed, warm when it can be heard.

import { useEffect, useRef } from 'react';

import { cx } from '../ui/kit';

type Props = { id: string; composed: number; rendered: number; className?: string };

/** Heights of the ticks: the song's own pattern, from its id. They stand for codes, not for loudness. */
export function pattern(id: string, count: number): number[] {
  let state = 2166136261;
  for (const letter of id) state = Math.imul(state ^ letter.charCodeAt(0), 16777619) >>> 0;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return 0.25 + 0.75 * (state / 4294967296);
  });
}

const kTick = 3;
const kGap = 2;

export function CodeStrip({ id, composed, rendered, className }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext('2d');
    if (!element || !context) return undefined;
    const paint = (): void => {
      const { clientWidth: width, clientHeight: height } = element;
      if (width === 0) return;
      const scale = window.devicePixelRatio || 1;
      element.width = Math.round(width * scale);
      element.height = Math.round(height * scale);
      context.setTransform(scale, 0, 0, scale, 0, 0);
      const style = getComputedStyle(element);
      const warm = context.createLinearGradient(0, 0, width, 0);
      warm.addColorStop(0, style.getPropertyValue('--heart'));
      warm.addColorStop(1, style.getPropertyValue('--ember'));
      const count = Math.floor((width + kGap) / (kTick + kGap));
      pattern(id, count).forEach((part, i) => {
        const place = (i + 0.5) / count;
        const state = place <= rendered ? 'heard' : place <= composed ? 'drawn' : 'empty';
        const tall = state === 'empty' ? kTick : Math.max(kTick, part * height * (state === 'drawn' ? 0.72 : 1));
        context.globalAlpha = state === 'empty' ? 0.55 : 1;
        context.fillStyle = state === 'heard' ? warm : style.getPropertyValue(state === 'drawn' ? '--faint' : '--wave');
        context.beginPath();
        context.roundRect(i * (kTick + kGap), (height - tall) / 2, kTick, tall, kTick / 2);
        context.fill();
      });
    };
    paint();
    const sizes = new ResizeObserver(paint);
    sizes.observe(element);
    const themes = new MutationObserver(paint);
    themes.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    return () => {
      sizes.disconnect();
      themes.disconnect();
    };
  }, [id, composed, rendered]);
  return <canvas ref={canvas} aria-hidden className={cx('block w-full', className)} />;
}
