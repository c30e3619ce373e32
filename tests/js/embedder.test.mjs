// A store with an embedder: records and queries by text, in the order of the calls; what a bad embedder does; what is
// remembered of it.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, describe, test } from 'node:test';
import { VecStore } from '../../js/src/index.node.js';
import { fails } from './behaviour/expect.mjs';
import { fakeEmbedder, vectorOf } from './embed/fake.mjs';

const root = mkdtempSync(join(tmpdir(), 'vecstore-embedder-'));
after(() => rmSync(root, { recursive: true, force: true }));
let paths = 0;
const newPath = () => join(root, `s${paths++}`);
const opened = [];
async function open(options) {
  opened.push(await VecStore.open(options));
  return opened.at(-1);
}
afterEach(() => Promise.all(opened.splice(0).map((store) => store.close())));

/** A promise and its ends. */
function gate() {
  const ends = {};
  const promise = new Promise((open, fail) => Object.assign(ends, { open, fail }));
  return { promise, ...ends };
}

describe('records and queries by text', () => {
  test('one record, an array, a stream; vectors may stand beside', async () => {
    const embedder = fakeEmbedder();
    const store = await open({ embedder });
    assert.deepEqual(await store.upsert({ id: 'a', text: 'red apples', metadata: { n: 1 } }), { inserted: 1, updated: 0 });
    const own = new Float32Array(16).fill(0.5);
    await store.upsert([
      { id: 'b', text: { title: 'Blue', body: 'the sky' } }, { id: 'own', vector: own, text: 'not embedded' },
      { id: 'bare', vector: own }, { id: 'c', text: 'green grass' },
    ]);
    await store.upsertMany((async function* () {
      for (let i = 0; i < 5; i++) yield { id: i, text: `number ${10 + i}` };
    })(), { batchSize: 2 });
    assert.deepEqual(embedder.calls.map(({ texts, kind }) => [kind, ...texts]), [
      ['document', 'red apples'], ['document', 'Blue\n\nthe sky', 'green grass'], ['document', 'number 10', 'number 11'],
      ['document', 'number 12', 'number 13'], ['document', 'number 14'],
    ]);
    assert.deepEqual(await store.get('b'),
      { id: 'b', vector: vectorOf('fake', 16, 'Blue the sky'), metadata: {}, text: { title: 'Blue', body: 'the sky' } });
    assert.deepEqual((await store.get('own')).vector, own);
    assert.deepEqual((await store.get('c')).vector, vectorOf('fake', 16, 'green grass'));
    const [hit] = await store.query({ text: 'grass, green', k: 1, include: ['text'] });
    assert.deepEqual([hit.id, hit.text, hit.score > 0.999], ['c', 'green grass', true]);
    assert.equal(embedder.calls.at(-1).kind, 'query');
    assert.equal((await store.verify()).ok, true);
  });

  test('many at once equal one by one: several megabytes of pieces', async () => {
    const embedder = fakeEmbedder({ dimension: 300 });
    const store = await open({ embedder });
    const records = Array.from({ length: 4000 }, (_, i) => (i % 7 === 3
      ? { id: i, vector: vectorOf('other', 300, `word${'abc'[i % 3]}`), metadata: { i } }
      : { id: `r${i}`, text: `${'pad '.repeat(i % 40)} ${String.fromCharCode(97 + i % 26)}`, metadata: { i } }));
    await store.upsert(records);
    assert.equal(embedder.calls.length, 1);
    for (let i = 0; i < records.length; i += 11) {
      const { id, text, vector } = records[i];
      const found = await store.get(id);
      assert.deepEqual(found.vector, vector ?? vectorOf('fake', 300, text));
      assert.deepEqual([found.text, found.metadata], [text, { i }]);
    }
    assert.equal((await store.verify()).ok, true);
  });

  test('queryBatch embeds all its texts in one call, in their places', async () => {
    const embedder = fakeEmbedder();
    const store = await open({ embedder });
    await store.upsert(['red', 'green', 'blue'].map((text) => ({ id: text, text })));
    const hits = await store.queryBatch([
      { text: 'blue', k: 1 }, { vector: vectorOf('fake', 16, 'red'), k: 1 }, { text: 'green', k: 1 }]);
    assert.deepEqual(hits.map(([{ id }]) => id), ['blue', 'red', 'green']);
    assert.deepEqual(embedder.calls.at(-1).texts, ['blue', 'green']);
  });

  test('contradictions and absences are INVALID_ARGUMENT that says what to do', async () => {
    const store = await open({ embedder: fakeEmbedder() });
    const vector = new Float32Array(16);
    await fails('INVALID_ARGUMENT', store.query({ text: 'x', vector }), 'one of them');
    await fails('INVALID_ARGUMENT', store.query({}), 'vector, text or');
    for (const text of [1, null, {}, ['x']]) await fails('INVALID_ARGUMENT', store.query({ text }), 'text must be a string');
    assert.equal((await fails('INVALID_ARGUMENT', store.queryBatch([{ text: 'x' }, { text: 5 }]), 'text')).index, 1);
    assert.equal((await fails('INVALID_ARGUMENT', store.upsert([{ id: 1, text: 'x' }, { id: 2 }]), 'vector or text')).index, 1);
    assert.equal((await fails('INVALID_ARGUMENT', store.upsert([{ id: 1, text: 'x' }, { id: 2, text: 7 }]), 'text')).index, 1);
    assert.equal(await store.count(), 0);

    const bare = await open({ dimension: 2 });
    await fails('INVALID_ARGUMENT', bare.query({ text: 'x' }), 'embedder', 'open the store with one');
    await fails('INVALID_ARGUMENT', bare.queryBatch([{ text: 'x' }]), 'embedder');
    await fails('INVALID_ARGUMENT', bare.upsert({ id: 1, text: 'x' }), 'embedder');
    assert.equal((await bare.stats()).embedder, null);
  });

  test('options of open', async () => {
    const embed = async () => [];
    for (const [embedder, part] of [
      [{}, 'embed('], [5, 'embed('], [null, 'embed('], [{ name: 'a', dimension: 2 }, 'embed('],
      [{ name: '', dimension: 2, embed }, 'name'], [{ dimension: 2, embed }, 'name'],
      [{ name: 'a', dimension: 0, embed }, 'dimension'], [{ name: 'a', dimension: 1.5, embed }, 'dimension'],
      [{ name: 'a', embed }, 'dimension'], [{ name: 'x'.repeat(97), dimension: 2, embed }, '96 bytes'],
    ]) {
      await fails('INVALID_ARGUMENT', VecStore.open({ embedder }), part);
    }
    await fails('INVALID_ARGUMENT', VecStore.open({ dimension: 3, embedder: fakeEmbedder() }), '3', '16', 'fake');
    await fails('INVALID_ARGUMENT', VecStore.open({ dimension: 0, embedder: fakeEmbedder() }), '0', '16');
    const store = await open({ dimension: 16, embedder: fakeEmbedder({ name: 'é'.repeat(48) }) });
    assert.deepEqual((await store.stats()).embedder, { name: 'é'.repeat(48), dimension: 16 });
  });
});

