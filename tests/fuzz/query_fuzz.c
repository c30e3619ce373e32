/* query_fuzz.c - arbitrary sequences of calls of the query layer, against naive answers.
 *
 * An input is a run of operations on up to 400 records: they come, change and go; overrides are
 * set; indexes are saved, damaged and read back; filters are compiled from the input's text or put
 * together from its bytes; queries run with every option, explained. What indexes and plans answer must be
 * what evaluating each record answers, every query gives min(k, matches) hits that match, facets
 * count each record once, and nothing may stay allocated.
 *
 * With libFuzzer: clang -fsanitize=fuzzer,address,undefined -DVS_LIBFUZZER
 * tests/fuzz/query_fuzz.c src/{base,kernels,index,filter,query}, then run it on the corpus.
 * Without, this is a test program that replays the corpus folder.
 */
#include "../../src/base/rng.h"
#include "../../src/query/exec.h"
#include "../../src/query/meta_image.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)                                                                                                    \
  do {                                                                                                                 \
    if (!(cond)) abort();                                                                                              \
  } while (0)

#define SLOTS 400u
#define DIM 4u
#define FILTERS 4u
#define BLOCKS 64u
#define MAX_OPERATIONS 120u
#define MAX_MANY 6u

typedef struct {
  vs_alloc a;
  const uint8_t *p, *end; /* the input */
  vs_wr record[SLOTS];
  bool live[SLOTS];
  uint32_t n_slots;
  vs_meta meta;
  vs_vectors vectors;
  vs_blocks sequences;
  vs_index *index;
  vs_index_config config;
  uint64_t next_sequence;
  vs_prepared filter[FILTERS];
  vs_exec exec;
  vs_wr block[BLOCKS];
  uint32_t n_blocks, n_many;
} world;

static uint32_t take(world *w, uint32_t n) { return w->p < w->end ? *w->p++ % n : 0; }

static bool read_record(const void *ctx, uint32_t slot, vs_slice *out) {
  const world *w = ctx;
  if (slot >= w->n_slots || !w->live[slot]) return false;
  *out = (vs_slice){w->record[slot].p, w->record[slot].n};
  return true;
}

static uint32_t count_slots(const void *ctx) { return ((const world *)ctx)->n_slots; }

static const vs_records *records_of(world *w, vs_records *r) {
  *r = (vs_records){w, read_record, count_slots};
  return r;
}

/* ============ Records ============ */

static const char *const fields[] = {"a", "b", "c", "tags", "o"};
static const char *const paths[] = {"a", "b", "c", "tags", "o.a", "o", "missing", "tags[0]"};

static void make_value(world *w, vs_wr *out, uint32_t depth) {
  static const char *const words[] = {
      "", "x", "tag3", "2024-01-05", "a longer text that shares its start 1", "a longer text that shares its start 2"};
  uint32_t what = take(w, depth ? 10 : 7);
  uint32_t n = what > 7 ? take(w, 4) : 0;
  size_t mark;
  switch (what) {
  case 0: vs_value_int(out, take(w, 20)); break;
  case 1: vs_value_f64(out, take(w, 20) / 2.0 - 3); break;
  case 2: vs_value_bool(out, take(w, 2)); break;
  case 3: vs_value_null(out); break;
  case 4: vs_value_int(out, INT64_MAX - take(w, 3)); break;
  case 8:
    mark = vs_value_array_begin(out);
    for (uint32_t i = 0; i < n; i++) make_value(w, out, depth - 1);
    vs_value_end(out, mark, n);
    break;
  case 9:
    mark = vs_value_object_begin(out);
    for (uint32_t i = 0; i < n; i++) vs_value_key(out, fields[i]), make_value(w, out, depth - 1);
    vs_value_end(out, mark, n);
    break;
  default: vs_value_cstring(out, words[take(w, 6)]);
  }
}

static void drop(world *w, uint32_t slot) {
  if (slot >= w->n_slots || !w->live[slot]) return;
  vs_meta_removing(&w->meta, slot, (vs_slice){w->record[slot].p, w->record[slot].n});
  vs_index_remove(w->index, slot);
  w->live[slot] = false;
}

