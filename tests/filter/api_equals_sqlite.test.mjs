// Filters through the public API, over a store that is written between them, against SQLite: which records match, how
// many, and which of them are nearest; with indexes of every kind, chosen by the data and overridden.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import initSqlJs from 'sql.js';
import { VecStore } from '../../js/src/index.node.js';
import { random } from '../js/behaviour/expect.mjs';
import { INSERT, TABLE, generator, json, object, sql } from './expressions.mjs';

const EXPRESSIONS = Number(process.env.VS_FILTER_API_EXPRESSIONS ?? (process.env.VS_TIER === 'long' ? 100_000 : 3000));
const seed = Number(process.env.VS_SEED ?? 1);
/** Filters before another store is taken. */
const ROUND = 500;
/** Filters between two writes. */
const STILL = 20;
const DOCUMENTS = 150;

/** Overrides by round; in the second there are enough records for the data to decide. */
const INDEXES = [
  { a: 'value', b: 'range', s: 'range', f: 'value', tags: 'value', nums: 'value', 'o.x': 'range', m: 'value', 'o.y.z': 'value' },
  undefined,
  { a: 'range', b: 'value', s: 'value', m: 'range', 'we ird': 'auto', mixed: 'value', 'o.list[1]': 'range', constructor: 'value' },
  { a: false, b: false, s: false, f: false, tags: false, nums: false, m: false },
].map((one) => one && Object.fromEntries(Object.entries(one).map(([field, kind]) => [field === 'we ird' ? '`we ird`' : field, kind])));

const byDistance = (a, b) => a.distance - b.distance || a.id - b.id;

test(`${EXPRESSIONS} filters through the API match what SQLite says`, { timeout: 3_600_000 }, async (t) => {
  const SQL = await initSqlJs();
  const database = new SQL.Database();
  database.run(`PRAGMA case_sensitive_like = ON; ${TABLE}`);
  let matches = 0;
  let objects = 0;

  for (let round = 0; round * ROUND < EXPRESSIONS; round++) {
    const next = random(seed * 7_000_003 + round);
    const make = generator(next);
    const indexes = INDEXES[round % INDEXES.length];
    const store = await VecStore.open({ metric: 'euclidean', ...(indexes && { indexes }) });
    const records = new Map();
    database.run('DELETE FROM docs');
    const put = (id, metadata) => {
      records.set(id, { id, vector: records.get(id)?.vector ?? [next(), next()], metadata });
      database.run(INSERT, [id, json(metadata)]);
    };
    for (let id = 0; id < (round % 4 === 1 ? 2000 : DOCUMENTS); id++) put(id, make.document());
    await store.upsert([...records.values()]);

    const write = async () => {
      const pick = () => [...records.keys()][Math.floor(next() * records.size)];
      const changed = pick();
      put(changed, make.document());
      const added = 10_000 + Math.floor(next() * 1e6);
      put(added, make.document());
      await store.upsert([records.get(changed), records.get(added)]);
      const patched = pick();
      const patch = make.document();
      put(patched, { ...records.get(patched).metadata, ...patch });
      if (Object.hasOwn(patch, '__proto__')) {
        Object.defineProperty(records.get(patched).metadata, '__proto__', { value: patch.__proto__, enumerable: true, configurable: true, writable: true });
      }
      await store.updateMetadata(patched, patch);
      const gone = pick();
      records.delete(gone);
      database.run('DELETE FROM docs WHERE id = ?', [gone]);
      assert.deepEqual(await store.delete(gone), { deleted: 1 });
    };

    for (let i = 0; i < Math.min(ROUND, EXPRESSIONS - round * ROUND); i++) {
      if (i % STILL === STILL - 1) await write();
      const filter = make.filter();
      const params = {};
      const text = make.text(filter, params);
      const asObject = i % 2 ? object(filter) : undefined;
      const asked = asObject === undefined ? { filter: text, params } : { filter: asObject };
      if (asObject !== undefined) objects++;
      const where = `seed ${seed}, round ${round}, filter ${i}: ${asObject === undefined ? `${text}\nwith ${json(params)}` : json(asObject)}`;
      const expected = (database.exec(`SELECT id FROM docs WHERE ${sql(filter)} ORDER BY id`)[0]?.values ?? []).map(([id]) => id);
      matches += expected.length;

      assert.equal(await store.count(asked), expected.length, where);
      const vector = [next(), next()];
      const distance = (id) => Math.hypot(...records.get(id).vector.map((x, j) => Math.fround(x) - Math.fround(vector[j])));
      const nearest = expected.map((id) => ({ id, distance: distance(id) })).sort(byDistance);
      const k = i % 5 === 0 ? 5000 : 7;
      const hits = await store.query({ vector, k, ...asked, include: [] });
      assert.equal(hits.length, Math.min(k, expected.length), where);
      if (k === 5000) assert.deepEqual(hits.map(({ id }) => id).sort((a, b) => a - b), expected, where);
      hits.forEach((hit, j) => assert.ok(Math.abs(hit.distance - nearest[j].distance) < 1e-5, where));
      if (i % 10 === 0) {
        const scanned = [];
        for await (const { id } of store.scan({ ...asked, include: [], batchSize: 13 })) scanned.push(id);
        assert.deepEqual(scanned.sort((a, b) => a - b), expected, where);
      }
    }
    // Deleting by a filter leaves what does not match.
    const filter = make.filter();
    const params = {};
    const text = make.text(filter, params);
    const doomed = (database.exec(`SELECT id FROM docs WHERE ${sql(filter)}`)[0]?.values ?? []).map(([id]) => id);
    assert.deepEqual(await store.delete({ filter: text, params }), { deleted: doomed.length }, text);
    assert.equal(await store.count(), records.size - doomed.length, text);
    assert.deepEqual(await store.get(doomed), doomed.map(() => null), text);
    assert.deepEqual((await store.verify()).errors, []);
    await store.close();
  }
  database.close();
  t.diagnostic(`${objects} as objects; ${matches} matches; seed ${seed}`);
  assert.ok(matches > EXPRESSIONS, 'the filters matched something');
});
