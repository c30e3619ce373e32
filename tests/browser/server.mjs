// server.mjs - serves the repository to test browsers, with the content security policy that we promise to work under.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const TYPES = {
  '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm', '.json': 'application/json',
};
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";

/**
 * @param {number} [port]
 * @param {(path: string, body: string) => any} [post] answers a POST, as JSON
 * @returns {Promise<{ url: string, close: () => void }>}
 */
export function serve(port = 0, post) {
  const server = createServer(async (request, response) => {
    try {
      const path = normalize(decodeURIComponent(new URL(request.url, 'http://x').pathname));
      if (request.method === 'POST' && post) {
        let sent = '';
        for await (const part of request.setEncoding('utf8')) sent += part;
        response.writeHead(200, { 'content-type': 'application/json' });
        return response.end(JSON.stringify(post(path, sent) ?? {}));
      }
      if (path.includes('..') || path.includes('node_modules')) throw new Error('outside');
      const body = await readFile(root + path);
      response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream', 'content-security-policy': POLICY });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  return new Promise((resolve) => {
    server.listen(port, '127.0.0.1', () => {
      const { port } = server.address();
      resolve({ url: `http://127.0.0.1:${port}`, close: () => server.closeAllConnections() || server.close() });
    });
  });
}
