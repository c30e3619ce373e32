/* seed_import.c - a directory of the Rust library into a store (seed_import.h; its files: seed.h).
 *
 * Layer: cli. vectors.bin is read record by record; the texts, their index and
 * meta.bin are held. Its writer replaces the files one after the other, so a
 * crash leaves some of them old: vectors.bin counts, and a disagreement of
 * the others with it is said, not refused.
 */
#include "seed_import.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../base/hashmap.h"
#include "commands.h"
#include "files.h"
#include "json_read.h"
#include "records.h"
#include "seed.h"

enum { PIECE_BYTES = 1 << 16, PATH_BYTES = 4096 };
#define MAX_RECORD_BYTES ((size_t)256 << 20)
#define HASH_SEED 0x7665637374u

/* A text of text_index.json. */
typedef struct {
  vs_slice id, text; /* text: encoded, in `texts` */
} seed_text;

typedef struct {
  vs_alloc a;
  const char *directory;
  char path[PATH_BYTES]; /* of the file being read */
  cli_store store;
  cli_seed_manifest manifest;
  vs_wr texts;      /* text_index.json, encoded */
  vs_blocks text;   /* seed_text */
  vs_hashmap by_id; /* id -> its place there */
  vs_wr window, value;
  size_t taken;
  bool ended;
  cli_records records;
  uint64_t n_read, n_deleted, n_expired, n_expiring, n_texts, n_rounded;
} seed_import;

static bool complain(const seed_import *s, const char *what) {
  fprintf(stderr, "vecstore: %s: %s\n", s->path, what);
  return false;
}

static bool set_path(seed_import *s, const char *name) {
  int n = snprintf(s->path, sizeof s->path, "%s/%s", s->directory, name);
  if (n > 0 && (size_t)n < sizeof s->path) return true;
  fputs("vecstore: the path is too long\n", stderr);
  return false;
}

static bool no_memory(void) {
  fputs("vecstore: no memory\n", stderr);
  return false;
}

/* ============ Files that are held ============ */

/* *bytes NULL where the file is absent and may be. The caller frees it. */
static bool read_file(seed_import *s, const char *name, bool required, uint8_t **bytes, size_t *n) {
  if (!set_path(s, name)) return false;
  *bytes = cli_read_whole(&s->a, s->path, n);
  if (*bytes || (errno == ENOENT && !required)) return true;
  return complain(s, strerror(errno));
}

/* A whole JSON file into `out`; *there = it exists. */
static bool read_json(seed_import *s, const char *name, bool required, vs_wr *out, bool *there) {
  uint8_t *bytes;
  size_t n;
  const char *problem = NULL;
  if (!read_file(s, name, required, &bytes, &n)) return false;
  *there = bytes != NULL;
  if (bytes && !cli_json_read(bytes, n, out, NULL, &problem)) complain(s, problem);
  vs_free(&s->a, bytes);
  return problem == NULL;
}

static bool read_manifest(seed_import *s) {
  bool there;
  const char *problem;
  vs_wr_reset(&s->value);
  if (!read_json(s, "manifest.json", true, &s->value, &there)) return false;
  vs_rd r = vs_rd_of(s->value.p, s->value.n);
  vs_value v = vs_value_read(&r);
  return cli_seed_read_manifest(&v, &s->manifest, &problem) || complain(s, problem);
}

static bool check_meta(seed_import *s, uint64_t *n_ids) {
  uint8_t *bytes;
  size_t n;
  const char *problem;
  if (!read_file(s, "meta.bin", true, &bytes, &n)) return false;
  bool fine = cli_seed_check_meta(bytes, n, n_ids, &problem) || complain(s, problem);
  vs_free(&s->a, bytes);
  return fine;
}

/* ============ Texts ============ */

static seed_text *text_at(const seed_import *s, uint32_t i) { return vs_blocks_at(&s->text, i); }

static bool same_id(const void *ctx, uint32_t slot, vs_slice key) {
  const seed_text *t = text_at(ctx, slot);
  return t->id.n == key.n && memcmp(t->id.p, key.p, key.n) == 0;
}

