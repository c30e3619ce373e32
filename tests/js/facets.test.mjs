// Facets and boosts against plain counts and the plain rule, over every kind of index, with writes in between.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VecStore } from '../../js/src/index.node.js';
import { random, randomVector } from './behaviour/expect.mjs';
import { DISTANCE } from './behaviour/scores.mjs';

const COLORS = ['red', 'green', 'blue', '', 'ü', '𝄞'];
const FIELDS = ['color', 'list', 'mixed', 'n', 'flag', 'o.x', 'missing', 'list[0]', '`a.b`'];

function documents(next, n) {
  const pick = (list) => list[Math.floor(next() * list.length)];
  return Array.from({ length: n }, (_, id) => ({
    id,
    vector: randomVector(next, 3),
    metadata: {
      n: id, color: pick(COLORS), flag: next() < 0.5, o: { x: pick([1, 1.5, '1', null]) }, 'a.b': pick(COLORS),
      ...(next() < 0.7 && { list: Array.from({ length: Math.floor(next() * 4) }, () => pick(COLORS)) }),
      ...(next() < 0.8 && { mixed: pick([1, 1.0, 2n ** 60n, 'x', true, null, ['x', 1, null], { a: 1 }, []]) }),
    },
  }));
}

const READ = {
  'o.x': (m) => m.o.x, 'list[0]': (m) => m.list?.[0], '`a.b`': (m) => m['a.b'],
};

/** Each value and how many records have it, be it as an element of an array. */
function expected(records, field) {
  const counts = new Map();
  let missing = 0;
  for (const { metadata } of records) {
    const value = (READ[field] ?? ((m) => m[field]))(metadata);
    if (value === undefined || value === null) {
      missing++;
      continue;
    }
    for (const one of new Set(Array.isArray(value) ? value : [value])) {
      if (['string', 'number', 'bigint', 'boolean'].includes(typeof one)) counts.set(one, (counts.get(one) ?? 0) + 1);
    }
  }
  return { counts, missing };
}

for (const [name, indexes] of [['chosen by the data', undefined], ['by value', Object.fromEntries(FIELDS.map((field) => [field, 'value']))],
  ['by range', Object.fromEntries(FIELDS.map((field) => [field, 'range']))], ['none', Object.fromEntries(FIELDS.map((field) => [field, false]))]]) {
  test(`facets equal a plain count; indexes ${name}`, async () => {
    const next = random(3);
    const store = await VecStore.open({ ...(indexes && { indexes }) });
    let records = documents(next, 1500);
    await store.upsert(records);
    for (const [filter, matches] of [[undefined, () => true], ['n < 300', (m) => m.n < 300], ["color = 'red' AND flag", (m) => m.color === 'red' && m.flag], ['FALSE', () => false]]) {
      for (const k of [0, 5]) {
        const { facets } = await store.query({ vector: [1, 1, 1], k, facets: FIELDS, ...(filter && { filter }) });
        for (const field of FIELDS) {
          const { counts } = expected(records.filter(({ metadata }) => matches(metadata)), field);
          const facet = facets[field];
          const top = [...counts.values()].sort((a, b) => b - a).slice(0, 100);
          assert.deepEqual(facet.map(({ count }) => count), top, `${filter}, ${field}`);
          for (const { value, count } of facet) assert.equal(count, counts.get(value), `${filter}, ${field}, ${String(value)}`);
          assert.equal(facet.distinct, counts.size, `${filter}, ${field}`);
        }
        assert.equal(facets.color.missing, 0);
      }
      const gone = records.filter((_, i) => i % 9 === 0).map(({ id }) => id);
      await store.delete(gone);
      await store.updateMetadata({ filter: 'n >= 1400' }, { color: 'new' });
      records = records.filter((_, i) => i % 9 !== 0)
        .map((record) => (record.metadata.n < 1400 ? record : { ...record, metadata: { ...record.metadata, color: 'new' } }));
    }
    await store.close();
  });
}

