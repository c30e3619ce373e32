// stats.mjs - from times and ids to recall, queries per second and ratios at equal recall.

export const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const mid = sorted.length >> 1;
  return sorted.length === 0 ? NaN : sorted.length % 2 ? sorted[mid] : (sorted[mid - 1] + sorted[mid]) / 2;
};

/** The times of one pass into the fastest of each query so far. */
export const fastest = (best, ns) => (best ? best.map((x, i) => Math.min(x, ns[i])) : ns);

export const queriesPerSecond = (ns) => (1e9 * ns.length) / ns.reduce((sum, x) => sum + x, 0);

export const percentile = (ns, share) =>
  [...ns].sort((a, b) => a - b)[Math.min(ns.length - 1, Math.floor(ns.length * share))];

/** Share of the k nearest that were found; truth has `stride` ids per query. */
export function recall(ids, truth, stride, k) {
  const queries = ids.length / k;
  let found = 0;
  for (let q = 0; q < queries; q++) {
    const near = new Set(truth.subarray(q * stride, q * stride + k));
    for (let i = 0; i < k; i++) found += near.has(ids[q * k + i]) ? 1 : 0;
  }
  return found / (queries * k);
}

/**
 * Speed at a given recall, from points { recall, qps } in order of effort. Between two of them the logarithm of the
 * speed is taken as linear in the logarithm of the error. NaN where the target is not reached; where even the first
 * point exceeds it, that point's speed.
 */
export function speedAt(points, target) {
  const error = (p) => Math.log(Math.max(1 - p.recall, 1e-5));
  const at = points.findIndex((p) => p.recall >= target);
  if (at < 0) return NaN;
  if (at === 0) return points[0].qps;
  const [a, b] = [points[at - 1], points[at]];
  const share = (Math.log(1 - target) - error(a)) / (error(b) - error(a));
  return Math.exp(Math.log(a.qps) + share * (Math.log(b.qps) - Math.log(a.qps)));
}

/** Median, least and greatest of the rounds' ratios of two engines' speeds at equal recall. */
export function ratioAt(mine, other, target) {
  const ratios = mine.map((points, round) => speedAt(points, target) / speedAt(other[round], target))
    .filter((x) => Number.isFinite(x));
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios), rounds: ratios.length };
}
