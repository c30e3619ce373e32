/* exact.c - the exact nearest neighbours of the benchmark's queries.
 *
 * Usage: exact DIR DIM K METRIC
 * Reads DIR/base.f32 and DIR/queries.f32; writes DIR/truth.u32, the K nearest
 * rows of each query, nearest first, and DIR/nearest.f32, their distances (for
 * cosine the Euclidean distance of the normalised vectors, which is what an
 * intrinsic dimension is estimated from). Knows nothing of the engine it
 * judges. Blocks of base vectors that fit the cache are compared with all
 * queries in turn: O(n q dim) operations, O(n / BLOCK * q * dim) bytes read.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 256u

typedef struct {
  float d;
  uint32_t id;
} hit;

static void die(const char *what) {
  fprintf(stderr, "exact: %s\n", what);
  exit(1);
}

static float *read_all(const char *dir, const char *name, size_t *floats) {
  char path[4096];
  snprintf(path, sizeof(path), "%s/%s", dir, name);
  FILE *f = fopen(path, "rb");
  if (!f || fseek(f, 0, SEEK_END)) die(path);
  long bytes = ftell(f);
  rewind(f);
  float *p = malloc((size_t)bytes);
  if (!p || fread(p, 1, (size_t)bytes, f) != (size_t)bytes) die(path);
  fclose(f);
  *floats = (size_t)bytes / sizeof(float);
  return p;
}

static float squared(const float *a, const float *b, uint32_t n) {
  float sum = 0;
  for (uint32_t i = 0; i < n; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

static float minus_dot(const float *a, const float *b, uint32_t n) {
  float sum = 0;
  for (uint32_t i = 0; i < n; i++) sum += a[i] * b[i];
  return -sum;
}

static float manhattan(const float *a, const float *b, uint32_t n) {
  float sum = 0;
  for (uint32_t i = 0; i < n; i++) sum += fabsf(a[i] - b[i]);
  return sum;
}

static void normalise(float *v, size_t n, uint32_t dim) {
  for (size_t i = 0; i < n; i++, v += dim) {
    double sum = 0;
    for (uint32_t j = 0; j < dim; j++) sum += (double)v[j] * (double)v[j];
    float inverse = sum > 0 ? (float)(1 / sqrt(sum)) : 0;
    for (uint32_t j = 0; j < dim; j++) v[j] *= inverse;
  }
}

static void keep(hit *best, uint32_t k, uint32_t *n, float d, uint32_t id) {
  if (*n == k && d >= best[k - 1].d) return;
  uint32_t at = *n < k ? (*n)++ : k - 1;
  for (; at > 0 && best[at - 1].d > d; at--) best[at] = best[at - 1];
  best[at] = (hit){d, id};
}

static void write_part(const char *dir, const char *name, const hit *best, size_t n, int ids, int root) {
  char path[4096];
  snprintf(path, sizeof(path), "%s/%s", dir, name);
  FILE *f = fopen(path, "wb");
  if (!f) die(path);
  for (size_t i = 0; i < n; i++) {
    float d = root ? sqrtf(best[i].d) : best[i].d;
    if (fwrite(ids ? (const void *)&best[i].id : (const void *)&d, 4, 1, f) != 1) die(path);
  }
  if (fclose(f)) die(path);
}

int main(int argc, char **argv) {
  if (argc != 5) die("usage: exact DIR DIM K METRIC");
  uint32_t dim = (uint32_t)atoi(argv[2]), k = (uint32_t)atoi(argv[3]);
  int cosine = !strcmp(argv[4], "cosine"), root = cosine || !strcmp(argv[4], "euclidean");
  float (*distance)(const float *, const float *, uint32_t) = squared;
  if (!strcmp(argv[4], "dot"))
    distance = minus_dot;
  else if (!strcmp(argv[4], "manhattan"))
    distance = manhattan;
  else if (!root)
    die("metric must be cosine, euclidean, dot or manhattan");
  if (dim == 0 || k == 0) die("DIM and K must be positive");

  size_t base_floats, query_floats;
  float *base = read_all(argv[1], "base.f32", &base_floats), *query = read_all(argv[1], "queries.f32", &query_floats);
  size_t n = base_floats / dim, q = query_floats / dim;
  if (n < k) die("fewer vectors than K");
  if (cosine) {
    normalise(base, n, dim);
    normalise(query, q, dim);
  }
  hit *best = malloc(q * k * sizeof(hit));
  uint32_t *found = calloc(q, sizeof(*found));
  if (!best || !found) die("no memory");
  for (size_t from = 0; from < n; from += BLOCK) {
    size_t to = n - from < BLOCK ? n : from + BLOCK;
    for (size_t i = 0; i < q; i++) {
      for (size_t j = from; j < to; j++) {
        keep(best + i * k, k, &found[i], distance(query + i * dim, base + j * dim, dim), (uint32_t)j);
      }
    }
  }
  write_part(argv[1], "truth.u32", best, q * k, 1, 0);
  write_part(argv[1], "nearest.f32", best, q * k, 0, root);
  free(best);
  free(found);
  free(base);
  free(query);
  return 0;
}
