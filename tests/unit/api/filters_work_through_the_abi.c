/* filters_work_through_the_abi.c - what a host does with filters: compile, count, scan, delete,
 * update metadata, facets, boosts, explain; and all of it while memory is refused.
 */
#include <math.h>

#include "../../../src/api/vecstore.h"
#include "../../../src/base/value.h"
#include "../tap.h"

#define N 400u
#define DIM 4u
#define PI 3.14159265358979323846

static vs_alloc heap;

typedef struct {
  uint32_t slot;
  float score, distance;
} hit;

static bool run(vs_db *db, vs_op *op) {
  if (!op) return false;
  int32_t answer;
  while ((answer = vs_op_step(op, 1e9)) == VS_STEP_YIELD || answer == VS_STEP_NEED_SYNC)
    if (answer == VS_STEP_NEED_SYNC) vs_op_resume(op, vs_sync_self(db));
  vs_op_free(op);
  return answer == VS_STEP_DONE;
}

static const char *message(vs_db *db) { return (const char *)vs_db_error(db) + VS_ERROR_MSG_OFFSET; }

static void put_operation(vs_wr *w, uint32_t kind, uint32_t id, const float *v, const vs_wr *meta, const vs_wr *text) {
  vs_wr_reset(w);
  vs_wr_u8(w, (uint8_t)kind), vs_wr_u8(w, 0), vs_wr_u16(w, 9);
  vs_wr_u32(w, v ? DIM : 0), vs_wr_u32(w, meta ? (uint32_t)meta->n : 0), vs_wr_u32(w, text ? (uint32_t)text->n : 0);
  vs_wr_u8(w, 'i'), vs_wr_u64(w, id);
  while (w->n % 4) vs_wr_u8(w, 0);
  if (v) vs_wr_bytes(w, v, DIM * sizeof *v);
  if (meta) vs_wr_bytes(w, meta->p, meta->n);
  if (text) vs_wr_bytes(w, text->p, text->n);
  while (w->n % 4) vs_wr_u8(w, 0);
}

/* year 2000 + i % 20, tag t<i % 7>, tags [a, t<i % 3>], place, when. */
static void make_metadata(vs_wr *w, uint32_t i) {
  char text[32];
  vs_wr_reset(w);
  size_t mark = vs_value_object_begin(w), inner;
  vs_value_key(w, "year"), vs_value_int(w, 2000 + i % 20);
  snprintf(text, sizeof text, "t%u", i % 7);
  vs_value_key(w, "tag"), vs_value_cstring(w, text);
  snprintf(text, sizeof text, "t%u", i % 3);
  vs_value_key(w, "tags"), inner = vs_value_array_begin(w), vs_value_cstring(w, "a"), vs_value_cstring(w, text);
  vs_value_end(w, inner, 2);
  snprintf(text, sizeof text, "2024-01-%02uT12:00:00Z", 1 + i % 28);
  vs_value_key(w, "when"), vs_value_cstring(w, text);
  vs_value_key(w, "at"), inner = vs_value_object_begin(w);
  vs_value_key(w, "lat"), vs_value_f64(w, 0.5), vs_value_key(w, "lon"), vs_value_int(w, i % 90);
  vs_value_end(w, inner, 2), vs_value_end(w, mark, 5);
}

static vs_db *create(uint32_t n) {
  vs_db *db = vs_db_new();
  vs_wr w, meta;
  vs_wr_init(&w, &heap), vs_wr_init(&meta, &heap);
  size_t mark = vs_value_object_begin(&w);
  vs_value_key(&w, "metric"), vs_value_cstring(&w, "euclidean"), vs_value_end(&w, mark, 1);
  must(run(db, vs_op_open(db, w.p, (uint32_t)w.n)));
  must(vs_tx_begin(db, 1) == 0);
  for (uint32_t i = 0; i < n; i++) {
    float v[DIM] = {(float)i, 0, 0, 1};
    make_metadata(&meta, i);
    put_operation(&w, VS_TX_UPSERT, i, v, &meta, NULL);
    must(vs_tx_add(db, w.p, (uint32_t)w.n) == 0);
  }
  must(run(db, vs_op_commit(db, 0)));
  vs_wr_deinit(&w), vs_wr_deinit(&meta);
  return db;
}