/* The record is there; its vector too. */
static void install(world *w, uint32_t slot, uint32_t place) {
  float v[DIM] = {(float)(place % 16), (float)(place / 16), (float)slot / 100, 1};
  uint64_t sequence = ++w->next_sequence;
  CHECK(vs_vectors_reserve(&w->vectors, slot + 1) == VS_OK && vs_blocks_reserve(&w->sequences, slot + 1) == VS_OK);
  CHECK(vs_vectors_set(&w->vectors, slot, v));
  *(uint64_t *)vs_blocks_at(&w->sequences, slot) = sequence;
  if (slot >= w->n_slots) w->n_slots = slot + 1;
  CHECK(vs_index_prepare(w->index, w->n_slots, 1, &sequence) == VS_OK);
  vs_index_insert(w->index, slot);
  w->live[slot] = true;
  vs_meta_added(&w->meta, slot, (vs_slice){w->record[slot].p, w->record[slot].n});
}

static void put(world *w, uint32_t slot) {
  vs_wr *r = &w->record[slot];
  drop(w, slot);
  vs_wr_reset(r);
  size_t mark = vs_value_object_begin(r);
  uint32_t n = take(w, 6);
  for (uint32_t i = 0; i < n; i++) vs_value_key(r, fields[i]), make_value(w, r, 2);
  vs_value_end(r, mark, n);
  install(w, slot, take(w, 256));
}

/* Many records of one kind, so that fields are chosen and the graph is walked. */
static void put_many(world *w, uint32_t first, uint32_t n) {
  if (w->n_many++ >= MAX_MANY) return;
  vs_rng rng = {take(w, 256)};
  uint32_t values = take(w, 64) + 1;
  for (uint32_t slot = first; slot < first + n && slot < SLOTS; slot++) {
    vs_wr *r = &w->record[slot];
    drop(w, slot);
    vs_wr_reset(r);
    size_t mark = vs_value_object_begin(r), inner;
    vs_value_key(r, "a"), vs_value_int(r, vs_rng_below(&rng, values));
    vs_value_key(r, "b"), vs_value_f64(r, (double)vs_rng_f32(&rng) + 0.001);
    vs_value_key(r, "tags"), inner = vs_value_array_begin(r), vs_value_cstring(r, slot % 3 ? "x" : "tag3");
    vs_value_end(r, inner, 1), vs_value_end(r, mark, 3);
    install(w, slot, vs_rng_below(&rng, 256));
  }
}

/* ============ Filters ============ */

static void forget(world *w, vs_prepared *p) {
  if (p->filter) vs_prepared_deinit(p, &w->a);
  *p = (vs_prepared){.filter = NULL};
}

static void compile(world *w, vs_prepared *p, const char *text, size_t n) {
  vs_filter *f;
  vs_err err;
  forget(w, p);
  if (vs_filter_compile_text(&w->a, text, n, (vs_slice){NULL, 0}, NULL, &f, &err) == VS_OK)
    vs_prepared_init(p, &w->a, f);
}

/* A filter of a few conditions. */
static void compose(world *w, vs_prepared *p) {
  static const char *const form[] = {"%s = %s",
                                     "%s != %s",
                                     "%s < %s",
                                     "%s >= %s",
                                     "%s IN (%s, 5)",
                                     "%s NOT IN (%s)",
                                     "%s CONTAINS %s",
                                     "%s BETWEEN 3 AND %s",
                                     "%s IS NULL%.0s",
                                     "%s%.0s",
                                     "ANY(%s) = %s",
                                     "%s STARTSWITH 'a lon'%.0s",
                                     "%s LIKE '%%3%%'%.0s",
                                     "LENGTH(%s) > %s",
                                     "EXISTS(%s)%.0s",
                                     "%s NOT BETWEEN 2 AND %s"};
  static const char *const values[] = {"5", "0.5", "'x'", "'tag3'", "true", "9223372036854775806", "NULL", "''", "-1"};
  char text[600];
  int n = 0;
  uint32_t terms = 1 + take(w, 4);
  for (uint32_t i = 0; i < terms; i++) {
    char one[120];
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wformat-nonliteral"
    snprintf(one, sizeof one, form[take(w, 16)], paths[take(w, 8)], values[take(w, 9)]);
#pragma clang diagnostic pop
    n += snprintf(text + n, sizeof text - (size_t)n, "%s%s(%s)",
                  i == 0       ? ""
                  : take(w, 2) ? " AND "
                               : " OR ",
                  take(w, 5) ? "" : "NOT ", one);
  }
  compile(w, p, text, (size_t)n);
}

