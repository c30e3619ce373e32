/* hnsw_image.c - one node of the graph as bytes, and back.
 *
 * Layer: index (L2), internal; chunks and headers are index.c's. A node is
 *
 *   u8 level, then for each level from 0 up: varint n, n times u32 link
 *
 * with a link as it is in memory (slot, bit 31 = in the tree). Lists keep
 * their order, so that a loaded graph behaves exactly like the saved one;
 * unused room is not written. Decoding checks counts and bounds only: the
 * rest, and that lists agree with each other, is vs_hnsw_check's.
 */
#include "hnsw.h"

#include <string.h>

size_t vs_hnsw_node_bytes(const vs_hnsw *g) {
  size_t list_head = 2; /* the varint of a count up to 256 */
  return 1 + list_head + 8 * (size_t)g->M + VS_HNSW_MAX_LEVEL * (list_head + 4 * (size_t)g->M);
}

void vs_hnsw_encode_node(const vs_hnsw *g, uint32_t slot, vs_wr *out) {
  vs_wr_u8(out, (uint8_t)vs_hnsw_level(g, slot));
  const vs_links *list = vs_hnsw_base(g, slot);
  for (;;) {
    vs_wr_varint(out, list->n);
    vs_wr_bytes(out, list->link, list->n * sizeof(uint32_t));
    if (list->up == VS_NO_SLOT) return;
    list = vs_blocks_at(&g->upper, list->up);
  }
}

/* False: a link leads beyond the slots. Without branches, so that a compiler makes vectors of it. */
static bool copy_links(uint32_t *to, const uint8_t *from, uint32_t n, uint32_t n_slots) {
  uint32_t highest = 0;
  for (uint32_t i = 0; i < n; i++) {
    uint32_t link;
    memcpy(&link, from + (size_t)i * sizeof(link), sizeof(link));
    to[i] = link;
    link &= VS_LINK_SLOT;
    highest = link > highest ? link : highest;
  }
  return n == 0 || highest < n_slots;
}

vs_status vs_hnsw_decode_node(vs_hnsw *g, uint32_t slot, uint32_t n_slots, vs_rd *in) {
  uint32_t level = vs_rd_u8(in);
  if (in->failed || level > VS_HNSW_MAX_LEVEL) return VS_CORRUPT;
  VS_TRY(vs_blocks_reserve(&g->upper, g->n_upper + level));
  vs_hnsw_node_open(g, slot, level);
  for (uint32_t l = 0; l <= level; l++) {
    uint64_t n = vs_rd_varint(in);
    if (in->failed || n > vs_hnsw_cap(g, l)) return VS_CORRUPT;
    vs_links *list = vs_hnsw_links(g, slot, l);
    const uint8_t *bytes = vs_rd_bytes(in, (size_t)n * sizeof(uint32_t));
    if (in->failed) return VS_CORRUPT;
    if (!copy_links(list->link, bytes, (uint32_t)n, n_slots)) return VS_CORRUPT;
    list->n = (uint32_t)n;
  }
  return VS_OK;
}
