// Filtered queries over graphs: nine metrics, every selectivity, deletions in between, reopening; indexes and their
// statistics; the filters kept compiled; hostile input at the public API.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { VecStore } from '../../js/src/index.node.js';
import { TEST_SEAM } from '../../js/src/open.js';
import { random, randomVector } from './behaviour/expect.mjs';
import { DISTANCE } from './behaviour/scores.mjs';

const root = mkdtempSync(join(tmpdir(), 'vecstore-filter-'));
after(() => rmSync(root, { recursive: true, force: true }));

const K = 10;

/** How many of the k nearest that match a query finds; checks that it gives min(k, matches) that do match. */
async function found(store, live, metric, vector, filter, matches, options) {
  const hits = await store.query({ vector, k: K, filter, ...options });
  const [distanceOf] = DISTANCE[metric];
  const all = live.filter(({ metadata }) => matches(metadata)).map((record) => distanceOf([...record.vector], [...vector])).sort((a, b) => a - b);
  assert.equal(hits.length, Math.min(K, all.length), `${metric}, ${filter}`);
  assert.equal(await store.count({ filter }), all.length);
  assert.ok(hits.every(({ metadata }) => matches(metadata)), `${metric}, ${filter}`);
  if (all.length === 0) return [0, 0];
  const last = all[hits.length - 1];
  return [hits.filter(({ distance }) => distance <= last + 1e-4 * Math.max(1, Math.abs(last))).length, hits.length];
}

for (const metric of Object.keys(DISTANCE)) {
  test(`${metric}: min(k, matches) at every selectivity, recall at least 0.95`, async () => {
    const next = random(6);
    const make = (id) => {
      const vector = randomVector(next, 12).map((x) => (Math.abs(x) < 0.2 ? 0 : Math.abs(x)));
      return { id, vector, metadata: { n: id, part: id % 1000, near: vector[0] + vector[1] } };
    };
    let live = Array.from({ length: 2500 }, (_, id) => make(id));
    const path = join(root, metric);
    let store = await VecStore.open({ path, storage: 'fs', metric, index: { type: 'hnsw' }, durability: 'relaxed' });
    await store.upsert(live);
    for (const round of ['new', 'after deletions and updates', 'reopened']) {
      let [hit, of] = [0, 0];
      for (const limit of [0, 1, 2, 5, 20, 100, 400, 990]) {
        for (const [filter, matches] of [[`part < ${limit}`, (m) => m.part < limit], [`near < ${limit / 500}`, (m) => m.near < limit / 500],
          [`part >= ${limit} AND near > 1`, (m) => m.part >= limit && m.near > 1]]) {
          const vector = randomVector(next, 12).map(Math.abs);
          const [some, all] = await found(store, live, metric, vector, filter, matches);
          hit += some;
          of += all;
          const [exact, exactly] = await found(store, live, metric, vector, filter, matches, { exact: true });
          assert.equal(exact, exactly, `${metric}, ${filter}, exact`);
        }
      }
      assert.ok(hit >= 0.95 * of, `${metric}, ${round}: recall ${hit / of}`);
      if (round === 'new') {
        assert.deepEqual(await store.delete({ filter: 'n < 700' }), { deleted: 700 });
        const changed = live.slice(1000, 1400).map(({ id }) => make(id));
        await store.upsert(changed);
        live = [...live.slice(700, 1000), ...changed, ...live.slice(1400)];
      } else if (round !== 'reopened') {
        await store.close();
        store = await VecStore.open({ path, storage: 'fs' });
      }
    }
    assert.deepEqual((await store.verify()).errors, []);
    await store.close();
  });
}