test('what facets ask must be names of fields', async () => {
  const store = await VecStore.open();
  await store.upsert({ id: 1, vector: [1], metadata: JSON.parse('{"__proto__": "x"}') });
  const query = (facets) => store.query({ vector: [1], facets });
  for (const wrong of ['color', {}, [5], [''], ['a b'], ['a ='], ['LENGTH(a)'], [null], Array(17).fill('a')]) {
    await assert.rejects(query(wrong), { code: 'INVALID_ARGUMENT' }, JSON.stringify(wrong));
  }
  const { facets } = await query(['__proto__', 'constructor']);
  assert.deepEqual(Object.keys(facets), ['__proto__', 'constructor']);
  assert.deepEqual(Object.getOwnPropertyDescriptor(facets, '__proto__').value.map(({ value }) => value), ['x']);
  assert.equal({}.polluted, undefined);
  assert.deepEqual((await query([])).facets, {});
  assert.equal('facets' in await query(undefined), false);
  const [first, second] = await store.queryBatch([{ vector: [1] }, { vector: [1], facets: ['a'] }]);
  assert.deepEqual(['facets' in first, second.facets.a.missing], [false, 1]);
  await store.close();
});

// ============ Boosts ============

const DAY = 864e5;
const RADIUS = 6371008.8;

function metres(a, b) {
  const r = Math.PI / 180;
  const h = Math.sin((a.lat - b.lat) * r / 2) ** 2 + Math.cos(a.lat * r) * Math.cos(b.lat * r) * Math.sin((a.lon - b.lon) * r / 2) ** 2;
  return 2 * RADIUS * Math.asin(Math.sqrt(Math.min(1, h)));
}

/** The factor of one boost by the rule in src/query/boost.c. */
function factorOf({ decay = 'gaussian', offset = 0, midpoint = 0.5, weight = 1, missing = 0 }, scale, away) {
  const x = Math.max(0, away - offset) / scale;
  const f = Number.isNaN(away) ? missing
    : decay === 'exponential' ? midpoint ** x : decay === 'linear' ? Math.max(0, 1 - (1 - midpoint) * x) : midpoint ** (x * x);
  return 1 - weight * (1 - f);
}

for (const metric of ['cosine', 'dot', 'euclidean', 'hamming']) {
  test(`boosts order by the rule: ${metric}`, async () => {
    const [distanceOf, scoreOf] = DISTANCE[metric];
    const next = random(8);
    const now = Date.UTC(2024, 5, 1);
    const records = Array.from({ length: 300 }, (_, id) => ({
      id,
      vector: randomVector(next, 4),
      metadata: {
        n: id, price: next() * 100, ...(id % 10 && { at: new Date(now - next() * 100 * DAY) }), where: { lat: next() * 2, lon: next() * 2 },
      },
    }));
    const store = await VecStore.open({ metric });
    await store.upsert(records);
    const age = ({ at }) => (at ? Math.abs(now - Math.floor(at.getTime())) : NaN);
    const cases = [];
    for (const decay of ['exponential', 'linear', 'gaussian']) {
      const time = { field: 'at', decay, origin: new Date(now), scale: '20d' };
      const place = { field: 'where', decay, origin: { lat: 1, lon: 1 }, scale: 50_000, offset: 10_000 };
      const price = { field: 'price', decay, origin: 30, scale: 10, midpoint: 0.2, weight: 0.8 };
      const half = { ...time, missing: 0.5, weight: 0.5, offset: '48h' };
      cases.push([time, (m) => factorOf(time, 20 * DAY, age(m))]);
      cases.push([place, (m) => factorOf(place, 50_000, metres(m.where, place.origin))]);
      cases.push([price, (m) => factorOf(price, 10, Math.abs(m.price - 30))]);
      cases.push([[half, price], (m) => factorOf({ ...half, offset: 2 * DAY }, 20 * DAY, age(m)) * factorOf(price, 10, Math.abs(m.price - 30))]);
    }
    for (const [boost, factor] of cases) {
      for (const filter of [undefined, 'n < 100']) {
        const vector = randomVector(next, 4);
        const all = records.filter(({ metadata }) => !filter || metadata.n < 100).map(({ id, vector: other, metadata }) => {
          const distance = distanceOf([...other], [...vector]);
          const score = scoreOf(distance);
          return { id, distance, score: score - Math.abs(score) * (1 - factor(metadata)) };
        });
        const best = [...all].sort((a, b) => b.score - a.score);
        const hits = await store.query({ vector, k: 12, boost, ...(filter && { filter }), explain: true });
        assert.equal(hits.length, 12);
        hits.forEach((hit, i) => {
          const what = `${JSON.stringify(boost)}, hit ${i}`;
          assert.ok(Math.abs(hit.score - best[i].score) < 1e-4, `${what}: ${hit.score}, ${best[i].score}`);
          const own = all.find(({ id }) => id === hit.id);
          assert.ok(Math.abs(hit.score - own.score) < 1e-4, what);
          assert.ok(Math.abs(hit.distance - own.distance) < 1e-4, what);
          if (Math.abs(hit.explanation.parts.vector) < 1e-3) return;
          assert.ok(Math.abs(hit.explanation.parts.boost - factor(records[hit.id].metadata)) < 1e-2, what);
        });
        const floor = hits[5].score;
        assert.ok((await store.query({ vector, k: 12, boost, minScore: floor, ...(filter && { filter }) })).every(({ score }) => score >= floor));
      }
    }
    await store.close();
  });
}

