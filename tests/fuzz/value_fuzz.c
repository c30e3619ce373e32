/* value_fuzz.c - arbitrary bytes as an encoded value (first byte 0), as JSON (1), or as files of the Rust library: a
 * record or manifest in JSON (2), meta.bin (3).
 *
 * What the checker accepts can be read to its last byte without a failure, and written as JSON that reads back as a
 * value which is written the same.
 */
#if !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L /* open_memstream under -std=c11 */
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The command line's pure parts, as they are: they are in no library. */
#include "../../src/cli/json.c"
#include "../../src/cli/json_read.c"
#include "../../src/cli/seed.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)                                                                                                    \
  do {                                                                                                                 \
    if (!(cond)) abort();                                                                                              \
  } while (0)

/* Reads everything inside, without recursion; containers' bytes are one after the other. */
static void walk(const uint8_t *p, size_t n) {
  struct {
    vs_rd r;
    uint32_t left;
    bool is_object;
  } stack[VS_VALUE_MAX_DEPTH + 1] = {{vs_rd_of(p, n), 1, false}};
  for (int depth = 0; depth >= 0;) {
    if (stack[depth].left == 0) {
      CHECK(!stack[depth].r.failed && vs_rd_left(&stack[depth].r) == 0);
      depth--;
      continue;
    }
    stack[depth].left--;
    if (stack[depth].is_object) vs_rd_slice(&stack[depth].r);
    vs_value v = vs_value_read(&stack[depth].r);
    CHECK(!stack[depth].r.failed);
    if (v.tag != VS_VALUE_OBJECT && v.tag != VS_VALUE_ARRAY) continue;
    CHECK(depth < VS_VALUE_MAX_DEPTH);
    depth++;
    stack[depth].r = vs_rd_of(v.bytes.p, v.bytes.n);
    stack[depth].left = v.count;
    stack[depth].is_object = v.tag == VS_VALUE_OBJECT;
  }
}

static char *to_json(const void *p, size_t n, size_t *length) {
  char *text = NULL;
  FILE *file = open_memstream(&text, length);
  CHECK(file && cli_json_write(file, p, n) && fclose(file) == 0);
  return text;
}

static void round_trip(vs_alloc *a, const uint8_t *p, size_t n) {
  vs_wr first, second;
  const char *problem = NULL;
  size_t n_text, n_again, n_third;
  vs_wr_init(&first, a);
  vs_wr_init(&second, a);
  char *text = to_json(p, n, &n_text);
  CHECK(cli_json_read(text, n_text, &first, NULL, &problem));
  char *again = to_json(first.p, first.n, &n_again);
  CHECK(cli_json_read(again, n_again, &second, NULL, &problem));
  char *third = to_json(second.p, second.n, &n_third);
  CHECK(n_again == n_third && memcmp(again, third, n_again) == 0);
  CHECK(first.n == second.n && memcmp(first.p, second.p, first.n) == 0);
  free(text);
  free(again);
  free(third);
  vs_wr_deinit(&first);
  vs_wr_deinit(&second);
}

static void as_json(vs_alloc *a, const uint8_t *p, size_t n, bool seed) {
  vs_wr w;
  const char *problem = NULL;
  uint64_t n_rounded = 0;
  vs_wr_init(&w, a);
  if (cli_json_read(p, n, &w, seed ? &n_rounded : NULL, &problem)) {
    CHECK(vs_value_check(w.p, w.n));
    vs_rd r = vs_rd_of(w.p, w.n);
    vs_value v = vs_value_read(&r);
    cli_seed_record record;
    cli_seed_manifest manifest;
    if (!seed) round_trip(a, w.p, w.n);
    if (seed && cli_seed_read_record(&v, &record, &problem))
      CHECK(record.id.n > 0 && record.vector.tag == VS_VALUE_ARRAY &&
            vs_value_check(record.metadata.p, record.metadata.n));
    if (seed && cli_seed_read_manifest(&v, &manifest, &problem)) CHECK(manifest.metric != NULL);
  } else {
    CHECK(problem != NULL);
  }
  vs_wr_deinit(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1) return 0;
  const uint8_t *p = data + 1;
  size_t n = size - 1;
  vs_alloc a;
  vs_alloc_init(&a);
  uint64_t n_ids;
  const char *problem;
  cli_json_scan scan = {0};
  switch (data[0] & 3) {
  case 0:
    if (vs_value_check(p, n)) {
      walk(p, n);
      round_trip(&a, p, n);
    }
    break;
  case 3: (void)cli_seed_check_meta(p, n, &n_ids, &problem); break;
  default: as_json(&a, p, n, (data[0] & 3) == 2);
  }
  bool found = cli_json_scan_value(&scan, p, n);
  CHECK(found ? scan.at < n && (p[scan.at] == ',' || p[scan.at] == ']') : scan.at == n);
  CHECK(a.n_live == 0);
  return 0;
}

#ifndef VS_LIBFUZZER

#include "replay.h"

int main(void) { return replay_corpus("tests/fuzz/corpus/value"); }

#endif
