/* turbo.c - the codes of a node's neighbours beside the node (see turbo.h): the method, and keeping it current.
 *
 * Layer: index (L2), internal. A walk on int8 codes reads some 20 codes from
 * everywhere in memory for each node it expands. Here each node has an ITEM
 * with 4-bit codes of the differences to all its neighbours, in one run of
 * memory; only for the node that is expanded the distance is computed, those
 * of its neighbours are estimated from it.
 *
 * THE ESTIMATE. p the node, y a neighbour, r = y - p, q the query, all rotated,
 * c the centroids chosen for r / |r|. <r, q - p> is estimated as s <c, q - p>
 * with s = |r|^2 / <c, r>, which is right for q - p along r. In the values that
 * the space gives (lower = nearer; v of p is known):
 *   euclidean  v + |r|^2 - 2 <r, q - p>     add = |r|^2 + 2 s <c, p'>   factor = 2 s
 *   cosine     half of that                 add = |r|^2 / 2 + s <c, p'> factor = s
 *   dot        v - <r, p> - <r, q - p>      add = s <c, p'> - <r, p>    factor = s
 * so that estimate = v + add - factor <c, q'>, with p' = p - mean, q' = q - mean:
 * around the mean products are small, and so are the steps of the 6-bit tables.
 *
 * ROTATION (rotation.h) spreads each component over all pieces, so that pieces
 * are alike whatever the data.
 *
 * KEPT CURRENT lazily: a changed list (a neighbour inserted, removed or
 * replaced) puts its node's item out of date (its first factor becomes 0), and
 * the next walk that expands the node, or optimize, codes it again: about 3 us
 * for each neighbour. Walks give the same answers either way.
 *
 * INVARIANT T1. An item whose first factor is not 0 was coded from the present
 * list, in its order, and the present model.
 */
#include "turbo.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define GROUP 32u
#define ITEM_ALIGN 64u

/* With more the codebook would not fit a chunk of the image, nor a vector `products`. */
bool vs_turbo_supports(uint32_t dim) { return dim <= VS_LAYOUT_TURBO_MAX_DIMENSION; }

static float *factors(const vs_turbo *t, uint32_t slot) { return vs_blocks_at(&t->node, slot); }

/* -- Life -------------------------------------------------------------- */

static vs_status allocate(vs_turbo *t) {
  vs_alloc *a = t->a;
  VS_TRY(vs_rotation_init(&t->rotation, a, t->dim));
  t->model.codebook = vs_calloc(a, VS_CENTROIDS * (size_t)t->n, sizeof(float));
  t->model.half_norms = vs_calloc(a, VS_CENTROIDS * (size_t)t->m, sizeof(float));
  t->model.mean = vs_calloc(a, t->n, sizeof(float));
  t->x = vs_malloc(a, t->n * sizeof(float));
  t->y = vs_malloc(a, t->n * sizeof(float));
  t->z = vs_malloc(a, t->n * sizeof(float));
  t->code = vs_malloc(a, t->m);
  t->products = vs_malloc(a, VS_CENTROIDS * (size_t)t->m * sizeof(float));
  t->lut = vs_malloc(a, VS_CENTROIDS * (size_t)t->m);
  bool model = t->model.codebook && t->model.half_norms && t->model.mean;
  return model && t->x && t->y && t->z && t->code && t->products && t->lut ? VS_OK : VS_OUT_OF_MEMORY;
}

vs_status vs_turbo_create(vs_alloc *a, vs_hnsw *g, vs_turbo **out) {
  vs_turbo *t = vs_calloc(a, 1, sizeof(*t));
  if (!t) return VS_OUT_OF_MEMORY;
  t->a = a;
  t->g = g;
  t->dim = g->space->vectors->dim;
  t->n = (t->dim + VS_ROTATION_BLOCK - 1) / VS_ROTATION_BLOCK * VS_ROTATION_BLOCK;
  for (t->width = 2; t->n / t->width > VS_MAX_PIECES; t->width *= 2) {}
  t->m = t->n / t->width;
  t->cap = (2 * g->M + GROUP - 1) / GROUP * GROUP;
  uint32_t bytes = t->cap * 2 * (uint32_t)sizeof(float) + t->cap * t->m / 2;
  vs_blocks_init(&t->node, a, (bytes + ITEM_ALIGN - 1) / ITEM_ALIGN * ITEM_ALIGN);
  vs_status status = allocate(t);
  if (status != VS_OK) {
    vs_turbo_destroy(t);
    return status;
  }
  *out = t;
  return VS_OK;
}

void vs_turbo_destroy(vs_turbo *t) {
  if (!t) return;
  if (t->g->derived == &t->node) t->g->derived = NULL;
  vs_blocks_deinit(&t->node);
  vs_rotation_deinit(&t->rotation, t->a);
  vs_free(t->a, t->model.codebook);
  vs_free(t->a, t->model.half_norms);
  vs_free(t->a, t->model.mean);
  vs_free(t->a, t->x);
  vs_free(t->a, t->y);
  vs_free(t->a, t->z);
  vs_free(t->a, t->code);
  vs_free(t->a, t->products);
  vs_free(t->a, t->lut);
  vs_free(t->a, t->found);
  vs_free(t->a, t);
}

