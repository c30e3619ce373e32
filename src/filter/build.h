/* build.h - assembling a program, whatever it is made from.
 *
 * Layer: filter. Internal: parse.c (text) and tree.c (objects) say what they
 * found, this makes the terms and code and checks what both have in common.
 *
 * Calls come in postfix order: a term is begun, given its path and constants
 * and ended; NOT and the joins refer to what came last. The first problem
 * sticks: it is in `problem`, every later call does nothing, and the caller
 * looks after each step that can fail, to know the place.
 */
#ifndef VS_FILTER_BUILD_H
#define VS_FILTER_BUILD_H

#include "filter.h"

/* Operands that can be pending at once: per level the left sides of an OR and
 * of an AND; and the one being read. */
#define VS_FILTER_OPERANDS (2 * (VS_FILTER_MAX_DEPTH + 1) + 1)

typedef struct {
  vs_alloc *a;
  vs_filter_limits limits;
  vs_wr code, terms, segments, constants, pool; /* arrays of what vs_filter has; places instead of pointers */
  vs_filter_term term;                          /* the one begun */
  uint32_t starts[VS_FILTER_OPERANDS];          /* of the operands not yet joined: where their code begins */
  uint32_t n_operands;
  const char *problem; /* why this is no filter, or NULL */
  uint32_t at_most;    /* the limit that was passed, or 0 */
} vs_filter_builder;

/* The problem that is none of the filter's: a refused allocation. */
extern const char VS_BUILD_NO_MEMORY[];

void vs_build_init(vs_filter_builder *b, vs_alloc *a, const vs_filter_limits *limits);
void vs_build_deinit(vs_filter_builder *b);

/* Notes a problem, unless there is one. */
void vs_build_fail(vs_filter_builder *b, const char *problem, uint32_t at_most);

/* A term. Values are copied; IN takes its values one by one. End decides
 * whether they fit the operator. */
void vs_build_term_begin(vs_filter_builder *b);
void vs_build_key(vs_filter_builder *b, vs_slice key);
void vs_build_index(vs_filter_builder *b, uint64_t index);
void vs_build_value(vs_filter_builder *b, const vs_value *v);
void vs_build_term_end(vs_filter_builder *b, vs_filter_op op, vs_filter_of of, bool negated);

void vs_build_constant(vs_filter_builder *b, vs_truth truth);
void vs_build_not(vs_filter_builder *b);

/* Between the operands of AND or OR, and after the second. `join` is what the
 * first call gave. */
uint32_t vs_build_join_begin(vs_filter_builder *b, vs_filter_code op);
void vs_build_join_end(vs_filter_builder *b, vs_filter_code op, uint32_t join);

/* Makes the program of the one operand left; there has been no problem. VS_OUT_OF_MEMORY. */
VS_MUST_USE vs_status vs_build_finish(vs_filter_builder *b, vs_filter **out, vs_err *err);

#endif