static bool read_texts(seed_import *s) {
  bool there = false;
  if (s->manifest.version < 3) return true;
  if (!read_json(s, "text_index.json", false, &s->texts, &there)) return false;
  if (!there) return true;
  vs_rd r = vs_rd_of(s->texts.p, s->texts.n);
  vs_value all = vs_value_read(&r);
  if (all.tag != VS_VALUE_OBJECT) return complain(s, "no object of texts");
  if (vs_blocks_reserve(&s->text, all.count) != VS_OK || vs_hashmap_reserve(&s->by_id, all.count) != VS_OK)
    return no_memory();
  vs_rd members = vs_rd_of(all.bytes.p, all.bytes.n);
  for (uint32_t i = 0; i < all.count; i++) {
    vs_slice id = vs_rd_slice(&members);
    const uint8_t *from = members.p;
    if (vs_value_read(&members).tag != VS_VALUE_STRING) return complain(s, "a text is no string");
    *text_at(s, i) = (seed_text){id, {from, (size_t)(members.p - from)}};
    vs_hashmap_put(&s->by_id, id, i);
  }
  return true;
}

/* ============ Records ============ */

static bool fill(seed_import *s, FILE *file) {
  vs_wr *w = &s->window;
  s->ended = feof(file) != 0;
  if (s->ended) return true;
  memmove(w->p, w->p + s->taken, w->n - s->taken);
  w->n -= s->taken;
  s->taken = 0;
  uint8_t *room = vs_wr_space(w, PIECE_BYTES);
  if (!room) return no_memory();
  size_t got = fread(room, 1, PIECE_BYTES, file);
  w->n -= PIECE_BYTES - got;
  s->ended = got < PIECE_BYTES;
  return !ferror(file) || complain(s, strerror(errno));
}

static bool take_record(seed_import *s, vs_slice text) {
  const char *problem = NULL;
  cli_seed_record record;
  vs_wr_reset(&s->value);
  if (!cli_json_read(text.p, text.n, &s->value, &s->n_rounded, &problem)) return complain(s, problem);
  vs_rd r = vs_rd_of(s->value.p, s->value.n);
  vs_value v = vs_value_read(&r);
  if (!cli_seed_read_record(&v, &record, &problem)) return complain(s, problem);
  s->n_read++;
  bool expired = record.expires && record.expires_at <= (int64_t)time(NULL);
  s->n_deleted += record.deleted;
  s->n_expired += expired && !record.deleted;
  if (record.deleted || expired) return true;
  s->n_expiring += record.expires;
  uint32_t at = vs_hashmap_get(&s->by_id, record.id);
  vs_slice body = at == VS_NO_SLOT ? (vs_slice){NULL, 0} : text_at(s, at)->text;
  s->n_texts += at != VS_NO_SLOT;
  vs_value id = {.tag = VS_VALUE_STRING, .bytes = record.id};
  if (cli_records_add(&s->records, &id, &record.vector, record.metadata, body, (vs_slice){NULL, 0}, &problem))
    return true;
  return problem ? complain(s, problem) : false;
}