static void compile_input(world *w, vs_prepared *p) {
  size_t n = take(w, 256), left = (size_t)(w->end - w->p);
  if (n > left) n = left;
  const char *text = (const char *)w->p;
  w->p += n;
  compile(w, p, text, n);
}

/* How many records match; what the indexes found must be those. */
static uint32_t check_matches(world *w, vs_prepared *p) {
  vs_match_stats stats;
  vs_match_estimate e;
  uint32_t n = 0;
  CHECK(vs_meta_ready(&w->meta) == VS_OK);
  CHECK(vs_match_estimate_of(&w->meta, p, &e) == VS_OK && vs_match_find(&w->meta, p, &stats) == VS_OK);
  for (uint32_t slot = 0; slot < w->n_slots; slot++) {
    bool matches = w->live[slot] && vs_filter_match(p->filter, (vs_slice){w->record[slot].p, w->record[slot].n});
    CHECK(matches == vs_bitset_test(&p->matches, slot));
    n += matches;
  }
  CHECK(n == p->matches.n_set && (!e.exact || e.n == n));
  return n;
}

/* ============ Queries ============ */

static void make_extra(world *w, vs_wr *out) {
  size_t mark = vs_value_object_begin(out), list, one;
  uint32_t n = 0;
  if (take(w, 2)) {
    n++, vs_value_key(out, "facets"), list = vs_value_array_begin(out);
    uint32_t n_facets = take(w, 4);
    for (uint32_t i = 0; i < n_facets; i++) vs_value_cstring(out, paths[take(w, 8)]);
    vs_value_end(out, list, n_facets);
  }
  if (take(w, 3) == 1) {
    static const char *const kinds[] = {"exp", "linear", "gauss", "cubic"};
    n++, vs_value_key(out, "boost"), list = vs_value_array_begin(out), one = vs_value_object_begin(out);
    vs_value_key(out, "field"), vs_value_cstring(out, paths[take(w, 8)]);
    vs_value_key(out, "kind"), vs_value_cstring(out, kinds[take(w, 4)]);
    vs_value_key(out, "origin"), vs_value_f64(out, take(w, 20));
    vs_value_key(out, "scale"), vs_value_f64(out, take(w, 20));
    vs_value_end(out, one, 4), vs_value_end(out, list, 1);
  }
  vs_value_end(out, mark, n);
}

static void check_object(const vs_wr *answer) {
  if (answer->n == 0) return;
  CHECK(answer->n >= 4 && vs_load_u32(answer->p) == answer->n - 4 && vs_value_check(answer->p + 4, answer->n - 4));
}

