/* store_impl.h - what the files of the store layer share; nobody else includes it.
 *
 * Layer: store. One struct, and per file the functions the others call:
 * store.c (open, close, accessors, helpers), sync.c (what must be made
 * durable, epochs), window.c (buffered reading), wal.c (writing the log), wal_read.c (reading one log),
 * recover.c (which logs count), replay.c (delivering them), manifest.c,
 * checkpoint.c, blockfile.c, verify.c.
 */
#ifndef VS_STORE_IMPL_H
#define VS_STORE_IMPL_H

#include "format.h"

/* ============ Small containers (store.c) ============ */

typedef struct {
  uint64_t *v; /* owned */
  uint32_t n, cap;
} vs_u64_list;

VS_MUST_USE vs_status vs_u64_list_push(vs_alloc *a, vs_u64_list *l, uint64_t v, vs_err *err);
void vs_u64_list_deinit(vs_alloc *a, vs_u64_list *l);

/* What the directory holds, numbers ascending. */
typedef struct {
  vs_u64_list logs, manifests;
  uint64_t max_segment;    /* 0 = none */
  uint64_t max_generation; /* of manifests and index files; 0 = none */
} vs_listing;

VS_MUST_USE vs_status vs_listing_read(vs_store *s, vs_listing *l, vs_err *err);
void vs_listing_deinit(vs_alloc *a, vs_listing *l);

/* ============ State ============ */

/* What is known to be durable: `bytes` of log `log` and everything written
 * before them, and the manifest of `generation`. Written into logs, so that
 * a recovery can tell damage from a tail that a crash took. */
typedef struct {
  uint64_t log, bytes;
  uint64_t generation;
} vs_evidence;

void vs_evidence_add(vs_evidence *e, const vs_evidence *more);

/* A place in the chain of logs. */
typedef struct {
  uint64_t log; /* 0 = before the first one */
  uint64_t end;
} vs_log_pos;

typedef struct {
  uint64_t generation; /* 0 = no manifest */
  uint64_t first_log;  /* the log that follows the state the manifest describes */
  uint64_t prev_log;   /* first_log's predecessor */
  uint64_t last_txn;
  uint64_t next_segment;
  uint32_t n_files;
  vs_file_ref *file; /* owned */
  uint8_t *blob;     /* owned */
  size_t blob_bytes;
  vs_snapshot *snapshot; /* owned */
  uint32_t n_snapshots;
} vs_manifest;

/* A file of the checkpoint under way. */
typedef struct {
  vs_file_ref ref;
  bool is_new; /* written now, not kept from the manifest in force */
} vs_next_file;

typedef struct {
  bool active, installed;
  uint64_t generation;
  uint64_t first_log, prev_log, last_txn;
  uint32_t next_part;
  uint32_t n_writers;      /* block writers not yet finished or destroyed */
  uint64_t files_epoch;    /* of the last write that must be synced before install */
  uint64_t manifest_epoch; /* of the manifest, to be synced before retire */
  uint64_t wal_bytes;      /* log bytes from first_log on */
  vs_next_file *file;      /* owned, in the order of the calls */
  uint32_t n_files, cap_files;
  vs_snapshot pin; /* owned: name and numbers of the snapshot to make; name NULL = none */
  bool unpin;      /* snapshot `unpinned` is left out */
  uint32_t unpinned;
  vs_manifest next; /* complete once installed */
} vs_checkpoint;

/* The log being written. PLANNED: has its number and salt, its header lies
 * in the buffer, the file does not exist yet. */
typedef enum { VS_LOG_NONE, VS_LOG_PLANNED, VS_LOG_OPEN } vs_log_state;
typedef struct {
  vs_log_state state;
  vs_file *f; /* OPEN only */
  uint64_t number;
  uint64_t size; /* bytes appended so far, without the buffer */
  uint32_t salt; /* of this log, or of the last one there was */
  vs_wr buf;     /* gathered, not yet appended; belongs at offset `size` */
  char name[VS_STORE_NAME_BYTES];
} vs_log_writer;

/* Names (full paths) to be made durable. */
typedef struct {
  char **name; /* owned, each owned */
  uint32_t n, cap;
} vs_names;

/* FULL: a sync found no room. HEALING: the checkpoint after that (store.h). */
typedef enum { VS_SYNC_HEALTHY, VS_SYNC_FULL, VS_SYNC_HEALING, VS_SYNC_POISONED } vs_sync_health;

typedef struct {
  vs_names dirty, in_flight;
  vs_sync_health health;
  bool dir_dirty, dir_in_flight, busy;
  uint64_t open_epoch;  /* the epoch of a write made now */
  uint64_t write_epoch; /* of the last write */
  uint64_t in_flight_epoch, synced_epoch;
  uint64_t synced_before;      /* healing: the epoch synced when it began */
  vs_evidence in_flight_known; /* becomes known when the sync ends well */
  const char *dir_name[1];
} vs_sync_state;

