/* value_index.h - the slots of each value of a field: for fields with few distinct values, and for arrays.
 *
 * Layer: query (L3). A dictionary of the distinct values, each with the set of
 * its slots: a sorted list while it is sparse, a bitmap once that is smaller.
 * The elements of an array are values of their own kind ("elements"), so that
 * `tag = 'x'` and `tag CONTAINS 'x'` can be told apart. Null, objects and
 * missing fields have no entry.
 *
 * INVARIANTS
 *   V1  The dictionary is in ascending order of (element, vs_filter_compare,
 *       boolean before number), without repetition; no entry is empty.
 *   V2  A slot is in the set of a value iff it was added with that value (or
 *       an array holding it) and not removed since.
 *
 * Adding and removing is O(log values + slots of that value / 32).
 */
#ifndef VS_VALUE_INDEX_H
#define VS_VALUE_INDEX_H

#include "../base/bitset.h"
#include "../filter/filter.h"

/* A set of slots. */
typedef struct {
  uint32_t n;
  uint32_t cap; /* list: room for slots; bitmap: words */
  bool dense;
  union {
    uint32_t *slot; /* ascending */
    uint64_t *word; /* bit i of word i / 64 */
  } of;
} vs_postings;

typedef struct {
  vs_value value; /* a string's bytes lie behind the entry */
  bool element;
  vs_postings slots;
} vs_value_entry;

typedef struct {
  vs_alloc *a;
  vs_value_entry **entry; /* owned, each an allocation */
  uint32_t n, cap;
  uint32_t n_scalars; /* entries that are no elements: the first ones */
  size_t bytes;       /* of everything */
} vs_value_index;

void vs_value_index_init(vs_value_index *x, vs_alloc *a);
void vs_value_index_deinit(vs_value_index *x);

/* Adds a slot with the field's value. VS_OUT_OF_MEMORY: the index must be given up. */
VS_MUST_USE vs_status vs_value_index_add(vs_value_index *x, uint32_t slot, const vs_value *value);
/* Appends an entry with its slots (now the index's), as read from storage; n > 0. VS_CORRUPT: it
 * does not come after the last one. VS_OUT_OF_MEMORY. On both the slots stay the caller's. */
VS_MUST_USE vs_status vs_value_index_append(vs_value_index *x, bool element, const vs_value *v,
                                            const vs_postings *slots);
/* Takes it out again; the value must be the one it was added with. Cannot fail. */
void vs_value_index_remove(vs_value_index *x, uint32_t slot, const vs_value *value);

/* The term's truth can be told from the index alone for every record. */
bool vs_value_index_answers(const vs_filter_term *term);
/* Entries to look at for such a term: [*from, *to) holds every entry for which it can be TRUE. */
void vs_value_index_candidates(const vs_value_index *x, const vs_filter_term *term, uint32_t *from, uint32_t *to);
/* Whether records with this entry make the term TRUE. */
bool vs_value_index_meets(const vs_value_entry *e, const vs_filter_term *term);

/* Adds the slots to a set that is large enough; its n_set is not kept. */
void vs_postings_unite(const vs_postings *p, vs_bitset *into);

#endif
