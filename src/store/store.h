/* store.h - a crash-safe directory of checksummed files: log, manifest, block files.
 *
 * Layer: store (L2). Moves bytes only: knows no vectors, records or graphs.
 * One vs_store is one directory (DESIGN: c/<id>/) with
 *
 *   wal-<n>        write-ahead log files (wal.c), append-only
 *   seg-<n>        block files of records (blockfile.c), written once
 *   idx-<g>-<i>    block files of the index image of generation g, part i
 *   manifest-<g>   what is live (manifest.c), written once per checkpoint
 *
 * THE PROTOCOL. The engine never waits for storage. Writing functions append
 * through the io at once; nothing is durable until the host has synced. The
 * caller asks with vs_store_sync_begin for the names to sync, makes them
 * durable (files first, then directories), and reports with
 * vs_store_sync_end. A failed sync poisons the store: every later write is
 * VS_POISONED until it is opened anew, because nobody knows what the medium holds.
 * Only one that found no room (VS_NO_SPACE) leaves a way back: the store is FULL,
 * every write is VS_NO_SPACE, and a checkpoint taken under vs_store_heal_begin, of
 * new files alone, makes the state in memory durable and the store healthy again.
 *
 * A commit has one sync; a checkpoint has three: (1) new files, (2) the
 * manifest, (3) deletions, in that order, each completed before the next
 * step writes (vs_store_synced tells).
 *
 * INVARIANTS (asserted, and tested by tests/crash)
 *   S1  A transaction counts iff its commit frame and all its frames are
 *       valid; frames of one without commit frame never happened.
 *   S2  Recovery yields a prefix of the committed transactions, not shorter
 *       than what was synced. A damaged byte below a known durable mark is
 *       VS_CORRUPT, never a shorter prefix.
 *   S3  Files other than the current log are write-once; names never repeat
 *       (numbers only grow, also over crashes: the next number is above every
 *       number found in the directory).
 *   S4  A manifest is valid iff its checksum holds and every file it names
 *       exists with the stated length. The newest valid one is used; an older one
 *       only if no newer was ever completely synced, i.e. its log files are all there.
 *   S5  Nothing a valid manifest names is deleted before a newer manifest is
 *       durable.
 *   S6  After a failed append nothing more is added to that log file; the
 *       next transaction starts a new one whose header says where the old ends.
 *   S7  A snapshot is a part of the manifest; what it names is not deleted
 *       while a valid manifest holds it. Its damage does not keep the store
 *       from opening.
 *   S8  Healing trusts nothing that a failed sync concerned: what it needs is
 *       written to new files, and until its manifest is durable no byte says
 *       that anything written before it is.
 */
#ifndef VS_STORE_H
#define VS_STORE_H

#include "../base/bytes.h"
#include "../base/io.h"

typedef struct vs_store vs_store;

typedef struct {
  uint64_t wal_rotate_bytes; /* a log file is closed at this size: 4 MiB, 256 KiB on idbfs */
} vs_store_limits;

#define VS_SEGMENT_MAX_BYTES (16u << 20)
#define VS_STORE_FORMAT_VERSION 1u

/* A block file named by the manifest. */
typedef enum { VS_FILE_SEGMENT = 1, VS_FILE_INDEX = 2 } vs_file_kind;
typedef struct {
  vs_file_kind kind;
  uint64_t number;  /* SEGMENT: n; INDEX: generation */
  uint32_t part;    /* INDEX: i */
  uint64_t bytes;   /* exact length */
  uint32_t crc;     /* CRC32C of the file's header and all block headers (blockfile.c) */
  uint64_t n_items; /* what the writer counted, for its own use */
} vs_file_ref;

/* A state that stays readable: the files and the blob of the checkpoint that made it, pinned by name. */
#define VS_SNAPSHOT_NAME_MAX 128u
typedef struct {
  char *name;          /* owned, NUL-terminated, 1 .. VS_SNAPSHOT_NAME_MAX bytes */
  uint64_t created_ms; /* the caller's clock */
  uint64_t n_items;    /* what the caller counted */
  vs_file_ref *file;   /* owned */
  uint32_t n_files;
  uint8_t *blob; /* owned */
  size_t blob_bytes;
} vs_snapshot;

/* Formats the file's name, e.g. "seg-7", into name (>= 48 bytes). */
void vs_file_ref_name(const vs_file_ref *ref, char *name);

/* ============ Opening and recovery ============ */

/* Reads the directory `dir` below the io's root ("" is the root; it must
 * exist) and picks the manifest (S4). A directory without any manifest, log
 * or block file is new: *out is a store on which vs_store_is_new is true.
 * Writes nothing. VS_VERSION for a newer format, naming it; VS_CORRUPT naming the file. */
VS_MUST_USE vs_status vs_store_open(vs_alloc *a, vs_io *io, const char *dir, const vs_store_limits *limits,
                                    vs_store **out, vs_err *err);
