/* store_crash.c - the store under crashes, I/O errors and refused memory.
 *
 * The model is the history of committed transactions as tags. Transaction i
 * writes frames that carry its tag and bytes derived from it; a checkpoint
 * writes all tags so far into segments and their number into an index file
 * and the blob. Whatever happens, a store that opens must give a prefix of
 * the issued tags, whole, and not shorter than what was acknowledged;
 * without a power cut it must give all of them. Opening must never fail.
 */
#include "harness.h"

#include "../../src/store/store.h"

#define MAX_TXNS 64u
#define DIR "c"

typedef struct {
  uint32_t n_issued, n_acked, next_tag;
  uint32_t tag[MAX_TXNS];
  uint64_t epoch[MAX_TXNS]; /* of this session: acknowledged once synced */
  uint64_t rotate;
} model;

typedef struct {
  h_world *w;
  model *m;
  vs_store *s;  /* NULL: not open */
  bool dropped; /* a sync failed: nothing more can be built on this medium */
  bool healing; /* epochs do not speak of transactions */
} session;

/* ============ What is written ============ */

static uint32_t frames_of(uint32_t tag) { return tag % 100 >= 50 ? 12 : tag % 4; }
static uint32_t bytes_of(uint32_t tag, uint32_t i) { return 12 + (tag * 37 + i * 11) % 90; }

static void fill_frame(uint32_t tag, uint32_t i, uint8_t *p) {
  vs_store_u32(p, tag);
  vs_store_u32(p + 4, i);
  vs_store_u32(p + 8, frames_of(tag));
  for (uint32_t b = 12; b < bytes_of(tag, i); b++) p[b] = (uint8_t)(tag + i * 3 + b);
}

/* ============ Reading it back ============ */

typedef struct {
  h_world *w;
  uint32_t n;
  uint32_t tag[MAX_TXNS];
  uint32_t open_tag, open_frames;
} history;

static void push_tag(history *h, uint32_t tag) {
  if (h->n == MAX_TXNS)
    h_problem(h->w, "more transactions than were ever written");
  else
    h->tag[h->n++] = tag;
}

static vs_status on_frame(void *ctx, uint64_t txn, uint8_t kind, vs_slice payload) {
  history *h = ctx;
  if (txn != (uint64_t)h->n + 1) h_problem(h->w, "transaction %llu after %u", (unsigned long long)txn, h->n);
  if (kind == VS_FRAME_COMMIT) {
    if (h->open_frames != frames_of(h->open_tag)) h_problem(h->w, "transaction %u is not whole", h->open_tag);
    push_tag(h, h->open_tag);
    h->open_frames = 0;
    return VS_OK;
  }
  uint8_t want[128];
  uint32_t tag = payload.n >= 12 ? vs_load_u32(payload.p) : 0;
  if (kind == 9) { /* the tag alone, so that empty transactions have one, too */
    h->open_tag = tag;
    return VS_OK;
  }
  fill_frame(tag, h->open_frames, want);
  if (payload.n != bytes_of(tag, h->open_frames) || memcmp(want, payload.p, payload.n) != 0 || tag != h->open_tag)
    h_problem(h->w, "frame %u of transaction %u has other bytes", h->open_frames, h->open_tag);
  h->open_frames++;
  return VS_OK;
}

static vs_status read_file(vs_store *s, uint32_t i, history *h) {
  vs_block_reader *r;
  VS_TRY(vs_block_reader_open(s, i, &r, NULL));
  bool is_index = vs_store_file(s, i)->kind == VS_FILE_INDEX;
  vs_slice block = {NULL, 0};
  vs_status status;
  uint64_t n = 0;
  while ((status = vs_block_reader_next(r, &block, NULL)) == VS_OK && block.n > 0) {
    n++;
    if (is_index && vs_load_u32(block.p) != h->n) h_problem(h->w, "the index is of another state");
    if (!is_index) push_tag(h, vs_load_u32(block.p));
  }
  if (status == VS_OK && n != vs_store_file(s, i)->n_items) h_problem(h->w, "wrong number of blocks");
  vs_block_reader_close(r);
  return status;
}

