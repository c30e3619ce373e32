/* db.c - syncing and policy of one database.
 *
 * Layer: db. The catalog lies above the store's directory, so its names are
 * added to the store's sync set here; one sync is in flight at a time.
 */
#include "db.h"

#include <string.h>

#include "../base/value.h"
#include "catalog.h"
#include "config.h"
#include "image.h"
#include "pack.h"
#include "reembed.h"

void vs_db_init(vs_db_state *db) {
  vs_alloc alloc = db->alloc;
  memset(db, 0, sizeof *db);
  db->alloc = alloc;
  vs_tx_init(&db->tx, &db->alloc);
  vs_wr_init(&db->out, &db->alloc);
  vs_exec_init(&db->exec, &db->alloc);
  vs_filters_init(&db->filters, &db->alloc);
  vs_textsearch_init(&db->search, &db->alloc);
  vs_sparse_found_init(&db->sparse, &db->alloc);
  vs_fuse_init(&db->fuse, &db->alloc);
}

void vs_db_deinit(vs_db_state *db) {
  vs_db_reset(db);
  vs_import_destroy(db->import);
  db->import = NULL;
  vs_tx_deinit(&db->tx);
  vs_wr_deinit(&db->out);
  vs_exec_deinit(&db->exec);
  vs_textsearch_deinit(&db->search);
  vs_sparse_found_deinit(&db->sparse);
  vs_fuse_deinit(&db->fuse);
}

void vs_db_reset(vs_db_state *db) {
  vs_tx_reset(&db->tx);
  vs_filters_deinit(&db->filters);
  if (db->coll_ready) vs_coll_deinit(&db->coll);
  if (db->store) vs_store_close(db->store);
  if (db->io && !db->io_borrowed) db->io->ops->destroy(db->io);
  memset(&db->coll, 0, sizeof db->coll);
  db->coll_ready = db->open = db->checkpoint_running = db->switching = false;
  db->store = NULL;
  if (!db->io_borrowed) db->io = NULL;
  db->catalog_dirty = db->catalog_in_flight = db->store_in_flight = false;
  db->n_log_records = 0;
}

static void write_name(vs_wr *out, const char *name) { vs_wr_bytes(out, name, strlen(name) + 1); }

bool vs_db_sync_begin(vs_db_state *db, vs_wr *out) {
  if (!db->io || db->store_in_flight || db->catalog_in_flight) return false;
  vs_sync_set set = {0};
  db->store_in_flight = db->store && vs_store_sync_begin(db->store, &set);
  db->catalog_in_flight = db->catalog_dirty;
  db->catalog_dirty = false;
  if (!db->store_in_flight && !db->catalog_in_flight) return false;
  vs_wr_u32(out, set.n_files + (db->catalog_in_flight ? 1 : 0));
  vs_wr_u32(out, set.n_dirs + (db->catalog_in_flight ? 2 : 0));
  for (uint32_t i = 0; i < set.n_files; i++) write_name(out, set.file[i]);
  if (db->catalog_in_flight) write_name(out, VS_CATALOG_FILE);
  for (uint32_t i = 0; i < set.n_dirs; i++) write_name(out, set.dir[i]);
  if (db->catalog_in_flight) {
    write_name(out, "c");
    write_name(out, "");
  }
  if (!out->failed) return true;
  vs_db_sync_end(db, VS_OUT_OF_MEMORY);
  return false;
}

void vs_db_sync_end(vs_db_state *db, vs_status status) {
  if (db->catalog_in_flight && status != VS_OK) db->catalog_dirty = true;
  if (db->store_in_flight) vs_store_sync_end(db->store, status);
  db->catalog_in_flight = false;
  db->store_in_flight = false;
}

/* Syncs the names that vs_db_sync_begin wrote. */
static vs_status sync_names(vs_io *io, const vs_wr *names) {
  uint32_t n_files = vs_load_u32(names->p), n_dirs = vs_load_u32(names->p + 4);
  const char *name = (const char *)names->p + 8;
  for (uint32_t i = 0; i < n_files + n_dirs; i++, name += strlen(name) + 1)
    VS_TRY(i < n_files ? io->ops->sync(io, name) : io->ops->sync_dir(io, name));
  return VS_OK;
}