static bool is_space(uint8_t c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/* What is left of the window without the white space at its front. */
static vs_slice rest(seed_import *s) {
  while (s->taken < s->window.n && is_space(s->window.p[s->taken])) s->taken++;
  return (vs_slice){s->window.p + s->taken, s->window.n - s->taken};
}

/* The value at the front of the window is whole: it ends before a comma or the bracket that closes the array. */
static bool find_value(seed_import *s, FILE *file, cli_json_scan *scan) {
  *scan = (cli_json_scan){0};
  while (!cli_json_scan_value(scan, s->window.p + s->taken, s->window.n - s->taken)) {
    if (s->ended) return complain(s, "it ends too early");
    if (s->window.n - s->taken > MAX_RECORD_BYTES) return complain(s, "a record is too long");
    if (!fill(s, file)) return false;
  }
  return true;
}

static bool take_array(seed_import *s, FILE *file) {
  cli_json_scan scan;
  if (!fill(s, file)) return false;
  vs_slice front = rest(s);
  if (front.n == 0 || front.p[0] != '[') return complain(s, "no array of records");
  s->taken++;
  for (bool first = true;; first = false) {
    if (!find_value(s, file, &scan)) return false;
    vs_slice value = {s->window.p + s->taken, scan.at};
    bool last = value.p[scan.at] == ']', empty = true;
    for (size_t i = 0; i < value.n; i++) empty = empty && is_space(value.p[i]);
    if (!(first && last && empty) && !take_record(s, value)) return false;
    s->taken += scan.at + 1;
    if (last) break;
  }
  while (rest(s).n == 0 && !s->ended)
    if (!fill(s, file)) return false;
  return rest(s).n == 0 || complain(s, "something behind the records");
}

static bool take_records(seed_import *s) {
  if (!set_path(s, "vectors.bin")) return false;
  FILE *file = fopen(s->path, "rb");
  if (!file) return complain(s, strerror(errno));
  bool done = take_array(s, file);
  fclose(file);
  return done && cli_records_finish(&s->records);
}

/* ============ The whole ============ */

static void report(const seed_import *s, uint64_t n_ids) {
  if (s->n_read != s->manifest.n_records)
    fprintf(stderr, "vecstore: manifest.json tells of %" PRIu64 " records, vectors.bin has %" PRIu64 "\n",
            s->manifest.n_records, s->n_read);
  if (n_ids != s->n_read)
    fprintf(stderr, "vecstore: meta.bin knows %" PRIu64 " ids, vectors.bin has %" PRIu64 " records\n", n_ids,
            s->n_read);
  if (s->n_expiring > 0)
    fprintf(stderr, "vecstore: records that had a time to live and stay until they are deleted: %" PRIu64 "\n",
            s->n_expiring);
  if (s->n_rounded > 0)
    fprintf(stderr, "vecstore: whole numbers beyond 64 bits that became the nearest doubles: %" PRIu64 "\n",
            s->n_rounded);
  printf("%" PRIu64 " inserted, %" PRIu64 " updated, %" PRIu64 " with text; left out: %" PRIu64
         " soft-deleted, %" PRIu64 " expired\n",
         s->records.inserted, s->records.updated, s->n_texts, s->n_deleted, s->n_expired);
}

static bool into_store(seed_import *s, const char *to, uint64_t n_ids) {
  const cli_seed_manifest *m = &s->manifest;
  cli_settings settings = {.metric = m->metric, .m = m->m, .ef_construction = m->ef_construction};
  settings.dimension = m->dimension;
  if (!cli_store_begin(&s->store, to)) return false;
  if (!cli_store_open_with(&s->store, CLI_STORE_CREATE, &settings)) {
    vs_db_free(s->store.db);
    return false;
  }
  cli_records_init(&s->records, &s->a, &s->store);
  bool done = take_records(s);
  if (done) report(s, n_ids);
  cli_records_deinit(&s->records);
  return cli_store_close(&s->store) && done;
}

int cli_seed_import(const char *from, const char *to) {
  seed_import s = {.directory = from};
  uint64_t n_ids = 0;
  vs_alloc_init(&s.a);
  vs_wr *buffers[] = {&s.texts, &s.window, &s.value};
  for (size_t i = 0; i < 3; i++) vs_wr_init(buffers[i], &s.a);
  vs_blocks_init(&s.text, &s.a, sizeof(seed_text));
  vs_hashmap_init(&s.by_id, &s.a, HASH_SEED, same_id, &s);
  bool done = read_manifest(&s) && check_meta(&s, &n_ids) && read_texts(&s) && into_store(&s, to, n_ids);
  vs_hashmap_deinit(&s.by_id);
  vs_blocks_deinit(&s.text);
  for (size_t i = 0; i < 3; i++) vs_wr_deinit(buffers[i]);
  return done ? EXIT_DONE : EXIT_FAILED;
}
