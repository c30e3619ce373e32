/* Values written are checked, read back equal, looked up by key, and skipped
 * whole; random trees come back the same. */
#include "../../../src/base/rng.h"
#include "../../../src/base/value.h"

#include "../tap.h"

#define SEED 7u

static void scalars(void) {
  static const int64_t ints[] = {0, 1, -1, 63, 64, -64, -65, INT32_MAX, INT64_MAX, INT64_MIN, 1LL << 53};
  static const double floats[] = {0.5, -0.0, 1e300, -1.25e-300, 5e-324, 1.7976931348623157e308};
  vs_alloc a;
  vs_alloc_init(&a);
  vs_wr w;
  vs_wr_init(&w, &a);
  int wrong = 0;
  for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) {
    vs_wr_reset(&w);
    vs_value_int(&w, ints[i]);
    vs_rd r = vs_rd_of(w.p, w.n);
    vs_value v = vs_value_read(&r);
    wrong += r.failed || v.tag != VS_VALUE_INT || v.i != ints[i] || v.f != (double)ints[i] || !vs_value_check(w.p, w.n);
  }
  for (size_t i = 0; i < sizeof floats / sizeof *floats; i++) {
    vs_wr_reset(&w);
    vs_value_f64(&w, floats[i]);
    vs_rd r = vs_rd_of(w.p, w.n);
    vs_value v = vs_value_read(&r);
    wrong += r.failed || v.tag != VS_VALUE_F64 || memcmp(&v.f, &floats[i], 8) != 0 || !vs_value_check(w.p, w.n);
  }
  ok(wrong == 0, "numbers are exact (%d wrong)", wrong);
  vs_wr_deinit(&w);
}

static void object(void) {
  vs_alloc a;
  vs_alloc_init(&a);
  vs_wr w;
  vs_wr_init(&w, &a);
  size_t top = vs_value_object_begin(&w);
  vs_value_key(&w, "__proto__");
  vs_value_null(&w);
  vs_value_key(&w, "");
  vs_value_cstring(&w, "gr\xc3\xbc\xc3\x9f dich");
  vs_value_key(&w, "list");
  size_t list = vs_value_array_begin(&w);
  vs_value_bool(&w, true);
  vs_value_bool(&w, false);
  size_t empty = vs_value_object_begin(&w);
  vs_value_end(&w, empty, 0);
  vs_value_end(&w, list, 3);
  vs_value_key(&w, "n");
  vs_value_int(&w, 384);
  vs_value_end(&w, top, 4);
  ok(!w.failed && vs_value_check(w.p, w.n), "an object is well-formed");
  vs_rd r = vs_rd_of(w.p, w.n);
  vs_value v = vs_value_read(&r), found;
  ok(v.tag == VS_VALUE_OBJECT && v.count == 4 && vs_rd_left(&r) == 0, "it is skipped whole");
  ok(vs_value_get(&v, "__proto__", &found) && found.tag == VS_VALUE_NULL, "any key is legal");
  ok(vs_value_get(&v, "", &found) && found.tag == VS_VALUE_STRING && found.bytes.n == 11, "the empty key too");
  ok(vs_value_get(&v, "list", &found) && found.tag == VS_VALUE_ARRAY && found.count == 3, "a list inside");
  ok(!vs_value_get(&v, "lis", &found) && !vs_value_get(&found, "x", &found), "absent keys are absent");
  uint32_t n = 5;
  ok(vs_value_get_u32(&v, "n", 1000, &n) && n == 384, "configuration is read");
  ok(vs_value_get_u32(&v, "m", 1000, &n) && n == 384, "absent leaves it alone");
  ok(!vs_value_get_u32(&v, "n", 383, &n) && !vs_value_get_u32(&v, "list", 9, &n) && n == 384, "wrong ones are refused");
  vs_wr_deinit(&w);
  a.fail_at = a.n_calls + 1;
  vs_wr_init(&w, &a);
  top = vs_value_object_begin(&w);
  vs_value_end(&w, top, 0);
  ok(w.failed && a.used == 0, "refused memory makes the writer fail, nothing else");
}

/* Writes a random tree; the same seed writes the same tree. */
static void random_value(vs_rng *rng, vs_wr *w, int depth) {
  char text[12];
  switch (vs_rng_below(rng, depth > 0 ? 7 : 5)) {
  case 0: vs_value_null(w); break;
  case 1: vs_value_bool(w, vs_rng_below(rng, 2) == 0); break;
  case 2: vs_value_int(w, (int64_t)(vs_rng_u64(rng) >> vs_rng_below(rng, 64))); break;
  case 3: vs_value_f64(w, (double)vs_rng_f32(rng)); break;
  case 4: vs_value_string(w, "text of ten", vs_rng_below(rng, 11)); break;
  case 5: {
    uint32_t n = vs_rng_below(rng, 5);
    size_t mark = vs_value_array_begin(w);
    for (uint32_t i = 0; i < n; i++) random_value(rng, w, depth - 1);
    vs_value_end(w, mark, n);
    break;
  }
  default: {
    uint32_t n = vs_rng_below(rng, 90);
    size_t mark = vs_value_object_begin(w);
    for (uint32_t i = 0; i < n; i++) {
      snprintf(text, sizeof text, "k%u", i);
      vs_value_key(w, text);
      random_value(rng, w, n > 8 ? 0 : depth - 1);
    }
    vs_value_end(w, mark, n);
  }
  }
}

/* Copies a value through the reader and the writer. */
static void copy_value(vs_rd *r, vs_wr *w) {
  vs_value v = vs_value_read(r);
  size_t mark;
  vs_rd items;
  switch (v.tag) {
  case VS_VALUE_NULL: vs_value_null(w); return;
  case VS_VALUE_FALSE:
  case VS_VALUE_TRUE: vs_value_bool(w, v.tag == VS_VALUE_TRUE); return;
  case VS_VALUE_INT: vs_value_int(w, v.i); return;
  case VS_VALUE_F64: vs_value_f64(w, v.f); return;
  case VS_VALUE_STRING: vs_value_string(w, v.bytes.p, v.bytes.n); return;
  case VS_VALUE_ARRAY:
  case VS_VALUE_OBJECT:
    mark = v.tag == VS_VALUE_ARRAY ? vs_value_array_begin(w) : vs_value_object_begin(w);
    items = vs_rd_of(v.bytes.p, v.bytes.n);
    for (uint32_t i = 0; i < v.count; i++) {
      if (v.tag == VS_VALUE_OBJECT) {
        vs_slice key = vs_rd_slice(&items);
        vs_wr_slice(w, key.p, key.n);
      }
      copy_value(&items, w);
    }
    vs_value_end(w, mark, v.count);
  }
}

static void random_trees(void) {
  vs_alloc a;
  vs_alloc_init(&a);
  vs_rng rng = {SEED};
  int wrong = 0;
  for (int i = 0; i < 500; i++) {
    vs_wr w, copy;
    vs_wr_init(&w, &a);
    vs_wr_init(&copy, &a);
    random_value(&rng, &w, 5);
    wrong += !vs_value_check(w.p, w.n);
    vs_rd r = vs_rd_of(w.p, w.n);
    copy_value(&r, &copy);
    wrong += r.failed || copy.n != w.n || memcmp(copy.p, w.p, w.n) != 0;
    vs_wr_deinit(&w);
    vs_wr_deinit(&copy);
  }
  ok(wrong == 0 && a.used == 0, "random trees come back the same (seed %u, %d wrong)", SEED, wrong);
}

int main(void) {
  scalars();
  object();
  random_trees();
  return tap_done();
}
