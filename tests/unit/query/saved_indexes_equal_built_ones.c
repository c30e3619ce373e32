/* saved_indexes_equal_built_ones.c - metadata indexes read from what was saved answer as those built
 * from the records do, whatever changed in between; damaged or refused ones are built anew, and
 * never name a record that is not there.
 */
#include "../../../src/query/meta_image.h"
#include "world.h"

#define MAX_BLOCKS 4000u

typedef struct {
  vs_wr block[MAX_BLOCKS];
  uint32_t n;
  vs_status status; /* of reading, once all blocks were delivered */
} image;

static image *save(world *w, size_t target) {
  image *im = calloc(1, sizeof *im);
  vs_meta_writer s = {0};
  bool done = false;
  must(im);
  while (!done) {
    must(im->n < MAX_BLOCKS);
    vs_wr_init(&im->block[im->n], &w->own);
    vs_meta_encode_next(&w->index, &s, target, &im->block[im->n], &done);
    must(!im->block[im->n].failed && im->block[im->n].n > 0);
    im->n++;
  }
  return im;
}

static void drop(image *im) {
  for (uint32_t i = 0; i < im->n; i++) vs_wr_deinit(&im->block[i]);
  free(im);
}

static vs_status deliver(void *ctx, vs_meta_reader *r) {
  image *im = ctx;
  for (uint32_t i = 0; i < im->n; i++) VS_TRY(vs_meta_decode_block(r, (vs_slice){im->block[i].p, im->block[i].n}));
  return im->status;
}

/* The indexes are forgotten; their image is offered in place. */
static void reopen(world *w, image *im) {
  vs_meta_deinit(&w->index);
  vs_meta_init(&w->index, &w->a, &(vs_records){w, world_read, world_slots});
  vs_meta_offer(&w->index, &(vs_meta_saved){deliver, im});
}

static void writes(world *w, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    if (below(w, 4) == 0)
      world_drop(w, below(w, w->n_slots + 1) % SLOTS);
    else
      world_put(w, w->n_slots < SLOTS && below(w, 3) ? w->n_slots : below(w, w->n_slots ? w->n_slots : 1));
  }
}

/* Differences between what filters find and evaluation; `sound`: only empty slots count as wrong. */
static uint32_t wrong(world *w, uint32_t n_filters, bool sound) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < n_filters; i++) {
    char text[700];
    vs_match_stats stats;
    random_filter(w, text, sizeof text);
    vs_prepared p = world_compile(w, text);
    must(vs_meta_ready(&w->index) == VS_OK && vs_match_find(&w->index, &p, &stats) == VS_OK);
    for (uint32_t slot = 0; slot < w->n_slots; slot++) {
      bool found = vs_bitset_test(&p.matches, slot);
      vs_slice metadata = {w->meta[slot].p, w->meta[slot].n};
      if (sound)
        sum += found && !w->live[slot];
      else
        sum += found != (w->live[slot] && vs_filter_match(p.filter, metadata));
    }
    vs_prepared_deinit(&p, &w->a);
  }
  return sum;
}

static void round_trips(uint64_t seed) {
  world *w = world_create(seed);
  uint32_t bad = 0, n_blocks = 0;
  writes(w, 900);
  must(vs_meta_ready(&w->index) == VS_OK);
  for (uint32_t round = 0; round < 6; round++) {
    uint32_t n_fields = w->index.n_fields;
    image *im = save(w, 200u << round);
    n_blocks += im->n;
    reopen(w, im);
    if (round % 2) writes(w, 150);
    vs_meta_take(&w->index);
    bad += !w->index.built || !w->index.from_saved || w->index.n_fields != n_fields || w->index.unsaved;
    bad += vs_meta_check(&w->index) != VS_OK || !w->index.built;
    writes(w, 100);
    bad += vs_meta_check(&w->index) != VS_OK;
    bad += wrong(w, 40, false);
    must(vs_meta_ready(&w->index) == VS_OK);
    drop(im);
  }
  printf("# seed %llu, %u records, %u blocks\n", (unsigned long long)seed, w->n_live, n_blocks);
  ok(bad == 0, "saved, read and written to, six times: as built");
  world_destroy(w);
}

static void configure(world *w, const char *field, const char *kind) {
  vs_wr o;
  vs_err err;
  vs_wr_init(&o, &w->own);
  size_t mark = vs_value_object_begin(&o);
  vs_value_key(&o, field);
  vs_value_cstring(&o, kind);
  vs_value_end(&o, mark, 1);
  must(vs_meta_configure(&w->index, (vs_slice){o.p, o.n}, &err) == VS_OK);
  vs_wr_deinit(&o);
}

