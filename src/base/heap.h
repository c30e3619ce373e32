/* heap.h - a binary heap of (float key, uint32 value) pairs in caller's memory.
 *
 * Layer: base. Max-heap on (key, value), so that the worst of the best k is
 * at the top and equal keys order by value, which keeps results
 * deterministic. No allocation; push is O(log n).
 */
#ifndef VS_HEAP_H
#define VS_HEAP_H

#include "vs_base.h"

typedef struct {
  float key;
  uint32_t value;
} vs_pair;

/* (a.key, a.value) < (b.key, b.value). Keys are never NaN. */
static inline bool vs_pair_less(vs_pair a, vs_pair b) { return a.key < b.key || (a.key == b.key && a.value < b.value); }

typedef struct {
  vs_pair *item; /* borrowed, at least `cap` */
  uint32_t n, cap;
} vs_heap;

void vs_heap_init(vs_heap *h, vs_pair *memory, uint32_t cap);
/* Adds x; when full, replaces the largest if x is smaller. False = x was not kept. */
bool vs_heap_push(vs_heap *h, vs_pair x);
/* Removes and gives the largest; n must be > 0. */
vs_pair vs_heap_pop(vs_heap *h);
/* Sorts the items ascending in place; the heap order is gone afterwards. */
void vs_heap_sort(vs_heap *h);

#endif