/* One log of the chain that a recovery delivers, up to `end`. */
typedef struct {
  uint64_t number, end;
} vs_span;

/* A file being read through a buffer that moves forward (window.c). */
typedef struct {
  vs_file *f; /* owned */
  uint64_t file_bytes;
  uint8_t *buf; /* owned: bytes off .. off + n of the file */
  size_t cap, n;
  uint64_t off;
  char path[VS_IO_NAME_BYTES];
} vs_window;

typedef struct {
  vs_window w;
  uint64_t number;
  uint32_t salt;
  bool any_salt; /* the header is damaged: take frames of any salt */
  uint64_t off;  /* of the next frame */
  uint64_t work; /* bytes checksummed so far */
} vs_log_reader;

struct vs_store {
  vs_alloc *a;
  vs_io *io;
  char *dir; /* owned */
  vs_store_limits limits;

  vs_manifest manifest; /* in force */
  uint64_t next_log, next_segment, next_generation;
  uint64_t last_txn;
  uint64_t wal_bytes;

  vs_span *span; /* owned: what replay delivers */
  uint32_t n_spans;
  uint32_t replay_span;
  vs_log_reader replay_reader;
  bool replay_open, replayed;

  vs_log_writer log;
  vs_log_pos good; /* end of the last transaction or mark; the next log continues here */
  bool in_txn;
  bool txn_flushed; /* some of its frames are in a file */
  bool txn_broken;  /* some of its frames are lost: it cannot commit */
  uint32_t txn_frames;

  vs_evidence known;   /* durable now */
  vs_evidence marked;  /* of it, what the log says already */
  vs_evidence written; /* what a sync begun now would make known */
  bool adopted;        /* the recovered files are in the sync set */
  vs_log_pos tail;     /* end of the last recovered transaction; log 0 = none */

  vs_sync_state sync;
  vs_checkpoint ck;

  vs_damage_fn damage; /* set while a damaged store is salvaged: damage is told, not returned */
  void *damage_ctx;
  uint64_t seen_txn; /* salvaging: the highest transaction that any readable log speaks of */
};

/* ============ store.c ============ */

/* The io's name of a file in the store's directory (VS_IO_NAME_BYTES). */
void vs_store_path(const vs_store *s, const char *name, char *path);
/* Says which file could not be used and why; gives `status` back. */
vs_status vs_store_io_fail(vs_err *err, vs_status status, const char *verb, const char *path);
/* VS_POISONED or VS_NO_SPACE after a failed sync; the first write after opening also puts
 * the recovered files into the sync set. */
VS_MUST_USE vs_status vs_store_writable(vs_store *s, vs_err *err);
/* Creates a file of the directory and puts both into the sync set. */
VS_MUST_USE vs_status vs_store_create_file(vs_store *s, const char *name, vs_file **out, vs_err *err);
/* Appends and puts the file into the sync set. */
VS_MUST_USE vs_status vs_store_append(vs_store *s, vs_file *f, const char *name, const void *p, size_t n, vs_err *err);

/* ============ sync.c ============ */

void vs_sync_init(vs_store *s);
/* What a failed sync makes of every later write. */
VS_MUST_USE vs_status vs_sync_check(const vs_store *s, vs_err *err);
void vs_sync_deinit(vs_store *s);
/* Called before the write, so that a refused allocation leaves nothing written. */
VS_MUST_USE vs_status vs_sync_note_file(vs_store *s, const char *name, vs_err *err);
void vs_sync_note_dir(vs_store *s);
/* The file waits for a sync, or one is under way. */
bool vs_sync_concerns(const vs_store *s, const char *name);
/* The file could not be created: there is nothing to sync. */
void vs_sync_forget(vs_store *s, const char *name);

/* ============ window.c ============ */

/* Opens a file of the directory for reading. Close also after a failure. */
VS_MUST_USE vs_status vs_window_open(vs_store *s, const char *name, vs_window *w, vs_err *err);
void vs_window_close(vs_store *s, vs_window *w);
/* Bytes off .. off + n, which must lie in the file and not before the last
 * call's off; valid until the next call. */
VS_MUST_USE vs_status vs_window_get(vs_store *s, vs_window *w, uint64_t off, size_t n, const uint8_t **out,
                                    vs_err *err);

/* ============ wal_read.c ============ */

typedef struct {
  uint64_t number, file_bytes;
  vs_header_state state;
  uint64_t prev, prev_end, first_txn;
  uint32_t salt;
  vs_evidence known;
} vs_log_info;

