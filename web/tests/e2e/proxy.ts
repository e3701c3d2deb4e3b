// A reverse proxy that puts the studio under a path of its host, as an operator's would: it takes the path off and hands on.

import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Proxy = { address: string; stray: string[]; stop: () => Promise<void> };

export async function startProxy(studio: string, prefix: string): Promise<Proxy> {
  const to = new URL(studio);
  // What was asked for outside of the path: a page that names things from the root of the host.
  const stray: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url ?? '/';
    if (!path.startsWith(`${prefix}/`)) {
      stray.push(path);
      outgoing.writeHead(404).end();
      return;
    }
    const passed = request(
      { host: to.hostname, port: to.port, method: incoming.method, path: path.slice(prefix.length), headers: { ...incoming.headers, host: to.host } },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    passed.on('error', () => outgoing.destroy());
    outgoing.on('close', () => passed.destroy());
    incoming.pipe(passed);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`,
    stray,
    stop: () => {
      server.closeAllConnections();
      return new Promise<void>((done) => server.close(() => done()));
    },
  };
}
