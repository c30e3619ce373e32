/* saved_index_equals_built_one.c - an index read from its layers, and one that went through any changes, scores as one
 * built from the records does, to the last bit; whatever is wrong with the layers does no harm.
 *
 * Sessions of random changes, savings, reopenings (with changes before, between and after the steps of reading), texts
 * with and without fields. After each the index is checked against the records and against a fresh index, for every
 * word; the layers stay few and what is written in proportion to what changed. Then every byte of saved layers is
 * flipped, every block cut: reading gives an index that is sound, and equal to a fresh one once the check has seen it.
 */
#include "world.h"

#include "../../../src/text/text_image.h"

#define MOST_BLOCKS 400u

typedef struct {
  uint64_t number[VS_TEXT_LAYERS];
  vs_wr block[MOST_BLOCKS];
  uint32_t layer_of[MOST_BLOCKS]; /* its place in `number` */
  uint32_t n_layers, n_blocks;
  uint64_t next_number;
  uint64_t written; /* bytes */
  uint32_t reading, at;
  uint32_t closed; /* how often release was called */
} disk;

static bool dirty[SLOTS]; /* changed since the last saving: a log has these */

static uint32_t disk_layers(void *ctx) { return ((disk *)ctx)->n_layers; }
static vs_status disk_open(void *ctx, uint32_t layer, uint64_t *number) {
  disk *d = ctx;
  if (layer >= d->n_layers) return VS_CORRUPT;
  d->reading = layer;
  d->at = 0;
  *number = d->number[layer];
  return VS_OK;
}
static vs_status disk_next(void *ctx, vs_slice *out) {
  disk *d = ctx;
  while (d->at < d->n_blocks && d->layer_of[d->at] != d->reading) d->at++;
  *out = (vs_slice){NULL, 0};
  if (d->at == d->n_blocks) return VS_OK;
  *out = (vs_slice){d->block[d->at].p, d->block[d->at].n};
  d->at++;
  return VS_OK;
}
static void disk_close(void *ctx) { ((disk *)ctx)->at = MOST_BLOCKS; }
static void disk_release(void *ctx) { ((disk *)ctx)->closed++; }

static vs_text_source source_of(disk *d) {
  return (vs_text_source){d, disk_layers, disk_open, disk_next, disk_close, disk_release};
}

static void keep_layers(disk *d, const bool *keep) {
  uint32_t now[VS_TEXT_LAYERS], n_layers = 0, n_blocks = 0;
  for (uint32_t i = 0; i < d->n_layers; i++) {
    now[i] = n_layers;
    if (keep[i]) d->number[n_layers++] = d->number[i];
  }
  for (uint32_t i = 0; i < d->n_blocks; i++) {
    if (!keep[d->layer_of[i]]) {
      vs_wr_deinit(&d->block[i]);
      continue;
    }
    uint32_t layer = now[d->layer_of[i]];
    d->block[n_blocks] = d->block[i];
    d->layer_of[n_blocks++] = layer;
  }
  d->n_layers = n_layers;
  d->n_blocks = n_blocks;
}

/* As a checkpoint does; false: there was nothing to save. `fails`: what was written is lost again. */
static bool save(world *w, disk *d, size_t target, bool fails) {
  vs_text_writer s;
  bool keep[VS_TEXT_LAYERS], writes, done = false;
  must(vs_text_save_begin(&s, &w->x, d->number, d->n_layers, false, keep, &writes) == VS_OK);
  if (!fails) keep_layers(d, keep);
  uint32_t n = d->n_blocks;
  while (writes && !done) {
    must(n < MOST_BLOCKS);
    vs_wr_init(&d->block[n], &w->a);
    must(vs_text_encode_next(&s, target, &d->block[n], &done) == VS_OK);
    d->written += d->block[n].n;
    d->layer_of[n] = d->n_layers;
    if (d->block[n].n > 0 && !fails)
      n++;
    else
      vs_wr_deinit(&d->block[n]);
  }
  uint64_t number = ++d->next_number;
  if (writes) vs_text_save_end(&s, number);
  vs_text_writer_release(&s);
  if (!fails) memset(dirty, 0, sizeof dirty);
  if (!writes || fails) return false;
  d->n_blocks = n;
  d->number[d->n_layers++] = number;
  return true;
}

