/* text_image_fuzz.c - arbitrary blocks as the layers of a text index, read while its texts change.
 *
 * An input is a byte that chooses up to 24 texts, one that chooses when they change, and blocks {u8 layer, u16 length,
 * bytes} of up to four layers. Whatever they hold, reading and building end with an index that answers; what the check
 * lets pass answers as a fresh one does, saving it again works, and nothing stays allocated.
 *
 * With libFuzzer: make native-fuzz. Without, this is a test program that replays the corpus folder; with the argument
 * `write` it writes its first inputs there: layers as they are saved, whole, flipped and cut.
 */
#include "../../src/base/rng.h"
#include "../../src/text/text_image.h"
#include "../../src/text/textsearch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)                                                                                                    \
  do {                                                                                                                 \
    if (!(cond)) abort();                                                                                              \
  } while (0)

#define SLOTS 24u
#define LAYERS 4u

typedef struct {
  vs_alloc a;
  vs_wr text[SLOTS];
  vs_textindex x;
  const uint8_t *blocks; /* of the input */
  size_t n, at;
  uint32_t layer, n_layers;
} world;

static bool text_of(const void *ctx, uint32_t slot, vs_slice *out) {
  const world *w = ctx;
  if (slot >= SLOTS || w->text[slot].n == 0) return false;
  *out = (vs_slice){w->text[slot].p, w->text[slot].n};
  return true;
}
static uint32_t slots_of(const void *ctx) { return ((void)ctx, SLOTS); }
static uint64_t sequence_of(const void *ctx, uint32_t slot) { return ((void)ctx, slot); }

static uint32_t layers_of(void *ctx) { return ((world *)ctx)->n_layers; }
static vs_status open_layer(void *ctx, uint32_t layer, uint64_t *number) {
  world *w = ctx;
  w->at = 0;
  w->layer = layer;
  *number = layer + 1;
  return layer < w->n_layers ? VS_OK : VS_CORRUPT;
}
static vs_status next_block(void *ctx, vs_slice *out) {
  world *w = ctx;
  *out = (vs_slice){NULL, 0};
  while (w->n - w->at >= 3) {
    const uint8_t *head = w->blocks + w->at;
    size_t left = w->n - w->at - 3, n = vs_load_u16(head + 1);
    if (n > left) n = left;
    w->at += 3 + n;
    if (head[0] % LAYERS != w->layer || n == 0) continue;
    *out = (vs_slice){head + 3, n};
    return VS_OK;
  }
  return VS_OK;
}
static void close_layer(void *ctx) { ((world *)ctx)->at = ((world *)ctx)->n; }

static void put(world *w, vs_rng *r, uint32_t slot) {
  char text[128];
  size_t n = 0;
  if (w->text[slot].n > 0) vs_textindex_removing(&w->x, slot, (vs_slice){w->text[slot].p, w->text[slot].n});
  vs_wr_reset(&w->text[slot]);
  uint32_t words = vs_rng_below(r, 9);
  if (words == 0) return;
  for (uint32_t i = 0; i < words; i++)
    n += (size_t)snprintf(text + n, sizeof text - n, "w%u ", vs_rng_below(r, 1 + vs_rng_below(r, 12)));
  if (vs_rng_below(r, 3) == 0) {
    size_t mark = vs_value_object_begin(&w->text[slot]);
    vs_value_key(&w->text[slot], vs_rng_below(r, 2) ? "title" : "body");
    vs_value_string(&w->text[slot], (const uint8_t *)text, n);
    vs_value_end(&w->text[slot], mark, 1);
  } else {
    vs_value_string(&w->text[slot], (const uint8_t *)text, n);
  }
  vs_textindex_added(&w->x, slot, (vs_slice){w->text[slot].p, w->text[slot].n});
}

static void open_world(world *w, uint8_t seed) {
  memset(w, 0, sizeof *w);
  vs_alloc_init(&w->a);
  vs_textindex_init(&w->x, &w->a, &(vs_texts){w, text_of, slots_of, sequence_of}, 5);
  for (uint32_t i = 0; i < SLOTS; i++) vs_wr_init(&w->text[i], &w->a);
  vs_rng r = {seed};
  for (uint32_t i = 0; i < SLOTS; i++) put(w, &r, i);
}

static void close_world(world *w) {
  vs_textindex_deinit(&w->x);
  for (uint32_t i = 0; i < SLOTS; i++) vs_wr_deinit(&w->text[i]);
  CHECK(w->a.n_live == 0);
}

static void build(vs_textindex *x) {
  for (bool done = false; !done;) CHECK(vs_textindex_build(x, 200, &done) == VS_OK);
}

static void ask(vs_textindex *x, vs_textsearch *s, const char *text) {
  vs_textquery q;
  vs_err err;
  vs_text_request r = {.k = SLOTS};
  vs_textquery_init(&q, x->a);
  CHECK(vs_textquery_plain(&q, (vs_slice){(const uint8_t *)text, strlen(text)}, &err) == VS_OK);
  CHECK(vs_textsearch_run(s, x, &q, &r, &err) == VS_OK);
  vs_textquery_deinit(&q);
}

