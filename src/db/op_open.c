/* op_open.c - opening: a new database, a saved one, or an imported one.
 *
 * Layer: db. Opening a saved collection reads the index image and the
 * segments once and applies the log's tail; nothing is rebuilt and nothing
 * is written. A new one writes its catalog, then its first manifest (an
 * import: a full checkpoint); it exists once the manifest is durable. A damaged
 * one, opened with `repair`, is read as far as it can be (salvage.h) and written
 * anew before it counts as open; the result says what was found.
 */
#include <string.h>

#include "../base/value.h"
#include "catalog.h"
#include "checkpoint.h"
#include "op_internal.h"
#include "pack.h"
#include "reembed.h"
#include "salvage.h"

/* Cost of one replayed record in budget units. */
#define REPLAY_COST 3000.0

typedef struct {
  vs_op_state base;
  enum { OPEN_BEGIN, OPEN_LOAD, OPEN_REPLAY, OPEN_CONVERT, OPEN_CREATE, OPEN_CHECKPOINT } state;
  vs_config_request request;
  char root[VS_IO_NAME_BYTES];
  enum { STORAGE_MEMORY, STORAGE_POSIX, STORAGE_HOST } storage;
  vs_store_limits limits;
  uint32_t now_mix; /* mixed into the id table's hash seed */
  bool import, repair;
  vs_store *source; /* what is loaded: the store, or the import's */
  bool has_loader, has_checkpoint, catalog_made;
  uint32_t late_dim; /* asked for, where the manifest knows none: compared with what the log says; or unset */
  bool adopted;      /* the options change what is kept: it is written down before anything else */
  vs_image_loader loader;
  vs_checkpoint checkpoint;
  bool has_salvage; /* repairing: the store is not new */
  vs_salvage salvage;
  vs_repair_report report;
  uint32_t n_replayed;
  vs_wr kept; /* the options' object {indexes, schema, text}, as far as given */
} open_op;

/* ============ Options ============ */

static bool option_is(const vs_value *v, const char *text) {
  return v->tag == VS_VALUE_STRING && v->bytes.n == strlen(text) && memcmp(v->bytes.p, text, v->bytes.n) == 0;
}

static vs_status read_storage(open_op *op, const vs_value *options, vs_err *err) {
  vs_value v;
  if (!vs_value_get(options, "storage", &v) || option_is(&v, "memory"))
    op->storage = STORAGE_MEMORY;
  else if (option_is(&v, "posix"))
    op->storage = STORAGE_POSIX;
  else if (option_is(&v, "host"))
    op->storage = STORAGE_HOST;
  else
    return vs_fail(err, VS_INVALID_ARGUMENT, "storage must be memory, posix or host");
  if (op->storage == STORAGE_MEMORY) return VS_OK;
  if (!vs_value_get(options, "root", &v) || v.tag != VS_VALUE_STRING || v.bytes.n == 0 ||
      v.bytes.n >= sizeof op->root || memchr(v.bytes.p, 0, v.bytes.n))
    return vs_fail(err, VS_INVALID_ARGUMENT, "root must be a path of 1 to %u bytes", VS_IO_NAME_BYTES - 1);
  memcpy(op->root, v.bytes.p, v.bytes.n);
  return VS_OK;
}

static const char *const kept_names[] = {"indexes", "schema", "text"};
#define N_KEPT 3u
#define KEPT_TEXT 2u

/* The host's bytes are gone when the collection is made. */
static vs_status copy_kept(open_op *op, const vs_value *options, vs_err *err) {
  size_t mark = vs_value_object_begin(&op->kept);
  uint32_t n = 0;
  for (uint32_t i = 0; i < N_KEPT; i++) {
    vs_slice bytes = vs_value_member(options, kept_names[i]);
    bool text = i == KEPT_TEXT;
    if (bytes.n == 0 && !text) continue;
    vs_value_key(&op->kept, kept_names[i]);
    /* Without text options an empty object: the defaults are kept, so that a later opening is held to them. */
    if (bytes.n)
      vs_wr_bytes(&op->kept, bytes.p, bytes.n);
    else
      vs_value_end(&op->kept, vs_value_object_begin(&op->kept), 0);
    n++;
  }
  vs_value_end(&op->kept, mark, n);
  return op->kept.failed ? vs_fail(err, VS_OUT_OF_MEMORY, "no memory to open the store") : VS_OK;
}