static void forget(disk *d) {
  const bool none[VS_TEXT_LAYERS] = {false};
  keep_layers(d, none);
}

/* ============ Texts ============ */

static void encode_text(vs_wr *out, vs_rng *r) {
  char text[256];
  static const char *const names[] = {"title", "body", "note"};
  vs_wr_reset(out);
  uint32_t kind = vs_rng_below(r, 4);
  if (kind != 0) {
    write_words(text, sizeof text, r);
    vs_value_cstring(out, kind == 1 && vs_rng_below(r, 8) == 0 ? "..." : text);
    return;
  }
  uint32_t n = 1 + vs_rng_below(r, 3);
  size_t mark = vs_value_object_begin(out);
  for (uint32_t i = 0; i < n; i++) {
    write_words(text, sizeof text, r);
    vs_value_key(out, names[i]);
    vs_value_cstring(out, text);
  }
  vs_value_end(out, mark, n);
}

static vs_slice text_at(const world *w, uint32_t slot) { return (vs_slice){w->text[slot].p, w->text[slot].n}; }

static void put(world *w, vs_rng *r, uint32_t slot, bool removes) {
  dirty[slot] = true;
  if (w->text[slot].n > 0) vs_textindex_removing(&w->x, slot, text_at(w, slot));
  vs_wr_reset(&w->text[slot]);
  if (removes) return;
  encode_text(&w->text[slot], r);
  if (slot >= w->n_slots) w->n_slots = slot + 1;
  w->seq[slot] = 1 + (slot * 7919u) % SLOTS;
  vs_textindex_added(&w->x, slot, text_at(w, slot));
}

static void change(world *w, vs_rng *r, uint32_t most, uint32_t n) {
  for (; n > 0; n--) put(w, r, vs_rng_below(r, most), vs_rng_below(r, 4) == 0);
}

/* ============ Comparing ============ */

static void new_index(world *w, vs_textindex *x) {
  vs_wr options;
  vs_err err;
  vs_textindex_init(x, &w->a, &(vs_texts){w, world_text, world_slots, world_sequence}, 11);
  vs_wr_init(&options, &w->a);
  size_t mark = vs_value_object_begin(&options);
  vs_value_key(&options, "stemmer"), vs_value_cstring(&options, "none");
  vs_value_key(&options, "stopwords"), vs_value_cstring(&options, "none");
  vs_value_end(&options, mark, 2);
  must(vs_textindex_configure(x, (vs_slice){options.p, options.n}, &err) == VS_OK);
  vs_wr_deinit(&options);
}

static void ask(vs_textindex *x, vs_textsearch *search, const char *text) {
  vs_textquery q;
  vs_err err;
  vs_text_request r = {.k = 50};
  vs_textquery_init(&q, x->a);
  must(vs_textquery_plain(&q, (vs_slice){(const uint8_t *)text, strlen(text)}, &err) == VS_OK);
  must(vs_textsearch_run(search, x, &q, &r, &err) == VS_OK);
  vs_textquery_deinit(&q);
}

/* Whether it answers as a fresh index does, to the last bit. */
static bool equals_fresh(world *w) {
  vs_textindex fresh;
  vs_textsearch other;
  bool same = true, done = false;
  new_index(w, &fresh);
  vs_textsearch_init(&other, &w->a);
  while (!done) must(vs_textindex_build(&fresh, 1e9, &done) == VS_OK);
  world_build(w);
  same = fresh.n_docs == w->x.n_docs && fresh.vocabulary.map.n == w->x.vocabulary.map.n;
  for (uint32_t i = 0; i < WORDS && same; i++) {
    char text[64];
    snprintf(text, sizeof text, i % 3 == 2 ? "\"w%u w%u\" w%u" : "w%u w%u w%u", (unsigned)i, (unsigned)(i * 7 % WORDS),
             (unsigned)(i * 31 % WORDS));
    ask(&w->x, &w->search, text);
    ask(&fresh, &other, text);
    same = w->search.n_hits == other.n_hits;
    for (uint32_t h = 0; h < other.n_hits && same; h++)
      same = w->search.hit[h].slot == other.hit[h].slot && w->search.hit[h].score == other.hit[h].score;
  }
  vs_textsearch_deinit(&other);
  vs_textindex_deinit(&fresh);
  return same;
}

