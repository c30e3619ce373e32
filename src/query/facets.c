/* facets.c - how often each value of a field occurs among the matches (see facets.h).
 *
 * Layer: query (L3). A value index already has the slots of every value, which only
 * have to be counted where they match. For any other field the values are
 * gathered, sorted (merging, bottom up), and equal neighbours counted.
 */
#include "facets.h"

#include "meta_choose.h"

#include <string.h>

vs_status vs_facets_read(vs_alloc *a, const vs_value *array, vs_facets *out, vs_err *err) {
  out->n = 0;
  if (array->tag != VS_VALUE_ARRAY || array->count > VS_FACETS_MAX)
    return vs_fail(err, VS_INVALID_ARGUMENT, "facets must be an array of at most %u fields", VS_FACETS_MAX);
  vs_rd r = vs_rd_of(array->bytes.p, array->bytes.n);
  for (uint32_t i = 0; i < array->count; i++) {
    vs_value name = vs_value_read(&r);
    vs_status status = name.tag == VS_VALUE_STRING
                           ? vs_meta_compile_path(a, name.bytes, &out->path[i], err)
                           : vs_fail(err, VS_INVALID_ARGUMENT, "facets must be names of fields");
    if (status != VS_OK) {
      vs_facets_deinit(a, out);
      return status;
    }
    for (uint32_t j = 0; j < i; j++) {
      if (name.bytes.n != out->name[j].n || memcmp(name.bytes.p, out->name[j].p, name.bytes.n) != 0) continue;
      vs_filter_destroy(a, out->path[i]);
      vs_facets_deinit(a, out);
      return vs_fail(err, VS_INVALID_ARGUMENT, "facets name a field twice");
    }
    out->name[out->n++] = name.bytes;
  }
  return VS_OK;
}

void vs_facets_deinit(vs_alloc *a, vs_facets *f) {
  for (uint32_t i = 0; i < f->n; i++) vs_filter_destroy(a, f->path[i]);
  f->n = 0;
}

/* ============ The most frequent ============ */

typedef struct {
  vs_value value;
  uint32_t n;
} tally;

typedef struct {
  tally best[VS_FACET_VALUES]; /* most frequent first, equal ones by value */
  uint32_t n, n_distinct, n_missing;
} facet;

static bool is_boolean(const vs_value *v) { return v->tag == VS_VALUE_FALSE || v->tag == VS_VALUE_TRUE; }

/* The order of values; booleans are apart from the numbers they equal. */
static int compare(const vs_value *a, const vs_value *b) {
  int order = 0;
  if (!vs_filter_compare(a, b, &order) || order != 0) return order;
  return (int)is_boolean(b) - (int)is_boolean(a);
}

/* Values come ascending, each once. */
static void take(facet *f, const vs_value *value, uint32_t n) {
  uint32_t at = f->n;
  f->n_distinct++;
  while (at > 0 && f->best[at - 1].n < n) at--;
  if (at == VS_FACET_VALUES) return;
  if (f->n < VS_FACET_VALUES) f->n++;
  memmove(f->best + at + 1, f->best + at, (f->n - at - 1) * sizeof *f->best);
  f->best[at] = (tally){*value, n};
}

/* ============ From an index ============ */

static uint32_t count_in(const vs_postings *p, const vs_bitset *among) {
  uint32_t n = 0;
  if (!p->dense) {
    for (uint32_t i = 0; i < p->n; i++) n += vs_bitset_test(among, p->of.slot[i]);
    return n;
  }
  for (uint32_t i = 0; i < p->cap && i * 64 < among->n_bits; i++)
    n += (uint32_t)__builtin_popcountll(p->of.word[i] & *(const uint64_t *)vs_blocks_at(&among->words, i));
  return n;
}

/* Records of `among` without any value in the index. */
static vs_status count_missing(const vs_meta *m, const vs_value_index *x, const vs_bitset *among, uint32_t *out) {
  vs_bitset any;
  vs_bitset_init(&any, m->a);
  vs_status status = vs_bitset_reserve(&any, among->n_bits);
  for (uint32_t i = 0; status == VS_OK && i < x->n; i++) vs_postings_unite(&x->entry[i]->slots, &any);
  *out = among->n_set;
  for (uint32_t i = 0; status == VS_OK && i * 64 < among->n_bits; i++) {
    uint64_t both = *(uint64_t *)vs_blocks_at(&any.words, i) & *(const uint64_t *)vs_blocks_at(&among->words, i);
    *out -= (uint32_t)__builtin_popcountll(both);
  }
  vs_bitset_deinit(&any);
  return status;
}

/* Scalars and elements are each in order: merged, so that 'x' and ['x'] count together. */
static vs_status from_index(const vs_meta *m, const vs_value_index *x, const vs_bitset *among, facet *f) {
  uint32_t i = 0, j = x->n_scalars;
  while (i < x->n_scalars || j < x->n) {
    int order = i == x->n_scalars ? 1 : j == x->n ? -1 : compare(&x->entry[i]->value, &x->entry[j]->value);
    const vs_value *value = &x->entry[order <= 0 ? i : j]->value;
    uint32_t n = 0;
    if (order <= 0) n += count_in(&x->entry[i++]->slots, among);
    if (order >= 0) n += count_in(&x->entry[j++]->slots, among);
    if (n > 0) take(f, value, n);
  }
  return count_missing(m, x, among, &f->n_missing);
}