static vs_status read_options(open_op *op, vs_slice config, vs_err *err) {
  vs_value options, v;
  vs_rd r = vs_rd_of(config.p, config.n);
  if (!vs_value_check(config.p, config.n) || (options = vs_value_read(&r)).tag != VS_VALUE_OBJECT)
    return vs_fail(err, VS_INVALID_ARGUMENT, "the options are malformed");
  VS_TRY(read_storage(op, &options, err));
  uint32_t rotate = 4u << 20;
  if (!vs_value_get_u32(&options, "walRotateBytes", UINT32_MAX, &rotate) || rotate < 4096)
    return vs_fail(err, VS_INVALID_ARGUMENT, "walRotateBytes must be an integer of at least 4096");
  op->limits.wal_rotate_bytes = rotate;
  if (vs_value_get(&options, "now", &v)) op->now_mix = (uint32_t)v.i;
  op->late_dim = VS_DIM_UNSET;
  op->import = vs_value_get(&options, "import", &v) && v.tag == VS_VALUE_TRUE;
  op->repair = vs_value_get(&options, "repair", &v) && v.tag == VS_VALUE_TRUE;
  if (op->import && op->repair)
    return vs_fail(err, VS_INVALID_ARGUMENT, "import makes a new store: there is nothing to repair");
  VS_TRY(copy_kept(op, &options, err));
  VS_TRY(vs_config_request_read(&options, &op->request, err));
  return vs_config_check(&op->request.value, err);
}

/* ============ What the engine's core cannot do ============ */

/* Opening again with the second part there will do what this one could not. */
static vs_status need_part(vs_db_state *db) {
  if (!db->in_parts) return VS_OK;
  db->wants_part = true;
  return vs_fail(&db->err, VS_UNSUPPORTED, "the store needs a part of the engine that is not loaded");
}

static vs_status check_config(vs_db_state *db, const vs_coll_config *c) {
  bool plain = c->index.layout == VS_LAYOUT_STANDARD && c->index.quantization <= VS_QUANTIZE_INT8 &&
               c->index.type != VS_INDEX_FLAT && c->target_recall == 0;
  return plain ? VS_OK : need_part(db);
}

static vs_status check_kept(vs_db_state *db, vs_slice object) {
  vs_rd r = vs_rd_of(object.p, object.n);
  vs_value options = vs_value_read(&r), v;
  bool plain = !vs_value_get(&options, "indexes", &v) || v.tag == VS_VALUE_NULL;
  plain = plain && (!vs_value_get(&options, "text", &v) || (v.tag == VS_VALUE_OBJECT && v.count == 0));
  return plain ? VS_OK : need_part(db);
}

/* ============ Finding or making the directory ============ */

static vs_status make_io(open_op *op) {
  vs_db_state *db = op->base.db;
  if (op->storage == STORAGE_MEMORY || db->io) return VS_OK;
#if defined(VS_WITH_IO_HOST)
  vs_status status = op->storage == STORAGE_HOST ? vs_io_host_create(&db->alloc, op->root, &db->io)
                                                 : vs_io_posix_create(&db->alloc, op->root, &db->io);
#else
  if (op->storage == STORAGE_HOST) return vs_fail(&db->err, VS_UNSUPPORTED, "this build has no host storage");
  vs_status status = vs_io_posix_create(&db->alloc, op->root, &db->io);
#endif
  return status == VS_OK ? VS_OK : vs_fail(&db->err, status, "cannot open the directory '%s'", op->root);
}

static vs_status nothing(void *ctx, const char *name, bool is_dir) {
  (void)ctx, (void)name, (void)is_dir;
  return VS_OK;
}

static vs_status open_store(open_op *op) {
  vs_db_state *db = op->base.db;
  if (!op->repair)
    return vs_store_open(&db->alloc, db->io, VS_DEFAULT_COLLECTION_DIR, &op->limits, &db->store, &db->err);
  return vs_store_salvage(&db->alloc, db->io, VS_DEFAULT_COLLECTION_DIR, &op->limits, vs_repair_report_add, &op->report,
                          &db->store, &db->err);
}

