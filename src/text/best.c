/* best.c - a bounded heap of hits (see best.h).
 *
 * Layer: text (L2), internal; knows neither words nor vectors.
 */
#include "best.h"

static bool is_worse(const vs_text_hit *a, const vs_text_hit *b) {
  return a->score < b->score || (a->score == b->score && a->sequence > b->sequence);
}

static void sift_down(vs_text_hit *hit, uint32_t n, uint32_t i) {
  for (;;) {
    uint32_t worst = i, child = 2 * i + 1;
    if (child < n && is_worse(&hit[child], &hit[worst])) worst = child;
    if (child + 1 < n && is_worse(&hit[child + 1], &hit[worst])) worst = child + 1;
    if (worst == i) return;
    vs_text_hit t = hit[i];
    hit[i] = hit[worst];
    hit[worst] = t;
    i = worst;
  }
}

static void make_heap(vs_text_hit *hit, uint32_t n) {
  for (uint32_t i = n / 2; i-- > 0;) sift_down(hit, n, i);
}

void vs_best_offer(vs_text_hit *hit, uint32_t *n, uint32_t k, vs_text_hit x) {
  if (*n == k) {
    if (!is_worse(&hit[0], &x)) return;
    hit[0] = x;
    sift_down(hit, k, 0);
    return;
  }
  hit[(*n)++] = x;
  if (*n == k) make_heap(hit, k);
}

void vs_best_order(vs_text_hit *hit, uint32_t n) {
  make_heap(hit, n);
  for (; n > 1; n--) {
    vs_text_hit t = hit[0];
    hit[0] = hit[n - 1];
    hit[n - 1] = t;
    sift_down(hit, n - 1, 0);
  }
}
