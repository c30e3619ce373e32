/* seed.h - what the files of the Rust library vecstore (versions 1 to 3 of its directory) hold.
 *
 * Layer: cli; pure. The directory is written by serde_json and bincode 1:
 *   manifest.json    {schema_version, dimension, record_count, next_idx, config: {distance, hnsw_m,
 *                    hnsw_ef_construction} | null}; config since version 2
 *   vectors.bin      a JSON array of {id, vector: [numbers], metadata: {fields: {...}}, created_at, deleted,
 * deleted_at, expires_at}; times are seconds or null; the last three may be absent meta.bin         bincode,
 * little-endian: u64 n, n x {u64 bytes, id, u64 index}; u64 n, n x {u64 index, u64 bytes, id}; u64 next index
 *   text_index.json  {id: text}; since version 3, absent where nothing was indexed
 * The graph (hnsw.idx.*) is built anew from the vectors.
 */
#ifndef VS_CLI_SEED_H
#define VS_CLI_SEED_H

#include "../base/value.h"

#define CLI_SEED_MAX_VERSION 3u

typedef struct {
  uint32_t version, dimension;
  uint64_t n_records;
  const char *metric;          /* as this library calls it */
  uint32_t m, ef_construction; /* 0 = not said */
} cli_seed_manifest;

/* All of them: false with what is wrong in *problem. Values are checked ones. */
bool cli_seed_read_manifest(const vs_value *v, cli_seed_manifest *out, const char **problem);

typedef struct {
  vs_slice id;       /* 1 .. 1024 bytes */
  vs_value vector;   /* an array */
  vs_slice metadata; /* encoded object */
  bool deleted, expires;
  int64_t expires_at; /* seconds since 1970 */
} cli_seed_record;

bool cli_seed_read_record(const vs_value *v, cli_seed_record *out, const char **problem);

/* Checks meta.bin from end to end; *n_ids = the ids it has. */
bool cli_seed_check_meta(const uint8_t *p, size_t n, uint64_t *n_ids, const char **problem);

#endif
