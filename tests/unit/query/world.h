/* world.h - records for the query tests: random metadata and vectors in plain arrays.
 */
#ifndef QUERY_WORLD_H
#define QUERY_WORLD_H

#include "../../../src/base/rng.h"
#include "../../../src/query/exec.h"
#include "../tap.h"

#define SLOTS 3000u
#define DIM 64u

typedef struct {
  vs_alloc a, own; /* what is tested; what the test needs */
  vs_wr meta[SLOTS];
  bool live[SLOTS];
  uint32_t n_slots, n_live;
  vs_meta index;
  vs_rng rng;
} world;

static inline bool world_read(const void *ctx, uint32_t slot, vs_slice *out) {
  const world *w = ctx;
  if (slot >= w->n_slots || !w->live[slot]) return false;
  *out = (vs_slice){w->meta[slot].p, w->meta[slot].n};
  return true;
}

static inline uint32_t world_slots(const void *ctx) { return ((const world *)ctx)->n_slots; }

static inline world *world_create(uint64_t seed) {
  world *w = calloc(1, sizeof *w);
  must(w);
  vs_alloc_init(&w->a);
  vs_alloc_init(&w->own);
  w->rng.state = seed;
  vs_meta_init(&w->index, &w->a, &(vs_records){w, world_read, world_slots});
  return w;
}

static inline void world_destroy(world *w) {
  vs_meta_deinit(&w->index);
  for (uint32_t i = 0; i < SLOTS; i++)
    if (w->meta[i].a) vs_wr_deinit(&w->meta[i]);
  ok(w->a.used == 0 && w->a.n_live == 0, "all memory is given back");
  free(w);
}

static inline uint32_t below(world *w, uint32_t n) { return vs_rng_below(&w->rng, n); }

static inline void random_scalar(world *w, vs_wr *out, uint32_t kind) {
  static const char *const dates[] = {"2024-01-01T10:%02u:00Z", "2024-01-%02uT00:00:00.000Z", "2023-%02u-01", "%02u"};
  char text[64];
  switch (kind) {
  case 0: vs_value_int(out, below(w, 40)); break;
  case 1: vs_value_f64(out, (double)vs_rng_f32(&w->rng) * 100 + 0.1); break;
  case 2: vs_value_bool(out, below(w, 2)); break;
  case 3: snprintf(text, sizeof text, "tag%u", below(w, 12)), vs_value_cstring(out, text); break;
  case 4: snprintf(text, sizeof text, dates[below(w, 4)], below(w, 60)), vs_value_cstring(out, text); break;
  case 5: snprintf(text, sizeof text, "a long common prefix %u", below(w, 500)), vs_value_cstring(out, text); break;
  case 6: vs_value_int(out, INT64_MAX - below(w, 5)); break;
  case 7: vs_value_int(out, -(int64_t)below(w, 1000)); break;
  default: vs_value_null(out);
  }
}

static inline void random_array(world *w, vs_wr *out) {
  size_t mark = vs_value_array_begin(out);
  uint32_t n = below(w, 4);
  for (uint32_t i = 0; i < n; i++) random_scalar(w, out, below(w, 4) ? 3 : 0);
  vs_value_end(out, mark, n);
}

/* Fields: n (numbers), d (dates), s (words), x (anything), tags (arrays, mostly), o.k (nested). */
static inline void random_metadata(world *w, vs_wr *out) {
  uint32_t n = 0;
  vs_wr_reset(out);
  size_t mark = vs_value_object_begin(out);
  if (below(w, 10)) n++, vs_value_key(out, "n"), random_scalar(w, out, below(w, 8) ? 1 : 7);
  if (below(w, 10)) n++, vs_value_key(out, "d"), random_scalar(w, out, below(w, 8) ? 4 : 0);
  if (below(w, 10)) n++, vs_value_key(out, "s"), random_scalar(w, out, 3);
  n++, vs_value_key(out, "x"), random_scalar(w, out, below(w, 9));
  n++, vs_value_key(out, "tags");
  if (below(w, 8))
    random_array(w, out);
  else
    random_scalar(w, out, 3);
  vs_value_key(out, "o");
  size_t inner = vs_value_object_begin(out);
  vs_value_key(out, "k"), random_scalar(w, out, below(w, 5) ? 0 : 2);
  vs_value_end(out, inner, 1);
  vs_value_end(out, mark, n + 1);
}