/* Everything the store holds, as tags. */
static vs_status read_history(vs_store *s, history *h) {
  for (uint32_t i = 0; i < vs_store_n_files(s); i++) VS_TRY(read_file(s, i, h));
  vs_slice blob = vs_store_blob(s);
  uint32_t covered = blob.n == 4 ? vs_load_u32(blob.p) : 0;
  if (covered != h->n) h_problem(h->w, "the manifest speaks of %u transactions, the files hold %u", covered, h->n);
  bool done = false;
  while (!done) VS_TRY(vs_store_replay(s, on_frame, h, 100, &done, NULL));
  if (vs_store_last_txn(s) != h->n) h_problem(h->w, "last transaction %llu", (unsigned long long)vs_store_last_txn(s));
  return VS_OK;
}

static void compare(const history *h, const model *m) {
  h_world *w = h->w;
  if (h->n < m->n_acked) h_problem(w, "%u transactions, but %u were acknowledged", h->n, m->n_acked);
  if (h->n > m->n_issued) h_problem(w, "%u transactions, but %u were issued", h->n, m->n_issued);
  if (!w->rebooted && h->n != m->n_issued)
    h_problem(w, "%u transactions visible, but %u were committed", h->n, m->n_issued);
  for (uint32_t i = 0; i < h->n && i < m->n_issued; i++)
    if (h->tag[i] != m->tag[i]) h_problem(w, "transaction %u is %u instead of %u", i, h->tag[i], m->tag[i]);
}

/* ============ Steps of a scenario ============ */

static bool good(session *x, vs_status status, const char *what) { return h_note(x->w, status, what) == VS_OK; }

static void close_store(session *x) {
  vs_store_close(x->s);
  x->s = NULL;
}

static bool open_store(session *x) {
  vs_store_limits limits = {x->m->rotate};
  if (!good(x, vs_store_open(x->w->mem, x->w->io, DIR, &limits, &x->s, NULL), "open")) {
    x->s = NULL;
    return false;
  }
  history h = {.w = x->w};
  if (!good(x, read_history(x->s, &h), "replay")) {
    close_store(x);
    return false;
  }
  compare(&h, x->m);
  /* From here on the recovered history is the history. */
  x->m->n_issued = h.n;
  /* Whether it is durable nobody says, until something written after it is. */
  for (uint32_t i = 0; i < h.n; i++) x->m->epoch[i] = UINT64_MAX;
  return true;
}

static bool log_txn(session *x, uint32_t tag) {
  uint8_t p[128];
  vs_store_u32(p, tag);
  memset(p + 4, 0, 8);
  vs_slice first = {p, 12};
  if (!good(x, vs_store_txn_log(x->s, 9, &first, 1, NULL), "log")) return false;
  for (uint32_t i = 0; i < frames_of(tag); i++) {
    fill_frame(tag, i, p);
    vs_slice parts[2] = {{p, 5}, {p + 5, bytes_of(tag, i) - 5}};
    if (!good(x, vs_store_txn_log(x->s, 1, parts, 2, NULL), "log")) return false;
  }
  return true;
}

static void heal(session *x);

/* big: a dozen frames, more than one small log holds. */
static void commit(session *x, bool big) {
  model *m = x->m;
  if (x->s == NULL) return;
  if (vs_store_full(x->s)) heal(x);
  uint32_t tag = m->next_tag * 100 + (big ? 50 : 0) + (m->next_tag + 1) % 4;
  m->next_tag++;
  if (!good(x, vs_store_txn_begin(x->s, NULL), "begin")) return;
  if (!log_txn(x, tag) || !good(x, vs_store_txn_commit(x->s, NULL), "commit")) return;
  must(m->n_issued < MAX_TXNS);
  m->tag[m->n_issued] = tag;
  m->epoch[m->n_issued++] = vs_store_write_epoch(x->s);
}

static void give_up(session *x, bool big) {
  if (x->s == NULL || !good(x, vs_store_txn_begin(x->s, NULL), "begin")) return;
  if (log_txn(x, big ? 7777750 : 7777703)) vs_store_txn_abort(x->s);
}