/* The catalog of a store that is there. It names one collection, so it can be made anew. */
static vs_status check_catalog(open_op *op, vs_catalog_state found) {
  vs_db_state *db = op->base.db;
  if (found == VS_CATALOG_SOUND) return VS_OK;
  if (!op->repair)
    return vs_fail_file(&db->err, VS_CORRUPT, VS_CATALOG_FILE, "the catalog %s is damaged or missing", VS_CATALOG_FILE);
  vs_repair_report_add(&op->report, VS_CATALOG_FILE, "the catalog is damaged or missing");
  VS_TRY(vs_catalog_create(&db->alloc, db->io, found, &db->err));
  db->catalog_dirty = op->base.needs_catalog = true;
  return VS_OK;
}

/* Opens the collection's store; a directory that holds nothing of worth is made new. */
static vs_status find_store(open_op *op) {
  vs_db_state *db = op->base.db;
  vs_catalog_state found;
  VS_TRY(vs_catalog_read(&db->alloc, db->io, &found, &db->err));
  vs_status listed = db->io->ops->list(db->io, VS_DEFAULT_COLLECTION_DIR, nothing, NULL);
  if (listed != VS_OK && listed != VS_NOT_FOUND) return vs_fail(&db->err, listed, "cannot list the store's directory");
  if (listed == VS_OK) {
    VS_TRY(open_store(op));
    if (!vs_store_is_new(db->store)) return check_catalog(op, found);
  }
  if (found != VS_CATALOG_SOUND || listed != VS_OK) {
    VS_TRY(vs_catalog_create(&db->alloc, db->io, found, &db->err));
    db->catalog_dirty = true;
  }
  op->base.needs_catalog = true;
  if (db->store) return VS_OK;
  return vs_store_open(&db->alloc, db->io, VS_DEFAULT_COLLECTION_DIR, &op->limits, &db->store, &db->err);
}

/* ============ Making the collection ============ */

static vs_status keep(vs_db_state *db, vs_slice bytes) {
  vs_rd r = vs_rd_of(bytes.p, bytes.n);
  vs_value object = vs_value_read(&r);
  VS_TRY(check_kept(db, bytes));
  return vs_coll_keep(&db->coll, &object, &db->err);
}

static vs_status load_marks(vs_db_state *db, vs_slice blob) {
  vs_rd r = vs_rd_of(blob.p, blob.n);
  vs_value config = vs_value_read(&r);
  vs_status status = vs_marks_read(&db->coll.marks, &config);
  return status == VS_OK ? VS_OK : vs_fail(&db->err, status, "the manifest's configuration is malformed");
}

/* blob: the saved configuration, or no bytes. */
static vs_status make_collection(open_op *op, const vs_coll_config *config, vs_slice blob) {
  vs_db_state *db = op->base.db;
  vs_coll_config fixed = *config;
  VS_TRY(check_config(db, config));
  fixed.dim = VS_DIM_UNSET;
  vs_coll_init(&db->coll, &db->alloc, &fixed, config->index.seed * 0x9e3779b97f4a7c15u ^ op->now_mix);
  db->coll_ready = true;
  db->coll.wants_part = db->in_parts ? &db->wants_part : NULL;
  if (blob.n > 0) {
    VS_TRY(keep(db, blob));
    VS_TRY(load_marks(db, blob));
  }
  VS_TRY(keep(db, (vs_slice){op->kept.p, op->kept.n}));
  if (config->dim == VS_DIM_UNSET) return VS_OK;
  vs_status status = vs_coll_fix_dim(&db->coll, config->dim);
  return status == VS_OK ? VS_OK : vs_fail(&db->err, status, "no memory to open the store");
}

/* Whether the options changed what a saved configuration kept; how texts are searched is saved with the next
 * checkpoint. */
static bool changed_kept(const vs_collection *c, vs_slice blob) {
  vs_rd was = vs_rd_of(blob.p, blob.n), is = vs_rd_of(c->kept.p, c->kept.n);
  vs_value before = vs_value_read(&was), now = vs_value_read(&is);
  for (uint32_t i = 0; i < KEPT_TEXT; i++) {
    vs_slice a = vs_value_member(&before, kept_names[i]), b = vs_value_member(&now, kept_names[i]);
    if (a.n != b.n || (a.n > 0 && memcmp(a.p, b.p, a.n) != 0)) return true;
  }
  return false;
}

