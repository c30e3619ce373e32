/* boosts_follow_the_rule.c - decay by numbers, times and places is what the formulas of boost.c say, computed
 * here with the library's pow; dates are read as ISO 8601 has them; what is no boost is refused.
 */
#include "../../../src/base/rng.h"
#include "../../../src/query/boost.h"
#include "../tap.h"

#include <math.h>

static vs_alloc heap;

static void pair_text(vs_wr *w, const char *key, const char *text) { vs_value_key(w, key), vs_value_cstring(w, text); }
static void pair_number(vs_wr *w, const char *key, double v) { vs_value_key(w, key), vs_value_f64(w, v); }

typedef struct {
  const char *kind;
  double origin, scale, offset, decay, weight, missing;
} rule;

/* [{...}] of one boost on field x, or on `when` as times. */
static void write_rule(vs_wr *w, const rule *r, bool time) {
  vs_wr_reset(w);
  size_t list = vs_value_array_begin(w), one = vs_value_object_begin(w);
  pair_text(w, "field", time ? "when" : "x"), pair_text(w, "kind", r->kind);
  pair_number(w, "origin", r->origin), pair_number(w, "scale", r->scale), pair_number(w, "offset", r->offset);
  pair_number(w, "decay", r->decay), pair_number(w, "weight", r->weight), pair_number(w, "missing", r->missing);
  vs_value_key(w, "time"), vs_value_bool(w, time);
  vs_value_end(w, one, 9), vs_value_end(w, list, 1);
}

static double expected(const rule *r, double d) {
  double e = d > r->offset ? (d - r->offset) / r->scale : 0, f = 0;
  if (r->kind[0] == 'e') f = pow(r->decay, e);
  if (r->kind[0] == 'l') f = fmax(0, 1 - (1 - r->decay) * e);
  if (r->kind[0] == 'g') f = pow(r->decay, e * e);
  return 1 - r->weight * (1 - f);
}

static vs_status read(const vs_wr *w, vs_boosts *b) {
  vs_err err;
  vs_rd r = vs_rd_of(w->p, w->n);
  vs_value list = vs_value_read(&r);
  must(vs_value_check(w->p, w->n));
  return vs_boosts_read(&heap, &list, b, &err);
}

static vs_slice record(vs_wr *w, const char *key, double x, const char *text) {
  vs_wr_reset(w);
  size_t mark = vs_value_object_begin(w);
  if (text)
    pair_text(w, key, text);
  else
    pair_number(w, key, x);
  vs_value_end(w, mark, 1);
  return (vs_slice){w->p, w->n};
}

static void numbers(void) {
  static const char *const kinds[] = {"exp", "linear", "gauss"};
  vs_rng rng = {3};
  vs_wr w, meta;
  uint32_t wrong = 0;
  vs_wr_init(&w, &heap), vs_wr_init(&meta, &heap);
  for (uint32_t i = 0; i < 600; i++) {
    rule r = {kinds[i % 3],
              vs_rng_below(&rng, 100),
              1 + vs_rng_below(&rng, 50),
              i % 2 ? vs_rng_below(&rng, 20) : 0,
              0.01 + (double)vs_rng_f32(&rng) * 0.98,
              (double)vs_rng_f32(&rng),
              (double)vs_rng_f32(&rng)};
    vs_boosts b;
    write_rule(&w, &r, false);
    must(read(&w, &b) == VS_OK && b.n == 1);
    for (uint32_t k = 0; k < 20; k++) {
      double x = (double)vs_rng_f32(&rng) * 300 - 100, got = vs_boosts_factor(&b, record(&meta, "x", x, NULL));
      if (fabs(got - expected(&r, fabs(x - r.origin))) > 1e-9) wrong++;
    }
    double none = 1 - r.weight * (1 - r.missing);
    wrong += fabs(vs_boosts_factor(&b, record(&meta, "y", 1, NULL)) - none) > 1e-12;
    wrong += fabs(vs_boosts_factor(&b, record(&meta, "x", 0, "text")) - none) > 1e-12;
    wrong += fabs(vs_boosts_factor(&b, record(&meta, "x", 1e300, NULL)) - (1 - r.weight)) > 1e-9;
    vs_boosts_deinit(&heap, &b);
  }
  ok(wrong == 0, "factors by numbers");
  ok(vs_boosted(2, 0.5) == 1 && vs_boosted(-2, 0.5) == -3 && vs_boosted(0, 0.1) == 0 && vs_boosted(3, 1) == 3,
     "a factor takes every score down");
  vs_wr_deinit(&w), vs_wr_deinit(&meta);
}