static void acknowledge(session *x) {
  model *m = x->m;
  if (x->healing) return;
  for (uint32_t i = m->n_acked; i < m->n_issued; i++)
    if (m->epoch[i] <= vs_store_synced_epoch(x->s)) m->n_acked = i + 1;
}

static void sync_store(session *x) {
  if (x->s == NULL) return;
  good(x, vs_store_sync(x->s, NULL), "sync");
  acknowledge(x);
}

/* A host that takes its time: `between` happens while the sync is under way. */
static void sync_slowly(session *x, void (*between)(session *)) {
  if (x->s == NULL) return;
  vs_sync_set set;
  if (!vs_store_sync_begin(x->s, &set)) {
    between(x);
    return;
  }
  between(x);
  vs_io *io = x->w->io;
  vs_status status = VS_OK;
  for (uint32_t i = 0; i < set.n_files && status == VS_OK; i++) status = io->ops->sync(io, set.file[i]);
  for (uint32_t i = 0; i < set.n_dirs && status == VS_OK; i++) status = io->ops->sync_dir(io, set.dir[i]);
  good(x, status, "slow sync");
  vs_store_sync_end(x->s, status);
  acknowledge(x);
}

static bool write_files(session *x, uint32_t from, uint32_t to) {
  vs_block_writer *w;
  if (to > from) {
    if (!good(x, vs_block_writer_create(x->s, VS_FILE_SEGMENT, &w, NULL), "create segment")) return false;
    uint8_t p[64] = {0};
    for (uint32_t i = from; i < to; i++) {
      vs_store_u32(p, x->m->tag[i]);
      if (!good(x, vs_block_writer_append(w, p, 4 + i % 60, NULL), "append block")) {
        vs_block_writer_destroy(w);
        return false;
      }
    }
    if (!good(x, vs_block_writer_finish(w, to - from, NULL), "finish segment")) return false;
  }
  if (!good(x, vs_block_writer_create(x->s, VS_FILE_INDEX, &w, NULL), "create index")) return false;
  uint8_t p[4];
  vs_store_u32(p, to);
  if (!good(x, vs_block_writer_append(w, p, 4, NULL), "append index")) {
    vs_block_writer_destroy(w);
    return false;
  }
  return good(x, vs_block_writer_finish(w, 1, NULL), "finish index");
}

static bool keep_segments(session *x) {
  for (uint32_t i = 0; i < vs_store_n_files(x->s); i++)
    if (vs_store_file(x->s, i)->kind == VS_FILE_SEGMENT && !good(x, vs_store_checkpoint_keep(x->s, i, NULL), "keep"))
      return false;
  return true;
}

static void nothing(session *x) { (void)x; }
static void one_commit(session *x) { commit(x, false); }

/* All steps; `between` after each. Gives up at the first failure. */
static bool checkpoint_steps(session *x, void (*between)(session *)) {
  vs_slice blob = vs_store_blob(x->s);
  uint32_t from = blob.n == 4 ? vs_load_u32(blob.p) : 0, to = x->m->n_issued;
  if (!good(x, vs_store_checkpoint_begin(x->s, NULL), "checkpoint begin")) return false;
  between(x);
  if (!keep_segments(x) || !write_files(x, from, to)) return false;
  between(x);
  sync_slowly(x, between);
  if (vs_store_poisoned(x->s) || vs_store_full(x->s)) return false;
  uint8_t p[4];
  vs_store_u32(p, to);
  if (!good(x, vs_store_checkpoint_install(x->s, (vs_slice){p, 4}, NULL), "install")) return false;
  between(x);
  sync_slowly(x, between);
  if (vs_store_poisoned(x->s) || vs_store_full(x->s)) return false;
  bool retired = good(x, vs_store_checkpoint_retire(x->s, NULL), "retire");
  between(x);
  sync_slowly(x, nothing);
  return retired;
}

static void checkpoint(session *x, void (*between)(session *)) {
  if (x->s != NULL && !checkpoint_steps(x, between)) vs_store_checkpoint_abort(x->s);
}