/* Called once per damage found: the file, relative to the io's root, and what is wrong with it. */
typedef void (*vs_damage_fn)(void *ctx, const char *file, const char *what);

/* Opens what is readable of a damaged store (salvage.c): a lost manifest is
 * made up from the files that are there, the log ends where it is damaged, and
 * readers pass over damaged blocks, all of which fn is told. Snapshots whose files
 * are damaged are dropped. Writes nothing; what follows must be replay and then one
 * checkpoint that keeps no file, with which the store is an ordinary one.
 * VS_VERSION for a newer format. */
VS_MUST_USE vs_status vs_store_salvage(vs_alloc *a, vs_io *io, const char *dir, const vs_store_limits *limits,
                                       vs_damage_fn fn, void *ctx, vs_store **out, vs_err *err);
/* Transactions that are known to be lost, at least. */
uint64_t vs_store_lost_txns(const vs_store *s);
/* Forgets, with the next checkpoint, the snapshots that have a damaged file. O(their bytes). */
VS_MUST_USE vs_status vs_store_drop_damaged_snapshots(vs_store *s, vs_damage_fn fn, void *ctx, vs_err *err);

/* Frees the handle; writes nothing. */
void vs_store_close(vs_store *s);
bool vs_store_is_new(const vs_store *s);

/* The manifest in force. The blob is the caller's (configuration, counters). */
uint64_t vs_store_generation(const vs_store *s);
vs_slice vs_store_blob(const vs_store *s);
uint32_t vs_store_n_files(const vs_store *s);
const vs_file_ref *vs_store_file(const vs_store *s, uint32_t i);
/* Its snapshots, oldest first. */
uint32_t vs_store_n_snapshots(const vs_store *s);
const vs_snapshot *vs_store_snapshot(const vs_store *s, uint32_t i);

/* Delivers the frames of every transaction committed after the manifest, in
 * order; fn sees kind, payload (borrowed) and is called with kind
 * VS_FRAME_COMMIT at each transaction's end. A failing fn stops with its status.
 * Must be called once, before the first write, also on a new store.
 * budget_bytes bounds one call: returns VS_OK with *done false when there is more. */
#define VS_FRAME_COMMIT 0u
typedef vs_status (*vs_replay_fn)(void *ctx, uint64_t txn, uint8_t kind, vs_slice payload);
VS_MUST_USE vs_status vs_store_replay(vs_store *s, vs_replay_fn fn, void *ctx, size_t budget_bytes, bool *done,
                                      vs_err *err);
/* Number of the last committed transaction (0 = none yet). */
uint64_t vs_store_last_txn(const vs_store *s);

/* ============ Transactions ============ */

/* One at a time. Frames are gathered and appended to the log in large
 * pieces; a transaction may span log files. kind in 1..255. After any failure
 * of log or commit the transaction is gone (call nothing, or abort) and the
 * store usable (S6), unless it reports VS_POISONED. */
VS_MUST_USE vs_status vs_store_txn_begin(vs_store *s, vs_err *err);
VS_MUST_USE vs_status vs_store_txn_log(vs_store *s, uint8_t kind, const vs_slice *parts, uint32_t n_parts, vs_err *err);
/* Appends the commit frame. The transaction is visible to a recovery from
 * here on if the medium happened to keep it; durable after the next sync. */
VS_MUST_USE vs_status vs_store_txn_commit(vs_store *s, vs_err *err);
void vs_store_txn_abort(vs_store *s);

/* Writes into the log what is known durable, so that damage to the last
 * commit is noticed later. For a clean close, after the last sync; needs no
 * sync itself. Does nothing when nothing was written since opening. Not
 * within a transaction. */
void vs_store_mark_durable(vs_store *s);

/* Transactions that were recovered may have been visible without being durable: puts
 * them into the sync set, unless the log says that they are or a write has done it. */
VS_MUST_USE vs_status vs_store_adopt_tail(vs_store *s, vs_err *err);

/* Log bytes since the manifest in force: the checkpoint policy's input. */
uint64_t vs_store_wal_bytes(const vs_store *s);

/* ============ Syncing ============ */

/* Every write gets an epoch; an epoch is synced when a sync begun after it
 * ended with VS_OK. While healing this is true of the checkpoint's writes only;
 * of those before it once the store is healthy, and heal_end takes it back otherwise. */
uint64_t vs_store_write_epoch(const vs_store *s);
uint64_t vs_store_synced_epoch(const vs_store *s);

/* What must be made durable now: names relative to the io's root, files
 * then directories. False when nothing is pending or a sync is in flight. The names
 * are borrowed until vs_store_sync_end. */
