/* salvage.c - what can be had of a store that is damaged.
 *
 * Layer: store. Opening a store to repair it differs from opening it in this:
 *
 *   manifest  the newest intact one counts, whatever a newer one may have said;
 *             without any, all segments in the directory are live, and the newest
 *             generation of index files whose first part is whole (it begins with
 *             the table of what is live)
 *   logs      end at the first damage (recover.c), told instead of refused
 *   blocks    damaged ones are passed over: behind one the next intact block is
 *             looked for, at every offset. A block's checksum covers its length, and
 *             lengths from a candidate on must lead to the file's end, or, where no
 *             candidate's do, to something that looks like a block: so hardly a
 *             checksum is computed in vain. A crafted file that defeats this is given
 *             up after WORK_FACTOR times its length
 *   snapshots with a damaged file are dropped
 *
 * Nothing is written. The store counts as one that is healing (sync.c): the
 * checkpoint that follows keeps no file of the old state, and its manifest is the
 * switch. Until that is durable all that was there is there, so that a crash
 * leaves a store to be repaired once more.
 */
#include "store_impl.h"

#include "../base/crc32c.h"

#include <string.h>

#define WORK_FACTOR 16u
/* Longest block that is looked for at any offset; longer ones are found where they follow an intact one. */
#define SEARCHED_BLOCK_BYTES (2u << 20)
/* More than a file has. */
#define MAX_BLOCKS 4096u

void vs_salvage_tell(vs_store *s, const char *name, const char *what) {
  char path[VS_IO_NAME_BYTES];
  vs_store_path(s, name, path);
  s->damage(s->damage_ctx, path, what);
}

vs_status vs_salvage_pass(vs_store *s, vs_status status, const vs_err *what, vs_err *err) {
  if (status == VS_CORRUPT) {
    s->damage(s->damage_ctx, what->file, what->msg);
    return VS_OK;
  }
  if (status != VS_OK && err != NULL) *err = *what;
  return status;
}

/* ============ Blocks ============ */

/* Length of the intact block at p, 0 = none; *work counts what was checksummed. */
static uint32_t intact(const uint8_t *p, uint64_t left, uint64_t *work) {
  if (left < VS_BLOCK_HEADER_BYTES) return 0;
  uint32_t n = vs_load_u32(p);
  if (n == 0 || n > VS_BLOCK_MAX_BYTES || n > left - VS_BLOCK_HEADER_BYTES) return 0;
  *work += n;
  return vs_load_u32(p + 4) == vs_crc32c(vs_crc32c(0, p, 4), p + VS_BLOCK_HEADER_BYTES, n) ? n : 0;
}

static bool at_end(const uint8_t *p, uint64_t left) {
  return left == 0 || (left == VS_BLOCK_FOOTER_BYTES && vs_load_u32(p) == VS_BLOCK_FOOTER_MARKER);
}

/* Worth a checksum: what looks like max_blocks blocks follow, or fewer and then the file's end. */
static bool plausible(const uint8_t *p, uint64_t left, uint32_t max_blocks) {
  for (uint32_t i = 0; i < max_blocks; i++) {
    if (i > 0 && at_end(p, left)) return true;
    if (left < VS_BLOCK_HEADER_BYTES) return false;
    uint32_t n = vs_load_u32(p);
    if (n == 0 || n > SEARCHED_BLOCK_BYTES || n > left - VS_BLOCK_HEADER_BYTES) return false;
    left -= VS_BLOCK_HEADER_BYTES + n;
    p += VS_BLOCK_HEADER_BYTES + n;
  }
  return max_blocks < MAX_BLOCKS;
}

/* The first intact block behind `at`; its place, or n. */
static uint64_t search(const uint8_t *p, uint64_t n, uint64_t at, uint32_t max_blocks, uint32_t *bytes) {
  uint64_t work = 0;
  while (++at < n && work / WORK_FACTOR <= n) {
    if (plausible(p + at, n - at, max_blocks) && (*bytes = intact(p + at, n - at, &work)) > 0) return at;
  }
  return n;
}

