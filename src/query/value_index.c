/* value_index.c - the slots of each value of a field (see value_index.h).
 *
 * Layer: query (L3); knows values and terms, not records or programs.
 *
 * A set becomes a bitmap when it has at least one slot in 32 of its range: from
 * there on the bitmap is the smaller form. It stays one; a rebuild starts anew.
 */
#include "value_index.h"

#include <string.h>

#define DENSE_FROM 64u
#define DENSE_SHARE 32u

/* ============ A set of slots ============ */

static vs_status postings_grow(vs_value_index *x, vs_postings *p, uint32_t cap) {
  size_t item = p->dense ? sizeof *p->of.word : sizeof *p->of.slot;
  void *grown = vs_realloc(x->a, p->of.slot, cap * item);
  if (!grown) return VS_OUT_OF_MEMORY;
  if (p->dense) {
    p->of.word = grown;
    memset(p->of.word + p->cap, 0, (cap - p->cap) * item);
  } else {
    p->of.slot = grown;
  }
  x->bytes += (cap - p->cap) * item;
  p->cap = cap;
  return VS_OK;
}

static vs_status postings_to_bitmap(vs_value_index *x, vs_postings *p) {
  uint32_t n_words = p->of.slot[p->n - 1] / 64 + 1;
  uint64_t *word = vs_calloc(x->a, n_words, sizeof *word);
  if (!word) return VS_OUT_OF_MEMORY;
  for (uint32_t i = 0; i < p->n; i++) word[p->of.slot[i] / 64] |= (uint64_t)1 << (p->of.slot[i] & 63);
  vs_free(x->a, p->of.slot);
  x->bytes += n_words * sizeof *word - p->cap * sizeof *p->of.slot;
  *p = (vs_postings){.n = p->n, .cap = n_words, .dense = true, .of.word = word};
  return VS_OK;
}

