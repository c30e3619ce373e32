// Records and queries by text, and the change of the embedder, as far as they depend on the runtime and its storage.
import { equal, fails, ok } from './expect.mjs';

/** An embedder that counts letters; `salt` makes two of them disagree. */
const letters = (name, dimension, salt) => ({
  name, dimension,
  embed: async (texts) => texts.map((text) => {
    const vector = new Float32Array(dimension);
    for (const letter of text) vector[(letter.charCodeAt(0) * salt) % dimension] += 1;
    return vector;
  }),
});
const first = letters('first', 8, 3);
const second = letters('second', 12, 5);
const records = (n) => Array.from({ length: n }, (_, id) => ({ id, text: `text ${String.fromCharCode(97 + (id % 26)).repeat(1 + (id % 5))} ${id}` }));

export const cases = {
  'text in, nearest out, in the order of calls': async ({ open }) => {
    const store = await open({ embedder: first });
    const written = store.upsert(records(60));
    const asked = store.query({ text: records(60)[33].text, k: 1, include: ['text', 'vector'] });
    equal(await written, { inserted: 60, updated: 0 });
    const [hit] = await asked;
    equal([hit.text, hit.vector], [records(60)[33].text, (await first.embed([records(60)[33].text]))[0]]);
    equal((await store.stats()).embedder, { name: 'first', dimension: 8 });
    equal(await store.count(), 60);
  },

  'another embedder takes over, with another dimension': async ({ open }) => {
    const store = await open({ embedder: first });
    await store.upsert(records(300));
    const told = [];
    equal(await store.reembed(second, { batchSize: 100, onProgress: ({ done }) => told.push(done) }), { embedded: 300, kept: 0, resumed: 0 });
    equal(told, [100, 200, 300]);
    equal((await store.get(7)).vector, (await second.embed([records(300)[7].text]))[0]);
    equal((await store.query({ text: records(300)[250].text, k: 1 }))[0].score > 0.999, true);
    equal((await store.verify()).errors, []);
  },

  'an interrupted change of the embedder goes on after reopening': async ({ open, tryOpen, persistent }) => {
    if (!persistent) return;
    const path = 'embedded';
    let store = await open({ path, embedder: first });
    await store.upsert(records(200));
    const controller = new AbortController();
    await fails('ABORTED', store.reembed(second, { batchSize: 50, signal: controller.signal, onProgress: ({ done }) => done === 100 && controller.abort() }));
    await store.close();
    await fails('INVALID_ARGUMENT', tryOpen({ path, embedder: second }), "'first'", "'second'");
    store = await open({ path, embedder: first });
    equal((await store.stats()).reembedding, { name: 'second', dimension: 12, done: 100 });
    equal(await store.reembed(second), { embedded: 100, kept: 0, resumed: 100 });
    await store.close();
    store = await open({ path, embedder: second });
    equal((await store.get(199)).vector, (await second.embed([records(200)[199].text]))[0]);
    ok((await store.query({ text: records(200)[3].text })).length === 10);
    equal((await store.verify()).errors, []);
  },
};
