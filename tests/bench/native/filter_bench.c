/* filter_bench.c - filtered queries natively: every way of answering, timed side by side.
 *
 * Usage: filter_bench DATA_DIR DIM STORE_DIR [correlation|all [percent...]]
 * DATA_DIR has base.f32 and queries.f32 (tests/bench/gen.mjs); the store is made
 * in STORE_DIR when that is empty, else opened. Percents: of the records, that match.
 *
 * METADATA. u: a random permutation of 0 .. n - 1, so that `u < f * n` matches a share
 * of f independently of the vectors. p0 .. p9: the record's rank by distance from
 * ten pivots (queries), so that `p3 < f * n` matches the records nearest to pivot 3;
 * the queries nearest to the pivot make the correlated cells, those farthest from it the
 * anti-correlated ones. c: 0 .. 19, g: one of 1,000 words.
 *
 * Prints one JSON object per cell: share, returned (queries with min(k, matches) hits),
 * recall@10 against the scan, microseconds of the filtered query with a filter that
 * is remembered and with a new one each time (compiling it included), of the scan over the remembered
 * matches in full vectors, of the unfiltered query; what the filtered ones did on average.
 * scan_part: where they scanned (by codes first, if there are any), the share of that in their time, so
 * 1 / scan_part is how much slower than that scan they were. Before the cells: building the metadata indexes,
 * saving them, opening without and reading them; comparisons per microsecond.
 */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "../../../src/api/vecstore.h"
#include "../../../src/base/rng.h"
#include "../../../src/base/value.h"
#include "../../../src/filter/filter.h"

#define K 10u
#define PIVOTS 10u
#define PER_PIVOT 12u
#define ROUNDS 5u

typedef struct {
  float d;
  uint32_t i;
} ranked;

static vs_alloc heap;

static void die(const char *what) {
  fprintf(stderr, "filter_bench: %s\n", what);
  exit(1);
}

static float *read_floats(const char *dir, const char *name, size_t *n) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  FILE *f = fopen(path, "rb");
  if (!f || fseek(f, 0, SEEK_END)) die(path);
  long bytes = ftell(f);
  rewind(f);
  float *p = malloc((size_t)bytes);
  if (!p || fread(p, 1, (size_t)bytes, f) != (size_t)bytes) die(path);
  fclose(f);
  *n = (size_t)bytes / sizeof *p;
  return p;
}

static double now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void run(vs_db *db, vs_op *op) {
  if (!op) die((const char *)vs_db_error(db) + VS_ERROR_MSG_OFFSET);
  for (;;) {
    int32_t answer = vs_op_step(op, 1e9);
    if (answer == VS_STEP_DONE) break;
    if (answer == VS_STEP_ERROR) die((const char *)vs_db_error(db) + VS_ERROR_MSG_OFFSET);
    if (answer == VS_STEP_NEED_SYNC) vs_op_resume(op, vs_sync_self(db));
  }
  vs_op_free(op);
}

static int by_distance(const void *a, const void *b) {
  const ranked *x = a, *y = b;
  return x->d < y->d ? -1 : x->d > y->d;
}

