// explain.js - why a query ran as it did and why a hit is where it is, as objects and as text.
//
// The engine counts and decides (src/query/explain.c describes its object); here it becomes readable.

/** @import { Hit, HitExplanation } from './types.js' */

/** @param {number} n */
const count = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ',');

/** @param {number} n @param {string} one @param {string} [many] */
const counted = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

/** @param {number} us */
const time = (us) => (us < 1000 ? `${us.toFixed(us < 10 ? 1 : 0)} µs` : `${(us / 1000).toFixed(1)} ms`);

/** @param {number | null} cost in microseconds */
const costOf = (cost) => (cost === null ? 'not considered' : `about ${time(cost)}`);

/** Plans in words. @type {Record<string, string>} */
const PLANS = {
  nothing: 'no record can match',
  plain: "the index's own search, as there is no filter",
  scan: 'find the matches, compare all of them',
  graph: 'find the matches, walk the graph among them',
  'post-filter': 'walk the whole graph, keep what matches, go on until there are k',
};

/** Hints in words. @type {Record<string, (hint: any) => string>} */
const HINTS = {
  ef: ({ value }) => `raise ef to ${value}`,
  index: ({ field }) => `give the field an index: indexes: { ${JSON.stringify(field)}: 'value' }`,
  flat: () => "use index: { type: 'flat' }",
  quantize: () => "use quantization: 'int8'",
};

/** @param {any} hint */
const hintText = (hint) => `${HINTS[hint.do]?.(hint) ?? hint.do}: ${hint.why} (gets smaller: ${hint.improves})`;

/** @param {any} step */
function stepText({ op, how, note, n, distances, hops, evaluated, us }) {
  const parts = [
    op === 'match' ? counted(n, 'match', 'matches') : op === 'facets' ? counted(n, 'field') : counted(n, 'record'),
    distances > 0 && counted(distances, 'distance'),
    hops > 0 && `${counted(hops, 'node')} visited`,
    evaluated > 0 && `metadata of ${counted(evaluated, 'record')} read`,
    time(us),
  ];
  return `${op}${how ? ` (${how})` : ''}: ${parts.filter(Boolean).join(', ')}${note ? `; ${note}` : ''}`;
}

/** What a query did, or would do: the engine's counters, and `text` for people. */
class Account {
  /** @param {Record<string, any>} fields */
  constructor(fields) {
    Object.assign(this, fields);
  }

  /** @this {any} */
  get text() {
    const { plan, records, k, ef, targetRecall, measuredRecall, filter, terms, estimated, exact, sampled, matches, cost, rejected, steps, hints } = this;
    const chosen = targetRecall === null ? '' : measuredRecall === null ? ` (for recall ${targetRecall}, not measured yet)`
      : ` (for recall ${targetRecall}, measured ${measuredRecall.toFixed(3)})`;
    const lines = [`k = ${k}, ef = ${ef}${chosen}, ${counted(records, 'record')}`];
    if (filter !== null) {
      lines.push(`filter: ${filter}`);
      for (const { term, index } of terms) lines.push(`  ${term}: ${index ? `${index} index` : 'read from the metadata'}`);
      const how = exact ? 'counted' : sampled > 0 ? `from a sample of ${count(sampled)}` : 'from the indexes';
      const actual = matches === null ? '' : `, in fact ${count(matches)}`;
      lines.push(`matches: ${count(estimated)} expected (${how})${actual}`);
    }
    lines.push(`plan: ${plan}${cost === null ? '' : ` (${costOf(cost)})`}: ${PLANS[plan] ?? ''}`);
    for (const one of rejected) lines.push(`  not ${one.plan} (${costOf(one.cost)}): ${one.why}`);
    steps?.forEach((/** @type {any} */ step, /** @type {number} */ i) => lines.push(`${i + 1}. ${stepText(step)}`));
    if (steps) {
      const { returned, distances, hops, evaluated, fellBack, us } = this;
      lines.push(`${counted(returned, 'hit')} in ${time(us)}: ${counted(distances, 'distance')}, ${counted(hops, 'node')} ` +
        `visited, metadata of ${counted(evaluated, 'record')} read${fellBack ? '; the first plan did not find enough' : ''}`);
    }
    for (const hint of hints) lines.push(`hint: ${hintText(hint)}`);
    return lines.join('\n');
  }

  toString() {
    return this.text;
  }
}

/** The engine's account of a query, readable. @param {Record<string, any>} fields @returns {any} */
export const readable = (fields) => new Account(fields);

/** The score of a distance, as vs_metric_score in src/kernels/kernels.h has it. @param {string} metric @param {number} d */
function scoreOf(metric, d) {
  if (metric === 'dot') return -d;
  return ['cosine', 'jaccard', 'braycurtis'].includes(metric) ? 1 - d : 1 / (1 + d);
}

/** @param {number} x */
const short = (x) => String(Number(x.toPrecision(4)));

/**
 * Why a hit is where it is.
 * @param {Hit} hit
 * @param {number} rank
 * @param {string} metric
 * @param {{ term: string, truth: boolean | null }[]} terms
 * @param {boolean} isBoosted
 * @returns {HitExplanation}
 */
export function explainHit({ score, distance }, rank, metric, terms, isBoosted) {
  const vector = isBoosted ? scoreOf(metric, distance) : score;
  // The engine takes |score| times what the boosts leave off (src/query/boost.c).
  const boost = vector === 0 ? 1 : 1 - (vector - score) / Math.abs(vector);
  const filter = terms.map(({ term, truth }) => ({ term, matched: truth }));
  const lines = [`#${rank}: score ${short(score)}, ${metric} distance ${short(distance)}`];
  if (isBoosted) lines.push(`score: ${metric} ${short(vector)}, boosts leave ${short(boost * 100)} %`);
  for (const { term, matched } of filter) lines.push(`${matched ? 'meets' : matched === null ? 'unknown' : 'does not meet'}: ${term}`);
  return { rank, parts: isBoosted ? { vector, boost } : { vector }, filter, text: lines.join('\n') };
}
