/* mmr_is_the_rule.c - each pick maximises lambda * score - (1 - lambda) * similarity, by a naive count in double.
 *
 * All nine metrics; lambda 0 and 1; k above n; equal candidates go in the order
 * given; allocation failures change nothing.
 */
#include "../../../src/query/mmr.h"

#include <math.h>

#include "../../../src/base/rng.h"
#include "../tap.h"

#define N 60u
#define DIM 11u

static double similarity(vs_metric metric, const float *a, const float *b) {
  double dot = 0, aa = 0, bb = 0, sq = 0, man = 0, cheb = 0, canb = 0, plus = 0, ham = 0, both = 0, any = 0;
  for (uint32_t i = 0; i < DIM; i++) {
    double x = (double)a[i], y = (double)b[i], d = fabs(x - y), s = fabs(x) + fabs(y);
    dot += x * y, aa += x * x, bb += y * y, sq += d * d, man += d, plus += fabs(x + y);
    if (d > cheb) cheb = d;
    if (s > 0) canb += d / s;
    ham += (x > 0.5) != (y > 0.5);
    both += x != 0 && y != 0;
    any += x != 0 || y != 0;
  }
  switch (metric) {
  case VS_COSINE: return aa > 0 && bb > 0 ? dot / sqrt(aa * bb) : 0;
  case VS_DOT: return dot;
  case VS_EUCLIDEAN: return 1 / (1 + sqrt(sq));
  case VS_MANHATTAN: return 1 / (1 + man);
  case VS_CHEBYSHEV: return 1 / (1 + cheb);
  case VS_CANBERRA: return 1 / (1 + canb);
  case VS_HAMMING: return 1 / (1 + ham);
  case VS_BRAYCURTIS: return plus > 0 ? 1 - man / plus : 1;
  default: return any > 0 ? both / any : 1;
  }
}

typedef struct {
  vs_alloc a;
  vs_vectors vectors;
  vs_metric metric;
  vs_mmr_item item[N];
} scene;

static void fill(scene *s, vs_metric metric, vs_rng *r) {
  vs_alloc_init(&s->a);
  vs_vectors_init(&s->vectors, &s->a, DIM);
  must(vs_vectors_reserve(&s->vectors, N) == VS_OK);
  for (uint32_t i = 0; i < N; i++) {
    float v[DIM];
    for (uint32_t j = 0; j < DIM; j++) {
      uint32_t kind = vs_rng_below(r, 4);
      v[j] = kind == 0 ? 0 : kind == 1 ? 1 : (float)vs_rng_below(r, 2001) / 1000.0f - 1;
    }
    /* Slots in another order than the candidates. */
    vs_vectors_set(&s->vectors, N - 1 - i, v);
    s->item[i] = (vs_mmr_item){N - 1 - i, 0, (double)vs_rng_below(r, 1000) / 1000 - 0.5};
  }
  s->metric = metric;
}

static void empty(scene *s) {
  vs_vectors_deinit(&s->vectors);
  must(s->a.n_live == 0);
}

static double worth(const scene *s, uint32_t candidate, uint32_t n_picked, double lambda) {
  double closest = -INFINITY;
  for (uint32_t j = 0; j < n_picked; j++) {
    const float *x = vs_vectors_at(&s->vectors, s->item[s->item[j].order].slot);
    double one = similarity(s->metric, vs_vectors_at(&s->vectors, s->item[candidate].slot), x);
    if (one > closest) closest = one;
  }
  double score = s->item[candidate].score;
  return n_picked == 0 ? score : lambda * score - (1 - lambda) * closest;
}

/* Every pick is new and no other was worth more. */
static bool by_the_rule(const scene *s, uint32_t n_picked, double lambda) {
  bool taken[N] = {false};
  for (uint32_t j = 0; j < n_picked; j++) {
    uint32_t pick = s->item[j].order;
    if (pick >= N || taken[pick]) return false;
    for (uint32_t other = 0; other < N; other++) {
      if (!taken[other] && worth(s, other, j, lambda) > worth(s, pick, j, lambda) + 1e-5) return false;
    }
    taken[pick] = true;
  }
  return true;
}

static void all_metrics(uint64_t seed) {
  static const double lambdas[] = {0, 0.3, 0.7, 1};
  for (int metric = 0; metric < VS_METRIC_COUNT; metric++) {
    vs_rng r = {seed + (uint64_t)metric};
    scene s;
    fill(&s, (vs_metric)metric, &r);
    bool right = true;
    for (uint32_t i = 0; i < 4; i++) {
      uint32_t n = 0;
      must(vs_mmr_pick(&s.a, &s.vectors, s.metric, s.item, N, 25, lambdas[i], &n) == VS_OK && n == 25);
      right = right && by_the_rule(&s, n, lambdas[i]);
    }
    ok(right, "%s: each pick is the best by the rule (seed %llu)", vs_metric_name((vs_metric)metric),
       (unsigned long long)seed);
    empty(&s);
  }
}

static void edges(uint64_t seed) {
  vs_rng r = {seed};
  scene s;
  fill(&s, VS_COSINE, &r);
  uint32_t n = 9;
  ok(vs_mmr_pick(&s.a, &s.vectors, s.metric, s.item, 0, 5, 0.5, &n) == VS_OK && n == 0, "no candidates, no picks");
  ok(vs_mmr_pick(&s.a, &s.vectors, s.metric, s.item, N, 0, 0.5, &n) == VS_OK && n == 0, "k = 0, no picks");
  ok(vs_mmr_pick(&s.a, &s.vectors, s.metric, s.item, N, 1000, 0.5, &n) == VS_OK && n == N && by_the_rule(&s, n, 0.5),
     "k above n picks all");
  for (uint32_t i = 0; i < N; i++) s.item[i] = (vs_mmr_item){7, 0, 0.25};
  must(vs_mmr_pick(&s.a, &s.vectors, s.metric, s.item, N, N, 0.5, &n) == VS_OK);
  bool in_order = n == N;
  for (uint32_t i = 0; i < n; i++) in_order = in_order && s.item[i].order == i;
  ok(in_order, "equal candidates keep their order");
  for (uint64_t at = 1; at <= 4; at++) {
    s.a.fail_at = s.a.n_calls + at;
    ok(vs_mmr_pick(&s.a, &s.vectors, s.metric, s.item, N, N, 0.5, &n) == VS_OUT_OF_MEMORY && n == 0,
       "no memory at %llu: a status", (unsigned long long)at);
  }
  empty(&s);
}

int main(void) {
  const char *text = getenv("VS_SEED");
  uint64_t seed = text ? strtoull(text, NULL, 10) : 1;
  all_metrics(seed);
  edges(seed);
  return tap_done();
}
