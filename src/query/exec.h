/* exec.h - running a query: plan, candidates, boosts, cuts, facets, and the account of it.
 *
 * Layer: query (L3). The one entry for vector queries, filtered or not.
 */
#ifndef VS_EXEC_H
#define VS_EXEC_H

#include "../index/index.h"
#include "plan.h"

typedef struct {
  uint32_t slot;
  float score, distance;
} vs_result;

typedef struct {
  const void *vector;
  uint32_t k, ef;   /* k at most the number of records, ef > 0 */
  uint32_t rescore; /* as of vs_search_params */
  bool exact, explain;
  uint32_t target_recall; /* in thousandths: what ef was chosen for; 0 = ef was given */
  float recall;           /* what ef gave when that was measured; 0 = it was not yet */
  double max_distance, min_score;
  vs_prepared *filter; /* NULL: none */
  vs_slice extra;      /* facets and boosts (vs_abi.def), or no bytes */
} vs_request;

/* What a query works on. */
typedef struct {
  vs_index *index; /* NULL: there are no vectors */
  vs_index_config config;
  uint32_t dim;
  vs_meta *meta;
} vs_target;

/* One thing a query did, for the account. */
typedef enum { VS_DID_MATCH, VS_DID_SEARCH, VS_DID_BOOST, VS_DID_FACETS } vs_step_kind;
typedef struct {
  vs_step_kind kind;
  vs_plan_kind how; /* SEARCH */
  const char *note; /* why it was done where that is not plain, or NULL */
  uint32_t n;       /* results of the step */
  uint64_t distances, full, hops, evaluated;
  double us;
} vs_step;

#define VS_MAX_STEPS 24u

/* The account of one query; filled whether or not it is asked for. */
typedef struct {
  vs_plan plan;
  vs_plan_input input;
  vs_match_estimate estimate;
  vs_match_stats match;
  bool matched; /* the set was found: `matches` is how many */
  uint32_t matches, returned, rounds, width;
  uint64_t distances, full, hops, evaluated;
  bool fell_back;
  vs_step step[VS_MAX_STEPS];
  uint32_t n_steps;
  double us;
} vs_account;

typedef struct {
  vs_alloc *a;
  vs_hit *hit; /* room for cap of both */
  vs_result *result;
  uint32_t cap;
  vs_account account;
  vs_wr facets; /* u32 length and the object; empty: none */
  vs_wr plan;   /* the same */
} vs_exec;

void vs_exec_init(vs_exec *x, vs_alloc *a);
void vs_exec_deinit(vs_exec *x);

/* Fills x->result, *n of them. VS_INVALID_ARGUMENT (extra), VS_OUT_OF_MEMORY. */
VS_MUST_USE vs_status vs_exec_query(vs_exec *x, const vs_target *t, const vs_request *r, uint32_t *n, vs_err *err);
/* The same, exactly, for n plain queries at once: r->vector has all vectors, filter and extra are none. Result j of
 * query i is x->result[i * k + j]; slot VS_NO_SLOT: that query has no more. */
#define VS_EXEC_MANY_HITS (1u << 20)
VS_MUST_USE vs_status vs_exec_many(vs_exec *x, const vs_target *t, const vs_request *r, uint32_t n, vs_err *err);
/* The same for a request with a filter, extra or explain, for vs_exec_query. */
VS_MUST_USE vs_status vs_exec_run(vs_exec *x, const vs_target *t, const vs_request *r, uint32_t *n, vs_err *err);
/* Room for n candidates and results. */
VS_MUST_USE vs_status vs_exec_reserve(vs_exec *x, uint32_t n);
/* Takes out of n results those beyond max_distance or below min_score; how many stay. */
uint32_t vs_exec_cut(vs_exec *x, const vs_request *r, uint32_t n);
/* Plans only: x->account and x->plan. */
VS_MUST_USE vs_status vs_exec_estimate(vs_exec *x, const vs_target *t, const vs_request *r, vs_err *err);

/* Appends the account as an encoded object; `ran`: with what really happened. */
VS_MUST_USE vs_status vs_explain(const vs_account *c, const vs_target *t, const vs_request *r, bool ran, vs_wr *w);

/* Which conditions metadata meets: an encoded array of {term, truth}. */
void vs_explain_terms(const vs_filter *f, vs_slice metadata, vs_wr *w);

#endif