vs_status vs_db_sync_self(vs_db_state *db) {
  vs_wr_reset(&db->out);
  if (!vs_db_sync_begin(db, &db->out)) return db->out.failed ? VS_OUT_OF_MEMORY : VS_OK;
  vs_status status = sync_names(db->io, &db->out);
  vs_db_sync_end(db, status);
  return status;
}

/* A checkpoint rewrites the graph's image, so it must be rare; what is in the
 * log must be inserted again at the next open, so the log must stay short.
 * A quarter of the records keeps both in proportion to the writes. */
#define DUE_MIN_RECORDS 500u
#define DUE_FRACTION 4u
#define DUE_LOG_BYTES ((uint64_t)64 << 20)

bool vs_db_checkpoint_due(const vs_db_state *db) {
  if (db->coll.has_index && vs_index_conversion_due(db->coll.index)) return true;
  if (!db->store) return false;
  if (vs_image_compaction_due(&db->coll, db->store)) return true;
  uint64_t threshold = db->coll.n_live / DUE_FRACTION;
  if (threshold < DUE_MIN_RECORDS) threshold = DUE_MIN_RECORDS;
  return db->n_log_records >= threshold || vs_store_wal_bytes(db->store) >= DUE_LOG_BYTES;
}

/* ============ Stats ============ */

static const char *index_type_name(vs_index_type type) {
  return type == VS_INDEX_FLAT ? "flat" : type == VS_INDEX_HNSW ? "hnsw" : "auto";
}

static void pair_u64(vs_wr *w, const char *key, uint64_t v) {
  vs_value_key(w, key);
  vs_value_int(w, (int64_t)v);
}

/* The target, and what was measured: the ef for it, its recall, of how many vectors, and whether that is out of date.
 */
static void stats_recall(const vs_collection *c, vs_wr *w) {
  vs_value_key(w, "targetRecall");
  if (c->config.target_recall > 0)
    vs_value_f64(w, c->config.target_recall / 1000.0);
  else
    vs_value_null(w);
  vs_value_key(w, "calibration");
  const vs_calibration *k = c->has_index ? vs_index_calibration(c->index) : &c->config.calibration;
  if (k->n == 0) {
    vs_value_null(w);
    return;
  }
  float recall;
  uint32_t target = c->config.target_recall ? c->config.target_recall : 950;
  size_t mark = vs_value_object_begin(w);
  pair_u64(w, "ef", vs_calibration_ef(k, (float)target / 1000, &recall));
  vs_value_key(w, "recall");
  vs_value_f64(w, (double)recall);
  pair_u64(w, "records", k->of);
  vs_value_key(w, "due");
  vs_value_bool(w, c->has_index && vs_index_calibration_due(c->index));
  vs_value_end(w, mark, 4);
}

static void stats_index(const vs_collection *c, vs_wr *w) {
  vs_value_key(w, "index");
  size_t mark = vs_value_object_begin(w);
  vs_value_key(w, "type");
  vs_value_cstring(w, index_type_name(c->config.index.type));
  pair_u64(w, "M", c->config.index.M);
  pair_u64(w, "efConstruction", c->config.index.ef_construction);
  pair_u64(w, "efSearch", c->config.ef_search);
  vs_value_key(w, "searchedFlat");
  vs_value_bool(w, !c->has_index || vs_index_would_scan(c->index, 10, c->config.ef_search));
  vs_value_key(w, "quantization");
  vs_value_cstring(w, vs_quantization_name(c->config.index.quantization));
  vs_value_key(w, "layout");
  vs_value_cstring(w, vs_layout_name(c->has_index ? vs_index_layout(c->index) : VS_LAYOUT_STANDARD));
  double share = c->has_index ? vs_index_refused(c->index) : -1;
  if (share >= 0) {
    vs_err why;
    vs_fail(&why, VS_UNSUPPORTED,
            "quantization '%s' would keep %u of 100 nearest vectors of this data, too few: int8 is in force instead",
            vs_quantization_name(c->config.index.quantization), (uint32_t)(share * 100));
    vs_value_key(w, "refused");
    vs_value_cstring(w, why.msg);
  }
  stats_recall(c, w);
  vs_value_end(w, mark, share >= 0 ? 10 : 9);
}