static vs_status begin_load(open_op *op, vs_store *source) {
  vs_db_state *db = op->base.db;
  vs_config_saved saved = {.config = op->request.value, .next_seq = 1, .next_rev = 1};
  bool lost = op->repair && vs_store_blob(source).n == 0;
  if (!lost) VS_TRY(vs_config_decode(vs_store_blob(source), &saved, &db->err));
  VS_TRY(check_config(db, &saved.config));
  if (vs_image_has_text(source)) VS_TRY(need_part(db));
  op->adopted = !saved.config.embedder[0] && op->request.has_embedder;
  bool knows_dim = saved.config.dim != VS_DIM_UNSET;
  VS_TRY(vs_config_merge(&saved.config, &op->request, &db->err));
  op->late_dim = knows_dim ? VS_DIM_UNSET : saved.config.dim;
  if (!knows_dim) saved.config.dim = VS_DIM_UNSET; /* the image has no index */
  VS_TRY(make_collection(op, &saved.config, vs_store_blob(source)));
  op->adopted = op->adopted || changed_kept(&db->coll, vs_store_blob(source));
  db->coll.next_seq = saved.next_seq;
  db->coll.next_rev = saved.next_rev;
  op->source = source;
  op->has_salvage = op->repair;
  op->has_loader = !op->repair;
  if (op->repair)
    vs_salvage_init(&op->salvage, &db->coll, source, &saved, &op->report);
  else
    vs_image_loader_init(&op->loader, &db->coll, source, &saved);
  op->state = OPEN_LOAD;
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < vs_store_n_files(source); i++) bytes += vs_store_file(source, i)->bytes;
  op->base.total += (double)bytes / 1024;
  /* The files are there with these lengths; in memory their contents take a little more. An
   * import's are in memory already and make room as they are read. */
  if (!op->import && bytes < SIZE_MAX / 2) vs_alloc_expect(&db->alloc, (size_t)(bytes + bytes / 8));
  return VS_OK;
}

static vs_status begin_import(open_op *op) {
  vs_db_state *db = op->base.db;
  vs_io *io;
  if (!db->import) return vs_fail(&db->err, VS_INVALID_ARGUMENT, "there are no bytes to import");
  if (db->store && !vs_store_is_new(db->store))
    return vs_fail(&db->err, VS_ALREADY_EXISTS, "there is a store already; an import makes a new one");
  VS_TRY(vs_import_end(db->import, &io, &db->err));
  VS_TRY(vs_store_open(&db->alloc, io, VS_PACK_DIR, &op->limits, &op->source, &db->err));
  if (vs_store_is_new(op->source))
    return vs_fail_file(&db->err, VS_CORRUPT, "import", "the imported bytes hold no store");
  VS_TRY(begin_load(op, op->source));
  op->loader.consumed = io;
  return VS_OK;
}

static vs_status begin(open_op *op) {
  vs_db_state *db = op->base.db;
  db->wants_part = false;
  if (op->import || op->repair) VS_TRY(need_part(db));
  if (!vs_wr_space(&db->out, VS_SYNC_NAMES_BYTES))
    return vs_fail(&db->err, VS_OUT_OF_MEMORY, "no memory to open the store");
  VS_TRY(make_io(op));
  if (db->io) VS_TRY(find_store(op));
  if (op->import) return begin_import(op);
  if (db->store && !vs_store_is_new(db->store)) return begin_load(op, db->store);
  VS_TRY(make_collection(op, &op->request.value, (vs_slice){NULL, 0}));
  op->source = db->store;
  op->state = db->store ? OPEN_REPLAY : OPEN_CREATE;
  return VS_OK;
}

/* ============ The log ============ */

static vs_status replay_frame(void *ctx, uint64_t txn, uint8_t kind, vs_slice payload) {
  open_op *op = ctx;
  vs_collection *c = &op->base.db->coll;
  vs_record_view v;
  (void)txn;
  if (kind == VS_FRAME_COMMIT) return VS_OK;
  op->n_replayed++;
  if (op->has_salvage) return vs_salvage_frame(&op->salvage, kind, payload);
  if (kind == VS_LOG_UPSERT) {
    VS_TRY(vs_record_decode(payload, &v));
    return vs_coll_replay_upsert(c, &v);
  }
  if (kind == VS_LOG_MARK) return vs_marks_replay(&c->marks, payload);
  if ((kind == VS_LOG_STAGE || kind == VS_LOG_STAGE_BEGIN) && vs_coll_lacks_part(c)) return VS_UNSUPPORTED;
  if (kind == VS_LOG_STAGE || kind == VS_LOG_STAGE_BEGIN) return vs_reembed_replay(c, kind, payload);
  if (kind != VS_LOG_DELETE || payload.n <= 8) return VS_CORRUPT;
  uint64_t rev = vs_load_u64(payload.p);
  if (rev >= c->next_rev) c->next_rev = rev + 1;
  return vs_coll_replay_delete(c, (vs_slice){payload.p + 8, payload.n - 8});
}

