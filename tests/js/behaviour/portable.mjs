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

export const cases = {
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