/* The medium was full at a sync: once a checkpoint is through, all that was issued is durable. */
static void heal(session *x) {
  vs_store_heal_begin(x->s);
  x->healing = true;
  checkpoint(x, nothing);
  x->healing = false;
  vs_store_heal_end(x->s);
  if (vs_store_full(x->s) || vs_store_poisoned(x->s)) return;
  x->m->n_acked = x->m->n_issued;
  for (uint32_t i = 0; i < x->m->n_issued; i++) x->m->epoch[i] = 0;
}

/* ============ Scenarios ============ */

static session start_with(h_world *w, uint64_t rotate) {
  session x = {.w = w, .m = w->model};
  x.m->rotate = rotate;
  open_store(&x);
  return x;
}

static void reopen(session *x) {
  /* What a failed sync dropped stays visible until the power is cut, and no
   * later sync brings it back: a session cannot build on that. */
  if (x->s != NULL) {
    x->dropped |= vs_store_poisoned(x->s) || vs_store_full(x->s);
    close_store(x);
  }
  if (!x->dropped) open_store(x);
}

/* A mark reports no failure, by contract. */
static void mark(session *x) {
  if (x->s == NULL) return;
  uint64_t io_before = vs_io_fault_calls(x->w->io), mem_before = x->w->mem->n_calls;
  vs_store_mark_durable(x->s);
  bool oom = x->w->mode == H_OOM;
  uint64_t before = oom ? mem_before : io_before;
  uint64_t after = oom ? x->w->mem->n_calls : vs_io_fault_calls(x->w->io);
  if (before < x->w->at && x->w->at <= after) x->w->hidden = true;
}

static void run_commits(h_world *w) {
  session x = start_with(w, 1 << 20);
  for (int i = 0; i < 4; i++) {
    commit(&x, false);
    sync_store(&x);
  }
  close_store(&x);
}

static void run_group_commit(h_world *w) {
  session x = start_with(w, 1 << 20);
  for (int i = 0; i < 9; i++) {
    commit(&x, i % 3 == 1);
    if (i % 3 == 2) sync_store(&x);
  }
  commit(&x, false);
  close_store(&x);
}

static void run_rotation(h_world *w) {
  session x = start_with(w, 300);
  for (int i = 0; i < 8; i++) {
    commit(&x, false);
    if (i % 2 == 0) sync_store(&x);
  }
  close_store(&x);
}

static void run_batch_over_logs(h_world *w) {
  session x = start_with(w, 400);
  commit(&x, true);
  sync_store(&x);
  commit(&x, true);
  commit(&x, true);
  sync_store(&x);
  commit(&x, true);
  close_store(&x);
}

static void run_abort(h_world *w) {
  session x = start_with(w, 400);
  commit(&x, false);
  sync_store(&x);
  give_up(&x, false);
  commit(&x, false);
  give_up(&x, true);
  commit(&x, true);
  sync_store(&x);
  give_up(&x, true);
  close_store(&x);
}

static void run_checkpoint(h_world *w) {
  session x = start_with(w, 1 << 20);
  commit(&x, false);
  commit(&x, true);
  sync_store(&x);
  checkpoint(&x, nothing);
  commit(&x, false);
  sync_store(&x);
  close_store(&x);
}

static void run_first_checkpoint(h_world *w) {
  session x = start_with(w, 1 << 20);
  checkpoint(&x, nothing);
  reopen(&x);
  commit(&x, false);
  sync_store(&x);
  close_store(&x);
}

static void run_two_checkpoints(h_world *w) {
  session x = start_with(w, 400);
  for (int i = 0; i < 2; i++) {
    commit(&x, true);
    commit(&x, false);
    sync_store(&x);
    checkpoint(&x, nothing);
  }
  commit(&x, false);
  sync_store(&x);
  close_store(&x);
}

static void run_busy_checkpoint(h_world *w) {
  session x = start_with(w, 350);
  commit(&x, false);
  sync_store(&x);
  checkpoint(&x, one_commit);
  commit(&x, false);
  sync_store(&x);
  close_store(&x);
}

