/* explain.c - the account of a query as an object for people and programs.
 *
 * Layer: query (L3). What vs_query_plan and vs_estimate give:
 *
 *   plan       'nothing' | 'plain' | 'scan' | 'graph' | 'post-filter': what was chosen at first
 *   records    live records
 *   k, ef      as asked for; width: candidates the walk kept (0: no walk)
 *   filter     normalised text, or null
 *   terms      [{term, index: 'value' | 'range' | null}]: the conditions, and what answers them
 *   estimated  matches expected; exact: whether that is their number; sampled: records read for it
 *   matches    their number, or null where it was not needed (or nothing ran)
 *   method     of finding them: 'remembered' | 'index' | 'index and metadata' | 'metadata'
 *   steps      [{op: 'match' | 'search' | 'boost' | 'facets', how, note, n, distances, hops,
 *              evaluated, us}] in order; how: a plan's name, of a search only; note: why it
 *              was done, or null; n: what the step gave. Several searches: the first were not enough
 *   distances, hops, evaluated, rounds (searches), fellBack, returned, us: of the whole
 *   fullDistances: those of the distances that compared full vectors, not codes
 *   targetRecall, measuredRecall: what ef was chosen for and what it gave on samples of the data, or null
 *   rejected   [{plan, cost, why}], cost in thousands of nanoseconds or null; cost: the chosen plan's
 *   hints      [{do, field?, value?, improves, why}]: improves names a counter of this object
 *              that gets smaller when the hint is followed
 *
 * An estimate has neither steps nor the counters below them.
 */
#include "../filter/filter.h"
#include "exec.h"
#include "meta_choose.h"

#include <string.h>

static void pair_u64(vs_wr *w, const char *key, uint64_t v) {
  vs_value_key(w, key);
  vs_value_int(w, (int64_t)v);
}

static void pair_text(vs_wr *w, const char *key, const char *text) {
  vs_value_key(w, key);
  if (text)
    vs_value_cstring(w, text);
  else
    vs_value_null(w);
}

static void pair_bool(vs_wr *w, const char *key, bool v) {
  vs_value_key(w, key);
  vs_value_bool(w, v);
}

static void pair_time(vs_wr *w, const char *key, double us) {
  vs_value_key(w, key);
  vs_value_f64(w, us);
}

/* Text made by a function of filter.h, as an encoded string. */
static void write_text(vs_wr *w, const vs_filter *f, const vs_filter_term *term) {
  vs_wr text;
  vs_wr_init(&text, w->a);
  if (term)
    vs_filter_explain_term(term, &text);
  else
    vs_filter_explain(f, &text);
  vs_value_string(w, text.p, text.n);
  w->failed = w->failed || text.failed;
  vs_wr_deinit(&text);
}

static void write_filter(const vs_target *t, const vs_request *r, vs_wr *w) {
  vs_value_key(w, "filter");
  if (r->filter)
    write_text(w, r->filter->filter, NULL);
  else
    vs_value_null(w);
  vs_value_key(w, "terms");
  size_t mark = vs_value_array_begin(w);
  uint32_t n = r->filter ? r->filter->filter->n_terms : 0;
  for (uint32_t i = 0; i < n; i++) {
    const vs_filter_term *term = &r->filter->filter->terms[i];
    const vs_meta_field *field = vs_match_index_of(t->meta, term);
    size_t one = vs_value_object_begin(w);
    vs_value_key(w, "term");
    write_text(w, NULL, term);
    pair_text(w, "index", !field ? NULL : field->kind == VS_META_VALUE ? "value" : "range");
    vs_value_end(w, one, 2);
  }
  vs_value_end(w, mark, n);
}

/* What ef was chosen for, and what it gave on samples of the data. */
static void write_recall(const vs_request *r, vs_wr *w) {
  vs_value_key(w, "targetRecall");
  if (r->target_recall > 0)
    vs_value_f64(w, r->target_recall / 1000.0);
  else
    vs_value_null(w);
  vs_value_key(w, "measuredRecall");
  if (r->recall > 0)
    vs_value_f64(w, (double)r->recall);
  else
    vs_value_null(w);
}

