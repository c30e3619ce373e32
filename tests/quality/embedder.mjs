// embedder.mjs - nDCG@10 of the shipped embedder beside the encoder it was distilled from and BM25.
//
// The shipped model runs here, in its WebAssembly module. The encoder's and the float table's figures are read from
// embedder.json (models/static-en/distill/evaluate.py wrote them), BM25's from the collections' published baselines.
//   node tests/quality/embedder.mjs
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openTextModule } from '../tools/text-module.mjs';
import { collection, isThere, ndcg10 } from './retrieval.mjs';

export const COLLECTIONS = ['scifact', 'cacm'];
export const recorded = JSON.parse(readFileSync(new URL('embedder.json', import.meta.url), 'utf8')).ndcg10;

/** nDCG@10 of the shipped model, or undefined where the collection is absent. */
export function measure(name) {
  if (!isThere(name)) return undefined;
  const data = collection(name);
  const { embed, dimension } = openTextModule();
  return ndcg10(data, embed(data.documents), embed(data.queries), dimension);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const show = (value) => (value === undefined || value === null ? 'absent' : value.toFixed(4));
  console.log('| collection | encoder | table f32 | shipped int8 | of the encoder | BM25 published |\n|---|---|---|---|---|---|');
  for (const name of COLLECTIONS) {
    const shipped = measure(name);
    const { encoder, float32, bm25 } = recorded[name];
    const share = shipped && encoder ? `${(100 * shipped / encoder).toFixed(1)} %` : 'absent';
    console.log(`| ${name} | ${show(encoder)} | ${show(float32)} | ${show(shipped)} | ${share} | ${show(bm25)} |`);
  }
}
