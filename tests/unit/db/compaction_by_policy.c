/* When a checkpoint is due for the room that deletes left, and that taking it goes in steps within their budget.
 *
 * Due: 1,000 records deleted whose slots nobody took, and a tenth of all; not below either, not once
 * others took the slots. A step's work is counted: slots looked at, bytes written; never time. */
#include "../../../src/db/checkpoint.h"
#include "client.h"

#define PER_BATCH 500u

/* Writes the records first to end - 1, or deletes them. */
static void change(client *c, uint32_t first, uint32_t end, bool deleting) {
  for (; first < end; first += PER_BATCH) {
    vs_wr w;
    vs_wr_init(&w, &c->outer);
    for (uint32_t i = first; i < end && i < first + PER_BATCH; i++) {
      if (deleting)
        add_delete(&w, i);
      else
        add_upsert(&w, i, 1);
    }
    must(commit(&c->db, &w) == VS_OK);
    vs_wr_deinit(&w);
  }
}

static bool due(const client *c) { return vs_image_compaction_due(&c->db.coll, c->db.store); }

static uint64_t records_in_segments(const vs_store *s) {
  uint64_t n = 0;
  for (uint32_t i = 0; i < vs_store_n_files(s); i++)
    if (vs_store_file(s, i)->kind == VS_FILE_SEGMENT) n += vs_store_file(s, i)->n_items;
  return n;
}

static uint64_t bytes_of_segments(const vs_store *s) {
  uint64_t n = 0;
  for (uint32_t i = 0; i < vs_store_n_files(s); i++)
    if (vs_store_file(s, i)->kind == VS_FILE_SEGMENT) n += vs_store_file(s, i)->bytes;
  return n;
}

static void begin(client *c, vs_alloc *a, vs_io **io, uint32_t n) {
  vs_alloc_init(a);
  must(vs_io_fault_create(a, io) == VS_OK);
  client_init(c, *io);
  must(client_open(c, "posix", false) == VS_OK);
  change(c, 0, n, false);
  must(run(&c->db, vs_op_begin_checkpoint(&c->db, false)) == VS_OK);
}

static void end(client *c, vs_alloc *a, vs_io *io) {
  client_deinit(c);
  io->ops->destroy(io);
  ok(a->n_live == 0, "nothing is left behind");
}

/* 1,000 of 2,000 are due, 999 are not, and 1,000 of 1,999 in segments of which most were replaced are. */
static void least_number(void) {
  vs_alloc a;
  vs_io *io;
  client c;
  begin(&c, &a, &io, 2000);
  ok(!due(&c), "nothing deleted: not due");
  change(&c, 0, 999, true);
  ok(!due(&c), "999 deleted, half of all: not due");
  change(&c, 999, 1000, true);
  ok(due(&c), "1,000 deleted: due");
  ok(vs_db_checkpoint_due(&c.db), "and so is a checkpoint");
  change(&c, 3000, 3001, false);
  ok(!due(&c), "one slot taken again: not due");
  change(&c, 3001, 4000, false);
  ok(!due(&c) && c.db.coll.n_slots == 2000, "all slots taken again: not due, and no slot more");
  end(&c, &a, io);
}

static void least_share(void) {
  vs_alloc a;
  vs_io *io;
  client c;
  begin(&c, &a, &io, 11000);
  c.db.n_log_records = 0;
  change(&c, 5000, 6099, true);
  ok(!due(&c), "1,099 of 11,000 deleted: not due");
  change(&c, 6099, 6100, true);
  ok(due(&c), "1,100 of 11,000 deleted: due");
  uint64_t before = bytes_of_segments(c.db.store);
  must(run(&c.db, vs_op_begin_checkpoint(&c.db, false)) == VS_OK);
  ok(!due(&c) && !vs_db_checkpoint_due(&c.db), "after the checkpoint nothing is due");
  ok(records_in_segments(c.db.store) == c.db.coll.n_live, "the segments hold the live records only");
  ok(bytes_of_segments(c.db.store) < before - 1100 * 100, "and %llu bytes where there were %llu",
     (unsigned long long)bytes_of_segments(c.db.store), (unsigned long long)before);
  change(&c, 0, 900, true);
  ok(!due(&c), "2,000 slots are free now, 900 dead records are in segments: not due");
  must(run(&c.db, vs_op_begin_checkpoint(&c.db, false)) == VS_OK);
  ok(records_in_segments(c.db.store) == 9900, "and another checkpoint leaves them there");
  client_deinit(&c);
  client_init(&c, io);
  must(client_open(&c, "posix", false) == VS_OK);
  ok(c.db.coll.n_live == 9000 && findings(&c.db) == 0 && !due(&c), "reopened: all there, sound, not due");
  uint32_t n_whole = 0;
  for (uint32_t i = 0; i < 11000; i++) n_whole += version_of(&c.db, i) == (i >= 900 && (i < 5000 || i >= 6100));
  ok(n_whole == 11000, "each record as it was written");
  end(&c, &a, io);
}