static void run_slow_sync(h_world *w) {
  session x = start_with(w, 350);
  for (int i = 0; i < 4; i++) {
    commit(&x, i == 2);
    sync_slowly(&x, one_commit);
  }
  close_store(&x);
}

static void run_aborted_checkpoint(h_world *w) {
  session x = start_with(w, 1 << 20);
  commit(&x, false);
  sync_store(&x);
  if (x.s != NULL) {
    if (good(&x, vs_store_checkpoint_begin(x.s, NULL), "begin")) write_files(&x, 0, x.m->n_issued);
    vs_store_checkpoint_abort(x.s);
  }
  commit(&x, false);
  checkpoint(&x, nothing);
  commit(&x, false);
  sync_store(&x);
  close_store(&x);
}

static void run_reopen(h_world *w) {
  session x = start_with(w, 1 << 20);
  commit(&x, false);
  sync_store(&x);
  mark(&x);
  reopen(&x);
  commit(&x, true);
  sync_store(&x);
  reopen(&x);
  checkpoint(&x, nothing);
  reopen(&x);
  commit(&x, false);
  sync_store(&x);
  mark(&x);
  close_store(&x);
}

/* The process dies, the machine does not: what is read again was never synced. */
static void run_reopen_unsynced(h_world *w) {
  session x = start_with(w, 350);
  commit(&x, false);
  commit(&x, true);
  reopen(&x);
  commit(&x, false);
  sync_store(&x);
  commit(&x, true);
  give_up(&x, true);
  reopen(&x);
  commit(&x, false);
  sync_store(&x);
  close_store(&x);
}

/* The medium is full for a moment, in the middle of a commit. */
static void run_failed_append(h_world *w) {
  session x = start_with(w, 400);
  commit(&x, false);
  sync_store(&x);
  if (w->mode == H_CRASH && !w->counting) vs_io_fault_plan(w->io, vs_io_fault_calls(w->io) + 1, VS_FAULT_SHORT, false);
  commit(&x, false);
  commit(&x, false);
  sync_store(&x);
  if (w->mode == H_CRASH && !w->counting) vs_io_fault_plan(w->io, vs_io_fault_calls(w->io) + 4, VS_FAULT_SHORT, false);
  commit(&x, true);
  commit(&x, true);
  sync_store(&x);
  close_store(&x);
}

/* A sync finds the medium full, during a commit, then during a checkpoint: the crash comes before, in or after healing.
 */
static void run_full_medium(h_world *w) {
  session x = start_with(w, 400);
  w->hidden = w->mode == H_IOERR; /* the error injected takes the place of the scenario's */
  commit(&x, false);
  sync_store(&x);
  for (int i = 0; i < 2; i++) {
    bool counting = w->counting;
    if (i == 0) commit(&x, true);
    if (w->mode != H_IOERR) {
      w->counting = false;
      vs_io_fault_plan(w->io, vs_io_fault_calls(w->io) + 1, VS_FAULT_FULL, true);
    }
    if (i == 0)
      sync_store(&x);
    else
      checkpoint(&x, one_commit);
    if (w->mode != H_IOERR) vs_io_fault_plan(w->io, H_NEVER, VS_FAULT_EIO, false);
    w->counting = counting;
    commit(&x, i == 1);
    sync_store(&x);
  }
  reopen(&x);
  commit(&x, false);
  close_store(&x);
}

/* A checkpoint whose manifest is written and never put in force. */
static void run_installed_then_aborted(h_world *w) {
  session x = start_with(w, 1 << 20);
  commit(&x, false);
  checkpoint(&x, nothing);
  commit(&x, false);
  if (x.s != NULL) {
    uint8_t p[4];
    vs_store_u32(p, x.m->n_issued);
    vs_slice blob = vs_store_blob(x.s);
    uint32_t from = blob.n == 4 ? vs_load_u32(blob.p) : 0;
    if (good(&x, vs_store_checkpoint_begin(x.s, NULL), "begin") && keep_segments(&x) &&
        write_files(&x, from, x.m->n_issued)) {
      sync_store(&x);
      if (!vs_store_poisoned(x.s) && !vs_store_full(x.s))
        good(&x, vs_store_checkpoint_install(x.s, (vs_slice){p, 4}, NULL), "install");
    }
    vs_store_checkpoint_abort(x.s);
  }
  commit(&x, false);
  sync_store(&x);
  checkpoint(&x, nothing);
  commit(&x, false);
  close_store(&x);
}