static int32_t compile(vs_db *db, const char *text) {
  return vs_filter_compile(db, VS_FILTER_TEXT, text, (uint32_t)strlen(text), NULL, 0);
}

static int32_t ask(vs_db *db, float x, uint32_t k, uint32_t flags, int32_t filter, const vs_wr *extra) {
  float v[DIM] = {x, 0, 0, 1};
  return vs_query(db, v, DIM, k, 0, flags, INFINITY, -INFINITY, filter, extra ? extra->p : NULL,
                  extra ? (uint32_t)extra->n : 0);
}

static vs_value decode(const void *answer) {
  const uint8_t *p = answer;
  must(p && vs_value_check(p + 4, vs_load_u32(p)));
  vs_rd r = vs_rd_of(p + 4, vs_load_u32(p));
  return vs_value_read(&r);
}

static double number(const vs_value *object, const char *key) {
  vs_value v;
  if (!vs_value_get(object, key, &v)) return -1;
  return v.tag == VS_VALUE_F64 ? v.f : v.tag == VS_VALUE_INT ? (double)v.i : v.tag == VS_VALUE_TRUE;
}

static void handles(vs_db *db) {
  int32_t f = compile(db, "year >= 2010 AND tag = 't3'");
  ok(f > 0 && vs_count_filter(db, f) > 0 && vs_count_filter(db, 0) == (int32_t)N, "a filter counts, none counts all");
  ok(compile(db, "year >=") == -VS_FILTER_SYNTAX && strchr(message(db), '^'), "a syntax error has its caret");
  ok(vs_filter_compile(db, 9, "x", 1, NULL, 0) == -VS_INVALID_ARGUMENT, "an unknown kind is refused");
  ok(vs_count_filter(db, 99) == -VS_INVALID_ARGUMENT && vs_count_filter(db, -3) == -VS_INVALID_ARGUMENT &&
         ask(db, 1, 3, 0, 77, NULL) == -VS_INVALID_ARGUMENT && !vs_estimate(db, 3, 0, 0, 77) && !vs_filter_text(db, 8),
     "unknown handles are refused everywhere");
  ok(vs_filter_test(db, f, 10) == 2 && vs_filter_test(db, f, 3) == 0 && vs_filter_test(db, f, N) == -VS_NOT_FOUND,
     "a filter is asked about a slot");
  vs_value terms = decode(vs_filter_terms(db, f, 3)), text = decode(vs_filter_text(db, f));
  ok(terms.tag == VS_VALUE_ARRAY && terms.count == 2 && text.tag == VS_VALUE_STRING, "terms and text are told");
  vs_filter_free(db, f);
  vs_filter_free(db, f);
  ok(vs_count_filter(db, f) == -VS_INVALID_ARGUMENT, "a freed handle is gone");
}

