// Serves the demo on this machine: web-demo/ at /, and beside it the library's js/ and dist/ and the embedder's model,
// laid out as in the repository so that every relative address of the sources holds.
//
//   node web-demo/serve.mjs            PORT=8080 unless set; without PORT the next free one is taken

import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const DEFAULT_PORT = 8080;
const PORTS_TRIED = 50;
const NEEDED = [
  'dist/browser.mjs', 'dist/vecstore.idbfs.mjs', 'dist/vecstore.text.wasm', 'models/static-en/static-en.bin',
];
const MOUNTS = ['/js/', '/dist/', '/models/static-en/'];
/** What the pages say of themselves in a meta element, told to their workers too. */
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; " +
  "object-src 'none'; base-uri 'none'; form-action 'none'";

const demo = dirname(fileURLToPath(import.meta.url));
const root = dirname(demo);

function fail(message) {
  console.error(message);
  process.exit(1);
}

/** The request handler: `dev` makes sirv look at the disk each time, so that a rebuild shows at the next reload. */
async function createHandler() {
  const { default: sirv } = await import('sirv').catch(() => fail('sirv is not installed. Run: npm start'));
  const setHeaders = (response) => response.setHeader('Content-Security-Policy', POLICY);
  const options = { dev: true, etag: true, setHeaders };
  const mounts = Object.fromEntries(MOUNTS.map((prefix) => [prefix, sirv(join(root, prefix), options)]));
  const page = sirv(demo, options);
  return (request, response) => {
    const mount = Object.keys(mounts).find((prefix) => request.url.startsWith(prefix));
    if (mount) request.url = request.url.slice(mount.length - 1);
    const notFound = () => {
      response.writeHead(404, { 'Content-Type': 'text/plain' });
      response.end('Not found\n');
    };
    (mounts[mount] ?? page)(request, response, notFound);
  };
}

/** Listens on the wanted port, or on the next free one when none was asked for by name. */
function listen(server, port, last) {
  return new Promise((resolve, reject) => {
    const attempt = () => server.listen(port, '127.0.0.1');
    server.on('error', (error) => {
      if (error.code !== 'EADDRINUSE' || port >= last) reject(error);
      else {
        port++;
        attempt();
      }
    });
    server.on('listening', () => resolve(port));
    attempt();
  });
}

for (const file of NEEDED) {
  if (!existsSync(join(root, file))) fail(`${file} is missing: the library is not built. Run: npm start`);
}
const asked = process.env.PORT ? Number(process.env.PORT) : null;
if (asked !== null && !(Number.isInteger(asked) && asked > 0 && asked < 65536)) fail(`PORT=${process.env.PORT} is not a port number.`);

const server = createServer(await createHandler());
const first = asked ?? DEFAULT_PORT;
try {
  const port = await listen(server, first, asked ?? first + PORTS_TRIED);
  console.log(`http://localhost:${port}/`);
} catch (error) {
  fail(`Cannot listen on port ${first}: ${error.message}`);
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    server.close(() => process.exit(0));
    server.closeAllConnections();
  });
}