static void other_overrides(void) {
  static const char *const asked[][2] = {{"s", "range"}, {"n", "value"}, {"o.k", "auto"}, {"nowhere", "auto"}};
  world *w = world_create(4);
  uint32_t bad = 0;
  writes(w, 1200);
  for (uint32_t i = 0; i < 4; i++) {
    must(vs_meta_ready(&w->index) == VS_OK);
    image *im = save(w, 1000);
    vs_meta_deinit(&w->index);
    vs_meta_init(&w->index, &w->a, &(vs_records){w, world_read, world_slots});
    configure(w, asked[i][0], asked[i][1]);
    vs_meta_offer(&w->index, &(vs_meta_saved){deliver, im});
    bad += wrong(w, 20, false);
    const vs_meta_field *f = &w->index.field[0];
    bad += !f->overridden || f->kind == VS_META_NONE || (f->asked != VS_META_AUTO && f->kind != f->asked);
    bad += !w->index.from_saved;
    drop(im);
  }
  ok(bad == 0, "what the configuration asks for is built, the rest is read");
  world_destroy(w);
}

/* One random damage of one block. */
static void damage(world *w, image *im) {
  vs_wr *b = &im->block[below(w, im->n)];
  switch (below(w, 5)) {
  case 0: b->n = below(w, (uint32_t)b->n); break;
  case 1: vs_wr_u32(b, below(w, 1000)); break;
  case 2: {
    vs_wr *other = &im->block[below(w, im->n)], t = *b;
    *b = *other;
    *other = t;
    break;
  }
  default:
    for (uint32_t i = below(w, 3) + 1; i > 0 && b->n > 0; i--)
      b->p[below(w, (uint32_t)b->n)] = below(w, 3) ? (uint8_t)below(w, 4) : (uint8_t)below(w, 256);
  }
}

static void damaged(uint64_t seed) {
  world *w = world_create(seed);
  uint32_t bad = 0, refused = 0, noticed = 0;
  writes(w, 1200);
  for (uint32_t i = 0; i < 60; i++) {
    must(vs_meta_ready(&w->index) == VS_OK);
    image *im = save(w, 300 + below(w, 3000));
    damage(w, im);
    reopen(w, im);
    if (below(w, 2)) writes(w, 5);
    vs_meta_take(&w->index);
    refused += !w->index.built;
    writes(w, 20);
    bad += wrong(w, 2, true);
    vs_status status = vs_meta_check(&w->index);
    noticed += status == VS_CORRUPT;
    bad += status != VS_OK && status != VS_CORRUPT;
    bad += wrong(w, 2, false);
    drop(im);
  }
  printf("# seed %llu, %u refused, %u let pass and noticed by the check\n", (unsigned long long)seed, refused, noticed);
  ok(bad == 0 && refused > 30 && noticed > 0, "damage is refused, or harmless until a check finds it");
  world_destroy(w);
}

static void refused(void) {
  world *w = world_create(8);
  uint32_t bad = 0, given_up = 0;
  writes(w, 1200);
  must(vs_meta_ready(&w->index) == VS_OK);
  image *im = save(w, 500);
  for (uint64_t at = 1;; at += 1 + at / 12) {
    reopen(w, im);
    world_put(w, 3);
    w->a.fail_at = w->a.n_calls + at;
    world_put(w, 5); /* noting the change may be refused, too */
    vs_meta_take(&w->index);
    bool reached = w->a.n_calls >= w->a.fail_at;
    w->a.fail_at = 0;
    given_up += !w->index.built;
    bad += wrong(w, 1, false);
    must(vs_meta_ready(&w->index) == VS_OK);
    drop(im);
    im = save(w, 500);
    if (!reached) break;
  }
  im->status = VS_IO;
  reopen(w, im);
  bad += wrong(w, 5, false) + w->index.from_saved;
  drop(im);
  ok(bad == 0 && given_up > 10, "refused memory %u times, and a medium that fails: built anew", given_up);
  world_destroy(w);
}

/* Records that change while blocks are written leave an image that is refused. */
static void changed_meanwhile(void) {
  world *w = world_create(9);
  writes(w, 1200);
  must(vs_meta_ready(&w->index) == VS_OK);
  image *im = calloc(1, sizeof *im);
  vs_meta_writer s = {0};
  bool done = false;
  must(im);
  for (; !done; im->n++) {
    vs_wr_init(&im->block[im->n], &w->own);
    vs_meta_encode_next(&w->index, &s, 500, &im->block[im->n], &done);
    if (im->n == 3) world_put(w, 7);
  }
  reopen(w, im);
  vs_meta_take(&w->index);
  ok(!w->index.built && wrong(w, 10, false) == 0, "an image of two states is refused");
  drop(im);
  world_destroy(w);
}

int main(void) {
  round_trips(1);
  round_trips(2);
  other_overrides();
  damaged(6);
  refused();
  changed_meanwhile();
  return tap_done();
}