/* P4 for every list. */
static bool blocks_are_full(const vs_textindex *x) {
  bool full = true;
  for (uint32_t i = 0; i < x->vocabulary.n_terms; i++) {
    const vs_list *l = &vs_term_at(&x->vocabulary, i)->list;
    for (uint32_t j = 1; j < l->n_blocks; j++)
      full = full && (uint32_t)vs_list_blocks(l)[j - 1].n + vs_list_blocks(l)[j].n > VS_BLOCK_LOOSE;
  }
  return full;
}

/* A new index in place of the world's, offered what is saved; then the log is replayed. */
static void reopen(world *w, disk *d) {
  vs_text_source source = source_of(d);
  vs_textindex_deinit(&w->x);
  new_index(w, &w->x);
  if (d->n_layers > 0) vs_textindex_offer(&w->x, &source);
  for (uint32_t slot = 0; slot < w->n_slots; slot++)
    if (dirty[slot]) vs_textindex_added(&w->x, slot, text_at(w, slot));
}

/* ============ Sessions ============ */

static uint32_t n_cases, wrong_check, wrong_scores, wrong_blocks, most_layers, n_read, n_lost;

static void look(world *w) {
  n_cases++;
  wrong_check += vs_textindex_check(&w->x) != VS_OK;
  wrong_scores += !equals_fresh(w);
  wrong_blocks += !blocks_are_full(&w->x);
}

static void session(world *w, disk *d, vs_rng *r, uint32_t most) {
  bool done = false, offered = d->n_layers > 0;
  reopen(w, d);
  change(w, r, most, vs_rng_below(r, 3) * 10);
  if (vs_rng_below(r, 4) == 0) save(w, d, 300, false); /* nobody asked yet */
  change(w, r, most, vs_rng_below(r, 2) * 10);
  if (vs_rng_below(r, 4) == 0) save(w, d, 300, vs_rng_below(r, 4) == 0);
  while (!done && vs_rng_below(r, 60) > 0) { /* reading, with changes between its steps */
    must(vs_textindex_build(&w->x, 1 + vs_rng_below(r, 3000), &done) == VS_OK);
    if (vs_rng_below(r, 3) == 0) change(w, r, most, 2);
    if (vs_rng_below(r, 20) == 0) save(w, d, 300, false);
  }
  n_read += w->x.n_read;
  n_lost += offered && w->x.begun && !w->x.reading && w->x.n_layers == 0;
  for (uint32_t i = vs_rng_below(r, 4); i > 0; i--) {
    change(w, r, most, vs_rng_below(r, 120));
    save(w, d, 200 + vs_rng_below(r, 4000), vs_rng_below(r, 8) == 0);
    if (d->n_layers > most_layers) most_layers = d->n_layers;
  }
  if (vs_rng_below(r, 2) == 0) look(w);
}

static void sessions(world *w, disk *d, vs_rng *r) {
  for (uint32_t round = 0; round < 120; round++) session(w, d, r, round < 40 ? 60 : 1200);
  reopen(w, d);
  look(w);
  ok(n_cases > 40 && wrong_check == 0, "after any sessions the index says what the records say (%u looks)", n_cases);
  ok(wrong_scores == 0, "and scores as a fresh one, to the last bit");
  ok(wrong_blocks == 0, "and has no thin blocks side by side");
  ok(most_layers < 16 && n_read > 5000 && n_lost == 0, "layers stay few (%u), and are what is read (%u texts)",
     most_layers, n_read);
}

/* Texts come in 64 parts, saved after each: how often a byte is written. */
static void amplification(world *w, disk *d, vs_rng *r) {
  forget(d);
  reopen(w, d);
  for (uint32_t slot = 0; slot < w->n_slots; slot++) vs_wr_reset(&w->text[slot]);
  world_build(w);
  d->written = 0;
  for (uint32_t slot = 0; slot < 6400; slot++) {
    put(w, r, slot, false);
    if (slot % 100 == 99) must(save(w, d, 65536, false));
  }
  uint64_t parts = d->written, all = 0;
  for (uint32_t i = 0; i < d->n_blocks; i++) all += d->block[i].n;
  ok(parts < all * 7, "64 savings write each byte %.1f times (without layers it would be 32)",
     (double)parts / (double)all);
  must(!save(w, d, 65536, false));
  uint64_t before = d->written;
  put(w, r, 3, false);
  must(save(w, d, 65536, false));
  ok(d->written - before < 400, "one changed text costs %u bytes", (unsigned)(d->written - before));
  reopen(w, d);
  world_build(w);
  ok(w->x.n_built == 0 && w->x.n_added == 0 && w->x.n_read == 6400, "reading needs no record's text");
  look(w);
}