test('indexes: chosen by the data, overridden, kept, shown', async () => {
  const path = join(root, 'indexes');
  const records = Array.from({ length: 2000 }, (_, id) => ({
    id, vector: [id], metadata: { year: 1900 + id % 100, tag: ['a', 'b'][id % 2], body: `text ${id}`, price: id / 3, list: [`l${id % 5}`] },
  }));
  let store = await VecStore.open({ path, indexes: { year: 'range', tag: 'value', body: false } });
  await store.upsert(records);
  const kinds = async () => {
    await store.count({ filter: "year > 1950 AND tag = 'a' AND body LIKE '%7' AND price < 50 AND list CONTAINS 'l1'" });
    const { indexes, memory } = await store.stats();
    assert.ok(indexes.every(({ bytes }) => bytes > 0));
    assert.ok(memory.metadataIndexes >= indexes.reduce((sum, { bytes }) => sum + bytes, 0));
    return Object.fromEntries(indexes.map(({ field, kind }) => [field, kind]));
  };
  assert.deepEqual(await kinds(), { year: 'range', tag: 'value', price: 'range', list: 'value' });
  await store.close();
  store = await VecStore.open({ path });
  assert.deepEqual(await kinds(), { year: 'range', tag: 'value', price: 'range', list: 'value' }, 'kept');
  await store.checkpoint();
  await store.close();
  store = await VecStore.open({ path, indexes: { year: 'value' } });
  assert.deepEqual((await kinds()).year, 'value', 'changed');
  await store.close();
  store = await VecStore.open({ path, indexes: null });
  const chosen = await kinds();
  assert.equal(chosen.tag, 'value', 'by the data again');
  await store.close();
  for (const indexes of [{ year: 'btree' }, { year: true }, { year: null }, 5, [], { 'a b': 'value' }, { '': 'value' }]) {
    await assert.rejects(VecStore.open({ indexes }), { code: 'INVALID_ARGUMENT' }, JSON.stringify(indexes));
  }
});

test('many different filters at a time, large ones too: none is taken for another', async () => {
  const store = await VecStore.open();
  await store.upsert(Array.from({ length: 60 }, (_, id) => ({ id, vector: [id], metadata: { n: id, s: `s${id}` } })));
  for (let round = 0; round < 3; round++) {
    for (let n = 0; n < 60; n += 1 + round) {
      assert.equal(await store.count({ filter: `n < ${n}` }), n);
      assert.equal(await store.count({ filter: 'n < $n', params: { n } }), n);
      assert.equal(await store.count({ filter: 'n >= $n', params: { n } }), 60 - n);
      assert.equal(await store.count({ filter: { n: { $lt: n } } }), n);
      assert.equal(await store.count({ filter: { s: { $in: [`s${n}`, ...Array.from({ length: 2000 }, (_, i) => `none ${i}`)] } } }), 1);
    }
    await store.delete({ filter: { n: 59 } });
    await store.upsert({ id: 59, vector: [59], metadata: { n: 59, s: 's59' } });
  }
  // More than are kept, again and again, with writes between.
  for (let round = 0; round < 2; round++) {
    for (let n = 0; n < 150; n++) assert.equal(await store.count({ filter: `n < 60 AND n >= ${n % 75} AND n <> ${n}` }), Math.max(0, 60 - (n % 75)) - (n < 60 ? 1 : 0));
    await store.updateMetadata(0, { n: 0 });
  }
  // Both at once, so that each waits for the other's turn.
  const counts = await Promise.all(Array.from({ length: 60 }, (_, n) => store.count({ filter: `n < ${n}` })));
  assert.deepEqual(counts, Array.from({ length: 60 }, (_, n) => n));
  await store.close();
});

test('hostile objects: getters, toJSON, symbols, classes, huge lists, other realms', async () => {
  const store = await VecStore.open();
  await store.upsert([{ id: 1, vector: [1], metadata: { n: 1, at: '2024-01-01T00:00:00.000Z' } }, { id: 2, vector: [1], metadata: { n: 2 } }]);
  const mine = new Error('mine');
  await assert.rejects(store.count({ filter: { get n() { throw mine; } } }), mine);
  await assert.rejects(store.count({ filter: { n: { toJSON() { throw mine; } } } }), mine);
  await assert.rejects(store.query({ vector: [1], params: { get n() { throw mine; } }, filter: 'n = $n' }), mine);
  for (const value of [Symbol('x'), () => 1, new Map([['a', 1]]), new Set(), /x/, new (class Car {})(), NaN, Infinity, 'x\ud800', 2n ** 63n]) {
    const refused = (error) => ['FILTER_SYNTAX', 'INVALID_ARGUMENT'].includes(error.code);
    await assert.rejects(store.count({ filter: { n: value } }), refused, String(value));
    await assert.rejects(store.count({ filter: { n: { $in: [value] } } }), refused, String(value));
    await assert.rejects(store.count({ filter: 'n = $n', params: { n: value } }), refused, String(value));
  }
  assert.equal(await store.count({ filter: { at: new Date(Date.UTC(2024, 0, 1)) } }), 1);
  assert.equal(await store.count({ filter: { at: { $gte: { toJSON: () => '2023' } } } }), 1);
  const { runInNewContext } = await import('node:vm');
  assert.equal(await store.count({ filter: runInNewContext('({ n: { $in: [1, 5] } })') }), 1);
  assert.equal(await store.count({ filter: Object.assign(Object.create(null), { n: 1 }) }), 1);
  const wide = { $or: Array.from({ length: 5000 }, (_, i) => ({ n: i })) };
  assert.equal(await store.count({ filter: wide }), 2);
  const shared = { n: { $gt: 0 } };
  assert.equal(await store.count({ filter: { $and: [shared, shared, { $or: [shared] }] } }), 2);
  assert.equal(await store.count({ filter: 'n = $n', params: { n: 1, ignored: Array.from({ length: 1e5 }, (_, i) => i) } }), 1);
  await assert.rejects(store.count({ filter: 'x'.repeat(1e6) }), { code: 'FILTER_SYNTAX' });
  await assert.rejects(store.count({ filter: `n = 1 ${'AND n = 1 '.repeat(1e4)}` }), { code: 'FILTER_SYNTAX' });
  await assert.rejects(store.count({ filter: Array(1e5).fill('NOT').join(' ') }), { code: 'FILTER_SYNTAX' });
  assert.equal(await store.count(), 2);
  assert.deepEqual((await store.verify()).errors, []);
  await store.close();
});

