/* fold.c - Unicode categories, decomposition and lower case, as far as BERT's uncased preparation needs them.
 *
 * Layer: embed (L2). Two generated tables are searched by halving: where each kind of character begins, and runs of
 * code points that become others at a constant distance. Hangul syllables are decomposed by arithmetic (Unicode
 * standard, section 3.12). The order of marks is not made canonical: nearly all are dropped, and those that stay
 * are in no vocabulary this was made for.
 */
#include "fold.h"

#include "fold_tables.gen.h"

#define CODE_BITS 0x1fffffu
#define LENGTH_OF(table) ((uint32_t)(sizeof(table) / sizeof(table)[0]))

enum { HANGUL = 0xac00, HANGUL_COUNT = 11172, JAMO_L = 0x1100, JAMO_V = 0x1161, JAMO_T = 0x11a7, N_V = 21, N_T = 28 };

/* The last of n ascending entries whose key, entry & mask >> shift, is not above `code`; n when there is none. */
static uint32_t last_not_above(const uint32_t *entries, uint32_t n, uint32_t shift, uint32_t mask, uint32_t code) {
  uint32_t low = 0, high = n;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if ((entries[middle] >> shift & mask) <= code)
      low = middle + 1;
    else
      high = middle;
  }
  return low == 0 ? n : low - 1;
}

static void decompose_hangul(uint32_t index, vs_fold *fold) {
  fold->code[0] = JAMO_L + index / (N_V * N_T);
  fold->code[1] = JAMO_V + index % (N_V * N_T) / N_T;
  fold->code[2] = JAMO_T + index % N_T;
  fold->n = index % N_T == 0 ? 2 : 3;
}

static void apply_run(uint32_t code, vs_fold *fold) {
  uint32_t i = last_not_above(RUN_FROM, LENGTH_OF(RUN_FROM), 0, CODE_BITS, code);
  if (i == LENGTH_OF(RUN_FROM)) return;
  uint32_t offset = code - (RUN_FROM[i] & CODE_BITS), count = (RUN_FROM[i] >> 21) + 1;
  uint32_t to = RUN_TO[i] & CODE_BITS, step = (RUN_TO[i] >> 21 & 1) + 1, rise = RUN_TO[i] >> 22;
  if (rise == 3) {
    if (offset != 0) return;
    fold->n = step + 1;
    for (uint32_t j = 0; j < fold->n; j++) fold->code[j] = LONGER[to + j];
  } else if (offset % step == 0 && offset / step < count) {
    fold->code[0] = to + offset / step * rise;
  }
}

vs_fold vs_fold_code(uint32_t code) {
  vs_fold fold = {.kind = VS_FOLD_DROP, .n = 1, .code = {code}};
  if (code > 0x10ffff) return fold;
  fold.kind = (vs_fold_kind)(KINDS[last_not_above(KINDS, LENGTH_OF(KINDS), 2, CODE_BITS, code)] & 3);
  if (fold.kind == VS_FOLD_DROP || fold.kind == VS_FOLD_SPACE) return fold;
  if (code - HANGUL < HANGUL_COUNT)
    decompose_hangul(code - HANGUL, &fold);
  else
    apply_run(code, &fold);
  return fold;
}
