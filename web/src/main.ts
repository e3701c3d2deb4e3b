// The mark that index.html draws is painted before the page's scripts keep the browser busy. A page that nobody sees paints
// nothing, and need not wait.

const start = (): void => void import('./start');

if (document.visibilityState === 'visible') requestAnimationFrame(() => setTimeout(start));
else start();