test('memory that is refused at any point is an error, and nothing changed', async () => {
  let engine, db;
  const instrument = (exports) => {
    engine = exports;
    return { ...exports, memory: exports.memory, vs_db_new: () => (db = exports.vs_db_new()) };
  };
  const store = await VecStore.open({ [TEST_SEAM]: { instrument } });
  const records = Array.from({ length: 400 }, (_, id) => ({ id, vector: [id, 1], metadata: { n: id, tag: `t${id % 3}`, at: new Date(id) } }));
  await store.upsert(records);
  const vector = [1, 1];
  const calls = {
    query: (i) => store.query({ vector, filter: `tag = 't1' AND n < ${300 + i}`, facets: ['tag', 'n'], boost: { field: 'n', origin: 5, scale: 10 } }),
    explain: (i) => store.explain({ vector, filter: `n < ${200 + i}` }), estimate: (i) => store.estimate({ filter: `n > ${i}` }),
    count: (i) => store.count({ filter: { tag: 't2', n: { $gt: i } } }), hits: (i) => store.query({ vector, filter: `n < ${7 + i}`, explain: true }),
    scan: (i) => store.scan({ filter: `n < ${5 + i}` }).next(),
    pipeline: (i) => store.pipeline([{ search: { vector, k: 50 } }, { filter: `n < ${40 + i}` }, { mmr: { k: 20 } }]),
    updateMetadata: (i) => store.updateMetadata({ filter: `n < ${3 + i}` }, { x: 1 }), delete: (i) => store.delete({ filter: `n = ${i}` }),
  };
  for (const [name, call] of Object.entries(calls)) {
    let failures = 0;
    for (let at = 1; at < 400; at++) {
      await store.upsert({ id: 1000, vector, metadata: { n: 1000 + at } });
      const before = [await store.count(), await store.count({ filter: 'x = 1' })];
      engine.vs_test_fail_alloc(db, at, 0);
      const error = await call(at).then(() => undefined, (thrown) => thrown);
      engine.vs_test_fail_alloc(db, 0, 0);
      if (!error) {
        if (failures > 0 && at > failures + 3) break;
        if (name === 'updateMetadata' || name === 'delete') break;
        continue;
      }
      assert.equal(error.code, 'OUT_OF_MEMORY', `${name} at ${at}: ${error.stack} ${error.cause?.stack}`);
      failures++;
      assert.deepEqual([await store.count(), await store.count({ filter: 'x = 1' })], before, `${name} at ${at}`);
    }
    assert.ok(failures > 0, `${name} never failed`);
  }
  assert.deepEqual((await store.verify()).errors, []);
  assert.equal(await store.count({ filter: 'n < 400' }), await store.count({ filter: { n: { $lt: 400 } } }));
  await store.close();
});

test('records without vectors have filters too', async () => {
  const store = await VecStore.open({ dimension: 0, schema: { n: 'integer' } });
  await store.upsert(Array.from({ length: 50 }, (_, id) => ({ id: `r${id}`, metadata: { n: id } })));
  assert.equal(await store.count({ filter: 'n < 20' }), 20);
  assert.deepEqual(await store.updateMetadata({ filter: { n: { $lt: 5 } } }, { first: true }), { updated: 5 });
  const ids = [];
  for await (const { id } of store.scan({ filter: 'first' })) ids.push(id);
  assert.deepEqual(ids.sort(), ['r0', 'r1', 'r2', 'r3', 'r4']);
  assert.deepEqual(await store.delete({ filter: 'n >= 10' }), { deleted: 40 });
  await assert.rejects(store.query({ vector: [1], filter: 'n = 1' }), { code: 'INVALID_ARGUMENT' });
  await store.close();
});

