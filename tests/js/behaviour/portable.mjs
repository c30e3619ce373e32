// export and import.
import { equal, fails, random, randomVector } from './expect.mjs';

async function filled(open, n) {
  const next = random(3);
  const store = await open({ metric: 'euclidean', index: { efSearch: 77 } });
  await store.upsert(Array.from({ length: n }, (_, id) => ({
    id, vector: randomVector(next, 6), metadata: { id }, text: { body: `text ${id}` },
  })));
  await store.delete([0, 10, 20]);
  return store;
}

/** All pieces of a stream, and the largest. */
async function drain(stream) {
  const reader = stream.getReader();
  const pieces = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value);
  }
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return { all, pieces };
}

/** The bytes in pieces of a size, as a stream or another iterable. */
async function* inPieces(bytes, size) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}
const asStream = (pieces) => new ReadableStream({
  async pull(controller) {
    const { done, value } = await pieces.next();
    if (done) controller.close();
    else controller.enqueue(value);
  },
});
const textOf = async (stream) => new TextDecoder().decode((await drain(stream)).all);

/** A stream holds the store, which other tabs would have to wait for. */
export const ofOneTab = [
  'an export streams out, and in from whatever gives bytes',
  'a stream is the state of its first read; it can be given up, and close ends it',
];

export const cases = {
  'an export streams out, and in from whatever gives bytes': async ({ open, VecStore, storage, newPath }) => {
    const store = await filled(open, 300);
    const { all } = await drain(await store.exportStream());
    equal(all.length, (await store.export()).length);
    const query = { vector: [1, 1, 1, 1, 1, 1], k: 20, include: ['vector', 'metadata', 'text'] };
    const expected = await store.query(query);
    const sources = [
      () => asStream(inPieces(all, 1000)), () => inPieces(all, 7919), () => new Blob([all]), () => new Response(all),
      () => [all.subarray(0, 10), new DataView(all.buffer, 10)], () => all.buffer,
    ];
    for (const source of sources) {
      const copy = await VecStore.import(source(), { storage, path: newPath() });
      equal(await copy.query(query), expected);
      await copy.close();
    }
    for (const source of ['text', null, 7, undefined]) await fails('INVALID_ARGUMENT', VecStore.import(source));
    await fails('INVALID_ARGUMENT', VecStore.import([1, 2, 3]));
    await fails('CORRUPT', VecStore.import(inPieces(all.subarray(0, 5000), 100)));
  },

  'a stream is the state of its first read; it can be given up, and close ends it': async ({ open, VecStore }) => {
    const store = await filled(open, 60);
    const [unread, given, read, late] = await Promise.all(Array.from({ length: 4 }, () => store.exportStream()));
    await store.upsert({ id: 'new', vector: [1, 2, 3, 4, 5, 6] });
    const { all } = await drain(read);
    equal(await (await VecStore.import(all)).count(), await store.count());
    const reader = given.getReader();
    await reader.read();
    const waiting = store.count();
    await reader.cancel();
    equal(await waiting, 58);
    const lateReader = late.getReader();
    await lateReader.read();
    await store.close();
    await fails('CLOSED', lateReader.read());
    await fails('CLOSED', unread.getReader().read());
    await fails('CLOSED', store.exportStream());
    const other = await filled(open, 5);
    const stop = new AbortController();
    const aborted = (await other.exportStream({ signal: stop.signal })).getReader();
    stop.abort();
    await fails('ABORTED', aborted.read());
    equal(await other.count(), 4);
    await fails('INVALID_ARGUMENT', other.exportStream({ nothing: 1 }));
  },

  'an import that breaks off leaves no store, and the next one makes it': async ({ open, VecStore, storage, newPath }) => {
    const store = await filled(open, 60);
    const bytes = await store.export();
    const path = newPath();
    const breaking = async function* () {
      yield bytes.subarray(0, 9000);
      throw new Error('the network is gone');
    };
    let message;
    await VecStore.import(breaking(), { storage, path }).catch((error) => {
      message = error.message;
    });
    equal(message, 'the network is gone');
    const stop = new AbortController();
    const stopping = async function* () {
      yield bytes.subarray(0, 100);
      stop.abort();
      yield bytes.subarray(100);
    };
    await fails('ABORTED', VecStore.import(stopping(), { storage, path, signal: stop.signal }));
    const copy = await VecStore.import(bytes, { storage, path });
    equal(await copy.count(), 57);
    await copy.close();
  },

  'JSON Lines keep every record exactly, whichever way the bytes are cut': async ({ open }) => {
    const store = await open({ metric: 'dot' });
    const next = random(11);
    const odd = [
      { id: 'ints', vector: [0.1, -0, 1e-30, 3e38], metadata: { a: 9007199254740993n, b: -(2n ** 63n), c: 2 ** 53, d: -0, e: 1e300, f: 0.1, g: [[9007199254740995n]] } },
      { id: 7, vector: [1, 2, 3, 4], metadata: JSON.parse('{"__proto__":{"x":1},"constructor":null,"":"","toJSON":"a"}'), text: 'line\nbreak \u2028 "quotes" \\ 😀' },
      { id: '7', vector: [1, 2, 3, 4], metadata: { digits: '12345678901234567890', more: '"12345678901234567"' }, text: { title: 't', body: 'b' } },
    ];
    await store.upsert([...odd, ...Array.from({ length: 200 }, (_, i) => ({ id: `r${i}`, vector: randomVector(next, 4), metadata: { i } }))]);
    const everything = async (from) => {
      const records = [];
      for await (const record of from.scan()) records.push([String(typeof record.id) + record.id, record]);
      return records.sort(([a], [b]) => (a < b ? -1 : 1));
    };
    const expected = await everything(store);
    for (const vectors of ['array', 'base64']) {
      const text = await textOf(await store.exportJsonl({ vectors }));
      equal(text.split('\n').length, 204);
      for (const source of [text, inPieces(new TextEncoder().encode(`\uFEFF${text.replaceAll('\n', '\r\n\n')}`), 13), new Blob([text.trimEnd()])]) {
        const copy = await open({ metric: 'dot' });
        equal(await copy.importJsonl(source, { batchSize: 64 }), { inserted: 203, updated: 0 });
        equal(await everything(copy), expected);
        const [{ metadata }] = await copy.get([7]);
        equal([Object.hasOwn(metadata, '__proto__'), Object.getPrototypeOf(metadata) === Object.prototype], [true, true]);
      }
    }
    const few = (await textOf(await store.exportJsonl({ filter: 'i < 3', vectors: 'none' }))).trim().split('\n').map((line) => JSON.parse(line));
    equal(few.map(({ id, vector }) => [id, vector]).sort(), [['r0', undefined], ['r1', undefined], ['r2', undefined]]);
    await fails('INVALID_ARGUMENT', store.exportJsonl({ vectors: 'none', what: 1 }));
  },

  'a wrong line is named, and what came before it is there': async ({ open }) => {
    const good = (id) => `{"id":${id},"vector":[1,2]}`;
    const cases = [
      ['{"id":1,"vector":[1,2]', 'not valid JSON'], ['[1]', 'an object'], ['7', 'an object'], ['{"id":1,"vector":[1,2],"x":1}', "'x'"],
      ['{"id":-1,"vector":[1,2]}', 'id'], ['{"id":12345678901234567890,"vector":[1,2]}', 'id'], ['{"id":1,"vector":"AAAA"}', 'base64'], ['{"id":1,"vector":"?"}', 'base64'],
      ['{"id":1,"vector":[1,2],"metadata":{"n":99999999999999999999}}', '64 bits'], ['{"id":1,"vector":[1,2],"text":5}', 'text'],
      ['{"id":1,"vector":[1,"2"]}', 'vector[1]'], ['{"vector":[1,2]}', 'id'], ['{"id":1,"vector":[1,2],"metadata":{"a":0012345678901234567}}', 'JSON'],
    ];
    for (const [wrong, says] of cases) {
      const store = await open();
      const text = [good(100), '', good(101), good(102), wrong, good(103)].join('\n');
      let error;
      await store.importJsonl(text, { batchSize: 2 }).catch((thrown) => {
        error = thrown;
      });
      equal([error?.code, error?.inputLine, error?.index], ['INVALID_ARGUMENT', 5, undefined], wrong);
      if (!error.message.startsWith('line 5: ') || !error.message.includes(says)) throw new Error(`${wrong}: ${error.message}`);
      equal(await store.count(), 2);
    }
    const store = await open();
    await fails('DIMENSION_MISMATCH', store.importJsonl(`${good(1)}\n{"id":2,"vector":[1]}\n`), 'line 2');
    await fails('INVALID_ARGUMENT', store.importJsonl(new Uint8Array([123, 255, 125])), 'line 1: not valid UTF-8');
    await fails('INVALID_ARGUMENT', store.importJsonl(5), 'bytes');
    await fails('INVALID_ARGUMENT', store.importJsonl('', { filter: 'x' }), 'filter');
    equal(await store.importJsonl(''), { inserted: 0, updated: 0 });
  },

  'an exported store imports with everything, anywhere': async ({ open, VecStore, storage, newPath }) => {
    const store = await filled(open, 400);
    const bytes = await store.export();
    equal(bytes.constructor, Uint8Array);
    const queries = [[1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0]].map((vector) => ({ vector, k: 50, include: ['vector', 'metadata', 'text'] }));
    const expected = await store.queryBatch(queries);
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    for (const image of [bytes, bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length), shifted.subarray(3)]) {
      for (const options of [{ storage: 'memory' }, { storage, path: newPath() }]) {
        const copy = await VecStore.import(image, options);
        equal(await copy.queryBatch(queries), expected);
        const stats = await copy.stats();
        equal([stats.count, stats.metric, stats.index.efSearch], [397, 'euclidean', 77]);
        equal(await copy.upsert({ id: 0, vector: [1, 2, 3, 4, 5, 6] }), { inserted: 1, updated: 0 });
        equal((await copy.verify()).errors, []);
        await copy.close();
        if (options.storage !== 'memory') {
          const again = await VecStore.open(options);
          equal(await again.count(), 398);
          await again.close();
        }
      }
    }
    equal(await store.count(), 397);
    equal(await (await VecStore.import(await (await open()).export())).count(), 0);
  },

  'damaged bytes are CORRUPT, a store that is there is not overwritten': async ({ open, VecStore, storage, persistent, newPath }) => {
    const store = await filled(open, 30);
    const bytes = await store.export();
    await fails('CORRUPT', VecStore.import(bytes.subarray(0, bytes.length - 1)));
    await fails('CORRUPT', VecStore.import(new Uint8Array(0)));
    await fails('CORRUPT', VecStore.import(new TextEncoder().encode('not a store at all, just some text')));
    for (let at = 0; at < bytes.length; at += 97) {
      const damaged = bytes.slice();
      damaged[at] ^= 0x10;
      let error;
      await VecStore.import(damaged).catch((thrown) => {
        error = thrown;
      });
      if (!error) throw new Error(`byte ${at} changed, and nobody noticed`);
      equal(['CORRUPT', 'VERSION'].includes(error.code), true, `byte ${at}: ${error.code}: ${error.message}`);
    }
    if (!persistent) return;
    const path = newPath();
    await (await VecStore.open({ storage, path })).close();
    await fails('ALREADY_EXISTS', VecStore.import(bytes, { storage, path }));
    await (await VecStore.open({ storage, path })).close();
  },
};
