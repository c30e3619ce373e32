/* db_scenarios.h - what the db harnesses make a database do, and the model of what was promised.
 *
 * A scenario is a run of commits, checkpoints and reopenings on a database
 * of up to N_RECORDS records. The model keeps the state after each commit, how many
 * were issued and how many acknowledged. The one rule of all harnesses: what a
 * later opening shows is exactly the state after some commit j with
 * acknowledged <= j <= issued. Restoring a snapshot is such a commit. A snapshot
 * that was acknowledged is there and holds its state until its removal begins.
 */
#ifndef DB_SCENARIOS_H
#define DB_SCENARIOS_H

#include "../../src/db/checkpoint.h"
#include "../unit/db/client.h"

#define N_RECORDS 48u
#define MAX_COMMITS 64u

typedef struct {
  uint32_t version[N_RECORDS];
} state;

/* What the running program knows: the state after each commit, how far it was acknowledged. */
typedef struct {
  state after[MAX_COMMITS + 1];
  uint32_t issued, acknowledged;
  /* Snapshots "s0" and "s1": what each holds and how far it is promised. */
  struct {
    state holds;
    bool acknowledged, dropping;
  } snapshot[2];
} model;

/* ============ Writing with the model ============ */

static inline vs_status apply(client *c, model *m, const state *next, const vs_wr *w) {
  must(m->issued < MAX_COMMITS);
  m->after[m->issued + 1] = *next;
  vs_op_state *op = begin_commit(&c->db, w, false);
  if (!op) return c->db.err.status;
  m->issued++;
  vs_status status = vs_op_finish(op);
  vs_op_end(op);
  if (status == VS_OK) m->acknowledged = m->issued;
  return status;
}

static inline vs_status put(client *c, model *m, uint32_t first, uint32_t n, bool deleting) {
  state next = m->after[m->issued];
  vs_wr w;
  vs_wr_init(&w, &c->outer);
  for (uint32_t i = first; i < first + n; i++) {
    uint32_t number = i % N_RECORDS;
    next.version[number] = deleting ? 0 : next.version[number] + 1;
    if (deleting)
      add_delete(&w, number);
    else
      add_upsert_of(&w, number, next.version[number], dim_of(&c->db));
  }
  vs_status status = apply(c, m, &next, &w);
  vs_wr_deinit(&w);
  return status;
}

static inline vs_status checkpoint(client *c, bool optimize) {
  return run(&c->db, vs_op_begin_checkpoint(&c->db, optimize));
}

static inline vs_status reopen(client *c, bool orderly) {
  vs_io *io = c->db.io;
  if (orderly) VS_TRY(run(&c->db, vs_op_begin_close(&c->db)));
  client_deinit(c);
  client_init(c, io);
  return client_open(c, "posix", false);
}

/* ============ Scenarios ============ */

static inline vs_status single_inserts(client *c, model *m) {
  for (uint32_t i = 0; i < 6; i++) VS_TRY(put(c, m, i, 1, false));
  return VS_OK;
}

static inline vs_status batches(client *c, model *m) {
  VS_TRY(put(c, m, 0, 30, false)); /* spans several log files of 4 KiB */
  VS_TRY(put(c, m, 10, 30, false));
  return put(c, m, 5, 8, true);
}

static inline vs_status deletes(client *c, model *m) {
  VS_TRY(put(c, m, 0, 12, false));
  for (uint32_t i = 0; i < 12; i += 3) VS_TRY(put(c, m, i, 1, true));
  VS_TRY(put(c, m, 0, 12, true));
  return put(c, m, 3, 2, false);
}

static inline vs_status checkpoints(client *c, model *m) {
  VS_TRY(put(c, m, 0, 10, false));
  VS_TRY(checkpoint(c, false));
  VS_TRY(put(c, m, 5, 10, false));
  VS_TRY(put(c, m, 0, 2, true));
  VS_TRY(checkpoint(c, false));
  VS_TRY(put(c, m, 20, 3, false));
  return checkpoint(c, true);
}

static inline vs_status reopening(client *c, model *m) {
  VS_TRY(put(c, m, 0, 8, false));
  VS_TRY(reopen(c, true));
  VS_TRY(put(c, m, 6, 4, false));
  VS_TRY(reopen(c, false));
  VS_TRY(checkpoint(c, false));
  VS_TRY(reopen(c, true));
  VS_TRY(put(c, m, 1, 3, true));
  return reopen(c, false);
}