static const char *method_name(vs_match_method method) {
  static const char *const names[] = {"remembered", "index", "index and metadata", "metadata"};
  return names[method];
}

static void write_estimate(const vs_account *c, const vs_request *r, vs_wr *w) {
  vs_value_key(w, "estimated");
  if (r->filter)
    vs_value_int(w, c->estimate.n);
  else
    vs_value_int(w, c->input.n);
  pair_bool(w, "exact", !r->filter || c->estimate.exact);
  pair_u64(w, "sampled", c->estimate.sampled);
  pair_text(w, "method", r->filter ? method_name(c->matched ? c->match.method : c->estimate.method) : NULL);
}

static void write_cost(vs_wr *w, const char *key, double ns) {
  vs_value_key(w, key);
  if (ns > 0)
    vs_value_f64(w, ns / 1000);
  else
    vs_value_null(w);
}

static void write_rejected(const vs_account *c, const vs_request *r, vs_wr *w) {
  uint32_t n = 0;
  write_cost(w, "cost", c->plan.cost_ns[c->plan.kind]);
  vs_value_key(w, "rejected");
  size_t mark = vs_value_array_begin(w);
  for (uint32_t i = VS_PLAN_SCAN; r->filter && i < VS_PLAN_COUNT; i++) {
    if (!c->plan.why_not[i]) continue;
    size_t one = vs_value_object_begin(w);
    pair_text(w, "plan", vs_plan_name((vs_plan_kind)i));
    write_cost(w, "cost", c->plan.cost_ns[i]);
    pair_text(w, "why", c->plan.why_not[i]);
    vs_value_end(w, one, 3);
    n++;
  }
  vs_value_end(w, mark, n);
}

static void write_steps(const vs_account *c, vs_wr *w) {
  static const char *const ops[] = {"match", "search", "boost", "facets"};
  vs_value_key(w, "steps");
  size_t mark = vs_value_array_begin(w);
  for (uint32_t i = 0; i < c->n_steps; i++) {
    const vs_step *s = &c->step[i];
    size_t one = vs_value_object_begin(w);
    pair_text(w, "op", ops[s->kind]);
    pair_text(w, "how",
              s->kind == VS_DID_SEARCH  ? vs_plan_name(s->how)
              : s->kind == VS_DID_MATCH ? method_name(c->match.method)
                                        : NULL);
    pair_text(w, "note", s->note);
    pair_u64(w, "n", s->n);
    pair_u64(w, "distances", s->distances);
    pair_u64(w, "hops", s->hops);
    pair_u64(w, "evaluated", s->evaluated);
    pair_time(w, "us", s->us);
    vs_value_end(w, one, 8);
  }
  vs_value_end(w, mark, c->n_steps);
}

/* ============ Hints ============ */

static void hint(vs_wr *w, const char *what, const vs_filter_term *field, uint32_t value, const char *improves,
                 const char *why) {
  size_t one = vs_value_object_begin(w);
  uint32_t n = 3;
  pair_text(w, "do", what);
  if (field) {
    vs_value_key(w, "field");
    vs_meta_write_path(field, w);
    n++;
  }
  if (value) {
    pair_u64(w, "value", value);
    n++;
  }
  pair_text(w, "improves", improves);
  pair_text(w, "why", why);
  vs_value_end(w, one, n);
}

/* A field whose index would answer a term that nothing answers now. */
static bool wants_index(const vs_target *t, const vs_filter_term *term) {
  return !vs_meta_field_of(t->meta, term) && vs_value_index_answers(term);
}

/* Codes would take the place of most of the full vectors that were read. Comparing them for the k
 * nearest only is always a gain from here on; below MANY_VECTORS it is not worth a word. */