static void query(world *w, vs_prepared *p) {
  static const uint32_t ks[] = {0, 1, 3, 10, 50, 399};
  float v[DIM] = {(float)take(w, 16), (float)take(w, 16), 1, 1};
  vs_target t = {w->index, w->config, DIM, &w->meta};
  vs_err err;
  vs_wr extra;
  uint32_t n, live = vs_index_count(w->index);
  vs_wr_init(&extra, &w->a);
  vs_request r = {.vector = v, .max_distance = INFINITY, .min_score = -INFINITY, .explain = take(w, 2)};
  r.k = ks[take(w, 6)];
  if (r.k > live) r.k = live;
  r.ef = 1 + take(w, 60);
  r.exact = take(w, 4) == 0;
  r.rescore = take(w, 3);
  r.filter = p->filter ? p : NULL;
  bool cut = take(w, 4) == 1;
  if (cut) r.max_distance = take(w, 10);
  if (take(w, 2)) {
    make_extra(w, &extra);
    r.extra = (vs_slice){extra.p, extra.n};
  } else if (take(w, 8) == 1) {
    r.extra = (vs_slice){w->p, (size_t)(w->end - w->p)};
  }
  if (take(w, 6) == 1) {
    CHECK(vs_exec_estimate(&w->exec, &t, &r, &err) == VS_OK);
    check_object(&w->exec.plan);
  }
  vs_status status = vs_exec_query(&w->exec, &t, &r, &n, &err);
  CHECK(status == VS_OK || status == VS_INVALID_ARGUMENT);
  if (status == VS_OK) {
    check_object(&w->exec.plan), check_object(&w->exec.facets);
    CHECK((w->exec.plan.n > 0) == r.explain);
    uint32_t matches = r.filter ? check_matches(w, p) : live;
    CHECK(cut ? n <= r.k : n == (matches < r.k ? matches : r.k));
    for (uint32_t i = 0; i < n; i++)
      CHECK(w->live[w->exec.result[i].slot] && (!r.filter || vs_match_one(&w->meta, p, w->exec.result[i].slot)));
  }
  vs_wr_deinit(&extra);
}

/* ============ Saved indexes ============ */

static vs_status deliver(void *ctx, vs_meta_reader *r) {
  world *w = ctx;
  for (uint32_t i = 0; i < w->n_blocks; i++) VS_TRY(vs_meta_decode_block(r, (vs_slice){w->block[i].p, w->block[i].n}));
  return VS_OK;
}

static void save(world *w) {
  vs_meta_writer s = {0};
  bool done = false;
  CHECK(vs_meta_ready(&w->meta) == VS_OK);
  for (w->n_blocks = 0; !done && w->n_blocks < BLOCKS; w->n_blocks++) {
    vs_wr_reset(&w->block[w->n_blocks]);
    vs_meta_encode_next(&w->meta, &s, w->n_blocks < 16 ? 200 : 1u << 20, &w->block[w->n_blocks], &done);
  }
}

/* Reads the blocks, with as many bytes changed as the input says; what a check then lets pass is right. */
static void read_back(world *w) {
  vs_records r;
  vs_match_stats stats;
  save(w);
  uint32_t n = take(w, 4);
  for (uint32_t i = 0; i < n; i++) {
    vs_wr *b = &w->block[take(w, 256) % w->n_blocks];
    uint32_t at = take(w, 256) * 4 + take(w, 4), value = take(w, 256);
    if (b->n == 0) continue;
    if (value == 255)
      b->n = at % b->n;
    else
      b->p[at % b->n] = (uint8_t)value;
  }
  for (uint32_t i = 0; i < FILTERS; i++) w->filter[i].epoch = 0;
  vs_meta_deinit(&w->meta);
  vs_meta_init(&w->meta, &w->a, records_of(w, &r));
  vs_meta_offer(&w->meta, &(vs_meta_saved){deliver, w});
  if (take(w, 2)) put(w, take(w, 200));
  vs_meta_take(&w->meta);
  vs_prepared *p = &w->filter[take(w, FILTERS)];
  if (w->meta.built && p->filter) {
    CHECK(vs_match_find(&w->meta, p, &stats) == VS_OK);
    for (uint32_t slot = 0; slot < w->n_slots; slot++) CHECK(w->live[slot] || !vs_bitset_test(&p->matches, slot));
    p->epoch = 0;
  }
  if (take(w, 2)) put(w, take(w, 200));
  vs_status status = vs_meta_check(&w->meta);
  CHECK(status == VS_OK || (status == VS_CORRUPT && n > 0));
}

