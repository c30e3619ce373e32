/* heap.c - the bounded max-heap of a k-nearest search.
 *
 * Layer: base. The classic implicit binary heap (Williams 1964): the children
 * of item i are 2i + 1 and 2i + 2. Both sifts move a hole instead of swapping,
 * one store per level. push and pop O(log n), sort O(n log n), no memory.
 *
 * Invariant H1: no item is less (vs_pair_less) than one of its children.
 */
#include "heap.h"

void vs_heap_init(vs_heap *h, vs_pair *memory, uint32_t cap) { *h = (vs_heap){memory, 0, cap}; }

/* Puts x into the hole at the root of the first n items. */
static void sift_down(vs_pair *item, uint32_t n, vs_pair x) {
  uint32_t hole = 0;
  while (hole < n / 2) {
    uint32_t child = 2 * hole + 1;
    if (child + 1 < n && vs_pair_less(item[child], item[child + 1])) child++;
    if (!vs_pair_less(x, item[child])) break;
    item[hole] = item[child];
    hole = child;
  }
  item[hole] = x;
}

bool vs_heap_push(vs_heap *h, vs_pair x) {
  if (h->n == h->cap) {
    if (h->n == 0 || !vs_pair_less(x, h->item[0])) return false;
    sift_down(h->item, h->n, x);
    return true;
  }
  uint32_t hole = h->n++;
  while (hole > 0) {
    uint32_t parent = (hole - 1) / 2;
    if (!vs_pair_less(h->item[parent], x)) break;
    h->item[hole] = h->item[parent];
    hole = parent;
  }
  h->item[hole] = x;
  return true;
}

vs_pair vs_heap_pop(vs_heap *h) {
  assert(h->n > 0);
  vs_pair top = h->item[0];
  h->n--;
  if (h->n > 0) sift_down(h->item, h->n, h->item[h->n]);
  return top;
}

void vs_heap_sort(vs_heap *h) {
  uint32_t n = h->n;
  /* Each pop frees the last place, which is where the popped item belongs. */
  while (h->n > 1) {
    vs_pair top = vs_heap_pop(h);
    h->item[h->n] = top;
  }
  h->n = n;
}
