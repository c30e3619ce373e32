/* plan.h - which way of answering a filtered query is likely the cheapest.
 *
 * Layer: query (L3). All ways give min(k, matches) hits; scanning is exact, the
 * others as good as the graph. plan.c has the cost model and where its
 * numbers come from.
 */
#ifndef VS_PLAN_H
#define VS_PLAN_H

#include "match.h"

typedef enum {
  VS_PLAN_NOTHING, /* nothing can match */
  VS_PLAN_PLAIN,   /* no filter: the index's own search */
  VS_PLAN_SCAN,    /* find the matches, compute all their distances */
  VS_PLAN_GRAPH,   /* find the matches, walk the graph among them */
  VS_PLAN_POST,    /* walk the whole graph, test what it finds, take more until k match */
  VS_PLAN_COUNT
} vs_plan_kind;

typedef struct {
  vs_plan_kind kind;
  double cost_ns[VS_PLAN_COUNT]; /* 0: not considered */
  const char *why_not[VS_PLAN_COUNT];
} vs_plan;

typedef struct {
  uint32_t n; /* records */
  uint32_t dim;
  uint32_t M; /* 0: there is no graph */
  bool flat;  /* the index scans anyway */
  bool coded; /* it compares codes of 8 bits first */
  uint32_t k, ef;
  bool exact;
} vs_plan_input;

/* Chooses by an estimate of the matches. */
void vs_plan_choose(const vs_plan_input *in, const vs_match_estimate *e, vs_plan *out);
/* With the matches at hand: scan rather than walk? */
bool vs_plan_prefers_scan(const vs_plan_input *in, uint32_t n_matches);
/* Its width for k hits. */
uint32_t vs_plan_width(const vs_plan_input *in, uint32_t n_matches);
/* How many to take from the whole graph so that k of them likely match. */
uint32_t vs_plan_post_width(const vs_plan_input *in, const vs_match_estimate *e);
const char *vs_plan_name(vs_plan_kind kind);

#endif