static void settings(world *w, disk *d) {
  vs_wr options;
  vs_err err;
  reopen(w, d);
  vs_wr_init(&options, &w->a);
  size_t mark = vs_value_object_begin(&options);
  vs_value_key(&options, "stopwords"), vs_value_cstring(&options, "none");
  vs_value_key(&options, "k1"), vs_value_f64(&options, 0.7);
  vs_value_key(&options, "stemmer"), vs_value_cstring(&options, "none");
  vs_value_end(&options, mark, 3);
  must(vs_textindex_configure(&w->x, (vs_slice){options.p, options.n}, &err) == VS_OK);
  world_build(w);
  ok(w->x.n_read > 0 && w->x.n_built == 0, "another k1, or the same options in another order, keep what is saved");
  vs_wr_reset(&options);
  mark = vs_value_object_begin(&options);
  vs_value_key(&options, "stemmer"), vs_value_cstring(&options, "porter");
  vs_value_end(&options, mark, 1);
  reopen(w, d);
  uint32_t closed = d->closed;
  must(vs_textindex_configure(&w->x, (vs_slice){options.p, options.n}, &err) == VS_OK);
  world_build(w);
  ok(w->x.n_read == 0 && w->x.n_built > 0 && d->closed == closed + 1, "another stemmer builds anew");
  vs_wr_deinit(&options);
}

/* ============ Damage ============ */

static uint32_t n_refused, n_unseen, n_harm;

static void try_damaged(world *w, disk *d) {
  reopen(w, d);
  world_build(w);
  n_refused += w->x.n_read == 0;
  vs_status status = vs_textindex_check(&w->x);
  must(status == VS_OK || status == VS_CORRUPT);
  n_unseen += status == VS_CORRUPT;
  n_harm += vs_textindex_check(&w->x) != VS_OK || (n_cases++ % 16 == 0 && !equals_fresh(w));
}

static void damage(world *w, disk *d, vs_rng *r) {
  forget(d);
  reopen(w, d);
  for (uint32_t slot = 0; slot < w->n_slots; slot++) vs_wr_reset(&w->text[slot]);
  w->n_slots = 0;
  world_build(w);
  for (uint32_t i = 0; i < 3; i++) {
    for (uint32_t slot = i * 4; slot < i * 4 + 9 - i * 3; slot++) put(w, r, slot, false);
    must(save(w, d, 120, false));
  }
  must(d->n_layers > 1);
  for (uint32_t i = 0; i < d->n_blocks; i++) {
    vs_wr *b = &d->block[i];
    for (size_t at = 0; at < b->n * 2; at++) {
      uint8_t flip = at % 2 ? 0x80 : (uint8_t)(1u << (at / 2 % 7));
      b->p[at / 2] ^= flip;
      try_damaged(w, d);
      b->p[at / 2] ^= flip;
    }
    size_t n = b->n;
    for (b->n = 0; b->n < n; b->n++) try_damaged(w, d);
    uint32_t layer = d->layer_of[i];
    d->layer_of[i] = VS_TEXT_LAYERS;
    try_damaged(w, d);
    d->layer_of[i] = layer;
  }
  d->number[0] += 100;
  uint32_t before = n_refused;
  try_damaged(w, d);
  ok(n_refused == before + 1, "another layer in place of one is refused");
  ok(n_harm == 0 && n_refused > 500, "damage is refused (%u) or found by the check (%u), and does no harm", n_refused,
     n_unseen);
}

int main(void) {
  static world w;
  static disk d;
  vs_rng r = {20261123};
  world_open(&w, 1.2, 0.75);
  sessions(&w, &d, &r);
  amplification(&w, &d, &r);
  settings(&w, &d);
  damage(&w, &d, &r);
  forget(&d);
  world_close(&w);
  return tap_done();
}
