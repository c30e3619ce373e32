// Decision 10: filters in both forms, what is done with the records that match, and what stands beside results.
import { equal, fails, near, ok, random, randomVector } from './expect.mjs';
import { DISTANCE } from './scores.mjs';

const TAGS = ['red', 'green', 'blue', 'grün', '𝄞'];

/** Records of every kind: missing fields, nulls, arrays, text that looks like numbers. */
function records(n, dimension = 6, seed = 5) {
  const next = random(seed);
  return Array.from({ length: n }, (_, id) => ({
    id,
    vector: randomVector(next, dimension).map(Math.abs),
    metadata: {
      n: id,
      ...(id % 3 !== 0 && { tag: TAGS[id % TAGS.length] }),
      ...(id % 4 === 0 ? { score: null } : { score: id / 7 }),
      tags: TAGS.slice(0, id % 4),
      draft: id % 2 === 0,
      code: String(id),
      author: { name: id % 5 === 0 ? 'Ann' : 'Bob' },
    },
  }));
}

/** Filters as text and as objects, and the same in JavaScript over metadata m. */
const FILTERS = [
  ['n >= 40 AND n < 60', { n: { $gte: 40, $lt: 60 } }, (m) => m.n >= 40 && m.n < 60],
  ["tag = 'red' OR tag = 'grün'", { tag: { $in: ['red', 'grün'] } }, (m) => ['red', 'grün'].includes(m.tag)],
  ["NOT tag = 'red'", { $not: { tag: 'red' } }, (m) => m.tag !== undefined && m.tag !== 'red'],
  ['score IS NULL', { score: null }, (m) => m.score === null],
  ['tag IS NULL AND draft', { tag: { $null: true }, draft: true }, (m) => m.tag === undefined && m.draft],
  ["tags CONTAINS 'blue'", { tags: { $contains: 'blue' } }, (m) => m.tags.includes('blue')],
  ['LENGTH(tags) = 2', { tags: { $size: 2 } }, (m) => m.tags.length === 2],
  ["author.name ILIKE 'a%'", { 'author.name': { $ilike: 'a%' } }, (m) => m.author.name === 'Ann'],
  ["code STARTSWITH '1'", { code: { $startsWith: '1' } }, (m) => m.code.startsWith('1')],
  ['code = 7', { code: 7 }, () => false],
  ['n IN (3, 5, 1000)', { n: { $in: [3, 5, 1000] } }, (m) => [3, 5].includes(m.n)],
  ['TRUE', {}, () => true],
  ['FALSE', { $or: [] }, () => false],
];

const ids = (hits) => hits.map(({ id }) => id);

/** The k nearest of those that match, by the plain definitions. */
function nearest(all, metric, vector, k, matches) {
  const [distanceOf, scoreOf] = DISTANCE[metric];
  return all.filter(({ metadata }) => matches(metadata))
    .map(({ id, vector: other }) => ({ id, distance: distanceOf([...other], [...vector]) }))
    .sort((a, b) => a.distance - b.distance).slice(0, k).map(({ id, distance }) => ({ id, distance, score: scoreOf(distance) }));
}

/** The same hits as the oracle's; where two are equally near either may come first. */
function sameHits(hits, expected, message) {
  equal(hits.length, expected.length, message);
  hits.forEach(({ distance, score }, i) => {
    near(distance, expected[i].distance, 1e-4 * Math.max(1, Math.abs(distance)), message);
    near(score, expected[i].score, 1e-4 * Math.max(1, Math.abs(score)), message);
  });
}

