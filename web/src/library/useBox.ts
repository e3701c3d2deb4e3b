import { type RefObject, useLayoutEffect, useRef, useState } from 'react';

/** How wide an element is, and how far down the page: what a list that follows the window's scrolling has to know. */
export function useBox(): { box: RefObject<HTMLDivElement | null>; top: number; width: number } {
  const box = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState({ top: 0, width: 0 });
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const measure = (): void => setPlace({ top: element.offsetTop, width: element.clientWidth });
    measure();
    const sizes = new ResizeObserver(measure);
    sizes.observe(element);
    return () => sizes.disconnect();
  }, []);
  return { box, ...place };
}
