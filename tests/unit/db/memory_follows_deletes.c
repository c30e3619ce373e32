/* Deleting gives memory and storage back: what is counted falls, free slots are used again, nothing else changes.
 *
 * Records behind the last live one give their vectors' and nodes' blocks back at the next checkpoint;
 * those in between give back their bodies, and their slots to the next inserts. */
#include "client.h"

/* So many that vectors and nodes with codes take more than a block of 1 MiB. */
#define N 2100u
#define LARGE_DIM 256u

static void large_vector(uint32_t number, float *out) {
  vs_rng r = {number + 1};
  for (uint32_t i = 0; i < LARGE_DIM; i++) out[i] = vs_rng_f32(&r) - 0.5f;
}

static void add_large(vs_wr *w, uint32_t number) {
  uint8_t id[16];
  float vector[LARGE_DIM];
  size_t n = record_id(number, id);
  large_vector(number, vector);
  vs_wr_u8(w, VS_STAGE_UPSERT);
  vs_wr_u8(w, 0);
  vs_wr_u16(w, (uint16_t)n);
  vs_wr_u32(w, LARGE_DIM);
  vs_wr_u32(w, 0);
  vs_wr_u32(w, 0);
  vs_wr_bytes(w, id, n);
  pad4(w);
  vs_wr_bytes(w, vector, sizeof vector);
}

/* Record i of a change, and whether it is one of those that are deleted. */
typedef bool (*chosen)(uint32_t number);
static bool all(uint32_t number) { return number < N; }
static bool behind(uint32_t number) { return number >= N / 10; }
static bool scattered(uint32_t number) { return vs_mix64(number) % 10 != 0 && number < N - 1; }

static uint32_t change(client *c, chosen choose, bool deleting) {
  vs_wr w;
  uint32_t n = 0;
  vs_wr_init(&w, &c->outer);
  for (uint32_t i = 0; i < N; i++) {
    if (!choose(i)) continue;
    n++;
    if (deleting)
      add_delete(&w, i);
    else
      add_large(&w, i);
  }
  must(commit(&c->db, &w) == VS_OK);
  vs_wr_deinit(&w);
  return n;
}

static void optimize(client *c) { must(run(&c->db, vs_op_begin_checkpoint(&c->db, true)) == VS_OK); }

/* What stats().memory and stats().storage tell. */
typedef struct {
  int64_t total, vectors, index, records, ids, stored, slots, count;
} told;

static int64_t member(const vs_value *object, const char *group, const char *name) {
  vs_value inner = *object, v;
  if (group && !vs_value_get(object, group, &inner)) return 0;
  must(vs_value_get(&inner, name, &v) && v.tag == VS_VALUE_INT);
  return v.i;
}

static told tell(client *c) {
  vs_wr w;
  vs_wr_init(&w, &c->outer);
  vs_db_stats(&c->db, &w);
  vs_rd r = vs_rd_of(w.p, w.n);
  vs_value stats = vs_value_read(&r);
  told t = {.total = member(&stats, "memory", "total"),
            .vectors = member(&stats, "memory", "vectors"),
            .index = member(&stats, "memory", "index") + member(&stats, "memory", "codes"),
            .records = member(&stats, "memory", "records"),
            .ids = member(&stats, "memory", "ids"),
            .stored = member(&stats, "storage", "bytes"),
            .slots = member(&stats, NULL, "slots"),
            .count = member(&stats, NULL, "count")};
  vs_wr_deinit(&w);
  return t;
}

/* The records that `gone` leaves are there, found and whole; no others are. */
static bool whole(client *c, chosen gone) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < N; i++) {
    uint8_t id[16];
    float vector[LARGE_DIM];
    vs_hit hit[3];
    uint32_t slot = vs_coll_find(&c->db.coll, (vs_slice){id, record_id(i, id)}), n_hits = 0;
    if (gone && gone(i)) {
      if (slot != VS_NO_SLOT) return false;
      continue;
    }
    n++;
    if (slot == VS_NO_SLOT) return false;
    large_vector(i, vector);
    if (memcmp(vector, vs_vectors_at(&c->db.coll.vectors, slot), sizeof vector) != 0) return false;
    vs_search_params params = {.k = 1, .ef = N, .exact = false};
    if (i % 64 != 0) continue;
    must(vs_index_search(c->db.coll.index, vector, &params, hit, &n_hits, NULL) == VS_OK);
    if (n_hits != 1 || hit[0].slot != slot) return false;
  }
  return c->db.coll.n_live == n && findings(&c->db) == 0;
}

static void open_store(client *c, vs_io *io) {
  client_init(c, io);
  must(client_open(c, io ? "posix" : "memory", false) == VS_OK);
}