/* Commits go on while the checkpoint waits for each of its syncs. */
static inline vs_status commits_between_checkpoint_steps(client *c, model *m) {
  VS_TRY(put(c, m, 0, 10, false));
  vs_op_state *op = vs_op_begin_checkpoint(&c->db, false);
  if (!op) return c->db.err.status;
  vs_status status = VS_OK;
  for (uint32_t i = 0; status == VS_OK; i++) {
    vs_op_answer answer = vs_op_run(op, 1e9);
    if (answer == VS_OP_DONE) break;
    if (answer == VS_OP_ERROR)
      status = c->db.err.status;
    else if (answer == VS_OP_NEED_SYNC)
      status = put(c, m, 8 + i * 2, 3, i % 2 == 1);
  }
  vs_op_end(op);
  if (status == VS_OK) status = put(c, m, 40, 4, false);
  return status;
}

/* Several commits share one sync. */
static inline vs_status group_commit(client *c, model *m) {
  vs_op_state *op[4] = {NULL};
  vs_wr w;
  vs_status status = VS_OK;
  for (uint32_t i = 0; i < 4 && status == VS_OK; i++) {
    state next = m->after[m->issued];
    vs_wr_init(&w, &c->outer);
    for (uint32_t k = 0; k < 3; k++) add_upsert(&w, i * 2 + k, ++next.version[i * 2 + k]);
    m->after[m->issued + 1] = next;
    op[i] = begin_commit(&c->db, &w, false);
    vs_wr_deinit(&w);
    if (!op[i])
      status = c->db.err.status;
    else {
      m->issued++;
      if (vs_op_run(op[i], 1e9) == VS_OP_ERROR) status = c->db.err.status;
    }
  }
  if (status == VS_OK) status = vs_db_sync_self(&c->db);
  for (uint32_t i = 0; i < 4; i++) {
    if (op[i] && status == VS_OK) must(vs_op_run(op[i], 1e9) == VS_OP_DONE);
    vs_op_end(op[i]);
  }
  if (status == VS_OK) m->acknowledged = m->issued;
  return status;
}

static inline vs_status delete_all_then_insert(client *c, model *m) {
  VS_TRY(put(c, m, 0, 16, false));
  VS_TRY(checkpoint(c, false));
  VS_TRY(put(c, m, 0, 16, true));
  VS_TRY(checkpoint(c, true));
  return put(c, m, 4, 4, false);
}

/* So much in the log that closing takes a checkpoint. */
static inline vs_status closing_with_checkpoint(client *c, model *m) {
  VS_TRY(put(c, m, 0, 44, false));
  VS_TRY(put(c, m, 8, 20, false));
  VS_TRY(reopen(c, true));
  return put(c, m, 2, 3, true);
}

static inline vs_slice snapshot_name(uint32_t i) {
  static const uint8_t names[2][2] = {{'s', '0'}, {'s', '1'}};
  return (vs_slice){names[i], 2};
}

static inline vs_status make_snapshot(client *c, model *m, uint32_t i) {
  m->snapshot[i].holds = m->after[m->issued];
  m->snapshot[i].dropping = false;
  VS_TRY(run(&c->db, vs_op_begin_snapshot(&c->db, snapshot_name(i), 1000 + i)));
  m->snapshot[i].acknowledged = true;
  return VS_OK;
}

static inline vs_status drop_snapshot(client *c, model *m, uint32_t i) {
  m->snapshot[i].dropping = true;
  return run(&c->db, vs_op_begin_snapshot_drop(&c->db, snapshot_name(i)));
}

static inline vs_status restore_snapshot(client *c, model *m, uint32_t i) {
  m->after[m->issued + 1] = m->snapshot[i].holds;
  vs_op_state *op = vs_op_begin_snapshot_restore(&c->db, snapshot_name(i));
  if (!op) return c->db.err.status;
  m->issued++;
  vs_status status = vs_op_finish(op);
  vs_op_end(op);
  if (status == VS_OK) m->acknowledged = m->issued;
  return status;
}