size_t vs_turbo_bytes(const vs_turbo *t) {
  size_t floats = (2 + VS_CENTROIDS + 1 + 3) * (size_t)t->n + 2 * VS_CENTROIDS * (size_t)t->m;
  return sizeof(*t) + vs_blocks_bytes(&t->node) + floats * sizeof(float) + (1 + VS_CENTROIDS) * (size_t)t->m +
         t->cap_found * sizeof(vs_pair);
}

vs_status vs_turbo_reserve(vs_turbo *t, uint32_t n_slots) { return vs_blocks_reserve(&t->node, n_slots); }

/* -- Coding ------------------------------------------------------------ */

void vs_turbo_rotate(const vs_turbo *t, float *x, float *out) { vs_rotate(&t->rotation, x, out); }

void vs_turbo_restore(const vs_turbo *t, uint32_t slot, float *out) {
  const vs_code *c = vs_space_code(t->g->space, slot);
  float scale = c->scale, offset = c->offset;
  for (uint32_t i = 0; i < t->dim; i++) out[i] = offset + scale * (float)c->code[i];
  for (uint32_t i = t->dim; i < t->n; i++) out[i] = 0;
}

static float product(const float *a, const float *b, uint32_t n) {
  float sum[8] = {0};
  for (uint32_t i = 0; i < n; i += 8) {
    for (uint32_t j = 0; j < 8; j++) sum[j] += a[i + j] * b[i + j];
  }
  return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

/* Products of the centroids chosen in t->code with r and with p. */
static void coded_products(const vs_turbo *t, const float *r, const float *p, float *with_r, float *with_p) {
  const float *row = t->model.codebook;
  float a = 0, b = 0;
  for (uint32_t j = 0, i = 0; j < t->m; j++) {
    for (uint32_t end = i + t->width; i < end; i++, row += VS_CENTROIDS) {
      float c = row[t->code[j]];
      a += c * r[i];
      b += c * p[i];
    }
  }
  *with_r = a;
  *with_p = b;
}

static void store_codes(const vs_turbo *t, uint8_t *group, uint32_t place) {
  for (uint32_t j = 0; j < t->m; j += 2) group[j * 8 + place] = (uint8_t)(t->code[j] | t->code[j + 1] << 4);
}

/* One neighbour; p is the rotated node in t->x, less the mean. */
static void code_neighbour(vs_turbo *t, uint32_t y, const float *node, float *factor, float *add) {
  vs_metric metric = t->g->space->metric;
  float *r = t->z;
  vs_turbo_restore(t, y, t->y);
  for (uint32_t i = 0; i < t->dim; i++) t->y[i] -= node[i];
  vs_turbo_rotate(t, t->y, r);
  float square = product(r, r, t->n), inverse = square > 0 ? 1 / sqrtf(square) : 0, with_r, with_p;
  for (uint32_t i = 0; i < t->n; i++) t->y[i] = r[i] * inverse;
  vs_nearest(t->y, t->model.codebook, t->model.half_norms, t->m, t->width, t->code);
  coded_products(t, r, t->x, &with_r, &with_p);
  float s = with_r > 0 ? square / with_r : 0, cross = s * with_p;
  if (metric == VS_EUCLIDEAN) {
    *add = square + 2 * cross;
    *factor = 2 * s;
  } else {
    float own = metric == VS_COSINE ? square / 2 : -product(r, t->x, t->n) - product(r, t->model.mean, t->n);
    *add = own + cross;
    *factor = s;
  }
  if (!(*factor >= FLT_MIN)) *factor = FLT_MIN; /* 0 would mean out of date */
  if (!(*add == *add)) *add = 0;
}

void vs_turbo_refresh(vs_turbo *t, uint32_t slot) {
  float *factor = factors(t, slot), *add = factor + t->cap;
  if (factor[0] != 0) return;
  const vs_links *links = vs_hnsw_base(t->g, slot);
  uint8_t *codes = (uint8_t *)(add + t->cap);
  uint32_t near[2 * 128];
  for (uint32_t i = 0; i < links->n; i++) near[i] = links->link[i] & VS_LINK_SLOT;
  vs_space_touch(t->g->space, near, links->n);
  vs_turbo_restore(t, slot, t->y);
  vs_turbo_rotate(t, t->y, t->x);
  for (uint32_t i = 0; i < t->n; i++) t->x[i] -= t->model.mean[i];
  float *node = t->products; /* free while nothing is searched: 16 m floats hold dim of them */
  vs_turbo_restore(t, slot, node);
  for (uint32_t i = 0; i < t->cap; i++) {
    if (i < links->n) {
      code_neighbour(t, near[i], node, factor + i, add + i);
      store_codes(t, codes + (size_t)(i / 16) * 8 * t->m, i % 16);
    } else {
      factor[i] = FLT_MIN;
      add[i] = INFINITY;
    }
  }
}

void vs_turbo_forget(vs_turbo *t) {
  for (uint32_t slot = 0; slot < t->node.n_items; slot++) factors(t, slot)[0] = 0;
}
