/* Truncation at every length, random damage, bad tags, lengths, depth, text
 * and padding are refused; nothing reads past the end; what passes the check
 * can be walked. */
#include "../../../src/base/rng.h"
#include "../../../src/base/value.h"

#include "../tap.h"

#define SEED 8u

static bool check(const char *p, size_t n) {
  /* An exact copy, so that the sanitizer sees one byte too many. */
  uint8_t *copy = malloc(n > 0 ? n : 1);
  memcpy(copy, p, n);
  bool fine = vs_value_check(copy, n);
  free(copy);
  return fine;
}

#define CHECK(bytes) check(bytes, sizeof(bytes) - 1)

static void by_hand(void) {
  ok(!CHECK("") && !CHECK("\x08") && !CHECK("\xff") && !CHECK("\x00\x00"), "no value, unknown tags, two values");
  ok(CHECK("\x03\x00") && !CHECK("\x03\x80\x00") && !CHECK("\x03"), "an int has the shortest form");
  ok(!CHECK("\x04\x00\x00\x00\x00\x00\x00\xf0\x7f") && !CHECK("\x04\x01\x00\x00\x00\x00\x00\xf8\xff"),
     "no inf, no NaN");
  ok(CHECK("\x05\x01x") && !CHECK("\x05\x02x") && !CHECK("\x05\x01\xff") && !CHECK("\x05\x81\x00x"), "strings");
  ok(CHECK("\x06\x00\x00") && CHECK("\x06\x01\x01\x00"), "arrays with shortest lengths");
  ok(CHECK("\x06\x81\x80\x80\x80\x00\x81\x80\x80\x80\x00\x00"), "arrays with padded lengths");
  ok(!CHECK("\x06\x81\x00\x01\x00") && !CHECK("\x06\x81\x80\x00\x01\x00"), "lengths padded otherwise");
  ok(!CHECK("\x06\x81\x80\x80\x80\x10\x01\x00"), "a length above 32 bits");
  ok(!CHECK("\x06\x01\x02\x00\x00") && !CHECK("\x06\x02\x01\x00") && !CHECK("\x06\x00\x01\x00"),
     "counts that disagree");
  ok(!CHECK("\x06\x01\x7f\x00") && !CHECK("\x06\xff\xff\xff\xff\x0f\x01\x00"), "lengths beyond the end");
  ok(CHECK("\x07\x01\x02\x00\x00") && !CHECK("\x07\x01\x01\x00"), "a member needs a value");
  ok(!CHECK("\x07\x01\x03\x01\xc0\x00"), "keys are UTF-8");
  ok(!CHECK("\x07\x02\x06\x01z\x00\x01z\x01") && CHECK("\x07\x02\x06\x01z\x00\x01y\x01"), "no key twice");
}

static void depth(void) {
  vs_alloc a;
  vs_alloc_init(&a);
  for (int levels = 60; levels <= 70; levels++) {
    vs_wr w;
    size_t mark[80];
    vs_wr_init(&w, &a);
    for (int i = 0; i < levels; i++) mark[i] = vs_value_array_begin(&w);
    for (int i = levels; i-- > 0;) vs_value_end(&w, mark[i], i < levels - 1);
    if (vs_value_check(w.p, w.n) != (levels <= VS_VALUE_MAX_DEPTH)) ok(0, "%d levels", levels);
    vs_wr_deinit(&w);
  }
  ok(a.used == 0, "64 levels pass, 65 do not");
  char bomb[5000];
  memset(bomb, 6, sizeof bomb);
  ok(!check(bomb, sizeof bomb), "a nesting bomb is refused");
}

/* Reads every byte the value lays claim to. */
static uint64_t walk(vs_rd *r, int level) {
  vs_value v = vs_value_read(r);
  uint64_t sum = v.tag;
  if (v.tag == VS_VALUE_STRING) {
    for (size_t i = 0; i < v.bytes.n; i++) sum += v.bytes.p[i];
  }
  vs_rd items = vs_rd_of(v.bytes.p, v.bytes.n);
  for (uint32_t i = 0; i < v.count && level < VS_VALUE_MAX_DEPTH; i++) {
    if (v.tag == VS_VALUE_OBJECT) sum += vs_rd_slice(&items).n;
    sum += walk(&items, level + 1);
  }
  if (items.failed || vs_rd_left(&items) > (v.tag >= VS_VALUE_ARRAY ? 0 : v.bytes.n)) r->failed = true;
  return sum;
}

static void damage(void) {
  vs_alloc a;
  vs_alloc_init(&a);
  vs_wr w;
  vs_wr_init(&w, &a);
  size_t top = vs_value_object_begin(&w);
  for (int i = 0; i < 70; i++) {
    char key[8];
    snprintf(key, sizeof key, "%d", i);
    vs_value_key(&w, key);
    if (i % 3 == 0)
      vs_value_int(&w, i * 1000);
    else if (i % 3 == 1)
      vs_value_cstring(&w, "\xe2\x82\xac text");
    else
      vs_value_f64(&w, i + 0.5);
  }
  vs_value_key(&w, "nested");
  size_t list = vs_value_array_begin(&w);
  vs_value_null(&w);
  vs_value_end(&w, list, 1);
  vs_value_end(&w, top, 71);
  must(!w.failed && vs_value_check(w.p, w.n));
  int wrong = 0, passed = 0;
  for (size_t n = 0; n < w.n; n++) wrong += check((const char *)w.p, n);
  ok(wrong == 0, "every truncation is refused");
  vs_rng rng = {SEED};
  for (int i = 0; i < 20000; i++) {
    uint8_t *copy = malloc(w.n);
    memcpy(copy, w.p, w.n);
    for (uint32_t k = 1 + vs_rng_below(&rng, 3); k > 0; k--)
      copy[vs_rng_below(&rng, (uint32_t)w.n)] = (uint8_t)vs_rng_u64(&rng);
    if (vs_value_check(copy, w.n)) {
      passed++;
      vs_rd r = vs_rd_of(copy, w.n);
      walk(&r, 0);
      wrong += r.failed || vs_rd_left(&r) != 0;
    }
    free(copy);
  }
  ok(wrong == 0 && passed > 0 && passed < 19000, "damaged values are refused or whole (seed %u, %d whole)", SEED,
     passed);
  vs_wr_deinit(&w);
}

int main(void) {
  by_hand();
  depth();
  damage();
  return tap_done();
}