static inline vs_status snapshots(client *c, model *m) {
  VS_TRY(put(c, m, 0, 12, false));
  VS_TRY(make_snapshot(c, m, 0));
  VS_TRY(put(c, m, 6, 12, false));
  VS_TRY(put(c, m, 0, 4, true));
  VS_TRY(make_snapshot(c, m, 1));
  VS_TRY(put(c, m, 0, 2, false));
  VS_TRY(restore_snapshot(c, m, 0));
  VS_TRY(put(c, m, 20, 3, false));
  VS_TRY(checkpoint(c, true));
  VS_TRY(drop_snapshot(c, m, 0));
  VS_TRY(reopen(c, true));
  VS_TRY(put(c, m, 1, 2, true));
  VS_TRY(restore_snapshot(c, m, 1));
  return put(c, m, 2, 2, false);
}

/* The vectors of another embedder are gathered, among writes, checkpoints and reopenings, and take over. */
static inline vs_status reembedding(client *c, model *m) {
  VS_TRY(put(c, m, 0, 12, false));
  VS_TRY(stage(c, "other", 12, 0, 8));
  VS_TRY(put(c, m, 4, 3, false));
  VS_TRY(checkpoint(c, false));
  VS_TRY(stage(c, "other", 12, 6, 3));
  VS_TRY(reopen(c, false));
  VS_TRY(put(c, m, 0, 2, true));
  VS_TRY(stage(c, "other", 12, 0, 12));
  VS_TRY(run(&c->db, vs_op_begin_reembed(&c->db)));
  VS_TRY(put(c, m, 1, 3, false));
  return reopen(c, true);
}

/* Set by a harness that injects no errors itself. */
static bool scenarios_may_fail;

/* A sync finds the medium full, in a commit, in a checkpoint and in relaxed mode; the next write heals the store. */
static inline vs_status full_medium(client *c, model *m) {
  VS_TRY(put(c, m, 0, 12, false));
  for (uint32_t i = 0; i < 3; i++) {
    if (scenarios_may_fail) vs_io_fault_plan(c->db.io, vs_io_fault_calls(c->db.io) + 1, VS_FAULT_FULL, true);
    vs_status status = i == 1 ? checkpoint(c, false) : put(c, m, 6 + i, 5, i == 2);
    if (scenarios_may_fail) vs_io_fault_plan(c->db.io, 0, VS_FAULT_EIO, false);
    if (status != VS_OK && status != VS_NO_SPACE) return status;
    if (i == 2) return checkpoint(c, false);
    VS_TRY(put(c, m, 2 + i * 3, 3, false));
  }
  return VS_OK;
}

/* The index of v must hold the records that the model has. */
static inline vs_status ask_filter(client *c, const model *m) {
  vs_meta *meta = &c->db.coll.meta;
  VS_TRY(vs_meta_ready(meta));
  if (meta->n_fields == 0) { /* neither built before nor read from what was saved */
    vs_wr w;
    vs_err err;
    vs_wr_init(&w, &c->outer);
    size_t mark = vs_value_object_begin(&w);
    vs_value_key(&w, "v"), vs_value_cstring(&w, "value");
    vs_value_end(&w, mark, 1);
    vs_status status = vs_meta_configure(meta, (vs_slice){w.p, w.n}, &err);
    vs_wr_deinit(&w);
    if (status == VS_OK) status = vs_meta_ready(meta);
    if (status != VS_OK) return status;
  }
  uint32_t n = 0, live = 0;
  for (uint32_t i = 0; i < meta->n_fields; i++)
    for (uint32_t j = 0; j < meta->field[i].values.n; j++) n += meta->field[i].values.entry[j]->slots.n;
  for (uint32_t i = 0; i < N_RECORDS; i++) live += m->after[m->issued].version[i] != 0;
  must(n == live);
  return VS_OK;
}

/* Metadata indexes are built, saved and read back, and follow the writes. */
static inline vs_status filtered(client *c, model *m) {
  VS_TRY(put(c, m, 0, 12, false));
  VS_TRY(ask_filter(c, m));
  VS_TRY(checkpoint(c, false));
  VS_TRY(put(c, m, 4, 10, false));
  VS_TRY(reopen(c, false));
  VS_TRY(ask_filter(c, m));
  VS_TRY(put(c, m, 2, 3, true));
  VS_TRY(checkpoint(c, false));
  VS_TRY(reopen(c, true));
  VS_TRY(put(c, m, 20, 2, false));
  VS_TRY(checkpoint(c, true));
  return ask_filter(c, m);
}