describe('the order of calls', () => {
  test('a slow embedding keeps its place; later calls see it', async () => {
    const slow = gate();
    const embedder = fakeEmbedder({ wait: ([text]) => (text === 'slow' ? slow.promise : undefined) });
    const store = await open({ embedder });
    const order = [];
    const note = (name) => (value) => {
      order.push(name);
      return value;
    };
    const calls = [
      store.upsert({ id: 1, text: 'slow' }).then(note('slow')), store.upsert({ id: 1, text: 'fast' }).then(note('fast')),
      store.upsert({ id: 2, vector: new Float32Array(16) }).then(note('vector')), store.query({ text: 'fast', k: 1 }).then(note('query')),
      store.get(1).then(note('get')), store.count().then(note('count')), store.delete(1).then(note('delete')),
    ];
    await new Promise((done) => setTimeout(done, 20));
    assert.deepEqual(order, []);
    assert.equal(embedder.calls.length, 3, 'embedding of later calls has begun');
    slow.open();
    const [, , , [hit], record, count] = await Promise.all(calls);
    assert.deepEqual(order, ['slow', 'fast', 'vector', 'query', 'get', 'count', 'delete']);
    assert.deepEqual([hit.id, record.text, count], [1, 'fast', 2]);
    assert.equal(await store.get(1), null);
  });

  test('acknowledgements of earlier calls do not wait for a later one to be embedded', async () => {
    const slow = gate();
    const store = await open({ path: newPath(), embedder: fakeEmbedder({ wait: () => slow.promise }) });
    const first = store.upsert({ id: 1, vector: new Float32Array(16) });
    const second = store.upsert({ id: 2, text: 'slow' });
    assert.deepEqual(await first, { inserted: 1, updated: 0 });
    slow.open();
    await second;
  });

  test('what the caller changes after the call does not matter', async () => {
    const slow = gate();
    const store = await open({ embedder: fakeEmbedder({ wait: () => slow.promise }) });
    const record = { id: 1, text: { title: 'before' }, metadata: { a: 1 } };
    const done = store.upsert(record);
    record.text.title = 'after';
    record.metadata.a = 2;
    slow.open();
    await done;
    assert.deepEqual(await store.get(1), { id: 1, text: { title: 'before' }, metadata: { a: 1 }, vector: vectorOf('fake', 16, 'before') });
  });

  test('close waits for what is being embedded', async () => {
    const slow = gate();
    const path = newPath();
    const store = await VecStore.open({ path, embedder: fakeEmbedder({ wait: () => slow.promise }) });
    const written = store.upsert({ id: 1, text: 'late' });
    const closed = store.close();
    await fails('CLOSED', store.query({ text: 'x' }));
    slow.open();
    await Promise.all([written, closed]);
    const again = await open({ path });
    assert.equal((await again.get(1)).text, 'late');
  });
});

