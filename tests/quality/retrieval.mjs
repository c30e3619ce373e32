// retrieval.mjs - judged collections beside the repository (../shared/data), and nDCG@10 over them.
import { existsSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** Where the shared data lie: beside the repository, or where VS_SHARED_DATA says. */
export const shared = process.env.VS_SHARED_DATA
  ? pathToFileURL(`${process.env.VS_SHARED_DATA}/`) : new URL('../../../shared/data/', import.meta.url);
const folder = new URL('retrieval/', shared);

/** @param {string} name @returns {boolean} */
export const isThere = (name) => existsSync(new URL(`${name}/corpus.jsonl`, folder));

const lines = (path) => readFileSync(new URL(path, folder), 'utf8').split('\n').filter(Boolean);
const passage = ({ title, text }) => (title ? `${title} ${text}` : text).trim();

/**
 * Documents as "title text", the judged queries of the test split, and what was judged.
 * @param {string} name
 * @param {(document: any) => string} [textOf] a document's text
 * @param {string} [split]
 * @param {(query: any) => boolean} [isAsked] which of the queries
 */
export function collection(name, textOf = passage, split = 'test', isAsked = () => true) {
  const judged = new Map();
  for (const line of lines(`${name}/qrels/${split}.tsv`).slice(1)) {
    const [query, document, gain] = line.split('\t');
    if (Number(gain) <= 0) continue;
    if (!judged.has(query)) judged.set(query, new Map());
    judged.get(query).set(document, Number(gain));
  }
  const documents = lines(`${name}/corpus.jsonl`).map((line) => JSON.parse(line));
  const queries = lines(`${name}/queries.jsonl`).map((line) => JSON.parse(line)).filter((query) => judged.has(query.id) && isAsked(query));
  return { ids: documents.map(({ id }) => id), documents: documents.map(textOf), queryIds: queries.map(({ id }) => id),
    queries: queries.map(passage), judged };
}

/** The films with all their fields as one text, and the 1,500 sampled queries; judgements of 0 are none. */
export function films() {
  const sample = new Set(lines('msrd-movies/sample1500.txt'));
  return collection('msrd-movies', ({ title, text, metadata: { director, actors, characters, genres, tags, year } }) =>
    [title, text, director, actors, characters, genres, tags, year].flat().filter((part) => part !== undefined).join(' '),
  'all', ({ id }) => sample.has(id));
}

/**
 * Mean nDCG@10 of exact search by inner product; gains are linear, ties go to the earlier document.
 * @param {ReturnType<typeof collection>} data
 * @param {Float32Array} documents rows of `dimension`
 * @param {Float32Array} queries
 */
export function ndcg10({ ids, queryIds, judged }, documents, queries, dimension) {
  let sum = 0;
  queryIds.forEach((id, q) => {
    const query = queries.subarray(q * dimension, (q + 1) * dimension);
    const scores = ids.map((_, d) => {
      let dot = 0;
      for (let i = 0, at = d * dimension; i < dimension; i++) dot += query[i] * documents[at + i];
      return dot;
    });
    const best = ids.map((_, d) => d).sort((a, b) => scores[b] - scores[a] || a - b).slice(0, 10);
    const gains = judged.get(id);
    const discounted = (list) => list.reduce((total, gain, rank) => total + gain / Math.log2(rank + 2), 0);
    sum += discounted(best.map((d) => gains.get(ids[d]) ?? 0)) / discounted([...gains.values()].sort((a, b) => b - a).slice(0, 10));
  });
  return sum / queryIds.length;
}