/* A segment that is replaced bit by bit is written again at 7 of 10 dead, not before. */
static void share_of_replaced(void) {
  vs_alloc a;
  vs_io *io;
  client c;
  begin(&c, &a, &io, 1000);
  change(&c, 0, 699, false);
  must(run(&c.db, vs_op_begin_checkpoint(&c.db, false)) == VS_OK);
  ok(records_in_segments(c.db.store) == 1000 + 699, "699 of 1,000 replaced: their segment stays");
  change(&c, 699, 700, false);
  must(run(&c.db, vs_op_begin_checkpoint(&c.db, false)) == VS_OK);
  ok(records_in_segments(c.db.store) == 1000, "700 replaced: it is written again");
  end(&c, &a, io);
}

static uint64_t written(const vs_checkpoint *k) {
  uint64_t n = k->image.writer ? vs_block_writer_bytes(k->image.writer) : 0;
  for (uint32_t i = 0; i < vs_store_pending_n(k->store); i++) n += vs_store_pending(k->store, i)->bytes;
  return n;
}

#define BUDGET 40.0
/* What a step may be over: a block of records, a chunk of the index. */
#define BLOCK_BYTES (128u * 1024u + 4096u)

/* Drives the writing of a checkpoint; true when each step kept within its budget. */
static bool writes_in_steps(vs_checkpoint *k, uint32_t *n_steps) {
  bool within = true, wrote = false;
  *n_steps = 0;
  while (!wrote) {
    int state = (int)k->image.state;
    uint32_t slot = k->image.slot;
    uint64_t bytes = written(k);
    double budget = BUDGET;
    must(vs_checkpoint_step(k, &budget, &wrote, NULL) == VS_OK);
    uint64_t more = written(k) - bytes;
    uint64_t most =
        (uint64_t)(BUDGET * 1024) + (state < IMAGE_SLOTS ? BLOCK_BYTES : BLOCK_BYTES + VS_INDEX_CHUNK_BYTES);
    if ((int)k->image.state == state) within = within && k->image.slot - slot <= BUDGET / VS_IMAGE_SLOT_COST + 8192;
    within = within && more <= most;
    if (!within) printf("# state %d: %u slots, %llu bytes\n", state, k->image.slot - slot, (unsigned long long)more);
    ++*n_steps;
  }
  return within;
}

static void steps(void) {
  vs_alloc a;
  vs_io *io;
  client c;
  vs_checkpoint k;
  uint32_t n_steps;
  begin(&c, &a, &io, 10000);
  change(&c, 0, 2000, true);
  must(due(&c));
  vs_checkpoint_init(&k, &c.db.coll, c.db.store, false, false);
  ok(writes_in_steps(&k, &n_steps), "no step goes beyond its budget by more than a block");
  uint64_t units = written(&k) / 1024 + 3 * 10000 / 64;
  ok(n_steps >= (double)units / (BUDGET + (BLOCK_BYTES + VS_INDEX_CHUNK_BYTES) / 1024.0) && n_steps > 10,
     "about %llu units of work took %u steps of %.0f", (unsigned long long)units, n_steps, BUDGET);
  vs_checkpoint_deinit(&k);
  ok(due(&c) && findings(&c.db) == 0, "given up between two steps nothing has changed: it is due as before");
  must(run(&c.db, vs_op_begin_checkpoint(&c.db, false)) == VS_OK);
  ok(!due(&c) && records_in_segments(c.db.store) == 8000, "and is taken by the next");
  end(&c, &a, io);
}

int main(void) {
  least_number();
  least_share();
  share_of_replaced();
  steps();
  return tap_done();
}
