/* exec.c - running a query that asks for more than the nearest (see exec.h; exec_plain.c has those that do not).
 *
 * Layer: query (L3).
 *
 * WHY ALWAYS min(k, matches). A scan over the matches finds all of them. A walk
 * among them may not: if it comes back with fewer than it should, or finds
 * the query's surroundings empty, a scan follows. Post-filtering takes twice
 * as many of the graph's nearest; when those or a quarter of the store
 * are not enough, the matches are found, and it goes on as if planned so.
 *
 * With boosts the candidates are fetched in growing numbers until boost.c's
 * bound says that no other record can come in, at most BOOST_CANDIDATES (or k,
 * if that is more): beyond that, a record far down by distance but little
 * decayed may be missed. A scan fetches them all at once.
 */
#include "exec.h"

#include "../base/clock.h"
#include "boost.h"
#include "facets.h"

#include <math.h>
#include <string.h>

#define BOOST_CANDIDATES 4096u
#define BOOST_FIRST 4u
#define POST_GROWTH 2u

/* ============ The account ============ */

static double now(const vs_request *r) { return r->explain ? vs_clock_us() : 0; }

static void did(vs_exec *x, const vs_request *r, vs_step step, double since) {
  vs_account *c = &x->account;
  step.us = now(r) - since;
  c->distances += step.distances;
  c->full += step.full;
  c->hops += step.hops;
  c->evaluated += step.evaluated;
  if (c->n_steps < VS_MAX_STEPS) c->step[c->n_steps++] = step;
}

static void did_search(vs_exec *x, const vs_request *r, vs_plan_kind how, const char *note, uint32_t n,
                       const vs_search_stats *s, uint64_t evaluated, double since) {
  x->account.rounds++;
  did(x, r,
      (vs_step){.kind = VS_DID_SEARCH,
                .how = how,
                .note = note,
                .n = n,
                .distances = s->n_distances,
                .full = s->n_full,
                .hops = s->n_hops,
                .evaluated = evaluated},
      since);
}

/* ============ Candidates ============ */

/* The set of matches, once per query. */
static vs_status find_matches(vs_exec *x, const vs_target *t, const vs_request *r) {
  vs_account *c = &x->account;
  if (c->matched) return VS_OK;
  double since = now(r);
  VS_TRY(vs_match_find(t->meta, r->filter, &c->match));
  c->matched = true;
  c->matches = r->filter->matches.n_set;
  did(x, r, (vs_step){.kind = VS_DID_MATCH, .n = c->matches, .evaluated = c->match.evaluated}, since);
  return VS_OK;
}

static vs_status scan(vs_exec *x, const vs_target *t, const vs_request *r, uint32_t k, const char *note, uint32_t *n) {
  vs_search_stats s;
  double since = now(r);
  vs_search_params params = {.k = k, .exact = r->exact, .rescore = r->rescore};
  VS_TRY(vs_index_scan_among(t->index, r->vector, &params, &r->filter->matches, x->hit, n, &s));
  did_search(x, r, VS_PLAN_SCAN, note, *n, &s, 0, since);
  return VS_OK;
}

/* The k nearest of the matches, which have been found. */
static vs_status among_matches(vs_exec *x, const vs_target *t, const vs_request *r, uint32_t k, uint32_t *n) {
  vs_account *c = &x->account;
  const vs_bitset *matches = &r->filter->matches;
  vs_plan_input in = c->input;
  in.k = k;
  if (k > matches->n_set) k = matches->n_set;
  *n = 0;
  if (k == 0) return VS_OK;
  bool scans = vs_plan_prefers_scan(&in, matches->n_set);
  if (scans) {
    const char *note = c->plan.kind == VS_PLAN_SCAN ? NULL : "there are fewer matches than estimated";
    c->fell_back = c->fell_back || note;
    return scan(x, t, r, k, note, n);
  }
  vs_search_stats s;
  bool local;
  double since = now(r);
  vs_search_params params = {.k = k, .ef = vs_plan_width(&in, matches->n_set), .rescore = r->rescore};
  c->width = params.ef;
  VS_TRY(vs_index_search_among(t->index, r->vector, &params, matches, x->hit, n, &local, &s));
  const char *note = c->plan.kind == VS_PLAN_GRAPH ? NULL : "there are more matches than estimated";
  did_search(x, r, VS_PLAN_GRAPH, note, *n, &s, 0, since);
  if (*n == k) return VS_OK;
  c->fell_back = true;
  return scan(x, t, r, k,
              local ? "the graph led to fewer than there are" : "the query's surroundings have next to no matches", n);
}

typedef struct {
  const vs_meta *meta;
  const vs_prepared *filter;
  bool remembered; /* the matches are known */
  uint64_t tested;
} post_test;