#define MANY_VECTORS 500u
static bool wants_codes(const vs_account *c, const vs_target *t, const vs_request *r) {
  vs_index_config config = t->config;
  config.quantization = VS_QUANTIZE_INT8;
  return t->index && !r->exact && !c->input.coded && c->full > MANY_VECTORS && c->full / 8 > r->k &&
         vs_index_supports(&config);
}

static void write_hints(const vs_account *c, const vs_target *t, const vs_request *r, bool ran, vs_wr *w) {
  uint32_t n = 0;
  vs_value_key(w, "hints");
  size_t mark = vs_value_array_begin(w);
  /* After a fall-back the width is that of another walk, and no ef would have helped this one for sure. */
  if (ran && c->rounds > 1 && c->step[0].how == VS_PLAN_POST && !c->fell_back && c->width > r->ef) {
    hint(w, "ef", NULL, c->width, "rounds", "the walk had to be repeated with more candidates until enough matched");
    n++;
  }
  bool reads = c->evaluated > 0 || c->estimate.method == VS_MATCH_MIXED || c->estimate.method == VS_MATCH_EVALUATE;
  for (uint32_t i = 0; r->filter && reads && i < r->filter->filter->n_terms && n < 4; i++) {
    const vs_filter_term *term = &r->filter->filter->terms[i];
    if (!wants_index(t, term)) continue;
    hint(w, "index", term, 0, "evaluated", "metadata was read record by record because no index answers the condition");
    n++;
  }
  if (ran && !r->filter && c->hops > 0 && c->distances > c->input.n) {
    hint(w, "flat", NULL, 0, "distances", "the walk computed more distances than there are records");
    n++;
  }
  if (ran && wants_codes(c, t, r)) {
    hint(w, "quantize", NULL, 0, "fullDistances",
         "codes of a quarter of the size would do for all but the nearest candidates");
    n++;
  }
  vs_value_end(w, mark, n);
}

vs_status vs_explain(const vs_account *c, const vs_target *t, const vs_request *r, bool ran, vs_wr *w) {
  size_t mark = vs_value_object_begin(w);
  uint32_t n = 18;
  pair_text(w, "plan", vs_plan_name(c->plan.kind));
  pair_u64(w, "records", c->input.n);
  pair_u64(w, "k", r->k);
  pair_u64(w, "ef", r->ef);
  write_recall(r, w);
  pair_u64(w, "width", c->width);
  write_filter(t, r, w);
  write_estimate(c, r, w);
  vs_value_key(w, "matches");
  if (c->matched)
    vs_value_int(w, c->matches);
  else
    vs_value_null(w);
  write_rejected(c, r, w);
  write_hints(c, t, r, ran, w);
  pair_u64(w, "evaluated", c->evaluated);
  if (ran) {
    write_steps(c, w);
    pair_u64(w, "distances", c->distances);
    pair_u64(w, "fullDistances", c->full);
    pair_u64(w, "hops", c->hops);
    pair_u64(w, "rounds", c->rounds);
    pair_bool(w, "fellBack", c->fell_back);
    pair_u64(w, "returned", c->returned);
    pair_time(w, "us", c->us);
    n += 8;
  }
  vs_value_end(w, mark, n);
  return w->failed ? VS_OUT_OF_MEMORY : VS_OK;
}

void vs_explain_terms(const vs_filter *f, vs_slice metadata, vs_wr *w) {
  size_t mark = vs_value_array_begin(w);
  for (uint32_t i = 0; i < f->n_terms; i++) {
    vs_truth truth = vs_filter_term_truth(&f->terms[i], metadata);
    size_t one = vs_value_object_begin(w);
    vs_value_key(w, "term");
    write_text(w, NULL, &f->terms[i]);
    vs_value_key(w, "truth");
    if (truth == VS_UNKNOWN)
      vs_value_null(w);
    else
      vs_value_bool(w, truth == VS_TRUE);
    vs_value_end(w, one, 2);
  }
  vs_value_end(w, mark, f->n_terms);
}
