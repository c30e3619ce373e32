/* Bytes from anywhere under the store's names: opening gives a clean status,
 * allocates no more than the files justify and leaves nothing behind. Files
 * are made of random bytes, of pieces of real files, and of real files with
 * several places overwritten and their checksums made right again. */
#include "world.h"

#include "../../../src/base/crc32c.h"
#include "../../../src/store/format.h"

#define BYTES_MAX 4096u

typedef struct {
  char name[48];
  uint8_t p[BYTES_MAX];
  size_t n;
} image;

static uint32_t load_images(world *w, image *out) {
  names l = files_of(w);
  for (uint32_t i = 0; i < l.n; i++) {
    vs_file *f;
    strcpy(out[i].name, l.name[i]);
    must(w->io->ops->open(w->io, l.name[i], VS_IO_READ, &f) == VS_OK);
    must(w->io->ops->read(w->io, f, 0, out[i].p, BYTES_MAX, &out[i].n) == VS_OK);
    w->io->ops->close(w->io, f);
  }
  return l.n;
}

static void store_image(world *w, const image *im) {
  vs_file *f;
  must(w->io->ops->open(w->io, im->name, VS_IO_CREATE, &f) == VS_OK);
  if (im->n > 0) must(w->io->ops->append(w->io, f, im->p, im->n) == VS_OK);
  w->io->ops->close(w->io, f);
}

/* Makes the checksums of header, manifest body and frames fit what is there, and a manifest's length too. */
static void mend(image *im) {
  if (im->n < VS_PROLOGUE_BYTES) return;
  if (strncmp(im->name, "manifest", 8) == 0 && im->n > VS_MANIFEST_HEADER_BYTES) {
    vs_store_u64(im->p + 16, im->n - VS_MANIFEST_HEADER_BYTES);
    vs_store_u32(im->p + 24, vs_crc32c(0, im->p + VS_MANIFEST_HEADER_BYTES, im->n - VS_MANIFEST_HEADER_BYTES));
  }
  uint32_t header = vs_load_u32(im->p + 12);
  if (header >= 20 && header <= im->n) vs_store_u32(im->p + header - 4, vs_crc32c(0, im->p, header - 4));
  if (strncmp(im->name, "wal-", 4) != 0) return;
  uint64_t number = vs_name_parse(im->name).number;
  for (size_t off = VS_WAL_HEADER_BYTES; im->n - off >= VS_FRAME_HEADER_BYTES && off < im->n;) {
    uint32_t n = vs_load_u32(im->p + off);
    if (n > im->n - off - VS_FRAME_HEADER_BYTES) break;
    uint8_t place[20];
    vs_store_u64(place, number);
    vs_store_u64(place + 8, off);
    vs_store_u32(place + 16, n);
    uint32_t crc = vs_crc32c(vs_crc32c(0, place, 20), im->p + off + 8, VS_FRAME_HEADER_BYTES - 8 + n);
    vs_store_u32(im->p + off + 4, crc);
    off += VS_FRAME_HEADER_BYTES + n;
  }
}

static void mutate(vs_rng *rng, image *im, const image *all, uint32_t n_all) {
  uint32_t n_changes = 1 + vs_rng_below(rng, 4);
  for (uint32_t i = 0; i < n_changes && im->n > 0; i++) {
    size_t at = vs_rng_below(rng, (uint32_t)im->n);
    switch (vs_rng_below(rng, 5)) {
    case 0: im->p[at] = (uint8_t)vs_rng_u64(rng); break;
    case 1: /* an extreme number */
      for (size_t k = at; k < im->n && k < at + 1 + vs_rng_below(rng, 8); k++) im->p[k] = 0xff;
      break;
    case 2: im->n = at; break;
    case 3: {
      const image *from = &all[vs_rng_below(rng, n_all)];
      size_t n = vs_min_size(vs_rng_below(rng, 60), vs_min_size(from->n, im->n - at));
      memcpy(im->p + at, from->p + (from->n - n) / 2, n);
      break;
    }
    default:
      for (size_t k = at; k < im->n; k++) im->p[k] = (uint8_t)vs_rng_u64(rng);
    }
  }
  if (vs_rng_below(rng, 4) > 0) mend(im);
}