static void stats_memory(const vs_db_state *db, vs_wr *w) {
  const vs_collection *c = &db->coll;
  vs_value_key(w, "memory");
  size_t mark = vs_value_object_begin(w);
  pair_u64(w, "total", db->alloc.used);
  pair_u64(w, "peak", db->alloc.peak);
  pair_u64(w, "vectors", c->has_index ? vs_blocks_bytes(&c->vectors.blocks) : 0);
  size_t codes = c->has_index ? vs_index_code_bytes(c->index) : 0;
  size_t turbo = c->has_index ? vs_index_turbo_bytes(c->index) : 0;
  pair_u64(w, "index", c->has_index ? vs_index_bytes(c->index) - codes - turbo : 0);
  pair_u64(w, "codes", codes);
  pair_u64(w, "neighbourCodes", turbo);
  pair_u64(w, "records", c->body_bytes);
  pair_u64(w, "ids", vs_hashmap_bytes(&c->ids));
  pair_u64(w, "metadataIndexes", vs_meta_bytes(&c->meta));
  pair_u64(w, "text", vs_textindex_bytes(&c->text));
  pair_u64(w, "sparse", vs_sparse_bytes(&c->sparse));
  vs_value_end(w, mark, 11);
}

static void stats_storage(const vs_db_state *db, vs_wr *w) {
  uint64_t bytes = vs_store_wal_bytes(db->store);
  uint32_t n_files = vs_store_n_files(db->store);
  for (uint32_t i = 0; i < n_files; i++) bytes += vs_store_file(db->store, i)->bytes;
  vs_value_key(w, "storage");
  size_t mark = vs_value_object_begin(w);
  pair_u64(w, "generation", vs_store_generation(db->store));
  pair_u64(w, "files", n_files);
  pair_u64(w, "bytes", bytes);
  pair_u64(w, "walBytes", vs_store_wal_bytes(db->store));
  pair_u64(w, "walRecords", db->n_log_records);
  vs_value_key(w, "poisoned");
  vs_value_bool(w, vs_store_poisoned(db->store));
  vs_value_end(w, mark, 6);
}

static void stats_embedder(vs_wr *w, const char *name, uint32_t dim, const uint32_t *done) {
  size_t mark = vs_value_object_begin(w);
  vs_value_key(w, "name");
  vs_value_cstring(w, name);
  pair_u64(w, "dimension", dim);
  if (done) pair_u64(w, "done", *done);
  vs_value_end(w, mark, done ? 3 : 2);
}

static void stats_embedders(const vs_collection *c, vs_wr *w) {
  vs_value_key(w, "embedder");
  if (c->config.embedder[0])
    stats_embedder(w, c->config.embedder, c->config.dim, NULL);
  else
    vs_value_null(w);
  vs_value_key(w, "reembedding");
  if (c->next)
    stats_embedder(w, c->next->name, c->next->dim, &c->next->staged.n_set);
  else
    vs_value_null(w);
}

void vs_db_stats(const vs_db_state *db, vs_wr *w) {
  const vs_collection *c = &db->coll;
  size_t mark = vs_value_object_begin(w);
  pair_u64(w, "count", c->n_live);
  pair_u64(w, "slots", c->n_slots);
  vs_value_key(w, "dimension");
  if (c->config.dim == VS_DIM_UNSET)
    vs_value_null(w);
  else
    vs_value_int(w, c->config.dim);
  vs_value_key(w, "metric");
  vs_value_cstring(w, vs_metric_name(c->config.index.metric));
  vs_value_key(w, "quantization");
  vs_value_cstring(w, vs_quantization_name(c->has_index ? vs_index_quantization(c->index) : VS_QUANTIZE_NONE));
  stats_index(c, w);
  stats_embedders(c, w);
  vs_value_key(w, "metadataIndexes");
  vs_meta_describe(&c->meta, w);
  vs_value_key(w, "text");
  vs_textindex_describe(&c->text, w);
  stats_memory(db, w);
  if (db->store) stats_storage(db, w);
  vs_value_end(w, mark, db->store ? 12 : 11);
}