static void dates(void) {
  static const struct {
    const char *text;
    double ms;
  } good[] = {{"1970", 0},
              {"1970-01", 0},
              {"1970-01-02", 86400e3},
              {"2000-03-01", 951868800e3},
              {"2024-02-29T12:30:15.250Z", 1709209815250.0},
              {"2024-02-29 12:30", 1709209800e3},
              {"1969-12-31T24:00", 0},
              {"1970-01-01T01:00+01:00", 0},
              {"1969-12-31T22:30-01:30", 0},
              {"1970-01-01T00:00:00.0005", 0.5},
              {"0001-01-01", -62135596800e3}};
  static const char *const bad[] = {"",
                                    "197",
                                    "19x0",
                                    "1970-13",
                                    "1970-00",
                                    "1970-01-32",
                                    "1900-02-29",
                                    "2023-02-29",
                                    "1970-01-00",
                                    "1970-1",
                                    "1970-01-01T",
                                    "1970-01-01T1",
                                    "1970-01-01T25:00",
                                    "1970-01-01T10:60",
                                    "1970-01-01T10:00:60",
                                    "1970-01-01T10:00X",
                                    "1970-01-01T10:00+1",
                                    "1970-01-01T10:00+01",
                                    "1970-01-01T10:00+01:0",
                                    "1970-01-01T10:00Z ",
                                    "1970-",
                                    "1970-01-",
                                    "1970x",
                                    "1970-01-01T10:00:0",
                                    "1970-01-01T10"};
  double ms;
  uint32_t wrong = 0;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    vs_slice s = {(const uint8_t *)good[i].text, strlen(good[i].text)};
    bool right = vs_iso_date(s, &ms) && fabs(ms - good[i].ms) < 1e-6;
    if (!right) printf("# %s: %.3f\n", good[i].text, ms);
    wrong += !right;
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    bool taken = vs_iso_date((vs_slice){(const uint8_t *)bad[i], strlen(bad[i])}, &ms);
    if (taken) printf("# taken: %s\n", bad[i]);
    wrong += taken;
  }
  ok(wrong == 0 && vs_iso_date((vs_slice){(const uint8_t *)"2000-02-29", 10}, &ms),
     "dates are read, what is none is not");
  rule r = {"linear", 0, 86400e3, 0, 0.5, 1, 0};
  vs_wr w, meta;
  vs_boosts b;
  vs_wr_init(&w, &heap), vs_wr_init(&meta, &heap);
  write_rule(&w, &r, true);
  must(read(&w, &b) == VS_OK);
  ok(fabs(vs_boosts_factor(&b, record(&meta, "when", 0, "1970-01-02")) - 0.5) < 1e-9 &&
         fabs(vs_boosts_factor(&b, record(&meta, "when", 43200e3, NULL)) - 0.75) < 1e-9 &&
         vs_boosts_factor(&b, record(&meta, "when", 0, "soon")) < 1e-9,
     "texts and milliseconds count as times");
  vs_boosts_deinit(&heap, &b);
  vs_wr_deinit(&w), vs_wr_deinit(&meta);
}

static void places(void) {
  vs_wr w, meta;
  vs_boosts b;
  vs_wr_init(&w, &heap), vs_wr_init(&meta, &heap);
  size_t list = vs_value_array_begin(&w), one = vs_value_object_begin(&w), at;
  pair_text(&w, "field", "x"), pair_text(&w, "kind", "exp"), pair_number(&w, "scale", 111195);
  vs_value_key(&w, "origin"), at = vs_value_array_begin(&w), vs_value_f64(&w, 10.5), vs_value_int(&w, 20);
  vs_value_end(&w, at, 2), vs_value_end(&w, one, 4), vs_value_end(&w, list, 1);
  must(read(&w, &b) == VS_OK);
  size_t mark = vs_value_object_begin(&meta);
  vs_value_key(&meta, "x"), at = vs_value_object_begin(&meta);
  pair_number(&meta, "lat", 11.5), pair_number(&meta, "lon", 20);
  vs_value_end(&meta, at, 2), vs_value_end(&meta, mark, 1);
  double got = vs_boosts_factor(&b, (vs_slice){meta.p, meta.n});
  ok(fabs(got - 0.5) < 1e-4, "a degree of latitude away (%.6f)", got);
  ok(vs_boosts_factor(&b, record(&meta, "x", 3, NULL)) == 0, "a number is no place");
  vs_boosts_deinit(&heap, &b);
  vs_wr_deinit(&w), vs_wr_deinit(&meta);
}

