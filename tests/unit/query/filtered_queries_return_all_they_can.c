/* filtered_queries_return_all_they_can.c - a filtered query gives min(k, matches) hits, all of
 * them matching, near enough to the exact ones; whatever the plan, and when the plan fails.
 */
#include "world.h"

#include <math.h>

#define N 2500u

typedef struct {
  world *w;
  vs_vectors vectors;
  vs_blocks sequences;
  vs_index *index;
  vs_exec exec;
  vs_target target;
} engine;

static void put_int(vs_wr *w, const char *key, int64_t v) { vs_value_key(w, key), vs_value_int(w, v); }

/* Vectors on a curve through clusters: near numbers are near vectors. */
static void make_vector(world *w, uint32_t i, float *out) {
  for (uint32_t j = 0; j < DIM; j++)
    out[j] = (float)sin((double)i / 400.0 * (1 + j % 5) + j) + 0.12f * (vs_rng_f32(&w->rng) - 0.5f);
}

/* i: the number, so `i < x` is correlated with the place; u: scrambled; deep.a[0]: as u, where
 * no index reaches. */
static engine *create(vs_index_type type) {
  engine *e = calloc(1, sizeof *e);
  must(e);
  e->w = world_create(11);
  vs_index_config config = {.type = type, .metric = VS_EUCLIDEAN, .M = 8, .ef_construction = 60, .seed = 1};
  vs_vectors_init(&e->vectors, &e->w->a, DIM);
  vs_blocks_init(&e->sequences, &e->w->a, sizeof(uint64_t));
  must(vs_index_create(&e->w->a, &config, &e->vectors, &e->sequences, &e->index) == VS_OK);
  must(vs_vectors_reserve(&e->vectors, N) == VS_OK && vs_blocks_reserve(&e->sequences, N) == VS_OK);
  for (uint32_t i = 0; i < N; i++) {
    float v[DIM];
    uint64_t sequence = i + 1;
    int64_t u = i * 1237 % N;
    vs_wr *m = &e->w->meta[i];
    make_vector(e->w, i, v);
    vs_vectors_set(&e->vectors, i, v);
    *(uint64_t *)vs_blocks_at(&e->sequences, i) = sequence;
    must(vs_index_prepare(e->index, i + 1, 1, &sequence) == VS_OK);
    vs_index_insert(e->index, i);
    vs_wr_init(m, &e->w->own);
    size_t mark = vs_value_object_begin(m), inner, array;
    put_int(m, "i", i), put_int(m, "u", u);
    vs_value_key(m, "deep"), inner = vs_value_object_begin(m);
    vs_value_key(m, "a"), array = vs_value_array_begin(m), vs_value_int(m, u), vs_value_end(m, array, 1);
    vs_value_end(m, inner, 1), vs_value_end(m, mark, 3);
    e->w->live[i] = true;
    e->w->n_slots = e->w->n_live = i + 1;
  }
  vs_exec_init(&e->exec, &e->w->a);
  e->target = (vs_target){e->index, config, DIM, &e->w->index};
  return e;
}

static void destroy(engine *e) {
  vs_exec_deinit(&e->exec);
  vs_index_destroy(e->index);
  vs_vectors_deinit(&e->vectors);
  vs_blocks_deinit(&e->sequences);
  world_destroy(e->w);
  free(e);
}

typedef struct {
  uint32_t wrong, found, wanted, fell_back, plans[VS_PLAN_COUNT];
} tally;