test('a closed store says so, also within a scan', async () => {
  const store = await VecStore.open();
  await store.upsert(Array.from({ length: 20 }, (_, id) => ({ id, vector: [id] })));
  const scan = store.scan({ batchSize: 5 });
  await scan.next();
  const late = store.count({ filter: 'TRUE' });
  await store.close();
  assert.equal(await late, 20);
  for (let i = 0; i < 4; i++) assert.equal((await scan.next()).done, false);
  await assert.rejects(scan.next(), { code: 'CLOSED' });
  for (const call of [() => store.count({ filter: 'TRUE' }), () => store.explain({ vector: [1] }), () => store.estimate(), () => store.scan().next(),
    () => store.pipeline([{ search: { vector: [1] } }]), () => store.updateMetadata(1, {}), () => store.delete({ filter: 'TRUE' })]) {
    await assert.rejects(call, { code: 'CLOSED' });
  }
});

test('signals', async () => {
  const store = await VecStore.open();
  await store.upsert(Array.from({ length: 20 }, (_, id) => ({ id, vector: [id], metadata: { id } })));
  const signal = AbortSignal.abort();
  for (const call of [() => store.query({ vector: [1], filter: 'id = 1', signal }), () => store.explain({ vector: [1], signal }), () => store.scan({ signal }).next(),
    () => store.delete({ filter: 'TRUE' }, { signal }), () => store.updateMetadata({ filter: 'TRUE' }, { x: 1 }, { signal })]) {
    await assert.rejects(call, { code: 'ABORTED' });
  }
  const controller = new AbortController();
  const scan = store.scan({ batchSize: 5, signal: controller.signal });
  let seen = 0;
  await assert.rejects(async () => {
    for await (const { id } of scan) {
      seen++;
      if (id === 2) controller.abort();
    }
  }, { code: 'ABORTED' });
  assert.equal(seen, 5);
  assert.equal(await store.count({ filter: 'x IS NULL' }), 20);
  await store.close();
});

test('a part of the package that cannot be loaded is an error of that call alone', async () => {
  const { spawnSync } = await import('node:child_process');
  const hooks = `export const resolve = (name, context, next) => {
    if (name === './more.js' && globalThis.process.env.BROKEN) throw new Error('offline');
    return next(name, context);
  };`;
  const code = `
    import { register } from 'node:module';
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}));
    const { VecStore } = await import(${JSON.stringify(new URL('../../js/src/index.node.js', import.meta.url).href)});
    const store = await VecStore.open();
    await store.upsert({ id: 1, vector: [1], metadata: { n: 1 } });
    const error = await store.count({ filter: 'n = 1' }).catch((thrown) => thrown);
    console.log(error.code, error.message, (await store.query({ vector: [1] })).length, await store.count());
    await store.close();`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { env: { ...process.env, BROKEN: '1' }, encoding: 'utf8' });
  assert.equal(stdout, 'IO cannot load a part of the package: offline 1 1\n', stderr);
});

test('the order of calls holds while that part is being loaded', async () => {
  const { spawnSync } = await import('node:child_process');
  const code = `
    const { VecStore } = await import(${JSON.stringify(new URL('../../js/src/index.node.js', import.meta.url).href)});
    const store = await VecStore.open();
    const vector = [1, 1];
    const filter = { n: { $lt: 5 } };
    const all = [
      store.upsert(Array.from({ length: 10 }, (_, n) => ({ id: n, vector, metadata: { n } }))), store.query({ vector, filter }),
      store.delete({ filter: 'n < 3' }), store.pipeline([{ search: { vector, filter } }]), store.count({ filter }), store.delete([3, 4]), store.count({ filter }),
      store.count(), store.close(),
    ];
    filter.n = { $lt: 1000 };
    const [, hits, deleted, piped, count, , none, rest] = await Promise.all(all);
    console.log(hits.length, deleted.deleted, piped.length, count, none, rest);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
  assert.equal(stdout, '5 3 2 2 0 5\n', stderr);
});

test('text of any kind is a filter or FILTER_SYNTAX with a place', async () => {
  const store = await VecStore.open();
  await store.upsert({ id: 1, vector: [1], metadata: { n: 1, s: 'x', list: [1, 'a'] } });
  const seed = Number(process.env.VS_SEED ?? 1);
  const next = random(seed);
  const pick = (list) => list[Math.floor(next() * list.length)];
  const pieces = ['n', 's', 'list', '=', '!=', '<', '>=', 'AND', 'OR', 'NOT', '(', ')', '[', ']', ',', '.', "'x'", '"', "'", '`', '$p', '$', 'IN', 'LIKE', 'ESCAPE', 'BETWEEN',
    'IS', 'NULL', 'EXISTS', 'ANY', 'ALL', 'LENGTH', 'CONTAINS', '1', '-2.5e3', '9223372036854775808', '%', '_', '\\', '\0', '\n', 'ü', '𝄞', '\u2019', '\ufeff', 'GEO_RADIUS',
    'TRUE', '1e999', '0x1', '--', ';', '/*'];
  let [good, bad] = [0, 0];
  for (let i = 0; i < 3000; i++) {
    const filter = Array.from({ length: 1 + Math.floor(next() * 9) }, () => pick(pieces)).join(pick(['', ' ']));
    await store.count({ filter, params: { p: pick([1, 'x', null, [1, 'x'], []]) } }).then(() => good++, (error) => {
      bad++;
      assert.equal(error.code, 'FILTER_SYNTAX', `seed ${seed}: ${JSON.stringify(filter)}: ${error.stack}`);
      assert.ok(Number.isInteger(error.offset) && error.offset >= 0 && error.offset <= filter.length, JSON.stringify([filter, error.offset]));
      assert.ok(error.message.length > 10);
    });
  }
  assert.ok(good > 50 && bad > 1000, `${good} good, ${bad} bad`);
  assert.equal(await store.count({ filter: 'n = 1' }), 1);
  await store.close();
});