test('the origin is now by default, numbers of ms are times too', async () => {
  const store = await VecStore.open({ metric: 'euclidean' });
  const now = Date.now();
  await store.upsert([
    { id: 'old', vector: [0], metadata: { at: new Date(now - 30 * DAY) } }, { id: 'new', vector: [1], metadata: { at: now } },
    { id: 'none', vector: [0] },
  ]);
  const ids = async (boost) => (await store.query({ vector: [0], boost })).map(({ id }) => id);
  assert.deepEqual(await ids({ field: 'at', scale: '1d' }), ['new', 'old', 'none']);
  assert.deepEqual(await ids({ field: 'at', origin: 'now', scale: DAY, decay: 'linear', missing: 1 }), ['none', 'new', 'old']);
  assert.deepEqual(await ids({ field: 'at', origin: new Date(now - 30 * DAY).toISOString(), scale: '1w' }), ['old', 'new', 'none']);
  await store.close();
});

test('boosts that are wrong', async () => {
  const store = await VecStore.open();
  await store.upsert({ id: 1, vector: [1] });
  for (const [boost, message] of [
    [5, /boost must be an object/], [[{ field: 'a', scale: 1 }, null], /boost\[1\]/], [{ scale: 1 }, /boost.field/], [{ field: '', scale: 1 }, /boost.field/],
    [{ field: 'a' }, /boost.scale/], [{ field: 'a', scale: 0 }, /boost.scale/], [{ field: 'a', scale: '5 days' }, /boost.scale.*'36h'/],
    [{ field: 'a', scale: -1 }, /boost.scale/], [{ field: 'a', scale: NaN }, /boost.scale/], [{ field: 'a', scale: '1d', origin: 5 }, /boost.scale must be a number/],
    [{ field: 'a', scale: 1, origin: 'yesterday' }, /boost.origin/], [{ field: 'a', scale: 1, origin: { lat: 91, lon: 0 } }, /boost.origin/],
    [{ field: 'a', scale: 1, origin: [1, 2] }, /boost.origin/], [{ field: 'a', scale: 1, decay: 'cubic' }, /boost.decay/], [{ field: 'a', scale: 1, midpoint: 1 }, /midpoint/],
    [{ field: 'a', scale: 1, weight: 2 }, /weight/], [{ field: 'a', scale: 1, missing: -1 }, /missing/], [{ field: 'a', scale: 1, offset: -1 }, /offset/],
    [{ field: 'a', scale: 1, halfLife: 5 }, /halfLife/], [{ field: 'a b', scale: 1 }, /a b/], [Array(9).fill({ field: 'a', scale: 1 }), /8/],
  ]) {
    await assert.rejects(store.query({ vector: [1], boost }), (error) => {
      assert.equal(error.code, 'INVALID_ARGUMENT', error.message);
      assert.match(error.message, message);
      return true;
    });
  }
  assert.equal((await store.query({ vector: [1] })).length, 1);
  await store.close();
});