/* Where the slot is in the list or would have to be. */
static uint32_t place_of(const vs_postings *p, uint32_t slot) {
  uint32_t low = 0, high = p->n;
  if (high > 0 && p->of.slot[high - 1] < slot) return high;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (p->of.slot[middle] < slot) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

static vs_status postings_add(vs_value_index *x, vs_postings *p, uint32_t slot) {
  if (!p->dense && p->n >= DENSE_FROM && p->n >= p->of.slot[p->n - 1] / DENSE_SHARE) VS_TRY(postings_to_bitmap(x, p));
  if (p->dense) {
    uint32_t word = slot / 64;
    if (word >= p->cap) VS_TRY(postings_grow(x, p, word + word / 4 + 1));
    uint64_t bit = (uint64_t)1 << (slot & 63);
    p->n += (p->of.word[word] & bit) == 0;
    p->of.word[word] |= bit;
    return VS_OK;
  }
  uint32_t at = place_of(p, slot);
  if (at < p->n && p->of.slot[at] == slot) return VS_OK;
  if (p->n == p->cap) VS_TRY(postings_grow(x, p, p->cap < 4 ? 4 : p->cap + p->cap / 2));
  memmove(p->of.slot + at + 1, p->of.slot + at, (p->n - at) * sizeof *p->of.slot);
  p->of.slot[at] = slot;
  p->n++;
  return VS_OK;
}

static void postings_remove(vs_postings *p, uint32_t slot) {
  if (p->dense) {
    uint64_t bit = (uint64_t)1 << (slot & 63);
    if (slot / 64 >= p->cap || !(p->of.word[slot / 64] & bit)) return;
    p->of.word[slot / 64] &= ~bit;
    p->n--;
    return;
  }
  uint32_t at = place_of(p, slot);
  if (at == p->n || p->of.slot[at] != slot) return;
  p->n--;
  memmove(p->of.slot + at, p->of.slot + at + 1, (p->n - at) * sizeof *p->of.slot);
}

static size_t postings_bytes(const vs_postings *p) {
  return p->cap * (p->dense ? sizeof *p->of.word : sizeof *p->of.slot);
}

void vs_postings_unite(const vs_postings *p, vs_bitset *into) {
  if (!p->dense) {
    for (uint32_t i = 0; i < p->n; i++) {
      uint64_t *word = vs_blocks_at(&into->words, p->of.slot[i] / 64);
      *word |= (uint64_t)1 << (p->of.slot[i] & 63);
    }
    return;
  }
  uint32_t n = p->cap < into->words.n_items ? p->cap : into->words.n_items, per_block = into->words.mask + 1;
  for (uint32_t at = 0; at < n; at += per_block) {
    uint64_t *word = vs_blocks_at(&into->words, at);
    uint32_t here = n - at < per_block ? n - at : per_block;
    for (uint32_t i = 0; i < here; i++) word[i] |= p->of.word[at + i];
  }
}

/* ============ The dictionary ============ */

void vs_value_index_init(vs_value_index *x, vs_alloc *a) {
  memset(x, 0, sizeof *x);
  x->a = a;
}

void vs_value_index_deinit(vs_value_index *x) {
  for (uint32_t i = 0; i < x->n; i++) {
    vs_free(x->a, x->entry[i]->slots.of.slot);
    vs_free(x->a, x->entry[i]);
  }
  vs_free(x->a, x->entry);
  vs_value_index_init(x, x->a);
}

static bool is_scalar(const vs_value *v) { return v->tag >= VS_VALUE_FALSE && v->tag <= VS_VALUE_STRING; }

static bool is_boolean(const vs_value *v) { return v->tag == VS_VALUE_FALSE || v->tag == VS_VALUE_TRUE; }

static int compare_keys(bool a_element, const vs_value *a, const vs_value_entry *b) {
  int order = 0;
  if (a_element != b->element) return a_element ? 1 : -1;
  bool comparable = vs_filter_compare(a, &b->value, &order);
  assert(comparable);
  (void)comparable;
  return order ? order : (int)is_boolean(&b->value) - (int)is_boolean(a);
}

/* Where the value is, or would have to be. */
static uint32_t find(const vs_value_index *x, bool element, const vs_value *v, bool *found) {
  uint32_t low = 0, high = x->n;
  *found = false;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    int order = compare_keys(element, v, x->entry[middle]);
    if (order == 0) {
      *found = true;
      return middle;
    }
    if (order > 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

static vs_value_entry *entry_create(vs_value_index *x, bool element, const vs_value *v) {
  size_t n = v->tag == VS_VALUE_STRING ? v->bytes.n : 0;
  vs_value_entry *e = vs_malloc(x->a, sizeof *e + n);
  if (!e) return NULL;
  *e = (vs_value_entry){.value = *v, .element = element};
  e->value.bytes = (vs_slice){(uint8_t *)(e + 1), n};
  if (n) memcpy(e + 1, v->bytes.p, n);
  x->bytes += sizeof *e + n;
  return e;
}

static vs_status insert_entry(vs_value_index *x, uint32_t at, bool element, const vs_value *v) {
  if (x->n == x->cap) {
    uint32_t cap = x->cap < 8 ? 8 : x->cap * 2;
    vs_value_entry **entry = vs_realloc(x->a, x->entry, cap * sizeof(*entry));
    if (!entry) return VS_OUT_OF_MEMORY;
    x->bytes += (cap - x->cap) * sizeof(*entry);
    x->entry = entry;
    x->cap = cap;
  }
  vs_value_entry *e = entry_create(x, element, v);
  if (!e) return VS_OUT_OF_MEMORY;
  memmove(x->entry + at + 1, x->entry + at, (x->n - at) * sizeof(*x->entry));
  x->entry[at] = e;
  x->n++;
  x->n_scalars += !element;
  return VS_OK;
}

static void drop_entry(vs_value_index *x, uint32_t at) {
  vs_value_entry *e = x->entry[at];
  x->bytes -= sizeof *e + e->value.bytes.n + postings_bytes(&e->slots);
  x->n--;
  x->n_scalars -= !e->element;
  memmove(x->entry + at, x->entry + at + 1, (x->n - at) * sizeof(*x->entry));
  vs_free(x->a, e->slots.of.slot);
  vs_free(x->a, e);
}

static vs_status add_one(vs_value_index *x, uint32_t slot, bool element, const vs_value *v) {
  bool found;
  uint32_t at = find(x, element, v, &found);
  if (!found) VS_TRY(insert_entry(x, at, element, v));
  return postings_add(x, &x->entry[at]->slots, slot);
}

vs_status vs_value_index_append(vs_value_index *x, bool element, const vs_value *v, const vs_postings *slots) {
  if (x->n > 0 && compare_keys(element, v, x->entry[x->n - 1]) <= 0) return VS_CORRUPT;
  VS_TRY(insert_entry(x, x->n, element, v));
  x->entry[x->n - 1]->slots = *slots;
  x->bytes += postings_bytes(slots);
  return VS_OK;
}

static void remove_one(vs_value_index *x, uint32_t slot, bool element, const vs_value *v) {
  bool found;
  uint32_t at = find(x, element, v, &found);
  if (!found) return;
  postings_remove(&x->entry[at]->slots, slot);
  if (x->entry[at]->slots.n == 0) drop_entry(x, at);
}

vs_status vs_value_index_add(vs_value_index *x, uint32_t slot, const vs_value *value) {
  if (is_scalar(value)) return add_one(x, slot, false, value);
  if (value->tag != VS_VALUE_ARRAY) return VS_OK;
  vs_rd r = vs_rd_of(value->bytes.p, value->bytes.n);
  for (uint32_t i = 0; i < value->count; i++) {
    vs_value element = vs_value_read(&r);
    if (r.failed) break;
    if (is_scalar(&element)) VS_TRY(add_one(x, slot, true, &element));
  }
  return VS_OK;
}

void vs_value_index_remove(vs_value_index *x, uint32_t slot, const vs_value *value) {
  if (is_scalar(value)) remove_one(x, slot, false, value);
  if (value->tag != VS_VALUE_ARRAY) return;
  vs_rd r = vs_rd_of(value->bytes.p, value->bytes.n);
  for (uint32_t i = 0; i < value->count; i++) {
    vs_value element = vs_value_read(&r);
    if (r.failed) break;
    if (is_scalar(&element)) remove_one(x, slot, true, &element);
  }
}

/* ============ Terms ============ */

/* Where the index and eval.c agree on TRUE: null, objects and missing fields must
 * not make the term TRUE, nor may what an array as a whole says. */
bool vs_value_index_answers(const vs_filter_term *term) {
  switch (term->op) {
  case VS_FILTER_EQ:
  case VS_FILTER_LT:
  case VS_FILTER_LE:
  case VS_FILTER_GT:
  case VS_FILTER_GE:
  case VS_FILTER_IN:
  case VS_FILTER_BETWEEN:
  case VS_FILTER_STARTSWITH:
  case VS_FILTER_ENDSWITH:
  case VS_FILTER_LIKE:
  case VS_FILTER_ILIKE:
  case VS_FILTER_TRUTH: break;
  case VS_FILTER_CONTAINS:
    if (term->negated) return false;
    break;
  default: return false;
  }
  /* `f NOT IN ()` is TRUE even of what is missing. */
  if (term->op == VS_FILTER_IN && term->n_constants == 0 && !term->has_null) return false;
  /* ANY of an array within an array is not in the index. */
  return term->of == VS_FILTER_VALUE || (term->of == VS_FILTER_ANY && term->op != VS_FILTER_CONTAINS);
}

/* The first entry, of [from, to), whose value is not below (or, with `after`, is above) the bound. */
static uint32_t bound(const vs_value_index *x, uint32_t from, uint32_t to, const vs_value *v, bool after) {
  while (from < to) {
    uint32_t middle = from + (to - from) / 2;
    int order;
    if (!vs_filter_compare(&x->entry[middle]->value, v, &order)) return to;
    if (order < 0 || (after && order == 0)) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  return from;
}

void vs_value_index_candidates(const vs_value_index *x, const vs_filter_term *term, uint32_t *from, uint32_t *to) {
  bool elements = term->of == VS_FILTER_ANY;
  uint32_t low = elements ? x->n_scalars : 0, high = elements ? x->n : x->n_scalars;
  *from = low;
  *to = term->op == VS_FILTER_CONTAINS ? x->n : high;
  if (term->negated || term->op > VS_FILTER_BETWEEN || term->n_constants == 0) return;
  const vs_value *first = &term->constants[0], *last = &term->constants[term->n_constants - 1];
  if (first->tag == VS_VALUE_NULL || last->tag == VS_VALUE_NULL) return;
  if (term->op != VS_FILTER_LT && term->op != VS_FILTER_LE) *from = bound(x, low, high, first, false);
  if (term->op != VS_FILTER_GT && term->op != VS_FILTER_GE) *to = bound(x, low, high, last, true);
  if (*to < *from) *to = *from;
}

bool vs_value_index_meets(const vs_value_entry *e, const vs_filter_term *term) {
  vs_filter_term own = *term;
  if (e->element && term->op == VS_FILTER_CONTAINS) own.op = VS_FILTER_EQ;
  own.of = VS_FILTER_VALUE;
  return vs_filter_term_test(&own, &e->value) == VS_TRUE;
}