/* A manifest ends at each length, and has each byte raised to its most, under checksums that are right. */
static uint32_t each_byte(const image *all, uint32_t n_all) {
  static image one;
  uint32_t n_wrong = 0;
  for (uint32_t i = 0; i < n_all; i++) {
    if (strncmp(all[i].name, "manifest", 8) != 0) continue;
    for (size_t at = VS_MANIFEST_HEADER_BYTES; at < 2 * all[i].n; at++) {
      world g;
      history h;
      vs_err err;
      one = all[i];
      if (at < one.n)
        one.n = at;
      else if (at - one.n < VS_MANIFEST_HEADER_BYTES)
        continue;
      else
        memset(one.p + (at - one.n), 0xff, vs_min_size(8, 2 * one.n - at));
      mend(&one);
      world_init(&g, 300);
      for (uint32_t k = 0; k < n_all; k++) store_image(&g, k == i ? &one : &all[k]);
      vs_status status = recovered(&g, &h, &err);
      n_wrong += status != VS_OK && status != VS_CORRUPT && status != VS_VERSION;
      world_deinit(&g);
    }
  }
  return n_wrong;
}

int main(void) {
  world w;
  history h;
  world_init(&w, 300);
  must(world_open(&w, &h, NULL) == VS_OK);
  commit_synced(&w, 1);
  checkpoint(&w, 1, 1);
  must(vs_store_checkpoint_begin(w.s, NULL) == VS_OK);
  must(vs_store_checkpoint_pin(w.s, "pinned", 5, 1, NULL) == VS_OK);
  for (uint32_t i = 0; i < vs_store_n_files(w.s); i++) must(vs_store_checkpoint_keep(w.s, i, NULL) == VS_OK);
  must(vs_store_sync(w.s, NULL) == VS_OK);
  must(vs_store_checkpoint_install(w.s, (vs_slice){(const uint8_t *)"blob", 4}, NULL) == VS_OK);
  must(vs_store_sync(w.s, NULL) == VS_OK && vs_store_checkpoint_retire(w.s, NULL) == VS_OK);
  must(vs_store_sync(w.s, NULL) == VS_OK);
  for (uint64_t v = 2; v <= 4; v++) commit_synced(&w, v);
  vs_store_mark_durable(w.s);
  vs_store_close(w.s);
  w.s = NULL;
  static image all[16], one;
  uint32_t n_all = load_images(&w, all);
  uint32_t count[VS_STATUS_COUNT] = {0}, bad = 0;
  for (uint64_t seed = 1; seed <= 6000; seed++) {
    vs_rng rng = {seed};
    world g;
    world_init(&g, 300);
    uint32_t hit = vs_rng_below(&rng, n_all);
    for (uint32_t i = 0; i < n_all; i++) {
      one = all[i];
      if (i == hit || vs_rng_below(&rng, 8) == 0) mutate(&rng, &one, all, n_all);
      store_image(&g, &one);
    }
    vs_err err;
    vs_status status = recovered(&g, &h, &err);
    count[status]++;
    bool clean = status == VS_OK || status == VS_CORRUPT || status == VS_VERSION;
    if (!clean || g.mem.peak > 4u << 20) {
      printf("# seed %u: %s, %u bytes\n", (unsigned)seed, vs_status_name(status), (unsigned)g.mem.peak);
      bad++;
    }
    world_deinit(&g);
  }
  ok(bad == 0, "6000 damaged directories: %u open, %u corrupt, %u of another version", count[VS_OK], count[VS_CORRUPT],
     count[VS_VERSION]);
  ok(each_byte(all, n_all) == 0, "a manifest cut at each length and extreme at each place gives a clean status");
  ok(count[VS_OK] > 50 && count[VS_CORRUPT] > 50, "of both kinds");
  world_deinit(&w);
  return tap_done();
}