static vs_status replay(open_op *op, double *budget, bool *done) {
  vs_db_state *db = op->base.db;
  *done = false;
  while (!*done && *budget > 0) {
    uint32_t before = op->n_replayed;
    vs_status status = vs_store_replay(op->source, replay_frame, op, 16u << 10, done, &db->err);
    if (status != VS_OK && db->err.status != status) {
      const char *what = status == VS_CORRUPT ? "a log record does not fit the store" : "cannot replay the log";
      return vs_fail_file(&db->err, status, status == VS_CORRUPT ? VS_DEFAULT_COLLECTION_DIR : "", "%s", what);
    }
    VS_TRY(status);
    *budget -= (op->n_replayed - before) * REPLAY_COST + 16;
  }
  if (!*done) return VS_OK;
  if (op->has_salvage) vs_salvage_end(&op->salvage);
  if (op->source == db->store) db->n_log_records = op->n_replayed;
  return vs_coll_rebuild_free(&db->coll) == VS_OK ? VS_OK
                                                  : vs_fail(&db->err, VS_OUT_OF_MEMORY, "no memory to open the store");
}

/* ============ Steps ============ */

/* The configuration in force, and what repairing found. */
static void write_result(open_op *op) {
  vs_wr config, *w = &op->base.result;
  if (!op->repair) {
    vs_config_encode(&op->base.db->coll, w);
    return;
  }
  vs_wr_init(&config, &op->base.db->alloc);
  vs_config_encode(&op->base.db->coll, &config);
  vs_rd r = vs_rd_of(config.p, config.n);
  vs_value members = config.failed ? (vs_value){0} : vs_value_read(&r);
  size_t mark = vs_value_object_begin(w);
  vs_wr_bytes(w, members.bytes.p, members.bytes.n);
  vs_value_key(w, "repair");
  vs_repair_report_write(&op->report, w);
  vs_value_end(w, mark, members.count + 1);
  w->failed = w->failed || config.failed;
  vs_wr_deinit(&config);
}

static vs_op_answer finish_open(open_op *op) {
  vs_db_state *db = op->base.db;
  write_result(op);
  if (op->base.result.failed) {
    vs_fail(&db->err, VS_OUT_OF_MEMORY, "no memory to open the store");
    return VS_OP_ERROR;
  }
  db->open = true;
  return VS_OP_DONE;
}

/* The dimension asked for, where a log but no manifest may know another. */
static vs_status settle_dim(open_op *op) {
  vs_db_state *db = op->base.db;
  if (op->late_dim == VS_DIM_UNSET || op->late_dim == db->coll.config.dim) return VS_OK;
  if (db->coll.config.dim != VS_DIM_UNSET)
    return vs_fail(&db->err, VS_INVALID_ARGUMENT, "the store has dimension %u, the options ask for %u",
                   db->coll.config.dim, op->late_dim);
  vs_status status = vs_coll_fix_dim(&db->coll, op->late_dim);
  return status == VS_OK ? VS_OK : vs_fail(&db->err, status, "no memory to open the store");
}

/* Loading is over: a new store is written, an old one is ready. */
static vs_status after_replay(open_op *op) {
  vs_db_state *db = op->base.db;
  VS_TRY(settle_dim(op));
  op->state = OPEN_CONVERT;
  if (!op->import) return VS_OK;
  /* Imported records know segment numbers of the import's store only. */
  for (uint32_t slot = 0; slot < db->coll.n_slots; slot++) vs_coll_set_segment(&db->coll, slot, VS_SEG_NONE);
  if (!db->store) return VS_OK;
  bool done = false;
  while (!done) VS_TRY(vs_store_replay(db->store, replay_frame, op, 1u << 20, &done, &db->err));
  return VS_OK;
}