static bool passes(void *ctx, uint32_t slot) {
  post_test *p = ctx;
  if (p->remembered) return vs_bitset_test(&p->filter->matches, slot);
  p->tested++;
  return vs_match_one(p->meta, p->filter, slot);
}

/* The k nearest that match, by testing ever more of the nearest. */
static vs_status post_filter(vs_exec *x, const vs_target *t, const vs_request *r, uint32_t k, bool *done, uint32_t *n) {
  const vs_account *c = &x->account;
  uint32_t total = t->meta->live.n_set;
  vs_plan_input in = c->input;
  in.k = k;
  *done = false;
  uint32_t first = vs_plan_post_width(&in, &c->estimate);
  for (uint32_t width = first; width <= total / 4 && width <= first * POST_GROWTH; width *= 2) {
    vs_search_stats s;
    double since = now(r);
    post_test test = {t->meta, r->filter, r->filter->epoch == t->meta->epoch, 0};
    vs_search_params params = {.k = k, .ef = width, .rescore = r->rescore, .keep = passes, .keep_ctx = &test};
    VS_TRY(vs_index_search(t->index, r->vector, &params, x->hit, n, &s));
    did_search(x, r, VS_PLAN_POST, NULL, *n, &s, test.tested, since);
    x->account.width = width;
    *done = *n == k;
    if (*done) return VS_OK;
  }
  return VS_OK;
}

/* The k nearest that may be returned, into x->hit. */
static vs_status candidates(vs_exec *x, const vs_target *t, const vs_request *r, uint32_t k, uint32_t *n) {
  vs_account *c = &x->account;
  VS_TRY(vs_exec_reserve(x, k));
  *n = 0;
  if (!r->filter) {
    vs_search_stats s;
    double since = now(r);
    vs_search_params params = {.k = k, .ef = r->ef, .exact = r->exact, .rescore = r->rescore};
    c->width = r->ef > k ? r->ef : k;
    VS_TRY(vs_index_search(t->index, r->vector, &params, x->hit, n, &s));
    did_search(x, r, VS_PLAN_PLAIN, NULL, *n, &s, 0, since);
    return VS_OK;
  }
  if (c->plan.kind == VS_PLAN_NOTHING) return VS_OK;
  if (c->plan.kind == VS_PLAN_POST && !c->matched) {
    bool done;
    VS_TRY(post_filter(x, t, r, k, &done, n));
    if (done) return VS_OK;
    c->fell_back = true;
  }
  VS_TRY(find_matches(x, t, r));
  return among_matches(x, t, r, k, n);
}

/* ============ Scores ============ */

static void score_hits(vs_exec *x, const vs_target *t, const vs_boosts *b, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    vs_hit h = x->hit[i];
    vs_slice metadata;
    float score = vs_metric_score(t->config.metric, h.distance);
    if (b->n > 0 && t->meta->records.metadata(t->meta->records.ctx, h.slot, &metadata))
      score = vs_boosted(score, vs_boosts_factor(b, metadata));
    x->result[i] = (vs_result){h.slot, score, h.distance};
  }
}

/* Sorts by boosted score; the order before, by distance and then insertion, decides ties.
 * By insertion: the candidates are few and mostly in order already. */
