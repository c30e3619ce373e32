/* flat.c - exact search by scanning (see flat.h).
 *
 * Layer: index (L2); knows no graph. The scan takes present slots in groups,
 * so that the 1x4 kernel shares the loads of the query. O(n) distances and
 * O(n log k) comparisons at worst, few in practice: `limit` turns nearly all
 * candidates away with one comparison.
 *
 * RANKING. Hits are ordered by the public distance, equal ones by sequence.
 * Different kernel values can round to the same distance, so the heap is
 * keyed by distance; `limit` is an upper bound, in kernel values, of what the
 * present worst distance admits, and needs to be safe rather than exact.
 */
#include "flat.h"

#include <math.h>

#define GROUP 32u

static uint64_t sequence_of(const vs_ranking *r, uint32_t slot) {
  return *(const uint64_t *)vs_blocks_at(r->sequences, slot);
}

static bool worse(const vs_ranking *r, vs_hit a, vs_hit b) {
  if (a.distance != b.distance) return a.distance > b.distance;
  return sequence_of(r, a.slot) > sequence_of(r, b.slot);
}

/* The smallest simple bound L with: value > L implies distance > d. */
static float limit_of(vs_metric metric, float d) {
  if (metric == VS_COSINE) return d - 1 + 4e-7f * (1 + fabsf(d));
  if (metric == VS_EUCLIDEAN) return d * d * (1 + 1e-6f) + 1e-37f;
  return d;
}

static void sift_down(vs_ranking *r, uint32_t i) {
  for (;;) {
    uint32_t child = 2 * i + 1;
    if (child >= r->n) return;
    if (child + 1 < r->n && worse(r, r->hit[child + 1], r->hit[child])) child++;
    if (!worse(r, r->hit[child], r->hit[i])) return;
    vs_hit t = r->hit[i];
    r->hit[i] = r->hit[child];
    r->hit[child] = t;
    i = child;
  }
}

static void sift_up(vs_ranking *r, uint32_t i) {
  while (i > 0) {
    uint32_t parent = (i - 1) / 2;
    if (!worse(r, r->hit[i], r->hit[parent])) return;
    vs_hit t = r->hit[i];
    r->hit[i] = r->hit[parent];
    r->hit[parent] = t;
    i = parent;
  }
}

void vs_ranking_init(vs_ranking *r, vs_hit *memory, uint32_t cap, const vs_blocks *sequences, vs_metric metric) {
  assert(cap > 0);
  *r = (vs_ranking){memory, 0, cap, sequences, metric, INFINITY};
}

void vs_ranking_add(vs_ranking *r, uint32_t slot, float value) {
  if (value > r->limit) return;
  vs_hit hit = {slot, vs_metric_distance(r->metric, value)};
  if (r->n < r->cap) {
    r->hit[r->n] = hit;
    sift_up(r, r->n++);
  } else if (worse(r, r->hit[0], hit)) {
    r->hit[0] = hit;
    sift_down(r, 0);
  } else {
    return;
  }
  if (r->n == r->cap) r->limit = limit_of(r->metric, r->hit[0].distance);
}

void vs_ranking_finish(vs_ranking *r) {
  while (r->n > 1) {
    vs_hit t = r->hit[0];
    r->hit[0] = r->hit[--r->n];
    r->hit[r->n] = t;
    sift_down(r, 0);
  }
}

static void offer(vs_space *s, vs_query q, vs_ranking *r, const uint32_t *slot, uint32_t n) {
  float value[GROUP];
  vs_space_values(s, q, slot, n, value);
  for (uint32_t i = 0; i < n; i++) {
    if (value[i] <= r->limit) vs_ranking_add(r, slot[i], value[i]);
  }
}

void vs_ranking_add_exact(vs_ranking *r, vs_space *full, vs_query q, const vs_pair *candidate, uint32_t n) {
  uint32_t slot[GROUP];
  for (uint32_t i = 0; i < n; i += GROUP) {
    uint32_t m = n - i < GROUP ? n - i : GROUP;
    for (uint32_t j = 0; j < m; j++) slot[j] = candidate[i + j].value;
    vs_space_touch(full, slot, m);
    offer(full, q, r, slot, m);
  }
}

/* Reads the set a word at a time: asking it for each next slot takes as long
 * as a distance in 32 dimensions. */
void vs_flat_scan(vs_space *s, const vs_bitset *present, vs_query q, vs_ranking *r) {
  uint32_t slot[GROUP], n = 0;
  for (uint32_t base = 0; base < present->n_bits; base += 64) {
    uint64_t word = *(const uint64_t *)vs_blocks_at(&present->words, base / 64);
    for (; word; word &= word - 1) {
      slot[n++] = base + (uint32_t)__builtin_ctzll(word);
      if (n < GROUP) continue;
      offer(s, q, r, slot, n);
      n = 0;
    }
  }
  offer(s, q, r, slot, n);
}
