/* import_crash.c - an import crashes, or fails, at every file call: there is the whole store or none.
 *
 * METHOD. As db_crash.c: the import runs once to count its file calls, then the
 * power fails at each of them and the medium is rebooted several times. What is
 * found opens as a new store without records, over which the import then
 * succeeds, or as the imported one, whole, which refuses a second import. An import whose last call
 * succeeded is whole. The same holds when a call fails with an error instead.
 *
 * VS_CRASH_SEEDS reboots per crash point (default 6).
 */
#include "../unit/db/client.h"

static uint8_t *bytes;
static size_t n_bytes;
static uint32_t n_states;
enum { RECORDS = 40 };

static void make_export(void) {
  client c;
  client_init(&c, NULL);
  must(client_open(&c, "memory", false) == VS_OK);
  for (uint32_t i = 0; i < RECORDS; i++) must(upsert(&c, i, 1 + i % 3) == VS_OK);
  vs_op_state *op = vs_op_begin_export(&c.db);
  must(op && vs_op_run(op, 1e9) == VS_OP_DONE);
  vs_slice chunk;
  for (uint32_t i = 0; (chunk = vs_op_output_chunk(op, i)).n; i++) {
    bytes = realloc(bytes, n_bytes + chunk.n);
    memcpy(bytes + n_bytes, chunk.p, chunk.n);
    n_bytes += chunk.n;
  }
  vs_op_end(op);
  client_deinit(&c);
}

/* Imports and closes the instance. */
static vs_status import_into(vs_io *io) {
  client c;
  client_init(&c, io);
  must(vs_import_create(&c.db.alloc, &c.db.import) == VS_OK);
  must(vs_import_feed(c.db.import, (vs_slice){bytes, n_bytes}, &c.db.err) == VS_OK);
  vs_status status = client_open(&c, "posix", true);
  client_deinit(&c);
  must(c.db.alloc.n_live == 0);
  return status;
}

/* -1 = it does not open, is in part there, or verify complains; else its records. */
static int look(vs_io *io) {
  client c;
  client_init(&c, io);
  int n = -1;
  if (client_open(&c, "posix", false) == VS_OK && findings(&c.db) == 0) {
    n = (int)c.db.coll.n_live;
    for (uint32_t i = 0; i < RECORDS; i++)
      if (version_of(&c.db, i) != (n == 0 ? 0 : 1 + i % 3)) n = -1;
  }
  client_deinit(&c);
  return n;
}

/* Nothing, and then an import is possible; or all. Returns whether that is so. */
static bool is_all_or_nothing(vs_io *io, bool must_be_whole) {
  vs_io *copy;
  n_states++;
  must(vs_io_fault_clone(io, &copy) == VS_OK);
  int n = look(copy);
  copy->ops->destroy(copy);
  vs_status again = import_into(io);
  if (n == RECORDS) return again == VS_ALREADY_EXISTS;
  return n == 0 && !must_be_whole && again == VS_OK && look(io) == RECORDS;
}

static uint64_t count_calls(void) {
  vs_alloc a;
  vs_io *io;
  vs_alloc_init(&a);
  must(vs_io_fault_create(&a, &io) == VS_OK);
  must(import_into(io) == VS_OK);
  uint64_t n = vs_io_fault_calls(io);
  ok(is_all_or_nothing(io, true), "an import of %u records makes %llu file calls", RECORDS, (unsigned long long)n);
  io->ops->destroy(io);
  return n;
}

static void crash_everywhere(uint64_t n_calls, uint32_t n_seeds) {
  vs_alloc a;
  uint32_t wrong = 0;
  vs_alloc_init(&a);
  for (uint64_t call = 1; call <= n_calls; call++) {
    vs_io *crashed, *io;
    must(vs_io_fault_create(&a, &crashed) == VS_OK);
    vs_io_fault_crash_at(crashed, call);
    bool acknowledged = import_into(crashed) == VS_OK;
    for (uint32_t i = 0; i < n_seeds; i++) {
      uint64_t seed = (i + 1) * 1000003u + call;
      must(vs_io_fault_clone(crashed, &io) == VS_OK && vs_io_fault_reboot(io, seed) == VS_OK);
      if (!is_all_or_nothing(io, acknowledged)) {
        printf("# crash at call %llu, seed %llu\n", (unsigned long long)call, (unsigned long long)seed);
        wrong++;
      }
      io->ops->destroy(io);
    }
    crashed->ops->destroy(crashed);
  }
  ok(wrong == 0 && a.n_live == 0, "a crash at each of them leaves the whole store or none");
}

static void fail_everywhere(uint64_t n_calls) {
  static const vs_fault_kind kinds[] = {VS_FAULT_EIO, VS_FAULT_ENOSPC, VS_FAULT_SHORT, VS_FAULT_SYNC};
  vs_alloc a;
  uint32_t wrong = 0, refused = 0;
  vs_alloc_init(&a);
  for (uint64_t call = 1; call <= n_calls; call++) {
    for (uint32_t k = 0; k < 8; k++) {
      vs_io *io;
      must(vs_io_fault_create(&a, &io) == VS_OK);
      vs_io_fault_plan(io, call, kinds[k % 4], k >= 4);
      bool done = import_into(io) == VS_OK;
      refused += !done;
      must(vs_io_fault_reboot(io, call * 31 + k) == VS_OK);
      wrong += !is_all_or_nothing(io, done);
      io->ops->destroy(io);
    }
  }
  ok(wrong == 0 && a.n_live == 0 && refused > n_calls, "%u imports failed by an error of a call leave the same",
     refused);
}

int main(void) {
  const char *seeds = getenv("VS_CRASH_SEEDS");
  make_export();
  uint64_t n_calls = count_calls();
  crash_everywhere(n_calls, seeds ? (uint32_t)strtoul(seeds, NULL, 10) : 6);
  fail_everywhere(n_calls);
  printf("# states: %u\n", n_states);
  free(bytes);
  return tap_done();
}