typedef struct {
  uint64_t epoch;
  uint32_t n_files, n_dirs;
  const char *const *file;
  const char *const *dir;
} vs_sync_set;
bool vs_store_sync_begin(vs_store *s, vs_sync_set *out);
/* Ends the sync in flight. VS_NO_SPACE leaves the store full, any other failure poisons it. */
void vs_store_sync_end(vs_store *s, vs_status status);
bool vs_store_poisoned(const vs_store *s);
bool vs_store_full(const vs_store *s);
/* A full store takes a checkpoint, and nothing else: begin to retire, no
 * transaction in between, keeping files of the manifest in force and writing the
 * rest of the state. It is healthy once the manifest is durable. heal_end after
 * the last step or any failure: it is full again unless it is healthy. */
void vs_store_heal_begin(vs_store *s);
void vs_store_heal_end(vs_store *s);
/* Does all of it through the io, for synchronous hosts and tests. */
VS_MUST_USE vs_status vs_store_sync(vs_store *s, vs_err *err);

/* ============ Checkpoint ============ */

/* begin closes the current log file, so that the new manifest's log position
 * is the start of the next one: the caller must encode exactly the state as
 * of this call. Then block files are written, and the files of the old
 * manifest that stay live are kept by name; install writes the manifest and
 * retire deletes what nothing names. abort forgets the new files (they are
 * removed at the next retire). begin is not called within a transaction;
 * between and across the other steps transactions may go on. Block writers
 * are finished or destroyed before install and abort. A failed install is
 * followed by abort; a failed retire leaves the new manifest in force and some
 * dead files, which the next one removes. */
VS_MUST_USE vs_status vs_store_checkpoint_begin(vs_store *s, vs_err *err);
/* Keeps file i of the manifest in force. */
VS_MUST_USE vs_status vs_store_checkpoint_keep(vs_store *s, uint32_t i, vs_err *err);
/* Between begin and install: the coming manifest also holds a snapshot of the state it describes. */
VS_MUST_USE vs_status vs_store_checkpoint_pin(vs_store *s, const char *name, uint64_t created_ms, uint64_t n_items,
                                              vs_err *err);
/* ... or it no longer holds snapshot i of the one in force. */
void vs_store_checkpoint_unpin(vs_store *s, uint32_t i);
/* ... or it describes the state of snapshot i: keeps its files. Install gets the snapshot's blob. */
VS_MUST_USE vs_status vs_store_checkpoint_revert(vs_store *s, uint32_t i, vs_err *err);
/* After the sync of the new files (asserted). */
VS_MUST_USE vs_status vs_store_checkpoint_install(vs_store *s, vs_slice blob, vs_err *err);
/* After the sync of the manifest (asserted). The new manifest is in force. */
VS_MUST_USE vs_status vs_store_checkpoint_retire(vs_store *s, vs_err *err);
void vs_store_checkpoint_abort(vs_store *s);

/* ============ Block files ============ */

/* Writing one new file of the checkpoint; it becomes part of the coming
 * manifest at finish. A block is what one call of append gives (at most
 * VS_BLOCK_MAX_BYTES); each is checksummed by itself. After a failure only destroy. */
#define VS_BLOCK_MAX_BYTES (256u << 20)
typedef struct vs_block_writer vs_block_writer;
VS_MUST_USE vs_status vs_block_writer_create(vs_store *s, vs_file_kind kind, vs_block_writer **out, vs_err *err);
VS_MUST_USE vs_status vs_block_writer_append(vs_block_writer *w, const void *p, size_t n, vs_err *err);
uint64_t vs_block_writer_bytes(const vs_block_writer *w);
/* Completes the file and frees the writer, also on failure. */
VS_MUST_USE vs_status vs_block_writer_finish(vs_block_writer *w, uint64_t n_items, vs_err *err);
void vs_block_writer_destroy(vs_block_writer *w);
/* The reference of a file finished in the checkpoint under way: i counts from 0. */
uint32_t vs_store_pending_n(const vs_store *s);
const vs_file_ref *vs_store_pending(const vs_store *s, uint32_t i);

/* Reading file i of the manifest in force, block by block in order. */
typedef struct vs_block_reader vs_block_reader;
VS_MUST_USE vs_status vs_block_reader_open(vs_store *s, uint32_t i, vs_block_reader **out, vs_err *err);
/* The same for any file that a snapshot names. */
VS_MUST_USE vs_status vs_block_reader_open_ref(vs_store *s, const vs_file_ref *ref, vs_block_reader **out, vs_err *err);
/* The next block, borrowed until the next call; n = 0 at the end (after the
 * whole file was checked: lengths, checksums, block count). */
VS_MUST_USE vs_status vs_block_reader_next(vs_block_reader *r, vs_slice *out, vs_err *err);
void vs_block_reader_close(vs_block_reader *r);

/* ============ Verification ============ */

/* Reads every byte of every live file and log; calls fn once per damage found. */
VS_MUST_USE vs_status vs_store_verify(vs_store *s, vs_damage_fn fn, void *ctx, vs_err *err);

#endif
