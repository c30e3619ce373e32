/* embed.h - the built-in sentence embedder: WordPiece tokens, a table of token vectors, a weighted mean.
 *
 * Layer L2 (base, kernels, text). Knows no storage, no records, no host.
 * A model is one checksummed, versioned file (format in model.c). The embedder borrows its bytes: they stay the
 * caller's and must outlive it. Embedding allocates nothing after opening, is O(bytes of text), and gives the same
 * bits on every machine (its arithmetic is integer until the final scaling, in one fixed order).
 */
#ifndef VS_EMBED_H
#define VS_EMBED_H

#include "../base/alloc.h"

typedef struct vs_embedder vs_embedder;

/* Checks `model` (n bytes, borrowed, 4-aligned) and makes an embedder. VS_CORRUPT, VS_VERSION, VS_OUT_OF_MEMORY. */
vs_status vs_embedder_open(vs_alloc *alloc, const uint8_t *model, size_t n, vs_embedder **out, vs_err *err);
void vs_embedder_close(vs_embedder *embedder); /* NULL is fine */

uint32_t vs_embedder_dimension(const vs_embedder *embedder);
/* The model's name as stores remember it, e.g. "vecstore-static-en-1"; NUL-terminated, the embedder's. */
const char *vs_embedder_name(const vs_embedder *embedder);

/* Writes `dimension` floats: a unit vector, or zeros when the text holds no known token. Any bytes are legal text;
 * invalid UTF-8 counts as U+FFFD. Gives the number of tokens counted (after truncation at the model's maximum). */
uint32_t vs_embedder_embed(vs_embedder *embedder, const uint8_t *text, size_t n, float *out);

#endif
