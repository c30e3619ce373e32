/* coding.h - what an index knows of its trained codes: the coder in force, a training under way, a refusal.
 *
 * Layer: index (L2), internal. Knows no graph: where codes lie and when the
 * graph gets room for them is index.c's.
 */
#ifndef VS_CODING_H
#define VS_CODING_H

#include "training.h"

typedef struct {
  vs_alloc *a;
  vs_coder *coder;  /* owned: in force; NULL = none */
  uint32_t n_since; /* vectors inserted since its training */
  vs_training training;
  bool is_training;
  struct {
    vs_quantization kind; /* NONE = nothing is refused */
    uint32_t recall;      /* of the test, in ten thousandths */
    uint32_t count;       /* vectors then */
    vs_quantization_options options;
  } refused;
  vs_wr model;       /* encoding, decoding: the model's bytes */
  uint32_t model_at; /* encoding: of them written */
  bool expected;     /* decoding: the graph was walked on trained codes */
} vs_coding;

void vs_coding_init(vs_coding *c, vs_alloc *a);
void vs_coding_deinit(vs_coding *c);
size_t vs_coding_bytes(const vs_coding *c);

static inline bool vs_coding_is_trained(vs_quantization kind) {
  return kind == VS_QUANTIZE_BINARY || kind == VS_QUANTIZE_PQ;
}
/* The configured kind failed its test with about as many vectors. */
bool vs_coding_is_refused(const vs_coding *c, const vs_index_config *config, uint32_t count);
/* The coder in force is of the configured kind, but made for other options, and another can be made. */
bool vs_coding_is_other(const vs_coding *c, const vs_index_config *config, uint32_t count);

/* Whether training has something to do; `again`: though a refusal is recent, or the coder has only become old. */
bool vs_coding_is_due(const vs_coding *c, const vs_index_config *config, uint32_t count, bool again);
/* Goes on with training; when *done, c->training.coder has passed, or is refused (`passed`), which is noted. */
VS_MUST_USE vs_status vs_coding_train(vs_coding *c, const vs_index_config *config, vs_space *space,
                                      const vs_bitset *present, double *budget, bool *passed, bool *done);
/* The trained coder is in force. */
void vs_coding_accept(vs_coding *c);
void vs_coding_abandon(vs_coding *c);

/* The model's bytes (index.h). decode: *out is a coder that can take effect, or NULL. */
void vs_coding_encode_begin(vs_coding *c);
VS_MUST_USE vs_status vs_coding_encode(vs_coding *c, vs_wr *out, bool *done);
VS_MUST_USE vs_status vs_coding_load(vs_coding *c, vs_slice piece);
VS_MUST_USE vs_status vs_coding_decode(vs_coding *c, const vs_index_config *config, uint32_t dim, vs_coder **out);

#endif