typedef struct {
  uint8_t kind;
  bool mark;
  uint64_t txn;
  uint64_t end;      /* offset behind the frame */
  vs_slice payload;  /* borrowed until the next call */
  vs_evidence known; /* what the frame says is durable */
} vs_frame;

/* Opens log `number` and reads its header; the reader stands at the first
 * frame. *out must be closed also after a failure. */
VS_MUST_USE vs_status vs_log_reader_open(vs_store *s, uint64_t number, vs_log_reader *out, vs_log_info *info,
                                         vs_err *err);
void vs_log_reader_close(vs_store *s, vs_log_reader *r);
/* The frame at r->off, which then moves behind it; *valid false when there is none. */
VS_MUST_USE vs_status vs_log_reader_next(vs_store *s, vs_log_reader *r, vs_frame *out, bool *valid, vs_err *err);
/* Finds every valid frame of a log, whatever is damaged between them, and
 * adds what they say is durable. */
VS_MUST_USE vs_status vs_log_find_evidence(vs_store *s, uint64_t number, vs_evidence *e, vs_err *err);
/* Checksum of a frame's header bytes 8.. and payload parts, at its place. */
uint32_t vs_frame_crc(uint64_t number, uint64_t off, const uint8_t *header, const vs_slice *parts, uint32_t n_parts);

/* ============ recover.c ============ */

typedef struct {
  vs_span *span; /* owned */
  uint32_t n_spans;
  vs_log_pos good;
  vs_log_pos tail; /* end of the last transaction; log 0 = none */
  uint32_t salt;   /* of the log `good` is in */
  uint64_t last_txn;
  uint64_t bytes; /* of the delivered logs */
  vs_evidence known;
} vs_recovery;

/* Follows the chain of logs after manifest m. damaged_generation: a newer
 * manifest that is damaged (0 = none): then the logs must prove that nothing
 * is missing. */
VS_MUST_USE vs_status vs_recover_scan(vs_store *s, const vs_manifest *m, const vs_u64_list *logs,
                                      uint64_t damaged_generation, vs_recovery *out, vs_err *err);
void vs_recovery_deinit(vs_alloc *a, vs_recovery *r);

/* ============ salvage.c ============ */

/* Tells of damage in the file of that name; for a store being salvaged. */
void vs_salvage_tell(vs_store *s, const char *name, const char *what);
/* The same for what a reader refused. Any other failure is given back. */
VS_MUST_USE vs_status vs_salvage_pass(vs_store *s, vs_status status, const vs_err *what, vs_err *err);
/* The next intact block of a file's n bytes at or after *off, which moves behind it; *block NULL bytes at
 * the end. *damaged is set when bytes were passed over. */
void vs_salvage_block(const uint8_t *p, uint64_t n, uint64_t *off, vs_slice *block, bool *damaged);
/* Reads every byte of a block file. */
VS_MUST_USE vs_status vs_blocks_read_all(vs_store *s, const vs_file_ref *ref, vs_err *err);
/* store.c: opening, salvaging where fn is given. */
VS_MUST_USE vs_status vs_store_open_with(vs_alloc *a, vs_io *io, const char *dir, const vs_store_limits *limits,
                                         vs_damage_fn fn, void *ctx, vs_store **out, vs_err *err);
VS_MUST_USE vs_status vs_salvage_manifest(vs_store *s, const vs_listing *l, vs_err *err);

/* ============ manifest.c ============ */

void vs_manifest_deinit(vs_alloc *a, vs_manifest *m);
void vs_snapshot_deinit(vs_alloc *a, vs_snapshot *s);
/* *valid false for a damaged one; VS_VERSION for a newer format. */
VS_MUST_USE vs_status vs_manifest_load(vs_store *s, uint64_t generation, vs_manifest *out, bool *valid, vs_err *err);
/* Encodes and writes manifest-<generation> of *m. */
VS_MUST_USE vs_status vs_manifest_write(vs_store *s, const vs_manifest *m, vs_err *err);
/* Every named file is there with its length; else VS_CORRUPT naming the first that is not. */
VS_MUST_USE vs_status vs_manifest_check_files(vs_store *s, const vs_manifest *m, vs_err *err);

/* ============ wal.c ============ */

void vs_wal_init(vs_store *s);
void vs_wal_deinit(vs_store *s);
/* Ends the log being written and creates the next one, header appended. */
VS_MUST_USE vs_status vs_wal_start_new(vs_store *s, vs_err *err);
/* Appends what is known durable, if the log does not say so yet. */
VS_MUST_USE vs_status vs_wal_mark(vs_store *s, vs_err *err);

/* ============ checkpoint.c ============ */

/* A block writer announces its file, so that adding it cannot fail. */
VS_MUST_USE vs_status vs_checkpoint_reserve(vs_store *s, vs_err *err);
void vs_checkpoint_add(vs_store *s, const vs_file_ref *ref);

#endif