/* A transaction is under way while the checkpoint is installed and retired. */
static uint32_t spanning_tag;
static void begin_spanning(session *x) {
  if (spanning_tag != 0) return;
  spanning_tag = x->m->next_tag++ * 100 + 51;
  if (good(x, vs_store_txn_begin(x->s, NULL), "begin") && log_txn(x, spanning_tag)) return;
  spanning_tag = UINT32_MAX;
}

static void run_checkpoint_across_transaction(h_world *w) {
  session x = start_with(w, 500);
  commit(&x, false);
  sync_store(&x);
  for (int i = 0; i < 2 && x.s != NULL; i++) {
    spanning_tag = 0;
    checkpoint(&x, begin_spanning);
    bool open = spanning_tag != 0 && spanning_tag != UINT32_MAX;
    if (open && good(&x, vs_store_txn_commit(x.s, NULL), "commit")) {
      x.m->tag[x.m->n_issued] = spanning_tag;
      x.m->epoch[x.m->n_issued++] = vs_store_write_epoch(x.s);
    }
    sync_store(&x);
  }
  commit(&x, false);
  sync_store(&x);
  close_store(&x);
}

/* ============ The subject ============ */

static void prepare(h_world *w) {
  ((model *)w->model)->rotate = 1 << 20;
  must(w->io->ops->mkdir(w->io, DIR) == VS_OK);
  must(w->io->ops->sync_dir(w->io, "") == VS_OK);
}

static void on_damage(void *ctx, const char *file, const char *what) { h_problem(ctx, "verify: %s: %s", file, what); }

static void check(h_world *w) {
  vs_err err;
  vs_err_clear(&err);
  vs_store *s;
  const model *m = w->model;
  vs_store_limits limits = {m->rotate};
  vs_status status = vs_store_open(w->mem, w->io, DIR, &limits, &s, &err);
  if (status != VS_OK) {
    h_problem(w, "does not open: %s: %s", vs_status_name(status), err.msg);
    return;
  }
  history h = {.w = w};
  status = read_history(s, &h);
  if (status != VS_OK) h_problem(w, "does not read: %s", vs_status_name(status));
  compare(&h, m);
  if (vs_store_verify(s, on_damage, w, NULL) != VS_OK) h_problem(w, "does not verify");
  vs_store_close(s);
}

static void again(h_world *w) {
  session x = {.w = w, .m = w->model};
  if (!open_store(&x)) return;
  commit(&x, false);
  sync_store(&x);
  checkpoint(&x, nothing);
  close_store(&x);
}

static const h_scenario scenarios[] = {
    {"commits", run_commits},
    {"group-commit", run_group_commit},
    {"rotation", run_rotation},
    {"batch-over-logs", run_batch_over_logs},
    {"abort", run_abort},
    {"checkpoint", run_checkpoint},
    {"first-checkpoint", run_first_checkpoint},
    {"two-checkpoints", run_two_checkpoints},
    {"busy-checkpoint", run_busy_checkpoint},
    {"slow-sync", run_slow_sync},
    {"aborted-checkpoint", run_aborted_checkpoint},
    {"reopen", run_reopen},
    {"reopen-unsynced", run_reopen_unsynced},
    {"failed-append", run_failed_append},
    {"checkpoint-across-transaction", run_checkpoint_across_transaction},
    {"installed-then-aborted", run_installed_then_aborted},
    {"full-medium", run_full_medium},
};

int main(void) {
  static const h_subject subject = {.name = "store",
                                    .model_bytes = sizeof(model),
                                    .prepare = prepare,
                                    .check = check,
                                    .again = again,
                                    .scenario = scenarios,
                                    .n_scenarios = sizeof scenarios / sizeof *scenarios};
  return h_run(&subject);
}