static inline void world_put(world *w, uint32_t slot) {
  if (!w->meta[slot].a) vs_wr_init(&w->meta[slot], &w->own);
  if (w->live[slot]) vs_meta_removing(&w->index, slot, (vs_slice){w->meta[slot].p, w->meta[slot].n});
  random_metadata(w, &w->meta[slot]);
  w->n_live += !w->live[slot];
  w->live[slot] = true;
  if (slot >= w->n_slots) w->n_slots = slot + 1;
  vs_meta_added(&w->index, slot, (vs_slice){w->meta[slot].p, w->meta[slot].n});
}

static inline void world_drop(world *w, uint32_t slot) {
  if (!w->live[slot]) return;
  vs_meta_removing(&w->index, slot, (vs_slice){w->meta[slot].p, w->meta[slot].n});
  w->live[slot] = false;
  w->n_live--;
}

/* A random condition, with AND, OR and NOT around it. */
static inline void random_filter(world *w, char *text, size_t room) {
  static const char *const field[] = {"n", "d", "s", "x", "o.k", "tags", "ANY(tags)", "missing", "LENGTH(tags)"};
  static const char *const value[] = {"5",
                                      "17.5",
                                      "-300",
                                      "'tag3'",
                                      "tag7",
                                      "'2024-01-05'",
                                      "'2024-01-01T10:30:00Z'",
                                      "'a long common prefix 17'",
                                      "true",
                                      "9223372036854775805",
                                      "NULL",
                                      "50",
                                      "''"};
  static const char *const op[] = {"=", "!=", "<", "<=", ">", ">="};
  size_t n = 0;
  uint32_t parts = 1 + below(w, 3);
#define V value[below(w, 13)]
  for (uint32_t i = 0; i < parts && n + 200 < room; i++) {
    const char *f = field[below(w, 9)];
    if (i > 0) n += (size_t)snprintf(text + n, room - n, below(w, 2) ? " AND " : " OR ");
    if (below(w, 6) == 0) n += (size_t)snprintf(text + n, room - n, "NOT ");
    switch (below(w, 10)) {
    case 0: n += (size_t)snprintf(text + n, room - n, "%s IN (%s, %s, %s)", f, V, V, V); break;
    case 1: n += (size_t)snprintf(text + n, room - n, "%s NOT IN (%s, %s)", f, V, V); break;
    case 2:
      n += (size_t)snprintf(text + n, room - n, "%s %sBETWEEN %s AND %s", f, below(w, 2) ? "NOT " : "", V, V);
      break;
    case 3: n += (size_t)snprintf(text + n, room - n, "%s STARTSWITH '%s'", f, below(w, 2) ? "2024-01" : "tag"); break;
    case 4: n += (size_t)snprintf(text + n, room - n, "tags %sCONTAINS %s", below(w, 3) ? "" : "NOT ", V); break;
    case 5:
      n += (size_t)snprintf(text + n, room - n, "(%s %s %s OR s = 'tag%u')", f, op[below(w, 6)], V, below(w, 12));
      break;
    case 6: n += (size_t)snprintf(text + n, room - n, "%s IS %sNULL", f, below(w, 2) ? "NOT " : ""); break;
    case 7: n += (size_t)snprintf(text + n, room - n, "%s LIKE '%%%u%%'", f, below(w, 10)); break;
    default: n += (size_t)snprintf(text + n, room - n, "%s %s %s", f, op[below(w, 6)], V);
    }
  }
#undef V
}

static inline vs_prepared world_compile(world *w, const char *text) {
  vs_filter *f;
  vs_err err;
  vs_prepared p;
  vs_status status = vs_filter_compile_text(&w->a, text, strlen(text), (vs_slice){NULL, 0}, NULL, &f, &err);
  if (status != VS_OK) printf("# %s\n# %s\n", text, err.msg);
  must(status == VS_OK);
  vs_prepared_init(&p, &w->a, f);
  return p;
}

#endif
