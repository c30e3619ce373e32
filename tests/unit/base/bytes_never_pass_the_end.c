/* A reader over any cut of a message gives what is there, fails once it is
 * over, and gives zeros from then on; varints have one form only. */
#include "../../../src/base/bytes.h"
#include "../../../src/base/rng.h"

#include "../tap.h"

#define SEED 2u

static const uint64_t edges[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, (uint64_t)1 << 63, UINT64_MAX};

static void write_all(vs_wr *w) {
  vs_wr_u8(w, 0xab);
  vs_wr_u16(w, 0x1234);
  vs_wr_u32(w, 0xdeadbeef);
  vs_wr_u64(w, 0x0123456789abcdef);
  for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) vs_wr_varint(w, edges[i]);
  vs_wr_slice(w, "hello", 5);
  vs_wr_bytes(w, NULL, 0);
  vs_wr_slice(w, "", 0);
}

/* Reads what write_all wrote; counts wrong values among those not cut. */
static int read_all(vs_rd *r) {
  int wrong = 0;
  wrong += vs_rd_u8(r) != 0xab && !r->failed;
  wrong += vs_rd_u16(r) != 0x1234 && !r->failed;
  wrong += vs_rd_u32(r) != 0xdeadbeef && !r->failed;
  wrong += vs_rd_u64(r) != 0x0123456789abcdef && !r->failed;
  for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) wrong += vs_rd_varint(r) != edges[i] && !r->failed;
  vs_slice s = vs_rd_slice(r);
  wrong += !r->failed && (s.n != 5 || memcmp(s.p, "hello", 5) != 0);
  s = vs_rd_slice(r);
  wrong += !r->failed && (s.n != 0 || s.p == NULL);
  return wrong;
}

static void cuts(void) {
  vs_alloc a;
  vs_alloc_init(&a);
  vs_wr w;
  vs_wr_init(&w, &a);
  write_all(&w);
  vs_rd whole = vs_rd_of(w.p, w.n);
  ok(read_all(&whole) == 0 && !whole.failed && vs_rd_left(&whole) == 0, "what was written is read");
  int wrong = 0;
  for (size_t n = 0; n < w.n; n++) {
    /* An exact copy, so that the sanitizer sees one byte too many. */
    uint8_t *copy = malloc(n + 1);
    memcpy(copy, w.p, n);
    uint8_t *exact = realloc(copy, n > 0 ? n : 1);
    vs_rd r = vs_rd_of(exact, n);
    wrong += read_all(&r) + !r.failed;
    wrong += vs_rd_u8(&r) != 0 || vs_rd_u64(&r) != 0 || vs_rd_varint(&r) != 0 || vs_rd_bytes(&r, 0) != NULL;
    wrong += vs_rd_left(&r) != 0;
    free(exact);
  }
  ok(wrong == 0, "every cut fails, and stays failed (%d wrong)", wrong);
  vs_rd none = vs_rd_of(NULL, 0);
  ok(vs_rd_bytes(&none, 0) != NULL && !none.failed && vs_rd_u8(&none) == 0 && none.failed, "no bytes is a fine input");
  vs_wr_deinit(&w);
  ok(a.used == 0, "the writer gives its memory back");
}

static bool refused(const void *p, size_t n) {
  vs_rd r = vs_rd_of(p, n);
  return vs_rd_varint(&r) == 0 && r.failed;
}

static void varints(void) {
  ok(refused("\x80\x00", 2) && refused("\xff\x80\x00", 3), "a longer form is refused");
  ok(refused("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10), "more than 64 bits are refused");
  ok(refused("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11), "more than 10 bytes are refused");
  ok(refused("\xff", 1) && refused("", 0), "an unfinished one is refused");
  vs_alloc a;
  vs_alloc_init(&a);
  vs_wr w;
  vs_wr_init(&w, &a);
  vs_rng rng = {SEED};
  int wrong = 0;
  for (int i = 0; i < 20000; i++) {
    uint64_t v = vs_rng_u64(&rng) >> vs_rng_below(&rng, 64);
    vs_wr_reset(&w);
    vs_wr_varint(&w, v);
    vs_rd r = vs_rd_of(w.p, w.n);
    wrong += vs_rd_varint(&r) != v || r.failed || vs_rd_left(&r) != 0;
  }
  ok(wrong == 0, "random numbers come back (seed %u)", SEED);
  uint8_t huge[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1};
  vs_rd r = vs_rd_of(huge, sizeof huge);
  ok(vs_rd_slice(&r).p == NULL && r.failed, "a slice longer than memory is refused");
  vs_wr_deinit(&w);
}

static void refused_memory(void) {
  vs_alloc a;
  vs_alloc_init(&a);
  vs_wr w;
  vs_wr_init(&w, &a);
  vs_wr_u32(&w, 1);
  a.fail_at = a.n_calls + 1;
  size_t before = w.n;
  char big[500] = {0};
  vs_wr_bytes(&w, big, sizeof big);
  ok(w.failed && w.n == before, "a refused append is whole or nothing");
  vs_wr_u8(&w, 1);
  ok(w.failed && w.n == before && vs_wr_space(&w, 1) == NULL, "and nothing is appended behind it");
  vs_wr_reset(&w);
  vs_wr_bytes(&w, big, sizeof big);
  ok(!w.failed && w.n == sizeof big, "reset makes it usable again");
  vs_wr_deinit(&w);
  ok(a.n_live == 0, "nothing leaks");
}

int main(void) {
  cuts();
  varints();
  refused_memory();
  return tap_done();
}
