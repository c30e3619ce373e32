/* sgemm_flat.c - the peer of exact batches: flat search by OpenBLAS's matrix product and a sorted list of the k best.
 *
 *   sgemm_flat DIRECTORY DIM QUERIES ROUNDS     base.f32 and queries.f32 of normalised vectors; k = 10; one thread
 *
 * Prints the least CPU seconds of the rounds. Blocks of 4,096 vectors keep the products in the cache.
 */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { K = 10, BLOCK = 4096 };

typedef struct {
  float value[K];
  int row[K];
} best;

static float *read_all(const char *dir, const char *name, size_t *floats) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  FILE *file = fopen(path, "rb");
  if (!file) exit(2);
  fseek(file, 0, SEEK_END);
  *floats = (size_t)ftell(file) / sizeof(float);
  rewind(file);
  float *x = malloc(*floats * sizeof(float));
  if (!x || fread(x, sizeof(float), *floats, file) != *floats) exit(2);
  fclose(file);
  return x;
}

static double cpu(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void take(best *b, const float *products, int n, int first) {
  for (int j = 0; j < n; j++) {
    float x = products[j];
    if (x <= b->value[K - 1]) continue;
    int at = K - 1;
    for (; at > 0 && b->value[at - 1] < x; at--) {
      b->value[at] = b->value[at - 1];
      b->row[at] = b->row[at - 1];
    }
    b->value[at] = x;
    b->row[at] = first + j;
  }
}

static double once(const float *base, int n, int dim, const float *query, int n_queries, float *product, best *found) {
  double from = cpu();
  for (int i = 0; i < n_queries; i++)
    for (int j = 0; j < K; j++) found[i].value[j] = -1e30f;
  for (int first = 0; first < n; first += BLOCK) {
    int m = n - first < BLOCK ? n - first : BLOCK;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n_queries, m, dim, 1, query, dim,
                base + (size_t)first * (size_t)dim, dim, 0, product, BLOCK);
    for (int i = 0; i < n_queries; i++) take(&found[i], product + (size_t)i * BLOCK, m, first);
  }
  return cpu() - from;
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  size_t n_base, n_query;
  int dim = atoi(argv[2]), n_queries = atoi(argv[3]), rounds = atoi(argv[4]);
  float *base = read_all(argv[1], "base.f32", &n_base), *query = read_all(argv[1], "queries.f32", &n_query);
  float *product = malloc((size_t)n_queries * BLOCK * sizeof(float));
  best *found = malloc((size_t)n_queries * sizeof(best));
  if (!product || !found || n_query < (size_t)n_queries * (size_t)dim) return 2;
  double least = 1e9;
  for (int i = 0; i < rounds; i++) {
    double seconds = once(base, (int)(n_base / (size_t)dim), dim, query, n_queries, product, found);
    if (seconds < least) least = seconds;
  }
  printf("%.4f %d\n", least, found[0].row[0]);
  return 0;
}