/* The last records go, a checkpoint gives their slots back, others take them again. */
static inline vs_status shrinking(client *c, model *m) {
  VS_TRY(put(c, m, 0, 24, false));
  VS_TRY(checkpoint(c, false));
  VS_TRY(put(c, m, 6, 18, true));
  VS_TRY(checkpoint(c, true));
  VS_TRY(put(c, m, 20, 5, false));
  VS_TRY(reopen(c, false));
  VS_TRY(put(c, m, 3, 22, true));
  VS_TRY(checkpoint(c, false));
  return put(c, m, 40, 4, false);
}

/* Builds the text index, or reads it: it must count the records that have a text. */
static inline vs_status ask_words(client *c, const model *m) {
  bool done = false;
  uint32_t live = 0;
  while (!done) VS_TRY(vs_textindex_build(&c->db.coll.text, 300, &done));
  for (uint32_t i = 0; i < N_RECORDS; i++) live += m->after[m->issued].version[i] != 0;
  must(c->db.coll.text.n_docs == live);
  return VS_OK;
}

static inline vs_status search(client *c, model *m) {
  VS_TRY(put(c, m, 0, 16, false));
  VS_TRY(ask_words(c, m));
  VS_TRY(checkpoint(c, false));
  VS_TRY(put(c, m, 14, 4, false));
  VS_TRY(put(c, m, 2, 2, true));
  VS_TRY(checkpoint(c, false));
  VS_TRY(put(c, m, 1, 2, false));
  VS_TRY(reopen(c, false));
  VS_TRY(put(c, m, 6, 1, true));
  VS_TRY(checkpoint(c, false)); /* before anybody asked */
  VS_TRY(put(c, m, 7, 2, false));
  VS_TRY(ask_words(c, m));
  VS_TRY(reopen(c, true));
  VS_TRY(put(c, m, 20, 2, false));
  VS_TRY(ask_words(c, m));
  return checkpoint(c, true);
}

/* The text index is built, saved in layers and read back, and follows the writes. */
static inline vs_status searched(client *c, model *m) {
  client_texts = true;
  vs_status status = search(c, m);
  client_texts = false;
  return status;
}

typedef struct {
  const char *name;
  vs_status (*run)(client *, model *);
} scenario;
static const scenario scenarios[] = {
    {"single_inserts", single_inserts},
    {"batches", batches},
    {"deletes", deletes},
    {"checkpoints", checkpoints},
    {"reopening", reopening},
    {"commits_between_checkpoint_steps", commits_between_checkpoint_steps},
    {"group_commit", group_commit},
    {"delete_all_then_insert", delete_all_then_insert},
    {"closing_with_checkpoint", closing_with_checkpoint},
    {"snapshots", snapshots},
    {"reembedding", reembedding},
    {"full_medium", full_medium},
    {"filtered", filtered},
    {"shrinking", shrinking},
    {"searched", searched},
};
#define N_SCENARIOS (sizeof scenarios / sizeof *scenarios)

/* Which commit the opened database shows, or -1 when it shows none of them. */
static inline int shown_commit(const vs_db_state *db, const model *m) {
  for (int j = (int)m->issued; j >= 0; j--) {
    uint32_t live = 0, same = 0;
    for (uint32_t i = 0; i < N_RECORDS; i++) {
      same += version_of(db, i) == m->after[j].version[i];
      live += m->after[j].version[i] != 0;
    }
    if (same == N_RECORDS && db->coll.n_live == live) return j;
  }
  return -1;
}

/* The promised snapshots are there, and each one there holds its state; NULL = right. Changes the database. */
static inline const char *wrong_snapshot(client *c, const model *m) {
  vs_db_state *db = &c->db;
  for (uint32_t i = 0; i < 2; i++) {
    char name[3] = {'s', (char)('0' + i), '\0'};
    bool there = vs_snapshot_find(db->store, name) != VS_NO_SLOT;
    if (!there && m->snapshot[i].acknowledged && !m->snapshot[i].dropping) return "an acknowledged snapshot is missing";
    if (!there) continue;
    model held = {.issued = 0};
    held.after[0] = m->snapshot[i].holds;
    if (run(db, vs_op_begin_snapshot_restore(db, snapshot_name(i))) != VS_OK) return "a snapshot cannot be restored";
    if (shown_commit(db, &held) != 0) return "a restored snapshot shows another state";
    if (findings(db) != 0) return "verify finds damage after restoring";
  }
  return NULL;
}

static inline uint32_t env_u32(const char *name, uint32_t otherwise) {
  const char *text = getenv(name);
  return text ? (uint32_t)strtoul(text, NULL, 10) : otherwise;
}

#endif
