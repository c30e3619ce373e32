/* meta_image.h - the metadata indexes as blocks of bytes, and back.
 *
 * Layer: query (L3). Knows neither files nor checksums: the owner of the
 * records keeps the blocks and hands them back in order. Whatever is wrong with
 * them costs no more than building the indexes from the records.
 *
 * FORMAT, version 1. A block is u8 what, then
 *   0  begin    u8 version, u32 records when the fields were chosen
 *   1  field    u8 kind (1 value, 2 range), u32 n_vague (R2), its path as an encoded string
 *   2  values   of the last field, entries until the block ends, ascending as V1 says:
 *                 u8 element (0, 1), the value, u8 form, u32 n, then
 *                 form 0: n * u32 slot, ascending; form 1: n * u64, 64 slots each
 *   3  order    of the last field, until the block ends, ascending as R1 says: u32 slot, u64 key
 *   4  end      u32 fields
 *
 * Reading checks shape, order and that every slot holds a record, not that a
 * record has the values it is listed under: that is vs_meta_check's business.
 * Slots that changed since the blocks were made are left out and added anew.
 */
#ifndef VS_META_IMAGE_H
#define VS_META_IMAGE_H

#include "meta.h"

/* Where writing stands. All zero: at the beginning. */
typedef struct {
  bool begun, in_field;
  uint32_t field, at, n_written;
  uint64_t epoch; /* of the indexes when it began */
} vs_meta_writer;

/* Appends the next block, of about `target` bytes. Needs m->built. Where records or indexes
 * changed since the first block the end never comes, and reading will refuse what was written. */
void vs_meta_encode_next(const vs_meta *m, vs_meta_writer *s, size_t target, vs_wr *w, bool *done);

/* Where reading stands. All zero: at the beginning. */
struct vs_meta_reader {
  vs_meta *m;
  vs_meta_field *field; /* of the blocks that follow; NULL: they are passed over */
  uint32_t n_fields;
  uint8_t kind;
  bool begun, ended;
  uint64_t last_key; /* of the order so far */
  uint32_t last_slot;
};

/* Takes the next block. VS_CORRUPT, VS_OUT_OF_MEMORY: read no further. */
VS_MUST_USE vs_status vs_meta_decode_block(vs_meta_reader *r, vs_slice block);

#endif