void vs_salvage_block(const uint8_t *p, uint64_t n, uint64_t *off, vs_slice *block, bool *damaged) {
  uint64_t at = *off, work = 0;
  *block = (vs_slice){NULL, 0};
  *off = n;
  if (at >= n || at_end(p + at, n - at)) return;
  uint32_t bytes = intact(p + at, n - at, &work);
  if (bytes == 0) *damaged = true;
  if (bytes == 0 && n - at >= VS_BLOCK_HEADER_BYTES) {
    /* The length may be right and only the payload wrong. */
    uint64_t next = at + VS_BLOCK_HEADER_BYTES + vs_load_u32(p + at);
    bytes = next < n ? intact(p + next, n - next, &work) : 0;
    if (bytes > 0) at = next;
  }
  uint64_t from = at;
  if (bytes == 0) at = search(p, n, from, MAX_BLOCKS, &bytes);
  if (bytes == 0) at = search(p, n, from, 2, &bytes);
  if (bytes == 0) return;
  *block = (vs_slice){p + at + VS_BLOCK_HEADER_BYTES, bytes};
  *off = at + VS_BLOCK_HEADER_BYTES + bytes;
}

/* ============ The manifest ============ */

typedef struct {
  vs_store *s;
  uint64_t generation; /* of the index files wanted */
  uint32_t cap;
  vs_err *err;
} gathering;

static vs_status gather(void *ctx, const char *text, bool is_dir) {
  gathering *g = ctx;
  vs_manifest *m = &g->s->manifest;
  vs_name name = vs_name_parse(text);
  bool wanted = name.kind == VS_NAME_SEGMENT || (name.kind == VS_NAME_INDEX && name.number == g->generation);
  if (is_dir || !wanted) return VS_OK;
  if (m->n_files == g->cap) {
    uint32_t cap = g->cap * 2 + 16;
    vs_file_ref *file = vs_realloc(g->s->a, m->file, cap * sizeof *file);
    if (file == NULL) return vs_fail(g->err, VS_OUT_OF_MEMORY, "no memory for the list of files");
    m->file = file;
    g->cap = cap;
  }
  vs_file_kind kind = name.kind == VS_NAME_SEGMENT ? VS_FILE_SEGMENT : VS_FILE_INDEX;
  m->file[m->n_files++] = (vs_file_ref){.kind = kind, .number = name.number, .part = name.part};
  return VS_OK;
}

/* Index parts in their order: the table of what is live is read from first to last. */
static void sort_parts(vs_manifest *m) {
  for (uint32_t i = 1; i < m->n_files; i++) {
    vs_file_ref ref = m->file[i];
    uint32_t j = i;
    for (; j > 0 && m->file[j - 1].part > ref.part; j--) m->file[j] = m->file[j - 1];
    m->file[j] = ref;
  }
}

/* Reads the whole first part of a generation, whose length and checksum no manifest tells. */
static vs_status part_is_whole(vs_store *s, uint64_t generation, bool *whole, vs_err *err) {
  char name[VS_STORE_NAME_BYTES];
  vs_name_format((vs_name){VS_NAME_INDEX, generation, 0}, name);
  vs_window w;
  const uint8_t *p;
  vs_status status = vs_window_open(s, name, &w, err);
  *whole = false;
  if (status == VS_OK && w.file_bytes >= VS_BLOCK_FILE_HEADER_BYTES + VS_BLOCK_FOOTER_BYTES &&
      w.file_bytes < SIZE_MAX / 2 && (status = vs_window_get(s, &w, 0, (size_t)w.file_bytes, &p, err)) == VS_OK) {
    uint64_t off = VS_BLOCK_FILE_HEADER_BYTES;
    vs_slice block;
    bool damaged = false;
    const uint8_t *footer = p + w.file_bytes - VS_BLOCK_FOOTER_BYTES;
    do vs_salvage_block(p, w.file_bytes, &off, &block, &damaged);
    while (block.n > 0 && !damaged);
    *whole = !damaged && vs_load_u32(footer) == VS_BLOCK_FOOTER_MARKER;
  }
  vs_window_close(s, &w);
  return status == VS_NOT_FOUND ? VS_OK : status;
}