static void compare(world *w) {
  vs_textindex fresh;
  vs_textsearch a, b;
  vs_textsearch_init(&a, &w->a);
  vs_textsearch_init(&b, &w->a);
  vs_textindex_init(&fresh, &w->a, &(vs_texts){w, text_of, slots_of, sequence_of}, 6);
  build(&fresh);
  static const char *const queries[] = {"w0", "w1 w3", "\"w0 w2\" w5", "w7 w11"};
  for (uint32_t i = 0; i < 4; i++) {
    ask(&w->x, &a, queries[i]);
    ask(&fresh, &b, queries[i]);
    CHECK(a.n_hits == b.n_hits);
    for (uint32_t h = 0; h < a.n_hits; h++) CHECK(a.hit[h].slot == b.hit[h].slot && a.hit[h].score == b.hit[h].score);
  }
  vs_textindex_deinit(&fresh);
  vs_textsearch_deinit(&a);
  vs_textsearch_deinit(&b);
}

/* Saves all of it; the blocks, as inputs have them, behind what `out` holds. */
static void save(world *w, uint8_t layer, const uint64_t *number, uint32_t n, vs_wr *out) {
  vs_text_writer s;
  bool keep[VS_TEXT_LAYERS], writes, done = false;
  CHECK(vs_text_save_begin(&s, &w->x, number, n, false, keep, &writes) == VS_OK);
  while (writes && !done) {
    vs_wr block;
    vs_wr_init(&block, &w->a);
    CHECK(vs_text_encode_next(&s, 100, &block, &done) == VS_OK);
    vs_wr_u8(out, layer);
    vs_wr_u16(out, (uint16_t)block.n);
    vs_wr_bytes(out, block.p, block.n);
    vs_wr_deinit(&block);
  }
  if (writes) vs_text_save_end(&s, layer + 1u);
  vs_text_writer_release(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static world w;
  if (size < 2) return 0;
  open_world(&w, data[0]);
  w.blocks = data + 2;
  w.n = size - 2;
  for (size_t at = 0; w.n - at >= 3; at += 3) {
    uint32_t layer = w.blocks[at] % LAYERS;
    size_t left = w.n - at - 3, n = vs_load_u16(w.blocks + at + 1);
    if (layer >= w.n_layers) w.n_layers = layer + 1;
    at += n < left ? n : left;
  }
  if (w.n_layers > 0)
    vs_textindex_offer(&w.x, &(vs_text_source){&w, layers_of, open_layer, next_block, close_layer, close_layer});
  vs_rng r = {data[1]};
  bool done = false;
  for (uint32_t step = 0; !done && step < 4; step++) {
    if (data[1] >> step & 1) put(&w, &r, vs_rng_below(&r, SLOTS));
    CHECK(vs_textindex_build(&w.x, 20, &done) == VS_OK);
  }
  build(&w.x);
  vs_status status = vs_textindex_check(&w.x);
  CHECK(status == VS_OK || status == VS_CORRUPT);
  if (status == VS_CORRUPT) build(&w.x);
  CHECK(vs_textindex_check(&w.x) == VS_OK);
  compare(&w);
  vs_wr out;
  vs_wr_init(&out, &w.a);
  save(&w, 0, NULL, 0, &out);
  vs_wr_deinit(&out);
  close_world(&w);
  return 0;
}

#ifndef VS_LIBFUZZER

#include "replay.h"

static void write_input(const char *name, unsigned number, const uint8_t *p, size_t n) {
  char path[128];
  snprintf(path, sizeof path, "tests/fuzz/corpus/text_image/seed-%s-%u", name, number);
  FILE *file = fopen(path, "wb");
  must(file != NULL && fwrite(p, 1, n, file) == n);
  fclose(file);
}

/* Layers of a few savings, with changes between them. */
static void write_inputs(void) {
  for (unsigned seed = 0; seed < 8; seed++) {
    static world w;
    vs_wr out;
    open_world(&w, (uint8_t)seed);
    build(&w.x);
    vs_wr_init(&out, &w.a);
    vs_wr_u8(&out, (uint8_t)seed);
    vs_wr_u8(&out, (uint8_t)(seed * 5));
    save(&w, 0, NULL, 0, &out);
    vs_rng r = {seed + 100u};
    for (uint8_t layer = 1; layer < seed % 4; layer++) {
      uint64_t number[] = {1, 2, 3};
      put(&w, &r, vs_rng_below(&r, SLOTS));
      save(&w, layer, number, layer, &out);
    }
    write_input("whole", seed, out.p, out.n);
    out.p[out.n * (seed + 1) / 10] ^= 0x41;
    write_input("flipped", seed, out.p, out.n);
    write_input("cut", seed, out.p, out.n * (seed + 1) / 9);
    vs_wr_deinit(&out);
    close_world(&w);
  }
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "write") == 0) write_inputs();
  return replay_corpus("tests/fuzz/corpus/text_image");
}

#endif