/* A log over a smaller table than the manifest's: slots were given back and taken again since. */
static void replay_after_trim(client *c, vs_io *io) {
  change(c, behind, false);
  must(run(&c->db, vs_op_begin_checkpoint(&c->db, false)) == VS_OK);
  change(c, behind, true);
  vs_coll_trim(&c->db.coll); /* as of a checkpoint that then failed */
  must(c->db.coll.n_slots == N / 10);
  change(c, behind, false);
  ok(whole(c, NULL), "slots given back and taken again");
  client_deinit(c); /* without closing */
  open_store(c, io);
  ok(whole(c, NULL), "the log replays over the larger table of the manifest");
}

static void delete_all(client *c, told full) {
  change(c, all, true);
  optimize(c);
  told now = tell(c);
  ok(now.slots == 0 && now.records == 0 && now.total < full.total / 5, "all deleted: %lld bytes, then %lld",
     (long long)full.total, (long long)now.total);
}

static void delete_behind(vs_io *io) {
  client c;
  open_store(&c, io);
  change(&c, all, false);
  optimize(&c);
  told full = tell(&c);
  change(&c, behind, true);
  told deleted = tell(&c);
  ok(deleted.records < full.records / 8, "records: %lld bytes, then %lld", (long long)full.records,
     (long long)deleted.records);
  optimize(&c);
  told now = tell(&c);
  ok(now.slots == N / 10 && now.count == N / 10, "%lld slots for the %u records left", (long long)now.slots, N / 10);
  ok(now.vectors <= full.vectors / 3, "vectors: %lld bytes, then %lld", (long long)full.vectors,
     (long long)now.vectors);
  ok(now.index < full.index * 2 / 3 || io, "index: %lld bytes, then %lld", (long long)full.index, (long long)now.index);
  ok(now.ids < full.ids / 3, "ids: %lld bytes, then %lld", (long long)full.ids, (long long)now.ids);
  ok(now.total < full.total / 2, "memory in all: %lld bytes, then %lld", (long long)full.total, (long long)now.total);
  if (io)
    ok(now.stored < full.stored / 5, "storage: %lld bytes, then %lld", (long long)full.stored, (long long)now.stored);
  ok(whole(&c, behind), "the others are whole");
  if (io)
    replay_after_trim(&c, io);
  else
    change(&c, behind, false);
  told again = tell(&c);
  ok(again.vectors <= full.vectors + 64 && again.slots == N, "inserted again they take what they took at first");
  delete_all(&c, full);
  client_deinit(&c);
  ok(c.db.alloc.n_live == 0, "nothing is left behind");
}

static void delete_scattered(vs_io *io) {
  client c;
  open_store(&c, io);
  change(&c, all, false);
  optimize(&c);
  told full = tell(&c);
  uint32_t n = change(&c, scattered, true);
  optimize(&c);
  told now = tell(&c);
  ok(n > N * 8 / 10 && now.count == (int64_t)(N - n), "%u of %u deleted in between", n, N);
  ok(now.records * (int64_t)N < full.records * (int64_t)(N - n) * 11 / 10, "records: %lld bytes, then %lld",
     (long long)full.records, (long long)now.records);
  ok(now.ids < full.ids / 3, "ids: %lld bytes, then %lld", (long long)full.ids, (long long)now.ids);
  if (io)
    ok(now.stored < full.stored / 4, "storage: %lld bytes, then %lld", (long long)full.stored, (long long)now.stored);
  ok(whole(&c, scattered), "the others are whole");
  change(&c, scattered, false);
  told again = tell(&c);
  ok(again.slots == full.slots && again.vectors == full.vectors, "their slots and vectors' memory are used again");
  ok(again.index <= full.index * 5 / 4, "and their nodes, but for levels drawn anew: %lld bytes, now %lld",
     (long long)full.index, (long long)again.index);
  ok(whole(&c, NULL), "all are whole");
  client_deinit(&c);
  ok(c.db.alloc.n_live == 0, "nothing is left behind");
}

/* Runs a test on a store in a file layer of its own, or in memory. */
static void on(bool stored, void (*test)(vs_io *)) {
  vs_alloc a;
  vs_io *io = NULL;
  vs_alloc_init(&a);
  n_opened = stored; /* in memory walked on codes, which take room of their own */
  if (stored) must(vs_io_fault_create(&a, &io) == VS_OK);
  test(io);
  if (io) io->ops->destroy(io);
  ok(a.n_live == 0, "no file is left open");
}

int main(void) {
  on(false, delete_behind);
  on(true, delete_behind);
  on(true, delete_scattered);
  return tap_done();
}