/* ============ From metadata ============ */

static void merge(const vs_value *from, vs_value *to, size_t low, size_t middle, size_t high) {
  size_t i = low, j = middle;
  for (size_t at = low; at < high; at++)
    to[at] = i < middle && (j == high || compare(&from[i], &from[j]) <= 0) ? from[i++] : from[j++];
}

/* Sorts v, with as much room behind it; gives where the result is. */
static vs_value *sort(vs_value *v, size_t n) {
  vs_value *from = v, *to = v + n;
  for (size_t width = 1; width < n; width *= 2) {
    for (size_t low = 0; low < n; low += 2 * width) {
      size_t middle = low + width < n ? low + width : n, high = low + 2 * width < n ? low + 2 * width : n;
      merge(from, to, low, middle, high);
    }
    vs_value *t = from;
    from = to;
    to = t;
  }
  return from;
}

/* The values a record counts with, an array's elements once each; `out` NULL: how
 * many at most. There is as much room again behind them, for sorting. */
static uint32_t values_of(const vs_filter_term *path, vs_slice metadata, vs_value *out) {
  vs_value v;
  uint32_t n = 0, kept = 0;
  if (!vs_filter_find(path->path, path->n_path, metadata, &v)) return 0;
  bool array = v.tag == VS_VALUE_ARRAY;
  vs_rd r = vs_rd_of(v.bytes.p, v.bytes.n);
  for (uint32_t i = 0; i < (array ? v.count : 1); i++) {
    vs_value one = array ? vs_value_read(&r) : v;
    if (r.failed || one.tag == VS_VALUE_NULL || one.tag > VS_VALUE_STRING) continue;
    if (out) out[n] = one;
    n++;
  }
  if (!out || n < 2) return n;
  const vs_value *sorted = sort(out, n);
  for (uint32_t i = 0; i < n; i++)
    if (i == 0 || compare(&sorted[i], &out[kept - 1]) != 0) out[kept++] = sorted[i];
  return kept;
}

static vs_status from_metadata(const vs_meta *m, const vs_filter_term *path, const vs_bitset *among, facet *f) {
  size_t total = 0, n = 0, bytes;
  vs_slice metadata;
  for (uint32_t slot = vs_bitset_next(among, 0); slot != VS_NO_SLOT; slot = vs_bitset_next(among, slot + 1))
    if (m->records.metadata(m->records.ctx, slot, &metadata)) total += values_of(path, metadata, NULL);
  f->n_missing = among->n_set;
  if (total == 0) return VS_OK;
  vs_value *v = vs_mul_size(total, 2 * sizeof *v, &bytes) ? vs_malloc(m->a, bytes) : NULL;
  if (!v) return VS_OUT_OF_MEMORY;
  for (uint32_t slot = vs_bitset_next(among, 0); slot != VS_NO_SLOT; slot = vs_bitset_next(among, slot + 1)) {
    if (!m->records.metadata(m->records.ctx, slot, &metadata)) continue;
    uint32_t more = values_of(path, metadata, v + n);
    f->n_missing -= more > 0;
    n += more;
  }
  vs_value *sorted = sort(v, n);
  for (size_t i = 0, end; i < n; i = end) {
    for (end = i + 1; end < n && compare(&sorted[i], &sorted[end]) == 0;) end++;
    take(f, &sorted[i], (uint32_t)(end - i));
  }
  vs_free(m->a, v); /* what was taken borrows from the metadata */
  return VS_OK;
}

/* ============ The whole ============ */

static void write_facet(vs_wr *w, const facet *f) {
  size_t mark = vs_value_object_begin(w);
  vs_value_key(w, "values");
  size_t values = vs_value_array_begin(w);
  for (uint32_t i = 0; i < f->n; i++) {
    size_t pair = vs_value_array_begin(w);
    vs_value_scalar(w, &f->best[i].value);
    vs_value_int(w, f->best[i].n);
    vs_value_end(w, pair, 2);
  }
  vs_value_end(w, values, f->n);
  vs_value_key(w, "distinct");
  vs_value_int(w, f->n_distinct);
  vs_value_key(w, "missing");
  vs_value_int(w, f->n_missing);
  vs_value_end(w, mark, 3);
}

vs_status vs_facets_count(const vs_meta *m, const vs_facets *f, const vs_bitset *among, vs_wr *out) {
  facet *one = vs_malloc(m->a, sizeof *one);
  vs_status status = one ? VS_OK : VS_OUT_OF_MEMORY;
  size_t mark = vs_value_object_begin(out);
  for (uint32_t i = 0; i < f->n && status == VS_OK; i++) {
    const vs_filter_term *path = &f->path[i]->terms[0];
    const vs_meta_field *field = vs_meta_field_of(m, path);
    memset(one, 0, sizeof *one);
    if (field && field->kind == VS_META_VALUE)
      status = from_index(m, &field->values, among, one);
    else
      status = from_metadata(m, path, among, one);
    vs_wr_slice(out, f->name[i].p, f->name[i].n);
    write_facet(out, one);
  }
  vs_value_end(out, mark, f->n);
  vs_free(m->a, one);
  return status != VS_OK ? status : out->failed ? VS_OUT_OF_MEMORY : VS_OK;
}