/* Every record that is there all the time comes once, whatever is written between the calls. */
static void scans(vs_db *db) {
  uint8_t seen[N + 64] = {0};
  uint32_t n = 0, twice = 0;
  int32_t f = compile(db, "year < 2015");
  vs_wr w, meta;
  vs_wr_init(&w, &heap), vs_wr_init(&meta, &heap);
  double before = vs_next_sequence(db);
  for (uint32_t from = 0; from != UINT32_MAX; from = vs_scan_next(db)) {
    int32_t got = vs_scan(db, f, from, before, 30);
    must(got >= 0);
    const uint32_t *slots = vs_scan_slots(db);
    for (int32_t i = 0; i < got; i++) twice += seen[slots[i]]++ > 0, n++;
    uint32_t next = vs_scan_next(db);
    float v[DIM] = {1, 2, 3, 4};
    make_metadata(&meta, 1);
    put_operation(&w, VS_TX_UPSERT, N + n, v, &meta, NULL);
    must(vs_tx_begin(db, 1) == 0 && vs_tx_add(db, w.p, (uint32_t)w.n) == 0 && run(db, vs_op_commit(db, 0)));
    if (next == UINT32_MAX) break;
    must(vs_scan_next(db) == next);
  }
  ok(n == N / 20 * 15 && twice == 0, "a scan gives %u records, each once, and none inserted meanwhile", n);
  ok(vs_scan(db, f, 0, 0, 0) == -VS_INVALID_ARGUMENT, "a scan of nothing is refused");
  must(vs_tx_begin(db, 1) == 0);
  int32_t g = compile(db, "`year` = 2001"), g_n = vs_count_filter(db, g);
  ok(vs_tx_delete_filter(db, g) == g_n && g_n > 0, "deleting by filter stages every match");
  ok(run(db, vs_op_commit(db, 0)) && vs_count_filter(db, g) == 0, "and the commit deletes them");
  ok(vs_tx_delete_filter(db, g) == -VS_INVALID_ARGUMENT, "not without a transaction");
  vs_wr_deinit(&w), vs_wr_deinit(&meta);
}

static int32_t update(vs_db *db, uint32_t id, const vs_wr *patch, const vs_wr *remove) {
  vs_wr w;
  vs_wr_init(&w, &heap);
  put_operation(&w, VS_TX_UPDATE_METADATA, id, NULL, patch, remove);
  int32_t status = vs_tx_begin(db, 5);
  if (status == 0) status = vs_tx_add(db, w.p, (uint32_t)w.n);
  if (status == 0 && !run(db, vs_op_commit(db, 0))) status = VS_OUT_OF_MEMORY;
  vs_wr_deinit(&w);
  return status;
}

static void updates(vs_db *db) {
  vs_wr patch, keys;
  vs_wr_init(&patch, &heap), vs_wr_init(&keys, &heap);
  size_t mark = vs_value_object_begin(&patch);
  vs_value_key(&patch, "tag"), vs_value_null(&patch);
  vs_value_key(&patch, "new"), vs_value_int(&patch, 5), vs_value_end(&patch, mark, 2);
  mark = vs_value_array_begin(&keys), vs_value_cstring(&keys, "tags"), vs_value_end(&keys, mark, 1);
  int32_t f = compile(db, "new = 5 AND tag IS NULL AND EXISTS(tag) AND NOT EXISTS(tags) AND year = 2002");
  ok(vs_count_filter(db, f) == 0 && update(db, 2, &patch, &keys) == 0, "metadata is updated");
  ok(vs_count_filter(db, f) == 1, "merged: null stored, a key removed, the rest kept, indexes following");
  ok(ask(db, 2, 1, 0, f, NULL) == 1 && ((const hit *)vs_query_hits(db))->distance == 0, "the vector stayed");
  ok(update(db, 100000, &patch, NULL) == VS_NOT_FOUND, "an absent record is NOT_FOUND");
  mark = patch.n;
  vs_wr_u8(&patch, 9);
  ok(update(db, 2, &patch, NULL) == VS_INVALID_ARGUMENT, "a malformed patch is refused");
  ok(update(db, 2, &keys, &patch) == VS_INVALID_ARGUMENT, "and keys that are none");
  vs_wr_deinit(&patch), vs_wr_deinit(&keys);
}

static vs_wr facets_of(const char *a, const char *b) {
  vs_wr w;
  vs_wr_init(&w, &heap);
  size_t mark = vs_value_object_begin(&w);
  vs_value_key(&w, "facets");
  size_t array = vs_value_array_begin(&w);
  vs_value_cstring(&w, a), vs_value_cstring(&w, b);
  vs_value_end(&w, array, 2), vs_value_end(&w, mark, 1);
  return w;
}

