/* seed.c - reading the Rust library's files (seed.h).
 *
 * Layer: cli. Knows no files and no stdio: tests/fuzz includes it as it is. The
 * bytes are untrusted: every length is checked against what is left.
 */
#include "seed.h"

#include <string.h>

#include "../base/utf8.h"

#define MAX_ID_BYTES 1024u

static bool wrong(const char **problem, const char *what) {
  *problem = what;
  return false;
}

static bool is_text(const vs_value *v, const char *text) {
  return v->tag == VS_VALUE_STRING && v->bytes.n == strlen(text) && memcmp(v->bytes.p, text, v->bytes.n) == 0;
}

/* ============ manifest.json ============ */

static const char *metric_of(const vs_value *v) {
  static const char *const names[][2] = {
      {"Cosine", "cosine"},       {"Euclidean", "euclidean"}, {"DotProduct", "dot"},
      {"Manhattan", "manhattan"}, {"Hamming", "hamming"},     {"Jaccard", "jaccard"},
      {"Chebyshev", "chebyshev"}, {"Canberra", "canberra"},   {"BrayCurtis", "braycurtis"}};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (is_text(v, names[i][0])) return names[i][1];
  return NULL;
}

static bool read_u32(const vs_value *object, const char *key, uint32_t *out) {
  vs_value v;
  if (!vs_value_get(object, key, &v) || v.tag != VS_VALUE_INT || v.i < 0 || v.i > UINT32_MAX) return false;
  *out = (uint32_t)v.i;
  return true;
}

bool cli_seed_read_manifest(const vs_value *v, cli_seed_manifest *out, const char **problem) {
  vs_value config, count, metric;
  *out = (cli_seed_manifest){.metric = "cosine"};
  if (v->tag != VS_VALUE_OBJECT || !read_u32(v, "schema_version", &out->version))
    return wrong(problem, "no schema_version");
  if (out->version == 0 || out->version > CLI_SEED_MAX_VERSION)
    return wrong(problem, "its schema_version is newer than 3, the last one known");
  if (!read_u32(v, "dimension", &out->dimension)) return wrong(problem, "no dimension");
  if (!vs_value_get(v, "record_count", &count) || count.tag != VS_VALUE_INT || count.i < 0)
    return wrong(problem, "no record_count");
  out->n_records = (uint64_t)count.i;
  if (!vs_value_get(v, "config", &config) || config.tag == VS_VALUE_NULL) return true;
  if (config.tag != VS_VALUE_OBJECT || !vs_value_get(&config, "distance", &metric))
    return wrong(problem, "a config without distance");
  out->metric = metric_of(&metric);
  if (!out->metric) return wrong(problem, "an unknown distance");
  if (!read_u32(&config, "hnsw_m", &out->m) || !read_u32(&config, "hnsw_ef_construction", &out->ef_construction))
    return wrong(problem, "a config without hnsw_m and hnsw_ef_construction");
  return true;
}

/* ============ vectors.bin ============ */

bool cli_seed_read_record(const vs_value *v, cli_seed_record *out, const char **problem) {
  vs_value id, metadata, deleted, expires;
  memset(out, 0, sizeof *out);
  if (v->tag != VS_VALUE_OBJECT) return wrong(problem, "a record is no object");
  if (!vs_value_get(v, "id", &id) || id.tag != VS_VALUE_STRING) return wrong(problem, "a record without id");
  if (id.bytes.n == 0 || id.bytes.n > MAX_ID_BYTES) return wrong(problem, "an id must have 1 to 1024 bytes");
  out->id = id.bytes;
  if (!vs_value_get(v, "vector", &out->vector) || out->vector.tag != VS_VALUE_ARRAY)
    return wrong(problem, "a record without vector");
  if (!vs_value_get(v, "metadata", &metadata) || metadata.tag != VS_VALUE_OBJECT)
    return wrong(problem, "a record without metadata");
  out->metadata = vs_value_member(&metadata, "fields");
  if (out->metadata.n == 0 || out->metadata.p[0] != VS_VALUE_OBJECT) return wrong(problem, "metadata without fields");
  out->deleted = vs_value_get(v, "deleted", &deleted) && deleted.tag == VS_VALUE_TRUE;
  out->expires = vs_value_get(v, "expires_at", &expires) && expires.tag == VS_VALUE_INT;
  if (out->expires) out->expires_at = expires.i;
  return true;
}

/* ============ meta.bin ============ */

static bool skip_id(vs_rd *r) {
  uint64_t n = vs_rd_u64(r);
  if (r->failed || n > vs_rd_left(r)) return false;
  const uint8_t *id = vs_rd_bytes(r, (size_t)n);
  return vs_utf8_valid(id, (size_t)n);
}

/* One of the two maps; an entry takes 16 bytes at least. */
static bool skip_map(vs_rd *r, bool id_first, uint64_t *n) {
  *n = vs_rd_u64(r);
  if (r->failed || *n > vs_rd_left(r) / 16) return false;
  for (uint64_t i = 0; i < *n; i++) {
    if (id_first && !skip_id(r)) return false;
    vs_rd_u64(r);
    if (!id_first && !skip_id(r)) return false;
  }
  return !r->failed;
}

bool cli_seed_check_meta(const uint8_t *p, size_t n, uint64_t *n_ids, const char **problem) {
  vs_rd r = vs_rd_of(p, n);
  uint64_t n_indexes;
  if (!skip_map(&r, true, n_ids) || !skip_map(&r, false, &n_indexes)) return wrong(problem, "it is cut off or damaged");
  vs_rd_u64(&r);
  if (r.failed || vs_rd_left(&r) != 0) return wrong(problem, "it is cut off or damaged");
  if (*n_ids != n_indexes) return wrong(problem, "its two maps disagree");
  return true;
}