describe('what goes wrong changes nothing', () => {
  const vectors = (n, dimension = 16) => Array.from({ length: n }, () => new Float32Array(dimension));
  const bad = [
    ['too few', () => vectors(1), 'INVALID_ARGUMENT', '1 vectors for 2 texts'],
    ['too many', () => vectors(3), 'INVALID_ARGUMENT', '3 vectors for 2 texts'],
    ['no array', () => ({ length: 2 }), 'INVALID_ARGUMENT', 'array of vectors'],
    ['nothing', () => undefined, 'INVALID_ARGUMENT', 'array of vectors'],
    ['another dimension', () => [...vectors(1), ...vectors(1, 15)], 'DIMENSION_MISMATCH', '15', '16'],
    ['a string for a vector', () => [...vectors(1), 'x'], 'INVALID_ARGUMENT', 'Float32Array'],
    ['null for a vector', () => [...vectors(1), null], 'INVALID_ARGUMENT', 'Float32Array'],
    ['NaN', () => [...vectors(1), new Float32Array(16).fill(NaN)], 'INVALID_ARGUMENT', 'NaN'],
    ['infinity', () => [...vectors(1), Array(16).fill(Infinity)], 'INVALID_ARGUMENT', 'Infinity'],
    ['strings in a vector', () => [...vectors(1), Array(16).fill('1')], 'INVALID_ARGUMENT', 'number'],
    ['beyond floats', () => [...vectors(1), Array(16).fill(1e300)], 'INVALID_ARGUMENT', '32-bit'],
  ];
  for (const [what, give, code, ...parts] of bad) {
    test(`an embedder that gives ${what}`, async () => {
      let broken = false;
      const good = fakeEmbedder();
      const embedder = { ...good, embed: (texts, options) => (broken ? give(texts) : good.embed(texts, options)) };
      const store = await open({ embedder });
      await store.upsert({ id: 'a', text: 'kept' });
      broken = true;
      const error = await fails(code, store.upsert([{ id: 'v', vector: vectors(1)[0] }, { id: 'a', text: 'x' }, { id: 'b', text: 'y' }]), "'fake'", ...parts);
      if (/^(another|a string|null|NaN|inf|strings|beyond)/.test(what)) assert.equal(error.index, 2);
      await fails(code, store.queryBatch([{ text: 'x' }, { text: 'y' }]), ...parts);
      broken = false;
      assert.equal(await store.count(), 1);
      assert.equal((await store.get('a')).text, 'kept');
      assert.equal((await store.query({ text: 'kept' }))[0].id, 'a');
    });
  }

  test('its errors are the cause, thrown at once or later; those of the package pass as they are', async () => {
    const boom = new RangeError('boom');
    for (const embed of [() => { throw boom; }, async () => { throw boom; }]) {
      const store = await open({ embedder: { name: 'bad', dimension: 2, embed } });
      for (const call of [store.upsert({ id: 1, text: 'x' }), store.query({ text: 'x' })]) {
        const error = await fails('IO', call, "'bad'", 'boom');
        assert.equal(error.cause, boom);
      }
      assert.equal(await store.count(), 0);
      await store.upsert({ id: 1, vector: [1, 2] });
    }
    const { VecStoreError } = await import('../../js/src/index.node.js');
    const own = new VecStoreError('QUOTA_EXCEEDED', 'no more');
    const store = await open({ embedder: { name: 'own', dimension: 2, embed: async () => { throw own; } } });
    await assert.rejects(store.upsert({ id: 1, text: 'x' }), (error) => error === own);
  });

  test('a signal aborts, also an embedder that does not look at it', async () => {
    let given;
    const deaf = fakeEmbedder({ wait: (_, { signal }) => new Promise(() => { given = signal; }) });
    const store = await open({ embedder: deaf });
    for (const call of [
      (signal) => store.upsert({ id: 1, text: 'x' }, { signal }), (signal) => store.query({ text: 'x', signal }),
      (signal) => store.upsertMany([{ id: 1, text: 'x' }], { signal }), (signal) => store.queryBatch([{ text: 'x', signal }, { text: 'y' }]),
      (signal) => store.queryBatch([{ text: 'x', signal }, { text: 'y', signal: new AbortController().signal }]),
    ]) {
      const controller = new AbortController();
      const called = call(controller.signal);
      setTimeout(() => controller.abort(new Error('enough')), 5);
      const error = await fails('ABORTED', called);
      assert.equal(error.cause.message, 'enough');
      assert.equal(given.aborted, true);
    }
    assert.equal(await store.count(), 0);
    const calls = deaf.calls.length;
    await fails('ABORTED', store.upsert({ id: 1, text: 'x' }, { signal: AbortSignal.abort() }));
    assert.equal(deaf.calls.length, calls, 'an aborted call embeds nothing');
  });

  test('progress goes from embedding to writing and never back', async () => {
    const embedder = fakeEmbedder({ wait: (_, { onProgress }) => [0.25, 0.5, 1].forEach((share) => onProgress(share)) });
    const store = await open({ embedder });
    const shares = [];
    await store.upsert([{ id: 1, text: 'x' }], { onProgress: (share) => shares.push(share) });
    assert.deepEqual(shares, [...shares].sort((a, b) => a - b));
    assert.ok(shares.length >= 4 && shares[0] > 0 && shares.at(-1) === 1, String(shares));
  });
});

