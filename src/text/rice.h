/* rice.h - small numbers as Rice codes in a run of bits.
 *
 * Layer: text (L2). Knows numbers only. For gaps between slots, counts and
 * distances between positions, whose distribution is about geometric: then a
 * code is within a few per cent of the best there is (R. F. Rice, "Some practical
 * universal noiseless coding techniques", 1979).
 *
 * FORMAT. Bits fill bytes from the lowest up. With parameter k a number v is
 * v >> k ones, a zero, then the k low bits of v; where v >> k reaches
 * VS_RICE_ESCAPE, that many ones and then 32 bits of v. So no number takes more than 56 bits.
 *
 * A reader never passes its end: the first read beyond it sets `failed`, and
 * every read gives 0 from then on.
 */
#ifndef VS_TEXT_RICE_H
#define VS_TEXT_RICE_H

#include "../base/bytes.h"

#define VS_RICE_ESCAPE 24u
#define VS_RICE_MOST 31u /* highest parameter */

typedef struct {
  vs_wr *w; /* borrowed: whole bytes go there */
  uint64_t bits;
  uint32_t n;
} vs_rice_writer;

/* The parameter for n numbers with that sum. */
uint32_t vs_rice_parameter(uint64_t sum, uint32_t n);
void vs_rice_put(vs_rice_writer *r, uint32_t v, uint32_t k);
/* Fills up the last byte with zeros. */
void vs_rice_flush(vs_rice_writer *r);

typedef struct {
  const uint8_t *p, *end;
  uint64_t bits;
  uint32_t n;
  bool failed;
} vs_rice_reader;

static inline vs_rice_reader vs_rice_reader_of(vs_slice bytes) {
  return (vs_rice_reader){bytes.p, bytes.p + bytes.n, 0, 0, false};
}
/* k at most VS_RICE_MOST. */
uint32_t vs_rice_get(vs_rice_reader *r, uint32_t k);
/* Whether everything was read and what fills up the last byte is zero. */
bool vs_rice_at_end(const vs_rice_reader *r);

#endif
