/* vocabulary.h - the terms that are in use, each with its lists of postings.
 *
 * Layer: text (L2). A term has one list per field it occurs in, chained; the
 * first of the chain is the term's head, which the hash map finds and which
 * counts the records. A term that no record has any more is gone, and its number serves another.
 *
 * ORDER. Terms by their bytes, for words that are only begun or misspelt, are
 * sorted when first asked for; from then on new terms gather beside the order and are merged into it by the next
 * question. Until then the number of a term that is gone is not used again (V2).
 *
 * INVARIANTS
 *   V1  the map has exactly the heads with df > 0, or being added to.
 *   V2  while ordered, every number in `order` or `fresh` is a head with IN_ORDER set.
 */
#ifndef VS_TEXT_VOCABULARY_H
#define VS_TEXT_VOCABULARY_H

#include "../base/hashmap.h"
#include "postings.h"

#define VS_NO_TERM UINT32_MAX

typedef struct {
  uint32_t key;                    /* in the pool; of heads only */
  uint32_t next;                   /* the same term in another field, or VS_NO_TERM; of a free one: the next free one */
  uint32_t df;                     /* of heads: records with the term in any field; 0: free or gone */
  uint32_t mark;                   /* scratch of the index */
  uint32_t stamp;                  /* when `mark` was set */
  uint8_t key_n, key_class, field; /* key_n: 0 where it is no head */
  bool in_order;
  vs_list list;
} vs_term;

typedef struct {
  vs_alloc *a;
  vs_lists postings;
  vs_blocks terms;
  vs_hashmap map;
  uint32_t n_terms, free, gone; /* numbers given out; chains of those free, and of those gone but still in order */
  bool ordered;
  vs_blocks order, fresh;
  uint32_t n_order, n_fresh, n_gone;
} vs_vocabulary;

/* Lives at one address: its map refers to it. */
void vs_vocabulary_init(vs_vocabulary *v, vs_alloc *a, uint64_t hash_seed);
void vs_vocabulary_deinit(vs_vocabulary *v);

static inline vs_term *vs_term_at(const vs_vocabulary *v, uint32_t term) { return vs_blocks_at(&v->terms, term); }
vs_slice vs_term_key(const vs_vocabulary *v, uint32_t term);

/* The head of a term, or VS_NO_TERM. */
uint32_t vs_vocabulary_find(const vs_vocabulary *v, vs_slice key);
/* The same, added when it is not there, with df 0. */
VS_MUST_USE vs_status vs_vocabulary_add(vs_vocabulary *v, vs_slice key, uint32_t *term);
/* Forgets a head with df 0, and its lists. */
void vs_vocabulary_drop(vs_vocabulary *v, uint32_t term);
/* The entry of a field in a head's chain, or VS_NO_TERM; the other adds it. */
uint32_t vs_term_in_field(const vs_vocabulary *v, uint32_t head, uint8_t field);
VS_MUST_USE vs_status vs_term_add_field(vs_vocabulary *v, uint32_t head, uint8_t field, uint32_t *entry);

/* Brings the order up to date. O(terms log terms) the first time, then O(terms) after changes. */
VS_MUST_USE vs_status vs_vocabulary_sort(vs_vocabulary *v);
static inline uint32_t vs_ordered_term(const vs_vocabulary *v, uint32_t i) {
  return *(uint32_t *)vs_blocks_at(&v->order, i);
}
/* The places from..to in the order of the terms that begin so. Needs vs_vocabulary_sort. O(log terms). */
void vs_vocabulary_prefix(const vs_vocabulary *v, vs_slice prefix, uint32_t *from, uint32_t *to);

size_t vs_vocabulary_bytes(const vs_vocabulary *v);

#endif