static vs_status make_manifest(vs_store *s, const vs_listing *l, vs_err *err) {
  gathering g = {.s = s, .generation = l->max_generation, .err = err};
  bool whole = false;
  /* A repair that was cut off left an unfinished one above the last whole one. */
  for (uint64_t tries = 0; g.generation > 0 && tries < 64; tries++, g.generation--) {
    VS_TRY(part_is_whole(s, g.generation, &whole, err));
    if (whole) break;
  }
  if (!whole) g.generation = l->max_generation;
  vs_status status = s->io->ops->list(s->io, s->dir, gather, &g);
  sort_parts(&s->manifest);
  s->manifest.next_segment = l->max_segment + 1;
  if (status != VS_OK) return vs_store_io_fail(err, status, "list", s->dir);
  if (s->manifest.n_files > 0 || l->manifests.n > 0)
    vs_salvage_tell(s, "manifest", "is lost, and with it the settings and the snapshots");
  return VS_OK;
}

vs_status vs_salvage_manifest(vs_store *s, const vs_listing *l, vs_err *err) {
  s->sync.health = VS_SYNC_HEALING;
  s->adopted = true; /* nothing that is there has to become durable */
  for (uint32_t i = l->manifests.n; i-- > 0;) {
    bool valid;
    char name[VS_STORE_NAME_BYTES];
    VS_TRY(vs_manifest_load(s, l->manifests.v[i], &s->manifest, &valid, err));
    if (valid) return VS_OK;
    vs_name_format((vs_name){VS_NAME_MANIFEST, l->manifests.v[i], 0}, name);
    vs_salvage_tell(s, name, "is damaged");
  }
  return make_manifest(s, l, err);
}

/* ============ Snapshots ============ */

vs_status vs_store_drop_damaged_snapshots(vs_store *s, vs_damage_fn fn, void *ctx, vs_err *err) {
  vs_manifest *m = &s->manifest;
  vs_damage_fn salvaging = s->damage;
  s->damage = NULL; /* read strictly */
  uint32_t kept = 0;
  vs_status status = VS_OK;
  for (uint32_t i = 0; i < m->n_snapshots; i++) {
    vs_err what;
    vs_err_clear(&what);
    vs_status read = status;
    for (uint32_t f = 0; f < m->snapshot[i].n_files && read == VS_OK; f++)
      read = vs_blocks_read_all(s, &m->snapshot[i].file[f], &what);
    if (read == VS_CORRUPT) {
      char text[VS_SNAPSHOT_NAME_MAX + 16] = "snapshot ";
      memcpy(text + 9, m->snapshot[i].name, strlen(m->snapshot[i].name) + 1);
      fn(ctx, text, what.msg);
      vs_snapshot_deinit(s->a, &m->snapshot[i]);
      continue;
    }
    if (read != VS_OK && status == VS_OK && err != NULL) *err = what;
    status = read;
    if (kept < i) {
      m->snapshot[kept] = m->snapshot[i];
      memset(&m->snapshot[i], 0, sizeof m->snapshot[i]);
    }
    kept++;
  }
  m->n_snapshots = kept;
  s->damage = salvaging;
  return status;
}

/* ============ Opening ============ */

vs_status vs_store_salvage(vs_alloc *a, vs_io *io, const char *dir, const vs_store_limits *limits, vs_damage_fn fn,
                           void *ctx, vs_store **out, vs_err *err) {
  VS_TRY(vs_store_open_with(a, io, dir, limits, fn, ctx, out, err));
  vs_store *s = *out;
  if (vs_store_is_new(s)) {
    s->sync.health = VS_SYNC_HEALTHY;
    s->adopted = false;
    s->damage = NULL;
    return VS_OK;
  }
  vs_status status = vs_store_drop_damaged_snapshots(s, fn, ctx, err);
  if (status != VS_OK) {
    vs_store_close(s);
    *out = NULL;
  }
  return status;
}