export const cases = {
  ...Object.fromEntries(Object.keys(DISTANCE).map((metric) => [`${metric}: min(k, matches) of the nearest`, async ({ open }) => {
    let all = records(120);
    const store = await open({ metric });
    await store.upsert(all);
    for (const round of [1, 2]) {
      for (const [text, object, matches] of FILTERS) {
        const { vector } = all[17 * round];
        const expected = nearest(all, metric, vector, 9, matches);
        for (const filter of [text, object]) {
          const hits = await store.query({ vector, k: 9, filter });
          sameHits(hits, expected, `${metric}, ${JSON.stringify(filter)}: `);
          ok(hits.every((hit) => matches(hit.metadata)), `${text} does not match`);
        }
      }
      // The second round is over other records.
      await store.delete(all.filter(({ id }) => id % 7 === 0).map(({ id }) => id));
      await store.updateMetadata(1, { tag: 'red' });
      all = all.filter(({ id }) => id % 7 !== 0);
      all.find(({ id }) => id === 1).metadata.tag = 'red';
    }
  }])),

  'count, scan, delete and updateMetadata go by the same filters': async ({ open }) => {
    const all = records(150);
    const store = await open();
    await store.upsert(all);
    for (const [text, object, matches] of FILTERS) {
      const expected = ids(all.filter(({ metadata }) => matches(metadata)));
      for (const filter of [text, object]) {
        equal(await store.count({ filter }), expected.length, text);
        const found = [];
        for await (const record of store.scan({ filter, batchSize: 7, include: [] })) found.push(record);
        equal(found.map(({ id }) => id).sort((a, b) => a - b), expected, text);
        equal(found.every((record) => Object.keys(record).length === 1), true);
      }
    }
    equal(await store.count(), 150);
    equal(await store.count({}), 150);
    equal(await store.updateMetadata({ filter: 'n < $n', params: { n: 10 } }, { tag: undefined, seen: null, draft: 5n }), { updated: 10 });
    const { tag, ...others } = all[5].metadata;
    equal((await store.get(5)).metadata, { ...others, draft: 5, seen: null });
    equal(await store.count({ filter: { seen: { $exists: true } } }), 10);
    equal(await store.updateMetadata({ filter: 'FALSE' }, { x: 1 }), { updated: 0 });
    equal(await store.updateMetadata(149, { x: { y: [1] } }), { updated: 1 });
    equal((await store.get(149)).metadata.x, { y: [1] });
    equal((await store.get(149)).vector, all[149].vector);
    await fails('NOT_FOUND', store.updateMetadata('149', {}));
    equal(await store.delete({ filter: { n: { $gte: 100 } } }), { deleted: 50 });
    equal(await store.delete({ filter: 'n >= 100' }), { deleted: 0 });
    await fails('INVALID_ARGUMENT', store.delete({}), 'filter');
    await fails('INVALID_ARGUMENT', store.delete({ filter: undefined }), 'filter');
    equal(await store.count(), 100);
    equal((await store.verify()).errors, []);
  },

  'wrong filters say where, in UTF-16 units, and the store goes on': async ({ open }) => {
    const store = await open();
    await store.upsert(records(20));
    const { vector } = records(20)[0];
    for (const [filter, offset, ...parts] of [
      ['', 0], ['n =', 3], ['n = 1 n = 2', 6], ["tag = '𝄞' AND AND", 15, '^'], ["tag = 'red", 6, 'never closed'], ['n > 5)', 5],
      ["tag = 'ü' ! ", 10], [`${'('.repeat(100)}n`, 32], ['n IN (1, 2', 10], ['n = $missing', 4, 'missing'], ["n = '\ud800'", 5],
    ]) {
      for (const call of [() => store.query({ vector, filter }), () => store.count({ filter }), () => store.delete({ filter }),
        () => store.scan({ filter }).next(), () => store.explain({ vector, filter }), () => store.updateMetadata({ filter }, {})]) {
        const error = await fails('FILTER_SYNTAX', call, ...parts);
        equal([error.offset, error.index], [offset, undefined], `${filter}: ${error.message}`);
      }
    }
    const error = await fails('FILTER_SYNTAX', store.queryBatch([{ vector }, { vector, filter: 'n ==== 1' }]));
    equal([error.index, error.offset], [1, 4]);
    for (const filter of [5, null, true, [], [{ n: 1 }], () => true]) await fails('INVALID_ARGUMENT', store.count({ filter }), 'filter');
    for (const filter of [{ n: { $foo: 1 } }, { n: undefined }, { n: [1] }, { $or: 5 }, { $gt: 5 }]) await fails('FILTER_SYNTAX', store.count({ filter }));
    await fails('INVALID_ARGUMENT', store.count({ filter: { n: 1 }, params: { a: 1 } }), 'params');
    await fails('INVALID_ARGUMENT', store.count({ params: { a: 1 } }), 'params');
    await fails('INVALID_ARGUMENT', store.count({ filter: 'n = $a', params: 5 }), 'params');
    await fails('FILTER_SYNTAX', store.count({ filter: 'n = $a', params: { a: { b: 1 } } }));
    equal(await store.count({ filter: 'n < 5' }), 5);
  },

  'parameters are values, whatever is in them': async ({ open }) => {
    const store = await open();
    const hostile = ["' OR TRUE --", '"', '\\', '$p', '`n`', "x' OR n >= 0 OR tag = '", '%', '\0', '\ufeff𝄞', ''];
    await store.upsert(hostile.map((text, id) => ({ id, vector: [1, id], metadata: { text, n: id } })));
    for (const [id, text] of hostile.entries()) {
      const all = [{ filter: 'text = $p', params: { p: text } }, { filter: 'text IN $p', params: { p: [text] } }, { filter: { text } }];
      for (const one of all) equal(ids(await store.query({ vector: [1, 1], ...one })), [id], JSON.stringify(text));
    }
    equal(await store.count({ filter: 'n = $n', params: { n: 3, unused: [1] } }), 1);
    equal(await store.count({ filter: 'n IN $n', params: { n: [1, 2n, 2 ** 60] } }), 2);
    equal(await store.count({ filter: 'text = $__proto__', params: JSON.parse('{"__proto__": "%"}') }), 1);
  },

  'any key is a field': async ({ open }) => {
    const store = await open();
    const metadata = JSON.parse('{"__proto__": 1, "constructor": 2, "toString": 3, "a.b": 4, "$gt": 5, "x[0]": 6, "": 7, "and": 8, "`": 9}');
    await store.upsert([{ id: 1, vector: [1], metadata }, { id: 2, vector: [1], metadata: {} }]);
    const names = Object.keys(metadata);
    for (const name of names) {
      const quoted = `\`${name.replaceAll('`', '``')}\``;
      equal(ids(await store.query({ vector: [1], filter: `${quoted} = ${metadata[name]}` })), [1], name);
      equal(ids(await store.query({ vector: [1], filter: { [quoted]: metadata[name] } })), [1], name);
    }
    equal(await store.count({ filter: JSON.parse('{"__proto__": 1, "constructor": {"$gt": 1}}') }), 1);
    equal(await store.count({ filter: 'hasOwnProperty IS NULL AND valueOf IS NULL' }), 2);
    equal(/** @type {any} */ ({}).polluted, undefined);
  },

  'limits are errors, not crashes': async ({ open }) => {
    const store = await open();
    await store.upsert(records(30));
    const list = Array.from({ length: 10_000 }, (_, i) => i);
    equal(await store.count({ filter: { n: { $in: list } } }), 30);
    equal(await store.count({ filter: 'n IN $list', params: { list } }), 30);
    await fails('FILTER_SYNTAX', store.count({ filter: { n: { $in: [...list, 1] } } }));
    await fails('FILTER_SYNTAX', store.count({ filter: 'n IN $list', params: { list: [...list, 1] } }));
    await fails('FILTER_SYNTAX', store.count({ filter: `n = ${'1'.repeat(9000)}` }));
    await fails('FILTER_SYNTAX', store.count({ filter: { tag: { $like: '%'.repeat(300) } } }));
    let deep = { n: 1 };
    for (let i = 0; i < 5000; i++) deep = { $not: deep };
    await fails('FILTER_SYNTAX', store.count({ filter: deep }));
    const cycle = { $and: [] };
    cycle.$and.push(cycle);
    await fails('FILTER_SYNTAX', store.count({ filter: cycle }));
    equal(await store.count({ filter: 'n < 5' }), 5);
  },

  'calls take effect in the order in which they were made': async ({ open }) => {
    const store = await open();
    const [{ vector }] = records(1);
    const filter = { n: { $lt: 5 } };
    const all = [
      store.upsert(records(10)), store.count({ filter }), store.delete({ filter: 'n < 3' }), store.count({ filter }),
      store.query({ vector, filter }), store.updateMetadata({ filter }, { n: 100 }), store.count({ filter: 'n = 100' }),
      store.upsert({ id: 3, vector, metadata: { n: 3 } }), store.count({ filter: 'n = 100' }), store.pipeline([{ search: { vector, filter: 'n = 3' } }]),
      store.delete(3), store.count(),
    ];
    filter.n = { $lt: 1000 };
    const [, before, deleted, after, hits, updated, hundred, , one, piped, , rest] = await Promise.all(all);
    equal([before, deleted, after, hits.length, updated, hundred, one, ids(piped), rest],
      [5, { deleted: 3 }, 2, 2, { updated: 2 }, 2, 1, [3], 6]);
  },

  'a scan goes on where its cursor says, whatever is written meanwhile': async ({ open }) => {
    const store = await open();
    await store.upsert(records(100));
    const seen = new Set();
    let scan = store.scan({ batchSize: 10 });
    for await (const { id } of scan) {
      ok(!seen.has(id), `${id} came twice`);
      seen.add(id);
      if (seen.size === 25) break;
    }
    const { cursor } = scan;
    equal(typeof cursor, 'string');
    await store.upsert({ id: 'new', vector: [1, 1, 1, 1, 1, 1] });
    await store.delete({ filter: 'n >= 90' });
    await store.updateMetadata({ filter: 'TRUE' }, { touched: true });
    await store.upsert(records(90).slice(50));
    scan = store.scan({ cursor, batchSize: 3, include: ['metadata'] });
    for await (const { id, vector } of scan) {
      ok(!seen.has(id), `${id} came twice`);
      equal(vector, undefined);
      seen.add(id);
    }
    equal(scan.cursor, null);
    for (let id = 0; id < 90; id++) ok(seen.has(id), `${id} did not come`);
    ok(!seen.has('new'), 'a record inserted later came');
    for (const wrong of ['', 'x', 5, 'vs1-1', 'vs1--1-5', {}]) await fails('INVALID_ARGUMENT', store.scan({ cursor: wrong }).next(), 'cursor');
    for (const batchSize of [0, -1, 1.5, '3']) await fails('INVALID_ARGUMENT', store.scan({ batchSize }).next(), 'batchSize');
    const none = [];
    for await (const record of (await open()).scan()) none.push(record);
    equal(none, []);
  },

  'facets count over all that match': async ({ open }) => {
    const store = await open();
    const all = records(60);
    await store.upsert(all);
    const hits = await store.query({ vector: all[0].vector, k: 2, filter: 'n < 30', facets: ['tag', 'tags', 'draft', 'author.name', 'nothing'] });
    equal(hits.length, 2);
    const { facets } = hits;
    equal(Object.keys(facets), ['tag', 'tags', 'draft', 'author.name', 'nothing']);
    const counted = (values) => {
      const counts = new Map();
      for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
      return counts;
    };
    const some = all.slice(0, 30).map(({ metadata }) => metadata);
    for (const [field, values] of [['tag', some.map(({ tag }) => tag).filter(Boolean)], ['tags', some.flatMap(({ tags }) => tags)],
      ['draft', some.map(({ draft }) => draft)], ['author.name', some.map(({ author }) => author.name)], ['nothing', []]]) {
      const counts = counted(values);
      equal(facets[field].length, counts.size, field);
      equal(facets[field].distinct, counts.size, field);
      for (const { value, count } of facets[field]) equal(count, counts.get(value), `${field} ${value}`);
      equal(facets[field].map(({ count }) => count), [...counts.values()].sort((a, b) => b - a), field);
    }
    equal([facets.tag.missing, facets.draft.missing, facets.nothing.missing], [10, 0, 30]);
    equal((await store.query({ vector: all[0].vector, k: 0, facets: ['draft'] })).facets.draft.map(({ value, count }) => [value, count]),
      [[false, 30], [true, 30]]);
    for (const wrong of ['tag', [5], [''], ['a b'], Array.from({ length: 17 }, (_, i) => `f${i}`)]) {
      await fails('INVALID_ARGUMENT', store.query({ vector: all[0].vector, facets: wrong }));
    }
  },

  'pipeline: search, filter, rerank, MMR': async ({ open }) => {
    const store = await open();
    const all = records(80);
    await store.upsert(all);
    const { vector } = all[3];
    const hits = await store.pipeline([
      { search: { vector, k: 40 } }, { filter: 'draft' }, { filter: { n: { $lt: 60 } } },
      { rerank: async (given) => given.map(({ metadata }) => -metadata.n), k: 10 }, { mmr: { k: 5, lambda: 1 } },
    ]);
    const expected = ids(await store.query({ vector, k: 40 })).filter((id) => id % 2 === 0 && id < 60).sort((a, b) => a - b).slice(0, 5);
    equal(ids(hits), expected);
    equal(hits[0].score, -hits[0].metadata.n);
    equal(await store.pipeline([{ search: { vector, filter: 'FALSE' } }, { filter: 'draft' }, { rerank: () => fails() }, { mmr: {} }]), []);
    const error = await fails('INVALID_ARGUMENT', store.pipeline([{ search: { vector } }, { mmr: { lambda: 2 } }]), 'pipeline[1]', 'lambda');
    equal(error.index, 1);
  },

  'a schema holds for every write, and after reopening': async ({ open, persistent }) => {
    const schema = {
      $strict: true, n: { type: 'integer', required: true, min: 0 }, tag: { type: 'string', enum: ['a', 'b'] },
      code: { type: 'string', pattern: '^[a-z]+$' }, list: { type: 'array', items: 'string' },
    };
    let store = await open({ path: 'schema', schema });
    await store.upsert({ id: 1, vector: [1], metadata: { n: 1, tag: 'a', code: 'x', list: ['y'] } });
    const check = async () => {
      for (const [metadata, field] of [
        [{}, 'n'], [undefined, 'n'], [{ n: 1.5 }, 'n'], [{ n: -1 }, 'n'], [{ n: 1, tag: 'c' }, 'tag'], [{ n: 1, code: 'X' }, 'code'],
        [{ n: 1, list: [1] }, 'list[0]'], [{ n: 1, other: 1 }, 'other'], [{ n: '1' }, 'n'],
      ]) {
        const error = await fails('SCHEMA', store.upsert([{ id: 2, vector: [1], metadata: { n: 0 } }, { id: 3, vector: [1], metadata }]), field);
        equal([error.index, error.field], [1, field]);
        equal((await fails('SCHEMA', store.upsert({ id: 3, vector: [1], metadata }), field)).index, undefined);
      }
      await fails('SCHEMA', store.upsertMany([{ id: 9, vector: [1] }]), 'n');
      await fails('SCHEMA', store.updateMetadata(1, { n: undefined }), 'n', 'required');
      await fails('SCHEMA', store.updateMetadata(1, { tag: 'z' }), 'tag');
      await fails('SCHEMA', store.updateMetadata({ filter: 'FALSE' }, { tag: 'z' }), 'tag');
      equal(await store.updateMetadata(1, { tag: 'b', code: undefined }), { updated: 1 });
      equal(await store.count(), 1);
    };
    await check();
    if (!persistent) return;
    await store.close();
    store = await open({ path: 'schema' });
    await check();
    await store.close();
    store = await open({ path: 'schema', schema: { n: 'number' } });
    equal(await store.upsert({ id: 5, vector: [1], metadata: { n: 1.5, other: 1 } }), { inserted: 1, updated: 0 });
    await store.checkpoint();
    await store.close();
    store = await open({ path: 'schema' });
    await fails('SCHEMA', store.upsert({ id: 6, vector: [1], metadata: { n: 'x' } }), 'n');
    await store.close();
    store = await open({ path: 'schema', schema: null });
    equal(await store.upsert({ id: 6, vector: [1], metadata: { n: 'x' } }), { inserted: 1, updated: 0 });
  },
};