static void facets(vs_db *db) {
  vs_wr extra = facets_of("tags", "at.lon");
  int32_t f = compile(db, "year = 2005");
  ok(ask(db, 3, 2, 0, f, &extra) == 2, "facets beside two hits");
  vs_value object = decode(vs_query_facets(db)), tags, values, lon;
  must(vs_value_get(&object, "tags", &tags) && vs_value_get(&tags, "values", &values) &&
       vs_value_get(&object, "at.lon", &lon));
  vs_rd r = vs_rd_of(values.bytes.p, values.bytes.n);
  vs_value first = vs_value_read(&r);
  vs_rd pair = vs_rd_of(first.bytes.p, first.bytes.n);
  vs_value name = vs_value_read(&pair), count = vs_value_read(&pair);
  ok(name.bytes.n == 1 && name.bytes.p[0] == 'a' && count.i == vs_count_filter(db, f),
     "the most frequent first, of %u records", vs_count(db));
  ok(number(&tags, "distinct") == 4 && number(&tags, "missing") == 0 &&
         number(&lon, "distinct") == (vs_count(db) > 100 ? 9 : 5),
     "elements one by one, of all matches");
  vs_wr_deinit(&extra);
  extra = facets_of("tags", "tags");
  ok(ask(db, 3, 2, 0, f, &extra) == -VS_INVALID_ARGUMENT && !vs_query_facets(db), "a field twice is refused");
  vs_wr_deinit(&extra);
}

static vs_wr boost_of(const char *field, const char *kind, double origin, double scale, bool time, bool place) {
  vs_wr w;
  vs_wr_init(&w, &heap);
  size_t mark = vs_value_object_begin(&w), list, one, at;
  vs_value_key(&w, "boost"), list = vs_value_array_begin(&w), one = vs_value_object_begin(&w);
  vs_value_key(&w, "field"), vs_value_cstring(&w, field), vs_value_key(&w, "kind"), vs_value_cstring(&w, kind);
  vs_value_key(&w, "origin");
  if (place)
    at = vs_value_array_begin(&w), vs_value_f64(&w, 0.5), vs_value_f64(&w, origin), vs_value_end(&w, at, 2);
  else
    vs_value_f64(&w, origin);
  vs_value_key(&w, "scale"), vs_value_f64(&w, scale), vs_value_key(&w, "time"), vs_value_bool(&w, time);
  vs_value_end(&w, one, 5), vs_value_end(&w, list, 1), vs_value_end(&w, mark, 1);
  return w;
}

/* Against the same rule with libm, over all records. */
static void boosts(vs_db *db) {
  static const char *const kind[] = {"exp", "linear", "gauss"};
  double worst = 0;
  for (uint32_t i = 0; i < 9; i++) {
    uint32_t of = i / 3, form = i % 3;
    vs_wr extra = of == 0   ? boost_of("year", kind[form], 2010, 4, false, false)
                  : of == 1 ? boost_of("when", kind[form], 1704974400000.0, 5 * 86400000.0, true, false)
                            : boost_of("at", kind[form], 30, 2e6, false, true);
    int32_t n = ask(db, 50, 20, VS_QUERY_EXACT, 0, &extra);
    must(n == 20);
    hit got[20];
    memcpy(got, vs_query_hits(db), sizeof got);
    vs_wr_deinit(&extra);
    must(ask(db, 50, 1000, VS_QUERY_EXACT, 0, NULL) > 100);
    const hit *all = vs_query_hits(db);
    uint32_t better = 0;
    for (uint32_t j = 0; j < vs_count(db); j++) {
      const uint8_t *record = vs_record(db, all[j].slot);
      must(record);
      uint64_t id;
      memcpy(&id, *(const uint8_t *const *)(const void *)record + 1, 8);
      if (id >= N) id = 1;
      double d = of == 0   ? fabs((double)(2000 + id % 20) - 2010)
                 : of == 1 ? fabs((double)(1 + id % 28) - 11) * 86400000
                           : 6371008.8 * 2 * asin(cos(0.5 * PI / 180) * fabs(sin(((double)(id % 90) - 30) * PI / 360)));
      double e = d / (of == 0 ? 4 : of == 1 ? 5 * 86400000.0 : 2e6);
      double f = form == 0 ? pow(0.5, e) : form == 1 ? fmax(0, 1 - 0.5 * e) : pow(0.5, e * e);
      double score = (double)all[j].score * f;
      better += score > (double)got[19].score + 1e-6;
      for (uint32_t l = 0; l < 20; l++)
        if (got[l].slot == all[j].slot) worst = fmax(worst, fabs(score - (double)got[l].score));
    }
    if (better > 19) worst = 1;
  }
  ok(worst < 1e-5, "boosted scores follow the rule, and the best are found (off by %.1e)", worst);
  vs_wr bad = boost_of("year", "cubic", 1, 1, false, false);
  ok(ask(db, 1, 3, 0, 0, &bad) == -VS_INVALID_ARGUMENT, "an unknown decay is refused");
  vs_wr_deinit(&bad);
  bad = boost_of("year", "exp", 1, 0, false, false);
  ok(ask(db, 1, 3, 0, 0, &bad) == -VS_INVALID_ARGUMENT, "and a scale of 0");
  vs_wr_deinit(&bad);
}

