// What IDBFS asks of us (js/src/storage/idbfs.js, R1..R6), in Chromium.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { session } from './session.mjs';

const chromium = session();

const newPage = (init) => chromium.newPage({ init });
const load = (page) => chromium.load(page);

const codeOf = (page, options) => page.evaluate((o) => window.VecStore.open(o).then((s) => s.close(), (e) => `${e.code}: ${e.message}`), options);

test('a store is there after a reload, by the names that are part of the format', async () => {
  const page = await newPage();
  await page.evaluate(async () => {
    const store = await window.VecStore.open({ path: 'reload', storage: 'idbfs' });
    await store.upsert([{ id: 1, vector: [1, 2], metadata: { a: 1 }, text: 't' }, { id: 'b', vector: [3, 4] }]);
    // Not closed: acknowledged is enough.
  });
  const locks = await page.evaluate(() => navigator.locks.query().then(({ held }) => held.map(({ name, mode }) => [name, mode])));
  assert.deepEqual(locks.filter(([, mode]) => mode === 'exclusive'), [['vecstore:reload', 'exclusive']]);
  // The other says since when.
  assert.ok(locks.length === 2 && locks.every(([name]) => /^vecstore:reload(@\d+)?$/.test(name)), JSON.stringify(locks));
  await load(page);
  const [record, count, stats, databases] = await page.evaluate(async () => {
    const store = await window.VecStore.open({ path: 'reload', storage: 'idbfs' });
    const result = [await store.get(1), await store.count(), await store.stats(), await indexedDB.databases()];
    await store.close();
    return result;
  });
  assert.deepEqual([record.metadata, record.text, count], [{ a: 1 }, 't', 2]);
  assert.ok(databases.some(({ name }) => name === '/vecstore/reload'));
  assert.equal(stats.storage.persistent, true);
  assert.equal(typeof stats.storage.keepsData, 'boolean');
  assert.ok(stats.memory.files > 0);
  await page.close();
});

test('R1: a second tab gets LOCKED, and the store once the first is gone', async () => {
  const [first, second] = [await newPage(), await newPage()];
  await first.evaluate(async () => {
    window.store = await window.VecStore.open({ path: 'tabs', storage: 'idbfs' });
    await window.store.upsert({ id: 1, vector: [1] });
  });
  const start = Date.now();
  assert.match(await codeOf(second, { path: 'tabs', storage: 'idbfs' }), /^LOCKED: .*'tabs'.*another tab.*since \d{4}-.*\(\d+ s\)/);
  assert.ok(Date.now() - start >= 1900);
  const waiting = second.evaluate(async () => {
    const store = await window.VecStore.open({ path: 'tabs', storage: 'idbfs' });
    return store.count();
  });
  await first.close();
  assert.equal(await waiting, 1);
  await second.close();
});

test('R2, R3: a put that fails once is repeated; one that goes on failing poisons', async () => {
  const page = await newPage();
  const result = await page.evaluate(async () => {
    const put = IDBObjectStore.prototype.put;
    let failures = 0;
    IDBObjectStore.prototype.put = function (...args) {
      if (failures > 0 && failures--) throw new DOMException('no', 'UnknownError');
      return put.apply(this, args);
    };
    const code = (promise) => promise.then(() => 'ok', (error) => error.code);
    const store = await window.VecStore.open({ path: 'puts', storage: 'idbfs' });
    const codes = [await code(store.upsert({ id: 1, vector: [1] }))];
    failures = 1;
    codes.push(await code(store.upsert({ id: 2, vector: [1] })));
    failures = 1000;
    codes.push(await code(store.upsert({ id: 3, vector: [1] })));
    failures = 0;
    codes.push(await code(store.upsert({ id: 4, vector: [1] })));
    await store.close();
    const again = await window.VecStore.open({ path: 'puts', storage: 'idbfs' });
    const ids = (await again.get([1, 2, 3, 4])).map((record) => record?.id ?? null);
    const { errors } = await again.verify();
    codes.push(await code(again.upsert({ id: 5, vector: [1] })));
    await again.close();
    return { codes, ids, errors };
  });
  assert.deepEqual(result.codes, ['ok', 'ok', 'IO', 'POISONED', 'ok']);
  assert.deepEqual(result.ids.slice(0, 2), [1, 2]);
  assert.equal(result.ids[3], null);
  assert.deepEqual(result.errors, []);
  await page.close();
});

for (const [how, fail] of Object.entries({
  // The log is there already, so that adding it is a ConstraintError, reported by an event.
  'a request that fails': (put, store, args) => store.add(...args),
  'a transaction that aborts for want of space': (put, store, args) => {
    const request = put.apply(store, args);
    store.transaction.abort();
    return request;
  },
})) {
  test(`R3: ${how} is never acknowledged`, async () => {
    const page = await newPage();
    const result = await page.evaluate(async (source) => {
      const fail = (0, eval)(`(${source})`);
      const put = IDBObjectStore.prototype.put;
      let failing = false;
      IDBObjectStore.prototype.put = function (...args) {
        return failing ? fail(put, this, args) : put.apply(this, args);
      };
      const code = (promise) => promise.then(() => 'ok', (error) => error.code);
      const name = `lost-${Math.random()}`;
      const store = await window.VecStore.open({ path: name, storage: 'idbfs' });
      const codes = [await code(store.upsert({ id: 1, vector: [1] }))];
      failing = true;
      codes.push(await code(store.upsert({ id: 2, vector: [1] })));
      failing = false;
      codes.push(await code(store.upsert({ id: 3, vector: [1] })));
      await store.close();
      const again = await window.VecStore.open({ path: name, storage: 'idbfs' });
      const ids = (await again.get([1, 2, 3])).map((record) => record?.id ?? null);
      await again.close();
      return { codes, ids };
    }, fail.toString());
    assert.equal(result.codes[0], 'ok');
    assert.notEqual(result.codes[1], 'ok');
    assert.equal(result.codes[2], 'POISONED');
    assert.equal(result.ids[0], 1);
    await page.close();
  });
}

