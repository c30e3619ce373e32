/* mmr.c - maximal marginal relevance (mmr.h).
 *
 * Layer: query (L3). Must not know filters, plans or records.
 *
 * RULE (Carbonell and Goldstein, SIGIR 1998). The first pick is the most
 * relevant candidate; each further one maximises
 *
 *     lambda * score(c) - (1 - lambda) * max over picked p of similarity(c, p)
 *
 * similarity is the metric's public score of the two stored vectors, so that it
 * has the scale of a query's scores under every metric. It is not cut off at
 * zero: a candidate that points away from all picked ones is the most novel.
 *
 * Each pick costs one pass of distances from it to the candidates left, which
 * are kept together at the front of the arrays in their original order.
 *
 * INVARIANTS
 *   M1  left[0 .. n_left) are the candidates not picked, ascending.
 *   M2  after the first pick closest[i] is the largest similarity of left[i]
 *       to any picked one.
 */
#include "mmr.h"

#include "../base/alloc.h"
#include "../index/space.h"

typedef struct {
  uint32_t *left, *slot; /* n each; slot[i] is that of left[i] */
  float *value;          /* n; kernel values of one pass */
  double *closest;       /* n; M2 */
  uint32_t n_left;
} picker;

static bool allocate(vs_alloc *a, picker *p, uint32_t n) {
  p->left = vs_calloc(a, n, sizeof *p->left);
  p->slot = vs_calloc(a, n, sizeof *p->slot);
  p->value = vs_calloc(a, n, sizeof *p->value);
  p->closest = vs_calloc(a, n, sizeof *p->closest);
  return p->left && p->slot && p->value && p->closest;
}

static void release(vs_alloc *a, picker *p) {
  vs_free(a, p->left);
  vs_free(a, p->slot);
  vs_free(a, p->value);
  vs_free(a, p->closest);
}

/* Which of those left is best by the rule. */
static uint32_t best_left(const picker *p, const vs_mmr_item *item, double lambda, bool first) {
  uint32_t best = 0;
  double best_worth = 0;
  for (uint32_t i = 0; i < p->n_left; i++) {
    double score = item[p->left[i]].score;
    /* Without a weight the penalty is nothing, be the similarity infinite. */
    double worth = first || lambda == 1 ? score : lambda * score - (1 - lambda) * p->closest[i];
    if (i > 0 && worth <= best_worth) continue;
    best = i;
    best_worth = worth;
  }
  return best;
}

/* Takes left[i] out; the others keep their order. */
static void take(picker *p, uint32_t i) {
  p->n_left--;
  for (; i < p->n_left; i++) {
    p->left[i] = p->left[i + 1];
    p->slot[i] = p->slot[i + 1];
    p->closest[i] = p->closest[i + 1];
  }
}

/* Brings M2 up to date with a new pick. */
static void measure(picker *p, vs_space *space, uint32_t slot, bool first) {
  vs_space_values(space, vs_space_query_slot(space, slot), p->slot, p->n_left, p->value);
  for (uint32_t i = 0; i < p->n_left; i++) {
    double similarity = (double)vs_metric_score(space->metric, vs_metric_distance(space->metric, p->value[i]));
    if (first || similarity > p->closest[i]) p->closest[i] = similarity;
  }
}

vs_status vs_mmr_pick(vs_alloc *a, const vs_vectors *vectors, vs_metric metric, vs_mmr_item *item, uint32_t n,
                      uint32_t k, double lambda, uint32_t *n_out) {
  *n_out = 0;
  if (n == 0 || k == 0) return VS_OK;
  picker p = {.n_left = n};
  if (!allocate(a, &p, n)) {
    release(a, &p);
    return VS_OUT_OF_MEMORY;
  }
  vs_space space;
  vs_space_init(&space, vectors, metric);
  for (uint32_t i = 0; i < n; i++) {
    p.left[i] = i;
    p.slot[i] = item[i].slot;
  }
  for (uint32_t picked = 0; picked < k && p.n_left > 0; picked++) {
    uint32_t i = best_left(&p, item, lambda, picked == 0);
    uint32_t candidate = p.left[i];
    item[picked].order = candidate;
    take(&p, i);
    if (picked + 1 < k) measure(&p, &space, item[candidate].slot, picked == 0);
    *n_out = picked + 1;
  }
  release(a, &p);
  return VS_OK;
}
