// plain-js.mjs - what one would write oneself: an exact scan over a Float32Array.

import { parameters, readFloats, serve, timed } from './serve.mjs';

const { dir, n, dim, metric } = parameters();
let base;

function distance(query, at) {
  let sum = 0;
  if (metric === 'euclidean') {
    for (let j = 0; j < dim; j++) sum += (query[j] - base[at + j]) ** 2;
  } else {
    for (let j = 0; j < dim; j++) sum -= query[j] * base[at + j];
  }
  return sum;
}

function normalise() {
  for (let at = 0; at < base.length; at += dim) {
    let sum = 0;
    for (let j = 0; j < dim; j++) sum += base[at + j] ** 2;
    const inverse = sum > 0 ? 1 / Math.sqrt(sum) : 0;
    for (let j = 0; j < dim; j++) base[at + j] *= inverse;
  }
}

await serve({
  async build() {
    if (!['cosine', 'euclidean', 'dot'].includes(metric)) return { error: `no ${metric} metric` };
    return timed(() => {
      base = readFloats(dir, 'base.f32', n * dim);
      if (metric === 'cosine') normalise();
    });
  },
  search(query, k) {
    const best = [];
    for (let i = 0; i < n; i++) {
      const d = distance(query, i * dim);
      if (best.length === k && d >= best[k - 1].d) continue;
      if (best.length === k) best.pop();
      let at = best.length;
      while (at > 0 && best[at - 1].d > d) at--;
      best.splice(at, 0, { d, i });
    }
    return best;
  },
  ids: (found) => found.map((hit) => hit.i),
});