/* One filter with many queries; everything is judged by a scan written here. */
static void ask(engine *e, const char *text, uint32_t k, uint32_t ef, uint32_t n_queries, tally *t) {
  vs_prepared p = world_compile(e->w, text);
  vs_err err;
  for (uint32_t q = 0; q < n_queries; q++) {
    float v[DIM];
    uint32_t n, matches = 0, nearer = 0;
    make_vector(e->w, below(e->w, N), v);
    vs_request r = {.vector = v, .k = k, .ef = ef, .max_distance = INFINITY, .min_score = -INFINITY, .filter = &p};
    must(vs_exec_query(&e->exec, &e->target, &r, &n, &err) == VS_OK);
    const vs_account *c = &e->exec.account;
    t->plans[c->plan.kind]++;
    t->fell_back += c->fell_back;
    double last = n ? (double)e->exec.result[n - 1].distance : 0;
    for (uint32_t i = 0; i < N; i++) {
      double sum = 0;
      if (!vs_filter_match(p.filter, (vs_slice){e->w->meta[i].p, e->w->meta[i].n})) continue;
      matches++;
      const float *x = vs_vectors_at(&e->vectors, i);
      for (uint32_t j = 0; j < DIM; j++) sum += ((double)x[j] - (double)v[j]) * ((double)x[j] - (double)v[j]);
      nearer += sqrt(sum) < last - 1e-5;
    }
    for (uint32_t i = 0; i < n; i++)
      t->wrong += !vs_match_one(&e->w->index, &p, e->exec.result[i].slot) ||
                  (i > 0 && e->exec.result[i].distance < e->exec.result[i - 1].distance);
    t->wrong += n != (matches < k ? matches : k);
    t->wanted += n;
    uint32_t missed = n > 0 && nearer > n - 1 ? nearer - (n - 1) : 0;
    t->found += missed < n ? n - missed : 0;
  }
  vs_prepared_deinit(&p, &e->w->a);
}

static void every_share(engine *e) {
  static const uint32_t share[] = {0, 1, 7, 25, 125, 250, 600, 1250, 2500};
  tally t = {0};
  for (uint32_t i = 0; i < 9; i++) {
    static const char *const form[] = {"u < %u", "i < %u", "i >= 2500 - %u", "deep.a[0] < %u"};
    for (uint32_t f = 0; f < 4; f++) {
      char text[64];
      if (f == 2)
        snprintf(text, sizeof text, "i >= %u", N - share[i]);
      else
        snprintf(text, sizeof text, form[f], share[i]);
      ask(e, text, 10, 20, 12, &t);
    }
  }
  ask(e, "u < 1250", 10, 10, 12, &t); /* few hops are all that the graph can win by in a store so small */
  double recall = (double)t.found / t.wanted;
  printf("# scan %u graph %u post %u nothing %u, %u fell back, recall %.4f\n", t.plans[VS_PLAN_SCAN],
         t.plans[VS_PLAN_GRAPH], t.plans[VS_PLAN_POST], t.plans[VS_PLAN_NOTHING], t.fell_back, recall);
  ok(t.wrong == 0, "min(k, matches) hits, each matching, in order");
  ok(recall >= 0.97, "and nearly always the nearest");
  ok(t.plans[VS_PLAN_SCAN] && t.plans[VS_PLAN_GRAPH] && t.plans[VS_PLAN_POST] && t.plans[VS_PLAN_NOTHING],
     "every plan was taken");
  ok(t.fell_back > 0, "and some were given up midway");
}

int main(void) {
  engine *e = create(VS_INDEX_HNSW);
  every_share(e);
  tally t = {0};
  ask(e, "u < 40", 50, 20, 5, &t);
  ask(e, "u < 400", 300, 20, 5, &t);
  ask(e, "u >= 0", 10, 500, 5, &t);
  ok(t.wrong == 0, "k above the matches, near them, and ef above both");
  destroy(e);
  e = create(VS_INDEX_FLAT);
  t = (tally){0};
  ask(e, "u < 700", 10, 20, 5, &t);
  ask(e, "deep.a[0] < 2000", 10, 20, 5, &t);
  ok(t.wrong == 0 && t.found == t.wanted && t.plans[VS_PLAN_SCAN] == 10, "a flat index scans, exactly");
  destroy(e);
  return tap_done();
}