static void configure(world *w) {
  static const char *const kinds[] = {"value", "range", "auto", "tree"};
  vs_wr o;
  vs_err err;
  vs_wr_init(&o, &w->a);
  size_t mark = vs_value_object_begin(&o);
  uint32_t n = take(w, 5);
  for (uint32_t i = 0; i < n; i++) {
    vs_value_key(&o, paths[i]);
    uint32_t kind = take(w, 9) / 2;
    if (kind == 4)
      vs_value_bool(&o, false);
    else
      vs_value_cstring(&o, kinds[kind]);
  }
  vs_value_end(&o, mark, n);
  vs_status status = vs_meta_configure(&w->meta, (vs_slice){o.p, o.n}, &err);
  CHECK(status == VS_OK || status == VS_INVALID_ARGUMENT);
  vs_wr_deinit(&o);
}

/* ============ The whole ============ */

static void begin(world *w) {
  vs_records r;
  uint32_t kind = take(w, 4);
  vs_alloc_init(&w->a);
  for (uint32_t i = 0; i < SLOTS; i++) vs_wr_init(&w->record[i], &w->a);
  for (uint32_t i = 0; i < BLOCKS; i++) vs_wr_init(&w->block[i], &w->a);
  vs_meta_init(&w->meta, &w->a, records_of(w, &r));
  w->config = (vs_index_config){.type = kind == 3 ? VS_INDEX_FLAT : VS_INDEX_HNSW,
                                .metric = VS_EUCLIDEAN,
                                .M = 4,
                                .ef_construction = 12,
                                .seed = 1,
                                .quantization = kind == 1 ? VS_QUANTIZE_INT8 : VS_QUANTIZE_NONE};
  vs_vectors_init(&w->vectors, &w->a, DIM);
  vs_blocks_init(&w->sequences, &w->a, sizeof(uint64_t));
  CHECK(vs_index_create(&w->a, &w->config, &w->vectors, &w->sequences, &w->index) == VS_OK);
  vs_exec_init(&w->exec, &w->a);
}

static void end(world *w) {
  for (uint32_t i = 0; i < FILTERS; i++) forget(w, &w->filter[i]);
  vs_exec_deinit(&w->exec);
  vs_index_destroy(w->index);
  vs_meta_deinit(&w->meta);
  vs_vectors_deinit(&w->vectors);
  vs_blocks_deinit(&w->sequences);
  for (uint32_t i = 0; i < SLOTS; i++) vs_wr_deinit(&w->record[i]);
  for (uint32_t i = 0; i < BLOCKS; i++) vs_wr_deinit(&w->block[i]);
  CHECK(w->a.used == 0);
}

static void tell(world *w, const vs_prepared *p) {
  vs_wr out;
  vs_wr_init(&out, &w->a);
  uint32_t slot = take(w, 200);
  if (p->filter && slot < w->n_slots && w->live[slot]) {
    vs_explain_terms(p->filter, (vs_slice){w->record[slot].p, w->record[slot].n}, &out);
    CHECK(vs_value_check(out.p, out.n));
  }
  vs_wr_reset(&out);
  vs_meta_describe(&w->meta, &out);
  CHECK(vs_value_check(out.p, out.n) && vs_meta_bytes(&w->meta) < (1u << 24));
  vs_wr_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  world *w = calloc(1, sizeof *w);
  CHECK(w != NULL);
  w->p = data;
  w->end = data + size;
  begin(w);
  for (uint32_t i = 0; i < MAX_OPERATIONS && w->p < w->end; i++) {
    vs_prepared *p = &w->filter[take(w, FILTERS)];
    switch (take(w, 11)) {
    case 0:
    case 1: put(w, take(w, 200)); break;
    case 2: drop(w, take(w, 200)); break;
    case 3: put_many(w, take(w, 200), take(w, 256)); break;
    case 4: compile_input(w, p); break;
    case 5: compose(w, p); break;
    case 6: configure(w); break;
    case 7: read_back(w); break;
    case 8: tell(w, p); break;
    case 9:
      if (p->filter) check_matches(w, p);
      break;
    default: query(w, p);
    }
  }
  end(w);
  free(w);
  return 0;
}

#ifndef VS_LIBFUZZER

#include "replay.h"

int main(void) { return replay_corpus("tests/fuzz/corpus/query"); }

#endif