test('R4: with a clock that stands still every write is kept', async () => {
  const page = await newPage(() => {
    const now = 1_700_000_000_000;
    Date.now = () => now;
    const RealDate = Date;
    globalThis.Date = class extends RealDate {
      constructor(...args) {
        super(...(args.length ? args : [now]));
      }
    };
  });
  await page.evaluate(async () => {
    const store = await window.VecStore.open({ path: 'clock', storage: 'idbfs' });
    for (let i = 0; i < 30; i++) await store.upsert({ id: i, vector: [i, 1] });
    await store.checkpoint();
    for (let i = 30; i < 40; i++) await store.upsert({ id: i, vector: [i, 1] });
  });
  await load(page);
  const count = await page.evaluate(async () => {
    const store = await window.VecStore.open({ path: 'clock', storage: 'idbfs' });
    await store.upsert({ id: 40, vector: [1, 1] });
    return store.count();
  });
  assert.equal(count, 41);
  await load(page);
  assert.equal(await page.evaluate(async () => (await window.VecStore.open({ path: 'clock', storage: 'idbfs' })).count()), 41);
  await page.close();
});

test('R5: log files stay short', async () => {
  const page = await newPage();
  const files = await page.evaluate(async () => {
    const store = await window.VecStore.open({ path: 'short', storage: 'idbfs' });
    for (let i = 0; i < 20; i++) await store.upsert(Array.from({ length: 10 }, (_, j) => ({ id: i * 10 + j, vector: [1, 2], text: 'x'.repeat(5000) })));
    // Not closed: closing would put the log's records into a segment.
    const open = indexedDB.open('/vecstore/short');
    const db = await new Promise((resolve) => {
      open.onsuccess = () => resolve(open.result);
    });
    const all = db.transaction('FILE_DATA').objectStore('FILE_DATA');
    const [keys, values] = await Promise.all([all.getAllKeys(), all.getAll()].map((request) => new Promise((resolve) => {
      request.onsuccess = () => resolve(request.result);
    })));
    return keys.map((key, i) => [key, values[i].contents?.length ?? 0]);
  });
  const logs = files.filter(([name]) => /wal-/.test(name));
  assert.ok(logs.length >= 4, JSON.stringify(files));
  assert.ok(logs.every(([, length]) => length <= 256 * 1024 + 60_000), JSON.stringify(logs));
  await page.close();
});

test('auto: IndexedDB where there is one; else memory with one warning, or UNSUPPORTED when that will not do', async () => {
  const page = await newPage();
  assert.equal(await page.evaluate(async () => {
    const store = await window.VecStore.open({ path: 'auto' });
    const { kind } = (await store.stats()).storage;
    await store.close();
    return kind;
  }), 'idbfs');
  await page.close();
  const bare = await newPage(() => Object.defineProperty(Navigator.prototype, 'locks', { value: undefined }));
  const warnings = [];
  bare.on('console', (message) => message.type() === 'warning' && warnings.push(message.text()));
  const storage = await bare.evaluate(async () => (await (await window.VecStore.open({ path: 'auto' })).stats()).storage);
  assert.deepEqual([storage.kind, storage.persistent], ['memory', false]);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /auto.*memory/);
  assert.match(await codeOf(bare, { path: 'auto', requirePersistence: true }), /^UNSUPPORTED: requirePersistence/);
  assert.match(await codeOf(bare, { path: 'auto', storage: 'idbfs' }), /^UNSUPPORTED: .*Web Locks/);
  assert.match(await codeOf(bare, { path: 'auto', storage: 'fs' }), /^UNSUPPORTED: .*file system/);
  await bare.close();
});

test('names that are no plain names', async () => {
  const page = await newPage();
  for (const path of ['a/b', 'ä', '..', '.', 'x'.repeat(129), 'a b']) {
    assert.match(await codeOf(page, { path, storage: 'idbfs' }), /^INVALID_ARGUMENT: path must be a plain name/);
  }
  assert.match(await codeOf(page, { storage: 'idbfs' }), /^INVALID_ARGUMENT: .*path/);
  await page.close();
});

test('the relaxed kernels are chosen where they are right, for both builds', async () => {
  const page = await newPage();
  const simd = await page.evaluate(async () => {
    const found = [];
    for (const options of [{ storage: 'memory' }, { storage: 'idbfs', path: 'simd' }]) {
      const store = await window.VecStore.open(options);
      found.push((await store.stats()).engine.simd);
      await store.close();
    }
    return found;
  });
  assert.deepEqual(simd, ['relaxed', 'relaxed']);
  await page.close();
});
