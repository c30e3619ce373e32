/* filter_fuzz.c - arbitrary bytes as filter text, as a tree, as parameters and as metadata.
 *
 * An input is a byte saying which of these the filter is, the u16 length of the
 * filter, the filter, and the rest, which is metadata and parameters both.
 * Whatever compiles is explained, the explanation is compiled again and must
 * agree; conjuncts must agree with the whole; nothing may stay allocated.
 *
 * With libFuzzer: clang -fsanitize=fuzzer,address,undefined -DVS_LIBFUZZER
 * tests/fuzz/filter_fuzz.c src/filter and base, then run it on the corpus.
 * Without, this is a test program that replays the corpus folder.
 */
#include "../../src/filter/filter.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)                                                                                                    \
  do {                                                                                                                 \
    if (!(cond)) abort();                                                                                              \
  } while (0)

static void check_error(const vs_err *err, vs_status status, size_t n) {
  CHECK(status == VS_FILTER_SYNTAX || status == VS_INVALID_ARGUMENT);
  CHECK(err->status == status && strlen(err->msg) < VS_ERR_MSG_BYTES && err->msg[0] != 0);
  CHECK(err->index == VS_ERR_NO_INDEX || err->index <= n);
}

/* All ways to ask give the same answer. */
static vs_truth ask(const vs_filter *f, vs_slice metadata) {
  vs_filter_conjunct *parts = calloc(f->n_conjuncts, sizeof *parts);
  vs_truth truth = vs_filter_truth(f, metadata), all = VS_TRUE;
  CHECK(parts != NULL && truth <= VS_TRUE);
  vs_filter_conjuncts(f, parts);
  for (uint32_t i = 0; i < f->n_conjuncts; i++) {
    vs_truth part = vs_filter_truth_at(f, parts[i].root, metadata);
    if (parts[i].term != NULL) CHECK(part == vs_filter_term_truth(parts[i].term, metadata));
    if (part < all) all = part;
  }
  CHECK(all == truth);
  free(parts);
  return truth;
}

static void check_program(vs_alloc *a, const vs_filter *f, vs_slice metadata) {
  vs_wr text;
  vs_filter *again;
  vs_err err;
  vs_wr_init(&text, a);
  vs_filter_explain(f, &text);
  vs_truth truth = ask(f, metadata);
  vs_status status = vs_filter_compile_text(a, (const char *)text.p, text.n, (vs_slice){NULL, 0}, NULL, &again, &err);
  if (status == VS_OK) {
    CHECK(ask(again, metadata) == truth);
  } else {
    /* Quoting may make it too long, and long lists are cut. */
    CHECK(text.n > VS_FILTER_LIMITS.text_bytes || strstr(err.msg, "more") != NULL || strstr(err.msg, "nested") != NULL);
  }
  vs_filter_destroy(a, again);
  vs_wr_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 3) return 0;
  vs_alloc a;
  vs_alloc_init(&a);
  size_t n = vs_min_size(vs_load_u16(data + 1), size - 3);
  vs_slice filter = {data + 3, n}, rest = {data + 3 + n, size - 3 - n};
  vs_filter *f;
  vs_err err;
  vs_status status;
  if (data[0] & 1) {
    status = vs_filter_compile_tree(&a, filter, NULL, &f, &err);
  } else {
    vs_slice params = (data[0] & 2) && vs_value_check(rest.p, rest.n) ? rest : (vs_slice){NULL, 0};
    status = vs_filter_compile_text(&a, (const char *)filter.p, filter.n, params, NULL, &f, &err);
  }
  if (status == VS_OK) {
    check_program(&a, f, rest);
  } else {
    check_error(&err, status, n);
  }
  vs_filter_destroy(&a, f);
  CHECK(a.used == 0);
  return 0;
}

#ifndef VS_LIBFUZZER

#include "replay.h"

int main(void) { return replay_corpus("tests/fuzz/corpus/filter"); }

#endif
