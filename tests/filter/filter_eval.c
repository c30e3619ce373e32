/* filter_eval.c - drives src/filter from a pipe, for filter_equals_sqlite.test.mjs.
 *
 * Reads commands until the end of stdin, all numbers u32 little-endian:
 *   'D' count, then per document length and bytes     the documents from now on
 *   'F' length and text, length and params            compile text
 *   'T' length and tree                               compile a tree
 * and answers each F and T with a line: per document T, F or U; or '!' and the
 * message. The text that explain gives is compiled too and must agree; so must
 * the truths of the conjuncts: if not, the line begins with '?'.
 */
#include "../../src/filter/filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static vs_slice *docs;
static uint32_t n_docs;

static uint32_t read_u32(void) {
  uint8_t b[4];
  if (fread(b, 1, 4, stdin) != 4) exit(2);
  return vs_load_u32(b);
}

static vs_slice read_bytes(void) {
  uint32_t n = read_u32();
  uint8_t *p = malloc(n + 1);
  if (p == NULL || fread(p, 1, n, stdin) != n) exit(2);
  p[n] = 0;
  return (vs_slice){p, n};
}

static void free_docs(void) {
  for (uint32_t i = 0; i < n_docs; i++) free((void *)docs[i].p);
  free(docs);
}

static void read_docs(void) {
  free_docs();
  n_docs = read_u32();
  docs = malloc(sizeof *docs * (n_docs + 1));
  if (docs == NULL) exit(2);
  for (uint32_t i = 0; i < n_docs; i++) docs[i] = read_bytes();
}

static vs_truth truth_by_conjuncts(const vs_filter *f, const vs_filter_conjunct *parts, vs_slice doc) {
  vs_truth all = VS_TRUE;
  for (uint32_t i = 0; i < f->n_conjuncts; i++) {
    vs_truth t = parts[i].term ? vs_filter_term_truth(parts[i].term, doc) : vs_filter_truth_at(f, parts[i].root, doc);
    if (t < all) all = t;
  }
  return all;
}

/* Prints the line for a program. */
static void answer(vs_alloc *a, const vs_filter *f) {
  vs_wr text;
  vs_filter *again;
  vs_err err;
  vs_wr_init(&text, a);
  vs_filter_explain(f, &text);
  if (vs_filter_compile_text(a, (const char *)text.p, text.n, (vs_slice){NULL, 0}, NULL, &again, &err) != VS_OK) {
    printf("?explain gives '%.*s'\n", (int)text.n, (const char *)text.p);
    vs_wr_deinit(&text);
    return;
  }
  vs_filter_conjunct *parts = malloc(sizeof *parts * f->n_conjuncts);
  if (parts == NULL) exit(2);
  vs_filter_conjuncts(f, parts);
  for (uint32_t i = 0; i < n_docs; i++) {
    vs_truth t = vs_filter_truth(f, docs[i]);
    if (t != vs_filter_truth(again, docs[i]) || t != truth_by_conjuncts(f, parts, docs[i])) putchar('?');
    putchar("FUT"[t]);
  }
  putchar('\n');
  free(parts);
  vs_filter_destroy(a, again);
  vs_wr_deinit(&text);
}

int main(void) {
  vs_alloc a;
  vs_alloc_init(&a);
  for (int command; (command = getchar()) != EOF;) {
    if (command == 'D') {
      read_docs();
      continue;
    }
    vs_filter *f;
    vs_err err;
    vs_slice input = read_bytes(), params = {NULL, 0};
    if (command == 'F') params = read_bytes();
    vs_status status = command == 'F'
                           ? vs_filter_compile_text(&a, (const char *)input.p, input.n, params, NULL, &f, &err)
                           : vs_filter_compile_tree(&a, input, NULL, &f, &err);
    if (status == VS_OK) {
      answer(&a, f);
    } else {
      for (char *c = err.msg; *c != 0; c++) {
        if (*c == '\n') *c = '|';
      }
      printf("!%s\n", err.msg);
    }
    vs_filter_destroy(&a, f);
    free((void *)input.p);
    free((void *)params.p);
  }
  free_docs();
  return a.used == 0 ? 0 : 3;
}
