/* plan.c - the cost model (see plan.h).
 *
 * Layer: query (L3). Pure arithmetic on counts: the same store and query give
 * the same plan on every machine.
 *
 * The unit is about a nanosecond of a native build with AVX2; WASM takes half as
 * long again for everything, which leaves the ratios. Fitted to
 * tests/bench/native/filter_bench.c at 100,000 x 384, M = 16, ef = 50:
 *
 *   a row of a scan      ROW_NS + ROW_DIM_NS per dimension, of codes CODE_NS + CODE_DIM_NS; within
 *                        a walk RANDOM (codes: CODE_RANDOM) times that, being anywhere in memory
 *   a walk of width ef   HOPS_PER_EF * ef hops and the way down; a hop is about 0.8 * M distances
 *   a walk among matches up to 1.3 * M distances a hop, fewer when they are rare, and
 *                        BRIDGE_NS * M for each bridge, of which enough are crossed to collect 1.2 M nodes,
 *                        and GATHER_NS * M for looking at who is wanted
 *
 * In a graph of fewer wanted nodes a smaller width gives the same recall, so it
 * shrinks to NARROWEST of ef; not so much where they are so rare that bridges no
 * longer lead to all of them.
 */
#include "plan.h"

#define ROW_NS 12.0
#define ROW_DIM_NS 0.18
#define RANDOM 2.2
#define CODE_NS 28.0
#define CODE_DIM_NS 0.065
#define CODE_RANDOM 1.9
#define HOPS_PER_EF 1.2
#define DESCENT_HOPS 12.0
#define BRIDGE_NS 4.5  /* per M */
#define GATHER_NS 50.0 /* per M */
#define NARROWEST 0.5
#define WIDER_PER_SHARE 0.5
#define RARE_SHARE 0.06
#define RARE_WIDER 0.4
#define EVALUATE_NS 300.0 /* of a record met in a walk, anywhere in memory */
#define REMEMBERED_NS 4.0
/* Below this share bridges do not reach from match to match. */
#define MIN_GRAPH_SHARE 0.004
/* Post-filtering walks this much wider than without a filter: the k-th match is farther away. */
#define POST_WIDER 1.15
/* Post-filtering below this share would take more than half of the store's nearest. */
#define MIN_POST_SHARE 0.1

static double row_ns(const vs_plan_input *in) {
  return in->coded ? CODE_NS + CODE_DIM_NS * in->dim : ROW_NS + ROW_DIM_NS * in->dim;
}

/* A distance within a walk. */
static double step_ns(const vs_plan_input *in) { return row_ns(in) * (in->coded ? CODE_RANDOM : RANDOM); }

static double share_of(const vs_plan_input *in, uint32_t n) { return in->n > 0 ? (double)n / in->n : 1; }

static double walk_ns(const vs_plan_input *in, double width) {
  return (width * HOPS_PER_EF + DESCENT_HOPS) * 0.8 * in->M * step_ns(in);
}

uint32_t vs_plan_width(const vs_plan_input *in, uint32_t n_matches) {
  double share = share_of(in, n_matches);
  double narrowing = NARROWEST + WIDER_PER_SHARE * share;
  if (share < RARE_SHARE) narrowing += RARE_WIDER * (1 - share / RARE_SHARE);
  uint32_t width = (uint32_t)(in->ef * narrowing);
  if (width < in->k) width = in->k;
  return width < n_matches ? width : n_matches;
}

static double graph_ns(const vs_plan_input *in, uint32_t n_matches) {
  double direct = 2 * in->M * share_of(in, n_matches), all = 1.2 * in->M;
  double bridges = direct < all ? (all - direct) / (direct + 0.01) : 0;
  if (bridges > 2 * in->M) bridges = 2 * in->M;
  double distances = 1.3 * in->M * direct / (direct + 1.6);
  double hop = distances * step_ns(in) + (bridges * BRIDGE_NS + GATHER_NS) * in->M;
  return (vs_plan_width(in, n_matches) * HOPS_PER_EF + DESCENT_HOPS) * hop;
}

static double scan_ns(const vs_plan_input *in, uint32_t n_matches) { return n_matches * row_ns(in); }

bool vs_plan_prefers_scan(const vs_plan_input *in, uint32_t n_matches) {
  if (in->exact || in->flat || in->M == 0 || n_matches <= in->k) return true;
  if (n_matches < in->n * MIN_GRAPH_SHARE) return true;
  return scan_ns(in, n_matches) <= graph_ns(in, n_matches);
}

uint32_t vs_plan_post_width(const vs_plan_input *in, const vs_match_estimate *e) {
  double share = share_of(in, e->n ? e->n : 1), width = 1.3 * in->k / share + in->k;
  if (width < POST_WIDER * in->ef) width = POST_WIDER * in->ef;
  return width < in->n ? (uint32_t)width : in->n;
}

static void consider(vs_plan *p, vs_plan_kind kind, double cost) {
  p->cost_ns[kind] = cost;
  if (p->kind == VS_PLAN_NOTHING || cost < p->cost_ns[p->kind]) p->kind = kind;
}

void vs_plan_choose(const vs_plan_input *in, const vs_match_estimate *e, vs_plan *out) {
  *out = (vs_plan){.kind = VS_PLAN_NOTHING};
  if (in->n == 0 || in->k == 0 || (e->n == 0 && e->exact)) return;
  consider(out, VS_PLAN_SCAN, e->cost_ns + scan_ns(in, e->n));
  if (in->exact) {
    out->why_not[VS_PLAN_GRAPH] = out->why_not[VS_PLAN_POST] = "an exact answer is asked for";
    return;
  }
  if (in->flat || in->M == 0) {
    out->why_not[VS_PLAN_GRAPH] = out->why_not[VS_PLAN_POST] = "the index is searched by scanning";
    return;
  }
  if (e->n < in->n * MIN_GRAPH_SHARE || e->n <= in->k)
    out->why_not[VS_PLAN_GRAPH] = "the matches are too few to walk from one to the next";
  else
    consider(out, VS_PLAN_GRAPH, e->cost_ns + graph_ns(in, e->n));
  uint32_t width = vs_plan_post_width(in, e);
  if (e->n < in->n * MIN_POST_SHARE)
    out->why_not[VS_PLAN_POST] = "the matches are too few among the nearest records";
  else
    consider(out, VS_PLAN_POST,
             walk_ns(in, width) + width * (e->method == VS_MATCH_CACHED ? REMEMBERED_NS : EVALUATE_NS));
  for (uint32_t i = VS_PLAN_SCAN; i < VS_PLAN_COUNT; i++)
    if (i != out->kind && !out->why_not[i]) out->why_not[i] = "it would cost more";
}

const char *vs_plan_name(vs_plan_kind kind) {
  static const char *const names[] = {"nothing", "plain", "scan", "graph", "post-filter"};
  return names[kind];
}
