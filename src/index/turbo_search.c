/* turbo_search.c - the walk that reads one item per node instead of its neighbours.
 *
 * Layer: index (L2), internal. Above level 0 the walk is the usual one. On
 * level 0 the pool holds ESTIMATES; expanding a node computes its own value
 * from its code, and estimates all its neighbours from its item at once. What
 * is found is the expanded nodes by their own values, so an estimate that was
 * wrong costs a detour or a missed node, never a wrong distance.
 *
 * THE END. When the k-th best found is nearer than the best estimate left by
 * more than a MARGIN, which grows with ef: squared distances (of normalised
 * vectors, for cosine) are compared, at ef 50 they must differ by an eighth.
 * Besides, as usual, when all nodes of the pool, the ef best, are expanded. So
 * k are found if there are k.
 *
 * Two nodes are expanded at a time, and every cache line of both is loaded
 * before either is looked at: their misses run in parallel.
 */
#include "turbo.h"

#include <math.h>
#include <string.h>

#define CACHE_LINE_BYTES 64u
#define BEAM 2u
/* Tuned on half of the queries of 100,000 x 384, cosine. */
#define MARGIN_PER_EF 0.0025f

static vs_status reserve_found(vs_turbo *t, uint32_t n) {
  if (n <= t->cap_found) return VS_OK;
  size_t bytes;
  if (!vs_mul_size(n, sizeof(vs_pair), &bytes)) return VS_OUT_OF_MEMORY;
  vs_pair *found = vs_realloc(t->a, t->found, bytes);
  if (!found) return VS_OUT_OF_MEMORY;
  t->found = found;
  t->cap_found = n;
  return VS_OK;
}

static void prepare(vs_turbo *t, const float *values, vs_i4_scan *scan) {
  memcpy(t->x, values, t->dim * sizeof(float));
  for (uint32_t i = t->dim; i < t->n; i++) t->x[i] = 0;
  vs_turbo_rotate(t, t->x, t->y);
  for (uint32_t i = 0; i < t->n; i++) t->y[i] -= t->model.mean[i];
  vs_tables(t->y, t->model.codebook, t->m, t->width, t->products, t->lut, scan);
}

static uint32_t touch(const uint8_t *p, uint32_t bytes) {
  uint32_t sum = 0, word;
  for (uint32_t i = 0; i < bytes; i += CACHE_LINE_BYTES) {
    memcpy(&word, p + i, sizeof(word));
    sum ^= word;
  }
  return sum;
}

static void found(vs_turbo *t, uint32_t keep, vs_pair x) {
  if (t->n_found == keep && !vs_pair_less(x, t->found[keep - 1])) return;
  uint32_t i = t->n_found < keep ? t->n_found++ : keep - 1;
  for (; i > 0 && vs_pair_less(x, t->found[i - 1]); i--) t->found[i] = t->found[i - 1];
  t->found[i] = x;
}

/* The value above which nothing is worth expanding: the k-th best found, farther by the margin. */
static float cut_of(const vs_turbo *t, uint32_t k, float margin) {
  if (t->n_found < k) return INFINITY;
  float value = t->found[k - 1].key;
  switch (t->g->space->metric) {
  case VS_COSINE: return margin * (1 + value) - 1;
  case VS_EUCLIDEAN: return margin * value;
  default: return INFINITY; /* a dot product has no zero to measure from */
  }
}

/* Estimates the node's neighbours into the pool; gives the best place taken. */
static uint32_t expand(vs_turbo *t, uint32_t node, uint32_t ef, float cut, vs_i4_scan *scan) {
  vs_hnsw *g = t->g;
  vs_hnsw_scratch *s = &g->scratch;
  const vs_links *links = vs_hnsw_base(g, node);
  const float *factor = vs_blocks_at(&t->node, node), *add = factor + t->cap;
  const uint8_t *codes = (const uint8_t *)(add + t->cap);
  uint32_t best = UINT32_MAX;
  for (uint32_t from = 0; from < links->n; from += 32) {
    float estimate[32];
    scan->limit = s->n_pool == ef && s->pool[ef - 1].key < cut ? s->pool[ef - 1].key : cut;
    uint32_t mask =
        vs_scan_32(codes + (size_t)from / 2 * t->m, t->lut, t->m, add + from, factor + from, scan, estimate);
    for (; mask; mask &= mask - 1) {
      uint32_t i = (uint32_t)__builtin_ctz(mask), y = links->link[from + i] & VS_LINK_SLOT;
      if (s->n_pool == ef && estimate[i] >= s->pool[ef - 1].key) continue;
      if (!vs_hnsw_visit(g, y)) continue;
      uint32_t at = vs_hnsw_pool_add(s, ef, (vs_pair){estimate[i], y});
      best = at < best ? at : best;
    }
  }
  return best;
}

/* The next unexpanded nodes from the cursor on, marked as expanded. */
static uint32_t take(vs_hnsw_scratch *s, uint32_t cursor, float cut, uint32_t *slot) {
  uint32_t n = 0;
  for (; cursor < s->n_pool && s->pool[cursor].key <= cut && n < BEAM; cursor++) {
    if (s->pool[cursor].value & VS_EXPANDED) continue;
    slot[n++] = s->pool[cursor].value;
    s->pool[cursor].value |= VS_EXPANDED;
  }
  return n;
}

vs_status vs_turbo_search(vs_turbo *t, vs_query q, const float *values, uint32_t k, uint32_t ef, uint32_t keep) {
  float margin = 1 + MARGIN_PER_EF * (float)ef;
  vs_hnsw *g = t->g;
  vs_hnsw_scratch *s = &g->scratch;
  vs_i4_scan scan;
  VS_TRY(reserve_found(t, keep));
  prepare(t, values, &scan);
  vs_hnsw_search_entry(g, q);
  vs_hnsw_new_epoch(g);
  vs_hnsw_visit(g, s->pool[0].value);
  t->n_found = 0;
  for (uint32_t cursor = 0; cursor < s->n_pool;) {
    float value[BEAM], cut = cut_of(t, k, margin);
    uint32_t node[BEAM], n = take(s, cursor, cut, node), sum = 0;
    if (n == 0) break;
    for (uint32_t i = 0; i < n; i++) {
      sum ^= touch(vs_blocks_at(&g->base, node[i]), g->base.item_bytes);
      sum ^= touch(vs_blocks_at(&t->node, node[i]), t->node.item_bytes);
    }
    g->space->sink = sum;
    vs_space_values(g->space, q, node, n, value);
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < n; i++) {
      g->n_hops++;
      vs_turbo_refresh(t, node[i]);
      found(t, keep, (vs_pair){value[i], node[i]});
      scan.base = value[i];
      uint32_t at = expand(t, node[i], ef, cut_of(t, k, margin), &scan);
      best = at < best ? at : best;
    }
    while (cursor < s->n_pool && (s->pool[cursor].value & VS_EXPANDED)) cursor++;
    if (best < cursor) cursor = best;
  }
  return VS_OK;
}
