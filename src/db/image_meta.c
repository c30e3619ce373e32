/* image_meta.c - reading the metadata indexes back when they are first needed (format: image.h).
 *
 * Layer: db. The files are those of the manifest in force: a checkpoint has them
 * read before it replaces it. O(bytes).
 */
#include "image.h"

static vs_status read_part(vs_store *store, uint32_t file, vs_meta_reader *r) {
  vs_block_reader *blocks;
  vs_err ignored;
  vs_slice block;
  VS_TRY(vs_block_reader_open(store, file, &blocks, &ignored));
  vs_status status;
  for (;;) {
    status = vs_block_reader_next(blocks, &block, &ignored);
    if (status != VS_OK || block.n == 0) break;
    status = block.p[0] == 5 ? vs_meta_decode_block(r, (vs_slice){block.p + 1, block.n - 1}) : VS_CORRUPT;
    if (status != VS_OK) break;
  }
  vs_block_reader_close(blocks);
  return status;
}

static vs_status read_meta(void *ctx, vs_meta_reader *r) {
  vs_store *store = ctx;
  vs_status status = VS_OK;
  for (uint32_t i = 0; i < vs_store_n_files(store) && status == VS_OK; i++)
    if (vs_image_is_meta_part(vs_store_file(store, i))) status = read_part(store, i, r);
  return status;
}

void vs_image_offer_meta(vs_collection *c, vs_store *store) {
  for (uint32_t i = 0; i < vs_store_n_files(store); i++) {
    if (!vs_image_is_meta_part(vs_store_file(store, i))) continue;
    vs_meta_offer(&c->meta, &(vs_meta_saved){read_meta, store});
    return;
  }
}