/* The index takes the form that the options ask for. What 'auto' would like better can wait. */
static vs_status convert(open_op *op) {
  vs_db_state *db = op->base.db;
  vs_collection *c = &db->coll;
  vs_status status = c->has_index ? vs_index_convert(c->index) : VS_OK;
  if (c->config.index.quantization == VS_QUANTIZE_AUTO) status = VS_OK;
  op->state = OPEN_CREATE;
  return status == VS_OK ? VS_OK : vs_fail(&db->err, status, "no memory to convert the index");
}

static vs_status load_some(open_op *op, double *budget, bool *done) {
  double before = *budget;
  if (op->has_salvage) {
    VS_TRY(vs_salvage_load(&op->salvage, budget, &op->base.done, done, &op->base.db->err));
  } else {
    VS_TRY(vs_image_load(&op->loader, budget, done, &op->base.db->err));
    op->base.done += before - *budget;
  }
  if (*done) op->state = OPEN_REPLAY;
  return VS_OK;
}

/* First manifest of a new store, or the first that names an embedder. */
static vs_op_answer create_step(open_op *op, double *budget) {
  vs_op_state *base = &op->base;
  vs_db_state *db = base->db;
  bool wrote;
  if (!op->has_checkpoint) {
    vs_checkpoint_init(&op->checkpoint, &db->coll, db->store, false, false);
    op->has_checkpoint = true;
  }
  for (;;) {
    if (!vs_op_is_synced(base)) return VS_OP_NEED_SYNC;
    if (op->checkpoint.state == CHECKPOINT_DONE) {
      db->n_log_records = 0;
      return finish_open(op);
    }
    if (vs_checkpoint_step(&op->checkpoint, budget, &wrote, &db->err) != VS_OK) return VS_OP_ERROR;
    if (!wrote) return VS_OP_YIELD;
  }
}

static vs_op_answer open_step(vs_op_state *base, double *budget) {
  open_op *op = (open_op *)base;
  vs_db_state *db = base->db;
  vs_status status = VS_OK;
  bool done = false;
  if (op->state == OPEN_BEGIN) status = begin(op);
  if (status == VS_OK && op->state == OPEN_LOAD) {
    status = load_some(op, budget, &done);
    if (status == VS_OK && !done) return VS_OP_YIELD;
  }
  if (status == VS_OK && op->state == OPEN_REPLAY) {
    status = replay(op, budget, &done);
    if (status == VS_OK && !done) return VS_OP_YIELD;
    if (status == VS_OK) status = after_replay(op);
  }
  if (status == VS_OK && op->state == OPEN_CONVERT) status = convert(op);
  if (status != VS_OK) return VS_OP_ERROR;
  bool writes = db->store && (vs_store_is_new(db->store) || op->adopted || op->has_salvage);
  return writes ? create_step(op, budget) : finish_open(op);
}

/* A failed opening leaves the instance closed and empty, ready for another try. */
static void open_abandon(vs_op_state *base, bool done) {
  open_op *op = (open_op *)base;
  vs_db_state *db = base->db;
  if (op->has_loader) vs_image_loader_deinit(&op->loader);
  if (op->has_salvage) vs_salvage_deinit(&op->salvage);
  if (op->has_checkpoint) vs_checkpoint_deinit(&op->checkpoint);
  if (op->source && op->source != db->store) vs_store_close(op->source);
  if (op->import) {
    vs_import_destroy(db->import);
    db->import = NULL;
  }
  vs_wr_deinit(&op->kept);
  vs_repair_report_deinit(&op->report);
  if (!done) vs_db_reset(db);
}

static const vs_op_class open_class = {sizeof(open_op), open_step, open_abandon, NULL, false};

vs_op_state *vs_op_begin_open(vs_db_state *db, vs_slice config) {
  vs_err_clear(&db->err);
  if (db->open || db->coll_ready) {
    vs_fail(&db->err, VS_INVALID_ARGUMENT, "the instance holds an open store");
    return NULL;
  }
  open_op *op = (open_op *)vs_op_create(db, &open_class);
  if (!op) return NULL;
  vs_wr_init(&op->kept, &db->alloc);
  vs_repair_report_init(&op->report, &db->alloc);
  if (read_options(op, config, &db->err) == VS_OK) return &op->base;
  vs_op_end(&op->base);
  return NULL;
}