static void order_results(vs_exec *x, uint32_t n) {
  for (uint32_t i = 1; i < n; i++) {
    vs_result moved = x->result[i];
    uint32_t low = 0, high = i;
    while (low < high) {
      uint32_t middle = low + (high - low) / 2;
      if (moved.score > x->result[middle].score) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    memmove(x->result + low + 1, x->result + low, (i - low) * sizeof *x->result);
    x->result[low] = moved;
  }
}

/* Candidates, boosted; as many as needed for the best k. */
static vs_status boosted(vs_exec *x, const vs_target *t, const vs_request *r, const vs_boosts *b, uint32_t *n) {
  uint32_t most = r->k > BOOST_CANDIDATES ? r->k : BOOST_CANDIDATES,
           fetch = r->k < most / BOOST_FIRST ? r->k * BOOST_FIRST : most;
  for (;; fetch = fetch < most / 4 ? fetch * 4 : most) {
    VS_TRY(candidates(x, t, r, fetch, n));
    double since = now(r);
    float last = *n > 0 ? vs_metric_score(t->config.metric, x->hit[*n - 1].distance) : 0;
    score_hits(x, t, b, *n);
    order_results(x, *n);
    bool all = *n < fetch, settled = *n >= r->k && r->k > 0 && x->result[r->k - 1].score >= last;
    did(x, r, (vs_step){.kind = VS_DID_BOOST, .n = *n, .evaluated = *n}, since);
    if (all || settled || fetch == most) break;
  }
  if (*n > r->k) *n = r->k;
  return VS_OK;
}

/* ============ The whole ============ */

typedef struct {
  vs_boosts boosts;
  vs_facets facets;
} extras;

static void extras_deinit(vs_alloc *a, extras *e) {
  vs_boosts_deinit(a, &e->boosts);
  vs_facets_deinit(a, &e->facets);
}

static vs_status extras_read(vs_alloc *a, vs_slice bytes, extras *e, vs_err *err) {
  vs_value object, v;
  e->boosts.n = e->facets.n = 0;
  if (bytes.n == 0) return VS_OK;
  vs_rd rd = vs_rd_of(bytes.p, bytes.n);
  if (!vs_value_check(bytes.p, bytes.n) || (object = vs_value_read(&rd)).tag != VS_VALUE_OBJECT)
    return vs_fail(err, VS_INVALID_ARGUMENT, "the query's options are malformed");
  if (vs_value_get(&object, "boost", &v)) VS_TRY(vs_boosts_read(a, &v, &e->boosts, err));
  vs_status status = vs_value_get(&object, "facets", &v) ? vs_facets_read(a, &v, &e->facets, err) : VS_OK;
  if (status != VS_OK) vs_boosts_deinit(a, &e->boosts);
  return status;
}

static vs_status make_plan(vs_exec *x, const vs_target *t, const vs_request *r) {
  vs_account *c = &x->account;
  memset(c, 0, sizeof *c);
  c->input = (vs_plan_input){.n = t->index ? vs_index_count(t->index) : 0,
                             .dim = t->dim,
                             .M = t->config.type == VS_INDEX_FLAT ? 0 : t->config.M,
                             .k = r->k,
                             .ef = r->ef,
                             .exact = r->exact,
                             .coded = t->index && !r->exact && vs_index_quantization(t->index) != VS_QUANTIZE_NONE};
  c->input.flat = !t->index || vs_index_would_scan(t->index, r->k, r->ef);
  c->plan.kind = VS_PLAN_PLAIN;
  if (!r->filter) return VS_OK;
  VS_TRY(vs_meta_ready(t->meta));
  VS_TRY(vs_match_estimate_of(t->meta, r->filter, &c->estimate));
  c->evaluated += c->estimate.sampled;
  vs_plan_choose(&c->input, &c->estimate, &c->plan);
  return VS_OK;
}

static vs_status count_facets(vs_exec *x, const vs_target *t, const vs_request *r, const vs_facets *f) {
  double since = now(r);
  VS_TRY(vs_meta_ready(t->meta));
  if (r->filter) VS_TRY(find_matches(x, t, r));
  vs_wr_u32(&x->facets, 0);
  VS_TRY(vs_facets_count(t->meta, f, r->filter ? &r->filter->matches : &t->meta->live, &x->facets));
  vs_store_u32(x->facets.p, (uint32_t)(x->facets.n - 4));
  did(x, r, (vs_step){.kind = VS_DID_FACETS, .n = f->n}, since);
  return VS_OK;
}

static vs_status write_plan(vs_exec *x, const vs_target *t, const vs_request *r, bool ran) {
  vs_wr_u32(&x->plan, 0);
  VS_TRY(vs_explain(&x->account, t, r, ran, &x->plan));
  vs_store_u32(x->plan.p, (uint32_t)(x->plan.n - 4));
  return VS_OK;
}

static vs_status run(vs_exec *x, const vs_target *t, const vs_request *r, const extras *e, uint32_t *n) {
  double since = now(r);
  VS_TRY(make_plan(x, t, r));
  if (r->k > 0 && t->index && e->boosts.n == 0) {
    VS_TRY(candidates(x, t, r, r->k, n));
    score_hits(x, t, &e->boosts, *n);
  } else if (r->k > 0 && t->index) {
    VS_TRY(boosted(x, t, r, &e->boosts, n));
  }
  *n = vs_exec_cut(x, r, *n);
  if (e->facets.n > 0) VS_TRY(count_facets(x, t, r, &e->facets));
  x->account.returned = *n;
  x->account.us = now(r) - since;
  return r->explain ? write_plan(x, t, r, true) : VS_OK;
}

vs_status vs_exec_run(vs_exec *x, const vs_target *t, const vs_request *r, uint32_t *n, vs_err *err) {
  extras e;
  VS_TRY(extras_read(x->a, r->extra, &e, err));
  vs_status status = run(x, t, r, &e, n);
  extras_deinit(x->a, &e);
  if (status == VS_OK) return VS_OK;
  *n = 0;
  vs_wr_reset(&x->facets);
  vs_wr_reset(&x->plan);
  return vs_fail(err, status, "no memory for the query");
}

vs_status vs_exec_estimate(vs_exec *x, const vs_target *t, const vs_request *r, vs_err *err) {
  vs_wr_reset(&x->facets);
  vs_wr_reset(&x->plan);
  vs_status status = make_plan(x, t, r);
  if (status == VS_OK) status = write_plan(x, t, r, false);
  return status == VS_OK ? VS_OK : vs_fail(err, status, "no memory for the estimate");
}
