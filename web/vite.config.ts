import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { type HtmlTagDescriptor, type Plugin, defineConfig } from 'vite';

// In development the page comes from Vite and everything else from a running `heart serve`.
const studio = process.env.HEART_STUDIO ?? 'http://127.0.0.1:8000';
const ports = process.env.FRONTEND_PORT;

/** What main.ts brings later is fetched at once. */
const fetchEarly: Plugin = {
  name: 'fetch-early',
  transformIndexHtml: {
    order: 'post',
    handler(html, { bundle }) {
      const chunks = Object.values(bundle ?? {}).filter((file) => file.type === 'chunk');
      const start = chunks.find((chunk) => chunk.name === 'start');
      if (!start) return [];
      const link = (file: string, attrs: Record<string, string>): HtmlTagDescriptor => ({
        tag: 'link',
        attrs: { ...attrs, crossorigin: true, href: `./${file}` },
        injectTo: 'head',
      });
      return [
        ...[...(start.viteMetadata?.importedCss ?? [])].map((file) => link(file, { rel: 'preload', as: 'style' })),
        ...[start.fileName, ...start.imports]
          .filter((file) => !html.includes(file))
          .map((file) => link(file, { rel: 'modulepreload' })),
      ];
    },
  },
};

export default defineConfig(({ command }) => ({
  // Names relative to the document: the built page works under any path that a proxy puts before it.
  base: command === 'build' ? './' : '/',
  plugins: [react(), tailwindcss(), fetchEarly],
  server: {
    port: ports ? Number(ports) : 5173,
    proxy: Object.fromEntries(
      ['/api', '/docs', '/openapi.json', '/health'].map((path) => [path, { target: studio, changeOrigin: true }]),
    ),
  },
  build: {
    target: 'es2022',
    sourcemap: false,
    // The content security policy knows no data: scripts or styles, and small pictures are few.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
}));