static float distance(const float *a, const float *b, size_t dim) {
  float sum = 0;
  for (size_t i = 0; i < dim; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

static ranked *rank_all(const float *rows, size_t n, const float *from, size_t dim) {
  ranked *r = malloc(n * sizeof *r);
  for (size_t i = 0; i < n; i++) r[i] = (ranked){distance(rows + i * dim, from, dim), (uint32_t)i};
  qsort(r, n, sizeof *r, by_distance);
  return r;
}

static vs_db *open_db(const char *dir, size_t dim) {
  vs_db *db = vs_db_new();
  vs_wr w;
  vs_wr_init(&w, &heap);
  size_t mark = vs_value_object_begin(&w);
  vs_value_key(&w, "storage"), vs_value_cstring(&w, "posix");
  vs_value_key(&w, "root"), vs_value_cstring(&w, dir);
  vs_value_key(&w, "dimension"), vs_value_int(&w, (int64_t)dim);
  vs_value_end(&w, mark, 3);
  run(db, vs_op_open(db, w.p, (uint32_t)w.n));
  vs_wr_deinit(&w);
  return db;
}

static void add_metadata(vs_wr *w, uint32_t i, uint32_t u, uint32_t *const *rank) {
  size_t mark = vs_value_object_begin(w);
  char text[32];
  snprintf(text, sizeof text, "word %u", (i * 2654435761u >> 8) % 1000);
  vs_value_key(w, "title"), vs_value_cstring(w, "a title of some forty characters, no two");
  vs_value_key(w, "u"), vs_value_int(w, u);
  vs_value_key(w, "c"), vs_value_int(w, i % 20);
  vs_value_key(w, "g"), vs_value_cstring(w, text);
  for (uint32_t p = 0; p < PIVOTS; p++) {
    snprintf(text, sizeof text, "p%u", p);
    vs_value_key(w, text), vs_value_int(w, rank[p][i]);
  }
  vs_value_end(w, mark, 4 + PIVOTS);
}

static void build(vs_db *db, const float *base, size_t n, size_t dim, const float *queries) {
  uint32_t *rank[PIVOTS], *u = malloc(n * sizeof *u);
  vs_rng rng = {7};
  for (uint32_t p = 0; p < PIVOTS; p++) {
    ranked *r = rank_all(base, n, queries + (size_t)p * 97 * dim, dim);
    rank[p] = malloc(n * sizeof **rank);
    for (size_t i = 0; i < n; i++) rank[p][r[i].i] = (uint32_t)i;
    free(r);
  }
  for (uint32_t i = 0; i < n; i++) u[i] = i;
  for (size_t i = n; i-- > 1;) {
    size_t j = (size_t)(vs_rng_f32(&rng) * (float)i);
    uint32_t t = u[i];
    u[i] = u[j];
    u[j] = t;
  }
  vs_wr w;
  vs_wr_init(&w, &heap);
  for (size_t from = 0; from < n; from += 5000) {
    vs_tx_begin(db, 1);
    for (size_t i = from; i < n && i < from + 5000; i++) {
      vs_wr meta;
      vs_wr_init(&meta, &heap);
      vs_wr_reset(&w);
      add_metadata(&meta, (uint32_t)i, u[i], rank);
      vs_wr_u8(&w, VS_TX_UPSERT), vs_wr_u8(&w, 0), vs_wr_u16(&w, 9);
      vs_wr_u32(&w, (uint32_t)dim), vs_wr_u32(&w, (uint32_t)meta.n), vs_wr_u32(&w, 0);
      vs_wr_u8(&w, 'i'), vs_wr_u64(&w, i);
      while (w.n % 4) vs_wr_u8(&w, 0);
      vs_wr_bytes(&w, base + i * dim, dim * 4), vs_wr_bytes(&w, meta.p, meta.n);
      while (w.n % 4) vs_wr_u8(&w, 0);
      if (vs_tx_add(db, w.p, (uint32_t)w.n) != 0) die((const char *)vs_db_error(db) + VS_ERROR_MSG_OFFSET);
      vs_wr_deinit(&meta);
    }
    run(db, vs_op_commit(db, VS_COMMIT_RELAXED));
  }
  vs_wr_deinit(&w);
  run(db, vs_op_checkpoint(db));
}

typedef struct {
  uint32_t slot;
  float score, distance;
} hit;

static uint32_t query(vs_db *db, const float *q, size_t dim, uint32_t flags, int32_t filter, double *us) {
  double start = now_us();
  int32_t n = vs_query(db, q, (uint32_t)dim, K, 0, flags, INFINITY, -INFINITY, filter, NULL, 0);
  double t = now_us() - start;
  if (n < 0) die((const char *)vs_db_error(db) + VS_ERROR_MSG_OFFSET);
  if (t < *us) *us = t;
  return (uint32_t)n;
}

static double member(const vs_value *object, const char *key) {
  vs_value v;
  if (!vs_value_get(object, key, &v)) return 0;
  return v.tag == VS_VALUE_INT ? (double)v.i : v.tag == VS_VALUE_F64 ? v.f : v.tag == VS_VALUE_TRUE;
}

/* What is timed. */
enum { PLAIN, SCAN, REMEMBERED, FRESH, ESTIMATE, MODES };

typedef struct {
  double us[MODES], recall, full, distances, hops, fell_back, scan_us, scanned_us;
  uint32_t n, plans[5];
} cell;

/* What of the query's time was the last scan. */
static void note_scan(const vs_value *object, cell *c) {
  vs_value steps, how;
  double scan = 0;
  if (!vs_value_get(object, "steps", &steps)) return;
  vs_rd r = vs_rd_of(steps.bytes.p, steps.bytes.n);
  for (uint32_t i = 0; i < steps.count; i++) {
    vs_value step = vs_value_read(&r);
    if (vs_value_get(&step, "how", &how) && how.bytes.n == 4 && memcmp(how.bytes.p, "scan", 4) == 0)
      scan = member(&step, "us");
  }
  if (scan == 0) return;
  c->scan_us += scan;
  c->scanned_us += member(object, "us");
}

static void note_plan(vs_db *db, cell *c) {
  static const char *const names[] = {"nothing", "plain", "scan", "graph", "post-filter"};
  const uint8_t *p = vs_query_plan(db);
  vs_rd r = vs_rd_of(p + 4, vs_load_u32(p));
  vs_value object = vs_value_read(&r), v;
  c->distances += member(&object, "distances");
  c->hops += member(&object, "hops");
  c->fell_back += member(&object, "fellBack");
  note_scan(&object, c);
  if (vs_value_get(&object, "plan", &v))
    for (uint32_t i = 0; i < 5; i++)
      c->plans[i] += v.bytes.n == strlen(names[i]) && memcmp(v.bytes.p, names[i], v.bytes.n) == 0;
}

typedef struct {
  const float *q;
  int32_t filter;
  char text[64];
  uint32_t matches, truth_n, n;
  double us[MODES];
  hit truth[K], got[K];
} task;

static int32_t compile(vs_db *db, const char *text) {
  int32_t filter = vs_filter_compile(db, VS_FILTER_TEXT, text, (uint32_t)strlen(text), NULL, 0);
  if (filter < 0) die((const char *)vs_db_error(db) + VS_ERROR_MSG_OFFSET);
  return filter;
}

/* One query of one kind. Kinds are run one after the other over all tasks, so that none finds
 * the memory of its rows warmed by another. */
static void run_task(vs_db *db, task *t, size_t dim, uint32_t mode) {
  if (mode == PLAIN) query(db, t->q, dim, 0, 0, &t->us[PLAIN]);
  if (mode == SCAN) {
    t->truth_n = query(db, t->q, dim, VS_QUERY_EXACT, t->filter, &t->us[SCAN]);
    memcpy(t->truth, vs_query_hits(db), t->truth_n * sizeof *t->truth);
  }
  if (mode == REMEMBERED) {
    t->n = query(db, t->q, dim, 0, t->filter, &t->us[REMEMBERED]);
    memcpy(t->got, vs_query_hits(db), t->n * sizeof *t->got);
  }
  if (mode == FRESH) {
    double start = now_us(), us = 1e18;
    int32_t again = compile(db, t->text);
    query(db, t->q, dim, 0, again, &us);
    us = now_us() - start;
    if (us < t->us[FRESH]) t->us[FRESH] = us;
    vs_filter_free(db, again);
  }
  if (mode == ESTIMATE) {
    int32_t again = compile(db, t->text);
    double start = now_us();
    vs_estimate(db, K, 0, 0, again);
    double us = now_us() - start;
    if (us < t->us[ESTIMATE]) t->us[ESTIMATE] = us;
    vs_filter_free(db, again);
  }
}

static void sum_up(vs_db *db, task *t, size_t dim, cell *c) {
  uint32_t found = 0;
  double ignored = 1e18;
  for (uint32_t i = 0; i < t->n; i++)
    for (uint32_t j = 0; j < t->truth_n; j++) found += t->got[i].slot == t->truth[j].slot;
  query(db, t->q, dim, VS_QUERY_EXPLAIN, t->filter, &ignored);
  note_plan(db, c);
  for (uint32_t m = 0; m < MODES; m++) c->us[m] += t->us[m];
  c->recall += t->truth_n ? (double)found / t->truth_n : 1;
  c->full += t->n == (t->matches < K ? t->matches : K);
  c->n++;
}

static cell run_cell(vs_db *db, task *tasks, uint32_t n, size_t dim) {
  cell c = {0};
  for (uint32_t i = 0; i < n; i++) {
    tasks[i].filter = compile(db, tasks[i].text);
    tasks[i].matches = (uint32_t)vs_count_filter(db, tasks[i].filter);
    for (uint32_t m = 0; m < MODES; m++) tasks[i].us[m] = 1e18;
  }
  for (uint32_t round = 0; round < ROUNDS; round++)
    for (uint32_t m = 0; m < MODES; m++)
      for (uint32_t i = 0; i < n; i++) run_task(db, &tasks[i], dim, m);
  for (uint32_t i = 0; i < n; i++) {
    sum_up(db, &tasks[i], dim, &c);
    vs_filter_free(db, tasks[i].filter);
  }
  return c;
}

/* Comparisons of one condition with decoded values, millions per second. */
static double evaluation_speed(void) {
  enum { VALUES = 4096, PASSES = 500 };
  static vs_value value[VALUES];
  vs_filter *f;
  vs_err err;
  uint32_t met = 0;
  if (vs_filter_compile_text(&heap, "year >= 2000", 12, (vs_slice){NULL, 0}, NULL, &f, &err) != VS_OK) die(err.msg);
  for (uint32_t i = 0; i < VALUES; i++)
    value[i] = (vs_value){VS_VALUE_INT, 1950 + i % 100, 1950 + i % 100, {NULL, 0}, 0};
  double start = now_us();
  for (uint32_t p = 0; p < PASSES; p++)
    for (uint32_t i = 0; i < VALUES; i++) met += vs_filter_term_test(&f->terms[0], &value[i]) == VS_TRUE;
  double us = now_us() - start;
  if (met == 0) die("nothing met");
  vs_filter_destroy(&heap, f);
  return (double)VALUES * PASSES / us;
}

static double first_filter_ms(vs_db *db) {
  double start = now_us();
  int32_t filter = vs_filter_compile(db, VS_FILTER_TEXT, "c = 1", 5, NULL, 0);
  vs_count_filter(db, filter);
  vs_filter_free(db, filter);
  return (now_us() - start) / 1e3;
}

static vs_db *timed_open(const char *dir, size_t dim, double *ms) {
  double start = now_us();
  vs_db *db = open_db(dir, dim);
  *ms = (now_us() - start) / 1e3;
  return db;
}

/* The first filter without saved indexes, if the store has none, and with them. */
static vs_db *first_filters(vs_db *db, const char *dir, size_t dim) {
  double built = first_filter_ms(db), start = now_us(), open_ms;
  run(db, vs_op_checkpoint(db));
  double checkpoint = (now_us() - start) / 1e3;
  vs_db_free(db);
  db = timed_open(dir, dim, &open_ms);
  printf("{\"records\": %u, \"first_filter_ms\": %.1f, \"checkpoint_ms\": %.1f, \"open_ms\": %.1f, "
         "\"first_filter_saved_ms\": %.1f, \"comparisons_per_us\": %.1f}\n",
         vs_count(db), built, checkpoint, open_ms, first_filter_ms(db), evaluation_speed());
  return db;
}

int main(int argc, char **argv) {
  static const double sweep[] = {0.01, 0.1, 0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50};
  static const char *const correlation[] = {"independent", "correlated", "anti-correlated"};
  if (argc < 4) die("DATA_DIR DIM STORE_DIR");
  size_t dim = (size_t)atoi(argv[2]), n_base, n_queries;
  vs_alloc_init(&heap);
  float *base = read_floats(argv[1], "base.f32", &n_base), *queries = read_floats(argv[1], "queries.f32", &n_queries);
  n_base /= dim;
  n_queries /= dim;
  mkdir(argv[3], 0777);
  vs_db *db = open_db(argv[3], dim);
  if (vs_count(db) == 0) build(db, base, n_base, dim, queries);
  free(base);
  db = first_filters(db, argv[3], dim);
  for (uint32_t c = 0; c < 3; c++) {
    if (argc > 4 && strcmp(argv[4], "all") != 0 && strcmp(argv[4], correlation[c]) != 0) continue;
    uint32_t n_shares = argc > 5 ? (uint32_t)argc - 5 : sizeof sweep / sizeof *sweep;
    for (uint32_t s = 0; s < n_shares; s++) {
      double share = (argc > 5 ? atof(argv[5 + s]) : sweep[s]) / 100;
      static task tasks[PIVOTS * PER_PIVOT];
      for (uint32_t p = 0; p < PIVOTS; p++) {
        ranked *order = rank_all(queries, n_queries, queries + (size_t)p * 97 * dim, dim);
        for (uint32_t i = 0; i < PER_PIVOT; i++) {
          task *t = &tasks[p * PER_PIVOT + i];
          uint32_t limit = (uint32_t)(share * (double)n_base + 0.5);
          uint32_t q = c == 0 ? p * PER_PIVOT + i : c == 1 ? order[i + 1].i : order[n_queries - 1 - i].i;
          t->q = queries + (size_t)q * dim;
          if (c == 0)
            snprintf(t->text, sizeof t->text, "u < %u", limit);
          else
            snprintf(t->text, sizeof t->text, "p%u < %u", p, limit);
        }
        free(order);
      }
      cell sum = run_cell(db, tasks, PIVOTS * PER_PIVOT, dim);
      double n = sum.n, wanted = sum.us[SCAN];
      if (c < 2 && sum.us[PLAIN] < wanted) wanted = sum.us[PLAIN];
      printf("{\"correlation\": \"%s\", \"share\": %g, \"returned\": %.3f, \"recall\": %.4f, \"us\": %.1f, "
             "\"fresh_us\": %.1f, \"scan_us\": %.1f, \"plain_us\": %.1f, \"ratio\": %.2f, \"fresh_ratio\": %.2f, "
             "\"scan_part\": %.3f, \"estimate_us\": %.1f, \"distances\": %.0f, \"hops\": %.1f, \"fell_back\": %.3f, "
             "\"scan\": %u, \"graph\": %u, \"post\": %u}\n",
             correlation[c], share, sum.full / n, sum.recall / n, sum.us[REMEMBERED] / n, sum.us[FRESH] / n,
             sum.us[SCAN] / n, sum.us[PLAIN] / n, wanted / sum.us[REMEMBERED], wanted / sum.us[FRESH],
             sum.scanned_us > 0 ? sum.scan_us / sum.scanned_us : 0, sum.us[ESTIMATE] / n, sum.distances / n,
             sum.hops / n, sum.fell_back / n, sum.plans[2], sum.plans[3], sum.plans[4]);
      fflush(stdout);
    }
  }
  vs_db_free(db);
  free(queries);
  return 0;
}