describe('what a store remembers of its embedder', () => {
  test('another name or dimension is refused, naming both; none is fine', async () => {
    const path = newPath();
    await (await VecStore.open({ path, embedder: fakeEmbedder({ name: 'first' }) })).close();
    await fails('INVALID_ARGUMENT', VecStore.open({ path, embedder: fakeEmbedder({ name: 'second' }) }), "'first'", "'second'");
    await fails('INVALID_ARGUMENT', VecStore.open({ path, embedder: fakeEmbedder({ name: 'first', dimension: 8 }) }), '16', '8');
    {
      const store = await open({ path });
      assert.deepEqual((await store.stats()).embedder, { name: 'first', dimension: 16 });
      await store.upsert({ id: 1, vector: vectorOf('first', 16, 'hand made') });
      await fails('INVALID_ARGUMENT', store.query({ text: 'x' }), 'embedder');
      await store.close();
    }
    const store = await open({ path, embedder: fakeEmbedder({ name: 'first' }) });
    assert.equal((await store.query({ text: 'hand made' }))[0].id, 1);
  });

  test('a store that knew none adopts the first, at once and for good', async () => {
    const path = newPath();
    {
      const store = await open({ path });
      await store.upsert({ id: 1, vector: vectorOf('first', 16, 'a') });
      assert.equal((await store.stats()).embedder, null);
      await store.close();
    }
    await fails('INVALID_ARGUMENT', VecStore.open({ path, embedder: fakeEmbedder({ dimension: 8 }) }), '16', '8');
    const store = await VecStore.open({ path, embedder: fakeEmbedder({ name: 'first' }) });
    assert.deepEqual((await store.stats()).embedder, { name: 'first', dimension: 16 });
    await store.close();
    await fails('INVALID_ARGUMENT', VecStore.open({ path, embedder: fakeEmbedder({ name: 'second' }) }), "'first'", "'second'");
    const again = await open({ path, embedder: fakeEmbedder({ name: 'first' }) });
    assert.equal(await again.count(), 1);
  });

  test('an exported store takes it along', async () => {
    const store = await open({ embedder: fakeEmbedder({ name: 'first' }) });
    await store.upsert({ id: 1, text: 'a' });
    const bytes = await store.export();
    await fails('INVALID_ARGUMENT', VecStore.import(bytes, { embedder: fakeEmbedder({ name: 'second' }) }), "'first'", "'second'");
    const copy = await VecStore.import(bytes, { embedder: fakeEmbedder({ name: 'first' }) });
    assert.equal((await copy.query({ text: 'a' }))[0].id, 1);
  });
});