static void explains(vs_db *db) {
  int32_t f = compile(db, "year BETWEEN 2003 AND 2012 AND LENGTH(tags) = 2");
  vs_value plan = decode(vs_estimate(db, 5, 0, 0, f));
  ok(number(&plan, "estimated") > 100 && number(&plan, "returned") == -1, "an estimate runs nothing");
  must(ask(db, 9, 5, VS_QUERY_EXPLAIN, f, NULL) == 5);
  plan = decode(vs_query_plan(db));
  ok(number(&plan, "matches") == vs_count_filter(db, f) && number(&plan, "returned") == 5 &&
         number(&plan, "distances") > 0 && number(&plan, "evaluated") > 0,
     "an explanation has the counters of the run");
  must(ask(db, 9, 5, 0, f, NULL) == 5);
  ok(vs_query_plan(db) == NULL, "without the flag there is none");
}

/* Each allocation of a filtered, boosted, faceted, explained query fails once. */
static void refused_memory(vs_db *db) {
  vs_wr extra = facets_of("tag", "at.lon");
  uint32_t wrong = 0, failed = 0;
  vs_wr patch;
  vs_wr_init(&patch, &heap);
  size_t mark = vs_value_object_begin(&patch);
  vs_value_key(&patch, "x"), vs_value_int(&patch, 1), vs_value_end(&patch, mark, 1);
  for (uint32_t at = 1; at < 400; at++) {
    int32_t f = compile(db, "year BETWEEN 2003 AND 2012 AND (tag = 't1' OR tags CONTAINS 't2') AND LENGTH(tag) = 2");
    must(f > 0);
    vs_test_fail_alloc(db, at, 0);
    int32_t n = ask(db, 9, 7, VS_QUERY_EXPLAIN, f, &extra);
    int32_t updated = update(db, 4, &patch, NULL);
    vs_test_fail_alloc(db, 0, 0);
    wrong += n != 7 && n != -VS_OUT_OF_MEMORY;
    wrong += updated != 0 && updated != VS_OUT_OF_MEMORY;
    failed += n < 0;
    wrong += ask(db, 9, 7, 0, f, &extra) != 7;
    vs_filter_free(db, f);
  }
  ok(wrong == 0 && failed > 10, "refused memory is OUT_OF_MEMORY, and afterwards all is well (%u times)", failed);
  vs_wr_deinit(&extra), vs_wr_deinit(&patch);
}

int main(void) {
  vs_alloc_init(&heap);
  vs_db *db = create(100);
  facets(db);
  vs_db_free(db);
  db = create(N);
  handles(db);
  facets(db);
  boosts(db);
  explains(db);
  scans(db);
  updates(db);
  refused_memory(db);
  ok(compile(db, "a = 1") > 0 && run(db, vs_op_close(db)), "filters may be left when closing");
  ok(compile(db, "a = 1") == -VS_CLOSED, "a closed store compiles none");
  vs_db_free(db);
  ok(heap.used == 0, "the test gave back its memory");
  return tap_done();
}
