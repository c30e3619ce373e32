/* explanations_are_whole.c - every kind of query can be explained and estimated: the object is well-formed, its
 * counters fit one another and the hits; facets and boosts come with it; each allocation that is
 * refused is a status, after which the same query answers as before.
 */
#include "world.h"

#include <math.h>

#define N 900u

typedef struct {
  world *w;
  vs_vectors vectors;
  vs_blocks sequences;
  vs_index *index;
  vs_exec exec;
  vs_target target;
} engine;

static engine *create(vs_index_type type, vs_quantization quantization) {
  engine *e = calloc(1, sizeof *e);
  must(e);
  e->w = world_create(21);
  world *w = e->w;
  vs_index_config config = {
      .type = type, .metric = VS_COSINE, .M = 8, .ef_construction = 40, .seed = 1, .quantization = quantization};
  vs_vectors_init(&e->vectors, &w->a, DIM);
  vs_blocks_init(&e->sequences, &w->a, sizeof(uint64_t));
  must(vs_index_create(&w->a, &config, &e->vectors, &e->sequences, &e->index) == VS_OK);
  must(vs_vectors_reserve(&e->vectors, N) == VS_OK && vs_blocks_reserve(&e->sequences, N) == VS_OK);
  for (uint32_t i = 0; i < N; i++) {
    float v[DIM];
    uint64_t sequence = i + 1;
    for (uint32_t j = 0; j < DIM; j++) v[j] = vs_rng_f32(&w->rng) - 0.5f;
    vs_vectors_set(&e->vectors, i, v);
    *(uint64_t *)vs_blocks_at(&e->sequences, i) = sequence;
    must(vs_index_prepare(e->index, i + 1, 1, &sequence) == VS_OK);
    vs_index_insert(e->index, i);
    world_put(w, i);
  }
  vs_exec_init(&e->exec, &w->a);
  e->target = (vs_target){e->index, config, DIM, &w->index};
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

/* {facets: [s, n, tags, x], boost: [{field: n, ...}]} */
static void write_extra(vs_wr *w) {
  static const char *const facets[] = {"s", "n", "tags", "x", "missing", "o.k"};
  size_t mark = vs_value_object_begin(w), list, one;
  vs_value_key(w, "facets"), list = vs_value_array_begin(w);
  for (uint32_t i = 0; i < 6; i++) vs_value_cstring(w, facets[i]);
  vs_value_end(w, list, 6);
  vs_value_key(w, "boost"), list = vs_value_array_begin(w), one = vs_value_object_begin(w);
  vs_value_key(w, "field"), vs_value_cstring(w, "n");
  vs_value_key(w, "kind"), vs_value_cstring(w, "gauss");
  vs_value_key(w, "origin"), vs_value_int(w, 50);
  vs_value_key(w, "scale"), vs_value_int(w, 20);
  vs_value_end(w, one, 4), vs_value_end(w, list, 1), vs_value_end(w, mark, 2);
}

static vs_value decode(const vs_wr *w) {
  must(w->n >= 4 && vs_load_u32(w->p) == w->n - 4 && vs_value_check(w->p + 4, w->n - 4));
  vs_rd r = vs_rd_of(w->p + 4, w->n - 4);
  return vs_value_read(&r);
}

static int64_t number(const vs_value *object, const char *key) {
  vs_value v;
  must(vs_value_get(object, key, &v));
  return v.tag == VS_VALUE_INT ? v.i : v.tag == VS_VALUE_TRUE;
}

static uint32_t hinted;

/* What is wrong with the account of a query that gave n hits. */
static uint32_t judge(const engine *e, const vs_request *r, uint32_t n) {
  vs_value plan = decode(&e->exec.plan), steps, hints, one;
  uint32_t wrong = 0;
  int64_t distances = 0, searches = 0;
  wrong += number(&plan, "returned") != n || number(&plan, "k") != r->k || number(&plan, "ef") != r->ef;
  wrong += number(&plan, "fullDistances") > number(&plan, "distances");
  must(vs_value_get(&plan, "steps", &steps) && vs_value_get(&plan, "hints", &hints));
  vs_rd rd = vs_rd_of(steps.bytes.p, steps.bytes.n);
  for (uint32_t i = 0; i < steps.count; i++) {
    vs_value step = vs_value_read(&rd);
    distances += number(&step, "distances");
    must(vs_value_get(&step, "op", &one));
    searches += one.bytes.n == 6 && memcmp(one.bytes.p, "search", 6) == 0;
  }
  wrong += distances != number(&plan, "distances") || searches != number(&plan, "rounds");
  rd = vs_rd_of(hints.bytes.p, hints.bytes.n);
  for (uint32_t i = 0; i < hints.count; i++) {
    vs_value hint = vs_value_read(&rd), counter;
    must(vs_value_get(&hint, "improves", &one));
    char name[32] = "";
    memcpy(name, one.bytes.p, one.bytes.n < 31 ? one.bytes.n : 31);
    wrong += !vs_value_get(&plan, name, &counter); /* a hint names a counter that is there */
    hinted++;
  }
  if (e->exec.facets.n > 0) {
    vs_value facets = decode(&e->exec.facets);
    wrong += facets.tag != VS_VALUE_OBJECT || facets.count != 6;
  }
  return wrong;
}

static const char *const filters[] = {NULL,
                                      "n > 50",
                                      "s = 'tag3'",
                                      "x = 5 OR tags CONTAINS 'tag1'",
                                      "LENGTH(tags) > 1 AND n > 3",
                                      "d < '2024' AND NOT (s = 'tag1' OR x IS NULL)",
                                      "n < -100000",
                                      "FALSE",
                                      "x LIKE '%9%' AND s != 'tag2'",
                                      "EXISTS(s)"};

static void all_kinds(engine *e, const char *what) {
  vs_wr extra;
  vs_err err;
  uint32_t wrong = 0, n;
  vs_wr_init(&extra, &e->w->own);
  write_extra(&extra);
  float v[DIM];
  for (uint32_t j = 0; j < DIM; j++) v[j] = vs_rng_f32(&e->w->rng) - 0.5f;
  for (uint32_t f = 0; f < sizeof filters / sizeof *filters; f++) {
    vs_prepared p = {.filter = NULL};
    if (filters[f]) p = world_compile(e->w, filters[f]);
    for (uint32_t i = 0; i < 12; i++) {
      vs_request r = {.vector = v,
                      .k = i % 3 ? 10 : 200,
                      .ef = i % 4 == 3 ? 400 : 30,
                      .exact = i == 5,
                      .explain = true,
                      .max_distance = i == 7 ? 0.9 : INFINITY,
                      .min_score = i == 8 ? 0.2 : -INFINITY,
                      .filter = p.filter ? &p : NULL};
      if (i % 2) r.extra = (vs_slice){extra.p, extra.n};
      must(vs_exec_estimate(&e->exec, &e->target, &r, &err) == VS_OK);
      vs_value plan = decode(&e->exec.plan), none;
      wrong += vs_value_get(&plan, "steps", &none);
      must(vs_exec_query(&e->exec, &e->target, &r, &n, &err) == VS_OK);
      wrong += judge(e, &r, n);
    }
    if (p.filter) vs_prepared_deinit(&p, &e->w->a);
  }
  ok(wrong == 0, "%s: accounts of 120 queries", what);
  vs_wr_deinit(&extra);
}

/* Each allocation of a query fails once. */
static void refused_memory(engine *e) {
  vs_wr extra;
  vs_err err;
  uint32_t wrong = 0, failures = 0;
  vs_wr_init(&extra, &e->w->own);
  write_extra(&extra);
  float v[DIM] = {1, 0};
  vs_alloc *a = &e->w->a;
  for (uint32_t f = 0; f < sizeof filters / sizeof *filters; f++) {
    vs_result before[10];
    uint32_t n_before = 0;
    for (uint64_t at = 0;; at++) {
      uint32_t n;
      vs_prepared p = {.filter = NULL};
      if (filters[f]) p = world_compile(e->w, filters[f]);
      vs_request r = {.vector = v,
                      .k = 10,
                      .ef = 30,
                      .explain = true,
                      .max_distance = INFINITY,
                      .min_score = -INFINITY,
                      .filter = p.filter ? &p : NULL,
                      .extra = {extra.p, extra.n}};
      vs_exec_deinit(&e->exec);
      vs_exec_init(&e->exec, a);
      a->fail_at = at ? a->n_calls + at : 0;
      vs_status status = vs_exec_query(&e->exec, &e->target, &r, &n, &err);
      bool reached = at > 0 && a->n_calls >= a->fail_at;
      a->fail_at = 0;
      if (at == 0) n_before = n, memcpy(before, e->exec.result, n * sizeof *before);
      failures += status != VS_OK;
      wrong += status != VS_OK && (status != VS_OUT_OF_MEMORY || n != 0);
      if (status == VS_OK) wrong += n != n_before || memcmp(before, e->exec.result, n * sizeof *before) != 0;
      if (p.filter) vs_prepared_deinit(&p, a);
      if (at > 0 && !reached) break;
    }
  }
  ok(wrong == 0 && failures > 100, "%u refused allocations are a status each, and nothing else", failures);
  vs_wr_deinit(&extra);
}

static void refused_extras(engine *e) {
  static const char *const facets[] = {"a b", "s", "s"};
  vs_err err;
  float v[DIM] = {1};
  uint32_t n, wrong = 0;
  for (uint32_t i = 0; i < 6; i++) {
    vs_wr w;
    vs_wr_init(&w, &e->w->own);
    size_t mark = vs_value_object_begin(&w), list;
    vs_value_key(&w, i == 4 ? "boost" : "facets");
    if (i >= 3 && i != 5) {
      vs_value_int(&w, 3);
    } else {
      uint32_t n_items = i == 5 ? 17 : i == 2 ? 2 : 1;
      list = vs_value_array_begin(&w);
      for (uint32_t k = 0; k < n_items; k++) {
        if (i == 1)
          vs_value_int(&w, 1);
        else
          vs_value_cstring(&w, facets[i == 2 ? k + 1 : 0]);
      }
      vs_value_end(&w, list, n_items);
    }
    vs_value_end(&w, mark, 1);
    vs_request r = {
        .vector = v, .k = 3, .ef = 9, .max_distance = INFINITY, .min_score = -INFINITY, .extra = {w.p, w.n}};
    wrong += vs_exec_query(&e->exec, &e->target, &r, &n, &err) != VS_INVALID_ARGUMENT || n != 0;
    r.extra.n = 1;
    wrong += vs_exec_query(&e->exec, &e->target, &r, &n, &err) != VS_INVALID_ARGUMENT;
    vs_wr_deinit(&w);
  }
  ok(wrong == 0, "facets and boosts that are none are refused");
}

int main(void) {
  engine *e = create(VS_INDEX_HNSW, VS_QUANTIZE_NONE);
  all_kinds(e, "graph");
  refused_extras(e);
  refused_memory(e);
  e->target.index = NULL;
  all_kinds(e, "no vectors");
  destroy(e);
  e = create(VS_INDEX_HNSW, VS_QUANTIZE_INT8);
  all_kinds(e, "graph with codes");
  refused_memory(e);
  destroy(e);
  e = create(VS_INDEX_FLAT, VS_QUANTIZE_NONE);
  all_kinds(e, "flat");
  destroy(e);
  ok(hinted > 0, "%u hints", hinted);
  return tap_done();
}
