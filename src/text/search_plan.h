/* search_plan.h - a text query bound to an index: what textsearch.c runs.
 *
 * Layer: text (L2), internal to the search.
 */
#ifndef VS_TEXT_SEARCH_PLAN_H
#define VS_TEXT_SEARCH_PLAN_H

#include "textsearch.h"

#define VS_WINDOW 4096u
#define VS_WINDOW_WORDS (VS_WINDOW / 64u)
#define VS_PHRASE_TERMS 32u

/* One list of postings being read. */
typedef struct {
  vs_cursor cursor;
  const vs_text_field *field;
  double weight;           /* of the field and of the term's nearness */
  double norm_0, norm_1;   /* 1 - b, b / average length */
  const vs_block *bounded; /* the block whose bound this is */
  double bound;
  uint32_t n_docs;
  uint32_t term;     /* PHRASE: equal terms have equal numbers */
  uint32_t position; /* PHRASE: within it */
} vs_source;

/* What a group has found in the window. */
typedef struct {
  uint64_t any[VS_WINDOW_WORDS], must[VS_WINDOW_WORDS], never[VS_WINDOW_WORDS];
  double score[VS_WINDOW];
} vs_group;

typedef struct {
  vs_ask_kind kind; /* ALL, PHRASE, or WORD for all others */
  vs_occur occur;
  bool alive;
  uint32_t parent, depth;
  double idf;
  uint32_t from, n; /* sources; of a phrase one run of n_words for each field */
  uint32_t n_words, slop;
  uint32_t next;             /* no match before */
  double bound;              /* highest score in the window */
  uint32_t n_must, n_should; /* of a group */
  vs_group *group;           /* owned */
} vs_plan_node;

typedef struct {
  vs_alloc *a;
  vs_textindex *x;
  const vs_text_request *r;
  vs_plan_node *node; /* owned; the first is the whole */
  uint32_t n_nodes, cap_nodes, depth;
  vs_source *source; /* owned */
  uint32_t n_sources, cap_sources;
  double *sum;         /* owned: VS_WINDOW of them, zero between uses */
  uint32_t *positions; /* owned: VS_PHRASE_TERMS times VS_POSITIONS, if there are phrases */
  vs_textsearch *out;
} vs_search_plan;

/* Binds the query: p is zeroed but for a, x, r and out. On failure, too, it must be released. */
VS_MUST_USE vs_status vs_search_plan_make(vs_search_plan *p, const vs_textquery *q, vs_err *err);
void vs_search_plan_release(vs_search_plan *p);

#endif
