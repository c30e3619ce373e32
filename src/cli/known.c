/* known.c - the table of files a store holds passages of (known.h). Layer: cli. O(records), once per run. */
#include "known.h"

#include <string.h>

static bool same_path(const void *ctx, uint32_t slot, vs_slice key) {
  const char *path = cli_known_at(ctx, slot)->path;
  return strlen(path) == key.n && memcmp(path, key.p, key.n) == 0;
}

void cli_known_init(cli_known *k, vs_alloc *a) {
  k->a = a;
  k->n = 0;
  vs_blocks_init(&k->files, a, sizeof(cli_known_file));
  vs_hashmap_init(&k->by_path, a, 1, same_path, k);
}

void cli_known_deinit(cli_known *k) {
  for (uint32_t i = 0; i < k->n; i++) vs_free(k->a, cli_known_at(k, i)->path);
  vs_blocks_deinit(&k->files);
  vs_hashmap_deinit(&k->by_path);
}

cli_known_file *cli_known_find(const cli_known *k, const char *path) {
  uint32_t i = vs_hashmap_get(&k->by_path, (vs_slice){(const uint8_t *)path, strlen(path)});
  return i == VS_NO_SLOT ? NULL : cli_known_at(k, i);
}

static cli_known_file *add(cli_known *k, vs_slice path) {
  uint32_t i = vs_hashmap_get(&k->by_path, path);
  if (i != VS_NO_SLOT) return cli_known_at(k, i);
  if (vs_blocks_reserve(&k->files, k->n + 1) != VS_OK || vs_hashmap_reserve(&k->by_path, k->n + 1) != VS_OK)
    return NULL;
  char *copy = vs_malloc(k->a, path.n + 1);
  if (!copy) return NULL;
  memcpy(copy, path.p, path.n);
  copy[path.n] = '\0';
  *cli_known_at(k, k->n) = (cli_known_file){.path = copy};
  vs_hashmap_put(&k->by_path, path, k->n);
  return cli_known_at(k, k->n++);
}

static int64_t get_int(const vs_value *object, const char *key) {
  vs_value v;
  return vs_value_get(object, key, &v) && v.tag == VS_VALUE_INT ? v.i : -1;
}

/* Reads the member `file`; false unless it is whole. */
static bool read_print(const vs_value *meta, cli_fingerprint *out, int64_t *passages) {
  vs_value file, hash;
  if (!vs_value_get(meta, "file", &file) || file.tag != VS_VALUE_OBJECT) return false;
  if (!vs_value_get(&file, "hash", &hash) || hash.tag != VS_VALUE_STRING || hash.bytes.n != CLI_HASH_CHARACTERS)
    return false;
  memcpy(out->hash, hash.bytes.p, CLI_HASH_CHARACTERS);
  out->hash[CLI_HASH_CHARACTERS] = '\0';
  out->size = (uint64_t)get_int(&file, "size");
  out->mtime_ms = get_int(&file, "mtime");
  out->characters = (uint32_t)get_int(&file, "characters");
  out->overlap = (uint32_t)get_int(&file, "overlap");
  *passages = get_int(&file, "passages");
  return true;
}

void cli_fingerprint_write(vs_wr *w, const cli_fingerprint *print, uint32_t passages) {
  const struct {
    const char *key;
    int64_t value;
  } numbers[] = {{"size", (int64_t)print->size},
                 {"mtime", print->mtime_ms},
                 {"passages", passages},
                 {"characters", print->characters},
                 {"overlap", print->overlap}};
  vs_value_key(w, "file");
  size_t mark = vs_value_object_begin(w);
  for (size_t i = 0; i < 5; i++) {
    vs_value_key(w, numbers[i].key);
    vs_value_int(w, numbers[i].value);
  }
  vs_value_key(w, "hash");
  vs_value_cstring(w, print->hash);
  vs_value_end(w, mark, 6);
}

/* One record; others than passages of files are passed over. */
static bool take_record(cli_known *k, const vs_abi_record *record) {
  vs_rd r = vs_rd_of(record->meta, record->meta_n);
  vs_value path, meta = vs_value_read(&r);
  int64_t n = record->meta_n > 0 && meta.tag == VS_VALUE_OBJECT ? get_int(&meta, "n") : -1, passages = -1;
  if (n < 0 || n >= UINT32_MAX || !vs_value_get(&meta, "path", &path) || path.tag != VS_VALUE_STRING) return true;
  /* Only where the id says the same: the user's own records may have such metadata too. */
  if (record->id_n < path.bytes.n + 3 || memcmp((const uint8_t *)record->id + 1, path.bytes.p, path.bytes.n) != 0 ||
      ((const uint8_t *)record->id)[1 + path.bytes.n] != '#')
    return true;
  cli_known_file *file = add(k, path.bytes);
  if (!file) return false;
  if ((uint32_t)n >= file->n) file->n = (uint32_t)n + 1;
  if (n == 0 && read_print(&meta, &file->print, &passages) && passages > 0) file->stated = (uint32_t)passages;
  return true;
}

bool cli_known_load(cli_known *k, const cli_store *store) {
  uint32_t live = vs_count(store->db);
  for (uint32_t slot = 0, seen = 0; seen < live; slot++) {
    const vs_abi_record *record = vs_record(store->db, slot);
    if (!record) continue;
    seen++;
    if (!take_record(k, record)) return false;
  }
  return true;
}
