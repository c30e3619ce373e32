/* index_bench.c - build cost, recall and speed of the graph index, natively.
 *
 * Usage: index_bench [n] [dim] [M] [ef_construction] [metric] [data file]
 *        defaults 20000 128 16 200 euclidean
 *
 * Data: 200 clusters of Zipf-distributed sizes, each a 30-dimensional local
 * subspace plus noise, seeded; the last 1,000 vectors are the queries. With a
 * data file the vectors are written there first (n + 1000 rows of dim floats),
 * so that another program can be measured on the same data. Prints one JSON
 * object per line: the build, then each ef with recall@10 against the exact
 * scan, queries per second (best of 3 rounds) and distances per query; then
 * the image's size with its writing and loading times.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../../src/base/rng.h"
#include "../../../src/index/index.h"

#define N_QUERIES 1000u
#define K 10u
#define CLUSTERS 200u
#define LOCAL 30u

static double cpu_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void check(vs_status status) {
  if (status == VS_OK) return;
  fprintf(stderr, "index_bench: %s\n", vs_status_name(status));
  exit(1);
}

static float gauss(vs_rng *r) {
  double u = vs_rng_f32(r) + 1e-7, v = vs_rng_f32(r);
  return (float)(sqrt(-2 * log(u)) * cos(6.283185307179586 * v));
}

static float *make_data(uint32_t n, uint32_t dim) {
  vs_rng r = {42};
  float *data = malloc((size_t)n * dim * sizeof(float)), *centre = malloc(CLUSTERS * (size_t)dim * sizeof(float));
  float *basis = malloc((size_t)CLUSTERS * LOCAL * dim * sizeof(float)), sum[CLUSTERS];
  if (!data || !centre || !basis) exit(1);
  for (uint32_t i = 0; i < CLUSTERS * dim; i++) centre[i] = gauss(&r);
  for (size_t i = 0; i < (size_t)CLUSTERS * LOCAL * dim; i++) basis[i] = gauss(&r) * 0.3f;
  for (uint32_t c = 0; c < CLUSTERS; c++) sum[c] = (c ? sum[c - 1] : 0) + 1 / (float)(c + 1);
  for (uint32_t i = 0; i < n; i++) {
    float *x = data + (size_t)i * dim, u = vs_rng_f32(&r) * sum[CLUSTERS - 1];
    uint32_t c = 0;
    while (c + 1 < CLUSTERS && sum[c] < u) c++;
    for (uint32_t j = 0; j < dim; j++) x[j] = centre[c * dim + j] + 0.05f * gauss(&r);
    for (uint32_t l = 0; l < LOCAL; l++) {
      float t = gauss(&r);
      const float *b = basis + ((size_t)c * LOCAL + l) * dim;
      for (uint32_t j = 0; j < dim; j++) x[j] += t * b[j];
    }
  }
  free(centre);
  free(basis);
  return data;
}

static void measure(vs_index *ix, const float *queries, uint32_t dim, const vs_hit *truth, uint32_t ef) {
  vs_search_params params = {.k = K, .ef = ef};
  uint64_t n_distances = 0, n_hops = 0;
  uint32_t found = 0;
  double best = 1e9;
  for (int round = 0; round < 3; round++) {
    double start = cpu_seconds();
    for (uint32_t i = 0; i < N_QUERIES; i++) {
      vs_hit hit[K];
      vs_search_stats stats;
      uint32_t n;
      check(vs_index_search(ix, queries + (size_t)i * dim, &params, hit, &n, &stats));
      if (round > 0) continue;
      n_distances += stats.n_distances;
      n_hops += stats.n_hops;
      for (uint32_t j = 0; j < n; j++) {
        for (uint32_t l = 0; l < K; l++) found += hit[j].slot == truth[i * K + l].slot;
      }
    }
    double t = cpu_seconds() - start;
    if (t < best) best = t;
  }
  printf("{\"ef\": %u, \"recall\": %.4f, \"qps\": %.0f, \"distances\": %.0f, \"hops\": %.1f}\n", ef,
         (double)found / (N_QUERIES * K), N_QUERIES / best, (double)n_distances / N_QUERIES,
         (double)n_hops / N_QUERIES);
  fflush(stdout);
}

static void image(vs_alloc *a, vs_index *ix, const vs_index_config *config, const vs_vectors *vectors,
                  const vs_blocks *sequences, uint32_t n) {
  vs_wr wr[4096];
  uint32_t n_chunks = 0;
  size_t bytes = 0;
  double start = cpu_seconds();
  bool done = false;
  for (vs_index_encode_begin(ix); !done && n_chunks < 4096; n_chunks++) {
    vs_wr_init(&wr[n_chunks], a);
    check(vs_index_encode_next(ix, &wr[n_chunks], &done));
    bytes += wr[n_chunks].n;
  }
  double encoded = cpu_seconds();
  vs_index *copy;
  check(vs_index_create(a, config, vectors, sequences, &copy));
  check(vs_index_load_begin(copy, n, NULL));
  for (uint32_t i = 0; i < n_chunks; i++) check(vs_index_load_chunk(copy, (vs_slice){wr[i].p, wr[i].n}, NULL));
  double decoded = cpu_seconds();
  check(vs_index_load_end(copy, NULL));
  double checked = cpu_seconds();
  printf("{\"image_bytes\": %zu, \"encode_s\": %.3f, \"decode_s\": %.3f, \"check_s\": %.3f}\n", bytes, encoded - start,
         decoded - encoded, checked - decoded);
  vs_index_destroy(copy);
  for (uint32_t i = 0; i < n_chunks; i++) vs_wr_deinit(&wr[i]);
}

int main(int argc, char **argv) {
  uint32_t n = argc > 1 ? (uint32_t)atoi(argv[1]) : 20000, dim = argc > 2 ? (uint32_t)atoi(argv[2]) : 128;
  vs_index_config config = {VS_INDEX_HNSW, VS_EUCLIDEAN, argc > 3 ? (uint32_t)atoi(argv[3]) : 16,
                            argc > 4 ? (uint32_t)atoi(argv[4]) : 200, 1};
  if (argc > 5) config.metric = vs_metric_parse(argv[5], strlen(argv[5]));
  float *data = make_data(n + N_QUERIES, dim), *queries = data + (size_t)n * dim;
  if (argc > 6) {
    FILE *f = fopen(argv[6], "wb");
    if (!f || fwrite(data, (size_t)dim * sizeof(float), n + N_QUERIES, f) != n + N_QUERIES || fclose(f)) return 1;
  }
  vs_alloc a;
  vs_vectors vectors;
  vs_blocks sequences;
  vs_index *ix;
  vs_alloc_init(&a);
  vs_vectors_init(&vectors, &a, dim);
  vs_blocks_init(&sequences, &a, sizeof(uint64_t));
  check(vs_index_create(&a, &config, &vectors, &sequences, &ix));
  check(vs_vectors_reserve(&vectors, n));
  check(vs_blocks_reserve(&sequences, n));
  double start = cpu_seconds();
  for (uint32_t i = 0; i < n; i++) {
    uint64_t sequence = i;
    vs_vectors_set(&vectors, i, data + (size_t)i * dim);
    *(uint64_t *)vs_blocks_at(&sequences, i) = sequence;
    check(vs_index_prepare(ix, i + 1, 1, &sequence));
    vs_index_insert(ix, i);
  }
  printf("{\"n\": %u, \"dim\": %u, \"M\": %u, \"ef_construction\": %u, \"metric\": \"%s\", \"build_s\": %.2f, "
         "\"index_bytes_per_vector\": %.1f}\n",
         n, dim, config.M, config.ef_construction, vs_metric_name(config.metric), cpu_seconds() - start,
         (double)vs_index_bytes(ix) / n);
  fflush(stdout);
  vs_hit *truth = malloc(N_QUERIES * K * sizeof(*truth));
  vs_search_params exact = {.k = K, .exact = true};
  uint32_t found;
  if (!truth) return 1;
  for (uint32_t i = 0; i < N_QUERIES; i++) {
    check(vs_index_search(ix, queries + (size_t)i * dim, &exact, truth + i * K, &found, NULL));
  }
  const uint32_t efs[] = {10, 20, 40, 80, 160};
  for (uint32_t i = 0; i < 5; i++) measure(ix, queries, dim, truth, efs[i]);
  image(&a, ix, &config, &vectors, &sequences, n);
  free(truth);
  free(data);
  vs_index_destroy(ix);
  vs_vectors_deinit(&vectors);
  vs_blocks_deinit(&sequences);
  return 0;
}
