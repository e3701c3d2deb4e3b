// Keeps the page itself, so that it opens while the studio does not answer and then says so. Songs and everything else of the
// API are never kept here. scripts/worker.mjs puts in what was built and its version.

const kVersion = 'd518c57e4cf7de97';
const kFiles = [
  "assets/AdminPage-82nFsMXL.js",
  "assets/ComparePage-Dv8poXxF.js",
  "assets/Frame-BVZ5uVSE.js",
  "assets/PlaylistPage-BsvTvE5P.js",
  "assets/ProfilePage-yfqbHhJs.js",
  "assets/SharedPage-Czm4niUs.js",
  "assets/SongPage-hWvQgP7V.js",
  "assets/SystemPage-CMi_XWvN.js",
  "assets/de-BOEzIV8N.js",
  "assets/es-DUo9Nc2r.js",
  "assets/format-wM5qFVL_.js",
  "assets/index-BbgzeCR4.js",
  "assets/ja-C10HuDJU.js",
  "assets/jobs-3VxjYbzH.js",
  "assets/ko-ChqcHZBu.js",
  "assets/look-BKtJEdna.js",
  "assets/rolldown-runtime-XKyaHtl9.js",
  "assets/saveBlob-Z3AeXwei.js",
  "assets/search-x-D5ID4vdG.js",
  "assets/start-Cc_W4vXF.js",
  "assets/start-DymvjPXy.css",
  "assets/toasts-FmM60mai.js",
  "assets/zh-BVx9lSkd.js",
  "icon-192.png",
  "icon-512.png",
  "icon-playing.svg",
  "icon.svg",
  "manifest.webmanifest",
  "theme.js"
];
const kKept = `heart-page-${kVersion}`;
const kPatienceMs = 4000;

const root = new URL(self.registration.scope);

/** The document names what it loads relative to itself; kept for every address, it must name it from the root. */
async function rooted(answer) {
  const text = (await answer.text()).replaceAll('="./', `="${root.pathname}`);
  return new Response(text, { headers: answer.headers });
}

async function install() {
  const kept = await caches.open(kKept);
  await kept.addAll(kFiles.map((file) => new Request(new URL(file, root), { cache: 'reload' })));
  const document = await fetch(root, { cache: 'reload' });
  if (!document.ok) throw new Error(`the page: ${document.status}`);
  await kept.put(root, await rooted(document));
}

async function activate() {
  for (const name of await caches.keys()) {
    if (name.startsWith('heart-page-') && name !== kKept) await caches.delete(name);
  }
}

/** The studio's own document while it answers in time: a new version of the page is there at the next visit. */
async function page(request) {
  try {
    return await fetch(request, { signal: AbortSignal.timeout(kPatienceMs) });
  } catch {
    return (await caches.match(root)) ?? Response.error();
  }
}

/** Files with a hash in their name never change; the others (icons, the theme's script) are asked for first. */
async function file(request, hashed) {
  if (hashed) return (await caches.match(request)) ?? fetch(request);
  try {
    return await fetch(request);
  } catch {
    return (await caches.match(request, { ignoreSearch: true })) ?? Response.error();
  }
}

self.addEventListener('install', (event) => event.waitUntil(install()));
self.addEventListener('activate', (event) => event.waitUntil(activate()));
self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== root.origin || !url.pathname.startsWith(root.pathname)) return;
  const path = url.pathname.slice(root.pathname.length);
  // The API, its documents and the numbers of the studio are the server's alone.
  if (/^(api|v1|ws|docs|openapi\.json|metrics|health|ready)(\/|$)/.test(path)) return;
  if (request.mode === 'navigate') event.respondWith(page(request));
  else if (kFiles.includes(path)) event.respondWith(file(request, path.startsWith('assets/')));
});