/* One member of a good boost is replaced. */
static vs_status with(const char *key, const char *text, double number, bool leave_out) {
  static const char *const keys[] = {"field", "kind", "origin", "scale", "offset", "decay", "weight", "missing"};
  vs_wr w;
  vs_boosts b = {.n = 0};
  vs_wr_init(&w, &heap);
  uint32_t n = 0;
  size_t list = vs_value_array_begin(&w), one = vs_value_object_begin(&w);
  for (uint32_t i = 0; i < 8; i++) {
    bool mine = strcmp(keys[i], key) == 0;
    if (mine && leave_out) continue;
    n++;
    if (mine && text)
      pair_text(&w, keys[i], text);
    else if (mine)
      pair_number(&w, keys[i], number);
    else if (i < 2)
      pair_text(&w, keys[i], i ? "exp" : "x");
    else
      pair_number(&w, keys[i], i > 3 ? 0.5 : 3.5);
  }
  vs_value_end(&w, one, n), vs_value_end(&w, list, 1);
  vs_status status = read(&w, &b);
  vs_boosts_deinit(&heap, &b);
  vs_wr_deinit(&w);
  return status;
}

static void refused(void) {
  uint32_t wrong = with("none", NULL, 0, false) != VS_OK;
  static const char *const needed[] = {"field", "kind", "origin", "scale"};
  for (uint32_t i = 0; i < 4; i++) wrong += with(needed[i], NULL, 0, true) != VS_INVALID_ARGUMENT;
  wrong +=
      with("field", NULL, 3, false) != VS_INVALID_ARGUMENT || with("field", "a b", 0, false) != VS_INVALID_ARGUMENT;
  wrong +=
      with("kind", "cubic", 0, false) != VS_INVALID_ARGUMENT || with("kind", NULL, 1, false) != VS_INVALID_ARGUMENT;
  wrong +=
      with("kind", "linea", 0, false) != VS_INVALID_ARGUMENT || with("origin", "x", 0, false) != VS_INVALID_ARGUMENT;
  static const char *const ranged[] = {"scale", "offset", "decay", "weight", "missing"};
  for (uint32_t i = 0; i < 5; i++)
    wrong += with(ranged[i], NULL, -1, false) != VS_INVALID_ARGUMENT ||
             with(ranged[i], "1", 0, false) != VS_INVALID_ARGUMENT;
  for (uint32_t i = 2; i < 5; i++) wrong += with(ranged[i], NULL, 1.5, false) != VS_INVALID_ARGUMENT;
  ok(wrong == 0, "a boost with a member missing, misspelt or out of range");

  vs_wr w;
  vs_boosts b;
  wrong = 0;
  vs_wr_init(&w, &heap);
  vs_value_int(&w, 3);
  wrong += read(&w, &b) != VS_INVALID_ARGUMENT;
  vs_wr_reset(&w);
  size_t list = vs_value_array_begin(&w);
  for (uint32_t i = 0; i < 9; i++) vs_value_null(&w);
  vs_value_end(&w, list, 9);
  wrong += read(&w, &b) != VS_INVALID_ARGUMENT;
  vs_wr_reset(&w);
  list = vs_value_array_begin(&w), vs_value_int(&w, 1), vs_value_end(&w, list, 1);
  wrong += read(&w, &b) != VS_INVALID_ARGUMENT;
  static const double place[][2] = {{91, 0}, {0, 361}, {-91, 0}};
  for (uint32_t i = 0; i < 5; i++) {
    vs_wr_reset(&w);
    list = vs_value_array_begin(&w);
    size_t one = vs_value_object_begin(&w), at;
    pair_text(&w, "field", "x"), pair_text(&w, "kind", "exp"), pair_number(&w, "scale", 1);
    vs_value_key(&w, "origin"), at = vs_value_array_begin(&w);
    if (i < 3)
      vs_value_f64(&w, place[i][0]), vs_value_f64(&w, place[i][1]);
    else if (i == 3)
      vs_value_cstring(&w, "1"), vs_value_int(&w, 2);
    else
      vs_value_int(&w, 2), vs_value_null(&w);
    vs_value_end(&w, at, 2), vs_value_end(&w, one, 4), vs_value_end(&w, list, 1);
    wrong += read(&w, &b) != VS_INVALID_ARGUMENT;
  }
  ok(wrong == 0, "boosts that are no array, too many, or no place");
  vs_wr_deinit(&w);
}

int main(void) {
  vs_alloc_init(&heap);
  numbers();
  dates();
  places();
  refused();
  ok(heap.used == 0, "all memory is given back");
  return tap_done();
}
