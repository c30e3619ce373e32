// text.mjs - BM25 and hybrid search of the store on judged collections beside the repository (../shared/data).
//
//   node tests/quality/text.mjs [NAME ...]      a table: collection x { BM25, vectors, each fusion }
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { VecStore } from '../../js/src/index.node.js';
import { openTextModule } from '../tools/text-module.mjs';
import { collection, films, isThere, shared } from './retrieval.mjs';

export const COLLECTIONS = ['scifact', 'cacm', 'cf', 'msrd-movies'];
/** On these the default of hybridQuery was chosen; on the others it is only reported. */
export const TUNED_ON = ['scifact', 'cacm'];
const FUSIONS = [
  {}, { fusion: 'weighted', alpha: 0.5 }, { fusion: 'weighted', normalize: 'zscore' }, { fusion: 'weighted', normalize: 'distribution' },
  { fusion: 'relative' }, { fusion: 'rrf' }, { fusion: 'rrf', alpha: 0.2 }, { fusion: 'max' }, { fusion: 'min' }, { fusion: 'harmonic' },
  { fusion: 'geometric' },
];
export const SETTINGS = [{ k1: 0.9, b: 0.4 }, { k1: 1.2, b: 0.75 }];
/** What the oracle's analyzer is. */
export const ANALYZER = { tokenizer: 'standard', stemmer: 'porter', stopwords: 'lucene' };

export const baselines = existsSync(new URL('baselines.json', shared))
  ? JSON.parse(readFileSync(new URL('baselines.json', shared), 'utf8')) : {};

/** A collection with the text that the published figures are for. */
export const judged = (name) => (name === 'cacm' ? collection(name, ({ contents }) => contents)
  : name === 'msrd-movies' ? films() : collection(name));

/** What is published for BM25 with exact lengths. */
export const published = (name, { k1, b }) => baselines[name]?.results[`bm25 k1=${k1} b=${b} exact-length`];

/** The oracle's rankings: query -> [[document, score]], or undefined where there are none. */
export function oracle(name) {
  const file = new URL(`oracle/${name}.bm25-k0.9-b0.4-exact.top10.tsv`, shared);
  if (!existsSync(file)) return undefined;
  const rankings = new Map();
  for (const line of readFileSync(file, 'utf8').split('\n').slice(1).filter(Boolean)) {
    const [query, document, , score] = line.split('\t');
    if (!rankings.has(query)) rankings.set(query, []);
    rankings.get(query).push([document, Number(score)]);
  }
  return rankings;
}

/** Cases of the analyzer: { text, tokens, tokens_no_stem_no_stop }. */
export function analyzerCases() {
  const file = new URL('oracle/analyzer.jsonl', shared);
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line)) : undefined;
}

const discounted = (gains) => gains.reduce((sum, gain, rank) => sum + gain / Math.log2(rank + 2), 0);

/** Means over the judged queries; `rankings` are ids, best first. */
export function measures({ queryIds, judged }, rankings) {
  const sum = { ndcg10: 0, map: 0, r100: 0 };
  queryIds.forEach((id, q) => {
    const gains = judged.get(id);
    const found = rankings[q].map((document) => gains.get(document) ?? 0);
    const ideal = [...gains.values()].sort((a, b) => b - a).slice(0, 10);
    sum.ndcg10 += discounted(found.slice(0, 10)) / discounted(ideal);
    let hits = 0;
    let precision = 0;
    found.forEach((gain, rank) => {
      if (gain > 0) precision += ++hits / (rank + 1);
    });
    sum.map += precision / gains.size;
    sum.r100 += found.slice(0, 100).filter((gain) => gain > 0).length / gains.size;
  });
  return Object.fromEntries(Object.entries(sum).map(([name, total]) => [name, total / queryIds.length]));
}

/** A store of a collection's documents, with vectors where some are given. */
export async function storeOf({ ids, documents }, text, vectors, dimension = 0) {
  const store = await VecStore.open({ dimension, text });
  const records = ids.map((id, i) => ({
    id, text: documents[i], ...(vectors && { vector: vectors.subarray(i * dimension, (i + 1) * dimension) }),
  }));
  for (let i = 0; i < records.length; i += 1000) await store.upsert(records.slice(i, i + 1000));
  return store;
}

/** The rankings of all judged queries. @param {(text: string, i: number) => Promise<{ id: any }[]>} ask */
export async function rank(data, ask) {
  const rankings = [];
  for (const [i, text] of data.queries.entries()) rankings.push((await ask(text, i)).map(({ id }) => id));
  return rankings;
}

/** The means of BM25, of vectors and of each fusion, with the store's defaults: [what, measures] each. */
export async function* hybrids(data, fusions) {
  const { embed, dimension } = openTextModule();
  const [documents, queries] = [embed(data.documents), embed(data.queries)];
  const vectorOf = (i) => queries.subarray(i * dimension, (i + 1) * dimension);
  const store = await storeOf(data, {}, documents, dimension);
  const row = async (what, ask) => [what, measures(data, await rank(data, ask))];
  yield row('BM25', (text) => store.textQuery({ text: bare(text), k: 1000, include: [] }));
  yield row('vectors', (_, i) => store.query({ vector: vectorOf(i), k: 1000, exact: true, include: [] }));
  for (const options of fusions) {
    yield row(JSON.stringify(options), (text, i) =>
      store.hybridQuery({ text: bare(text), vector: vectorOf(i), k: 100, exact: true, include: [], ...options }));
  }
  await store.close();
}

/** Quotes in the collections' queries mean nothing. */
const bare = (text) => text.replaceAll('"', ' ');

async function report(name) {
  const data = judged(name);
  const print = (what, { ndcg10, map, r100 }) =>
    console.log(`| ${name} | ${what} | ${ndcg10.toFixed(4)} | ${map.toFixed(4)} | ${r100.toFixed(4)} |`);
  for (const setting of SETTINGS) {
    const store = await storeOf(data, { ...ANALYZER, ...setting });
    print(`BM25 ${setting.k1}/${setting.b}`, measures(data, await rank(data, (text) => store.textQuery({ text: bare(text), k: 1000, include: [] }))));
    await store.close();
  }
  for await (const [what, means] of hybrids(data, FUSIONS)) print(what, means);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log('| collection | search | nDCG@10 | MAP | R@100 |\n|---|---|---|---|---|');
  const wanted = process.argv.slice(2);
  for (const name of COLLECTIONS.filter((one) => isThere(one) && (wanted.length === 0 || wanted.includes(one)))) await report(name);
}
