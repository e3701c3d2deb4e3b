// Where the studio is: '' at the root of its host, '/heart' behind a proxy that puts it there. The script knows, because it
// was loaded from <base>/assets/.

const here = import.meta.url;

export const base: string = import.meta.env.PROD ? new URL('..', here).pathname.replace(/\/$/, '') : '';

/** An address of the server, as this page reaches it. */
export const at = (path: string): string => `${base}${path}`;

/** An address of the page that someone else can open. */
export const linkTo = (path: string): string => `${window.location.origin}${base}${path}`;