test('a cursor is good after closing, optimizing and reopening', async () => {
  const path = join(root, 'cursor');
  let store = await VecStore.open({ path });
  await store.upsert(Array.from({ length: 300 }, (_, id) => ({ id, vector: [id], metadata: { n: id } })));
  await store.delete({ filter: 'n < 40' });
  const seen = [];
  let scan = store.scan({ filter: 'n >= 20', batchSize: 7 });
  for await (const { id } of scan) if (seen.push(id) === 100) break;
  const { cursor } = scan;
  await store.upsert(Array.from({ length: 30 }, (_, i) => ({ id: `new ${i}`, vector: [i], metadata: { n: 1000 + i } })));
  await store.delete({ filter: { n: { $between: [280, 289] } } });
  await store.optimize();
  await store.close();
  store = await VecStore.open({ path });
  scan = store.scan({ filter: 'n >= 20', cursor, include: ['metadata'] });
  for await (const { id } of scan) seen.push(id);
  const expected = Array.from({ length: 260 }, (_, i) => i + 40);
  assert.equal(new Set(seen).size, seen.length, 'none came twice');
  for (const id of expected) if (id < 280 || id > 289) assert.ok(seen.includes(id), `${id} did not come`);
  assert.ok(seen.every((id) => expected.includes(id)), 'none inserted later came');
  await store.close();
});

test('metadata indexes are read back after reopening; changed overrides and schema are durable at once', async () => {
  const path = join(root, 'indexed');
  const kinds = async (store) => Object.fromEntries((await store.stats()).indexes.map(({ field, kind }) => [field, kind]));
  const next = random(8);
  let store = await VecStore.open({ path, storage: 'fs', indexes: { n: 'range' } });
  await store.upsert(Array.from({ length: 400 }, (_, id) => ({ id, vector: randomVector(next, 4), metadata: { n: id, tag: `t${id % 5}` } })));
  assert.equal(await store.count({ filter: "n < 100 AND tag = 't1'" }), 20);
  await store.checkpoint();
  await store.upsert({ id: 400, vector: [1, 2, 3, 4], metadata: { n: 50, tag: 't1' } });
  await store.delete(1);
  await store.close();

  store = await VecStore.open({ path, storage: 'fs' });
  assert.deepEqual(await kinds(store), {}, 'an opening does not read them');
  assert.equal(await store.count({ filter: "n < 100 AND tag = 't1'" }), 20);
  assert.deepEqual(await kinds(store), { n: 'range', tag: 'value' });
  assert.deepEqual((await store.verify()).errors, []);
  await store.close();

  store = await VecStore.open({ path, storage: 'fs', indexes: { n: 'value', tag: false }, schema: { n: 'integer' } });
  await store.close(); // writes nothing: so few changes are not worth a checkpoint
  store = await VecStore.open({ path, storage: 'fs' });
  await assert.rejects(store.upsert({ id: 9, vector: [1, 2, 3, 4], metadata: { n: 'x' } }), { code: 'SCHEMA' });
  assert.equal(await store.count({ filter: "n < 100 AND tag = 't1'" }), 20);
  assert.deepEqual(await kinds(store), { n: 'value' });
  await store.close();
});
