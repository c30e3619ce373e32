/* hnsw_refine.c - looking again for a node's neighbours when all others are there.
 *
 * Layer: index (L2), internal. A node chose its neighbours among those that
 * were inserted before it; later ones linked to it only if they found it, and
 * lists that are not full lead to fewer nodes per hop. Refining walks from the
 * node, chooses as insertion does, links what is worth it (hnsw_select.c) and
 * fills the list. Trees are left alone, so all invariants hold after each node.
 *
 * COST. A walk with ef REFINE_EF, from the node itself, and O(M^2) distances.
 */
#include "hnsw.h"

/* Candidates looked at. */
#define REFINE_EF 80u

/* Takes the node itself out of the pool. */
static uint32_t others(vs_pair *pool, uint32_t n, uint32_t slot) {
  uint32_t n_kept = 0;
  for (uint32_t i = 0; i < n; i++) {
    if (pool[i].value != slot) pool[n_kept++] = pool[i];
  }
  return n_kept;
}

vs_status vs_hnsw_reserve_refine(vs_hnsw *g) { return vs_hnsw_reserve_pool(g, REFINE_EF); }

void vs_hnsw_refine(vs_hnsw *g, uint32_t slot) {
  vs_hnsw_scratch *s = &g->scratch;
  vs_query q = vs_space_query_slot(g->space, slot);
  if (g->n < 2) return;
  s->pool[0] = (vs_pair){vs_space_value(g->space, q, slot), slot};
  s->n_pool = 1;
  vs_hnsw_search_below(g, q, 0, REFINE_EF);
  uint32_t n = vs_hnsw_select(g, s->pool, others(s->pool, s->n_pool, slot), vs_hnsw_cap(g, 0));
  for (uint32_t i = 0; i < n; i++) {
    /* The chosen come in order of distance; with the first that is nearer than the one before the filling begins. */
    bool chosen = i == 0 || s->kept_value[i] >= s->kept_value[i - 1];
    if (!chosen && vs_hnsw_base(g, slot)->n == vs_hnsw_cap(g, 0)) return;
    vs_hnsw_connect_both(g, slot, s->kept[i], s->kept_value[i], 0);
  }
}
