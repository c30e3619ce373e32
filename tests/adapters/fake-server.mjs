// A service on this machine that answers what a test says, and notes what it was asked.
import { createServer } from 'node:http';

/**
 * @param {(request: { path: string, headers: object, body: any, text: string }, n: number) => any} answer gives
 *   { status, headers, json | text }, or 'hang' | 'drop' | 'cut'
 */
export async function fakeServer(answer) {
  const requests = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const piece of request.setEncoding('utf8')) text += piece;
    const asked = { path: request.url, headers: request.headers, body: JSON.parse(text), text };
    const n = requests.push(asked);
    const said = await answer(asked, n);
    if (said === 'hang') return;
    if (said === 'drop') return request.socket.destroy();
    if (said === 'cut') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 });
      response.write('{"data":');
      setTimeout(() => request.socket.destroy(), 5);
      return;
    }
    response.writeHead(said.status ?? 200, { 'content-type': 'application/json', ...said.headers });
    response.end(said.text ?? JSON.stringify(said.json));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests,
    close: () => new Promise((done) => {
      server.closeAllConnections();
      server.close(done);
    }),
  };
}

/** A vector that tells which text it is of. */
export const vectorOf = (text, dimension = 3) => Array.from({ length: dimension }, (_, i) => text.length + i / 8);
