/* 1-bit and product codes: every result is what the definition gives, bit for
 * bit: signs, steps of a query, sums of products; centroids nearest; tables. */
#include "../../../src/base/rng.h"
#include "../../../src/kernels/kernels.h"
#include "../tap.h"

#include <math.h>

enum { MAX = 1024 };

static _Alignas(16) float r[MAX], q[MAX], codebook[256 * 64], half_norms[256 * 16], products[256 * 16];

typedef union {
  vs_code_b1 code;
  uint8_t bytes[8 + MAX / 8];
} record;

typedef union {
  vs_query_b1 query;
  _Alignas(16) uint8_t bytes[16 + MAX];
} query;

static float number(vs_rng *random) { return 2 * vs_rng_f32(random) - 1; }

/* Of the query's planes: component i in steps. */
static int32_t steps(const vs_query_b1 *x, uint32_t i) {
  const uint8_t *p = x->plane + i / 128 * VS_B1_PLANE_BYTES + i % 128 / 8;
  uint32_t bit = i % 8, half = bit / 4, u = 0;
  for (uint32_t j = 0; j < 4; j++) u |= (uint32_t)(p[(2 * j + half) * 16] >> bit % 4 & 1) << j;
  return (int32_t)u - (u & 8 ? 16 : 0);
}

static void bits(vs_rng *random, uint32_t n) {
  static record row[4];
  static query asked;
  const vs_code_b1 *x[4];
  bool same = true, rounded = true;
  for (uint32_t j = 0; j < 4; j++) {
    double size = 0, square = 0;
    for (uint32_t i = 0; i < n; i++) r[i] = i % 11 == j ? 0 : number(random);
    vs_b1_encode(r, n, &row[j].code);
    for (uint32_t i = 0; i < n; i++) {
      same = same && (row[j].code.bits[i / 8] >> i % 8 & 1) == (r[i] > 0);
      size += fabs((double)r[i]);
      square += (double)r[i] * (double)r[i];
    }
    same = same && fabs((double)row[j].code.add - size) < 1e-5 * size;
    same = same && fabs((double)row[j].code.factor - square) < 1e-5 * square;
    row[j].code.add = number(random);
    row[j].code.factor = number(random);
    x[j] = &row[j].code;
  }
  ok(same, "%u floats: bits are signs, sums are sums", n);
  for (uint32_t i = 0; i < n; i++) q[i] = number(random);
  vs_b1_query(q, n, &asked.query);
  asked.query.base = number(random);
  int32_t sum = 0;
  for (uint32_t i = 0; i < n; i++) {
    int32_t u = steps(&asked.query, i);
    sum += u;
    rounded = rounded && u >= -7 && u <= 7 && fabsf(asked.query.step * (float)u - q[i]) <= 0.5001f * asked.query.step;
  }
  ok(rounded && sum == asked.query.sum, "  the query is rounded to steps");
  float out[4], floor_at = -0.25f;
  vs_b1_values(&asked.query, x, n, floor_at, out);
  for (uint32_t j = 0; j < 4; j++) {
    int32_t signs = 0;
    for (uint32_t i = 0; i < n; i++)
      signs += (x[j]->bits[i / 8] >> i % 8 & 1) ? steps(&asked.query, i) : -steps(&asked.query, i);
    float product = x[j]->factor * (asked.query.step * (float)signs);
    float value = asked.query.base + (x[j]->add - product);
    same = same && out[j] == (value > floor_at ? value : floor_at);
  }
  ok(same, "  and values are exact");
}

static void zeros(void) {
  static query asked;
  static record row;
  const vs_code_b1 *x[4] = {&row.code, &row.code, &row.code, &row.code};
  float out[4];
  for (uint32_t i = 0; i < 128; i++) q[i] = r[i] = 0;
  vs_b1_encode(r, 128, &row.code);
  vs_b1_query(q, 128, &asked.query);
  asked.query.base = 3;
  vs_b1_values(&asked.query, x, 128, 0, out);
  ok(asked.query.step == 0 && asked.query.sum == 0 && out[0] == 3 && out[3] == 3, "zero vectors have values too");
  for (uint32_t i = 0; i < 128; i++) q[i] = 1e-45f;
  vs_b1_query(q, 128, &asked.query);
  ok(asked.query.sum == 0, "and components whose inverse overflows count as zero");
}

static void products_of(vs_rng *random, uint32_t m, uint32_t width) {
  bool same = true, nearest = true;
  uint8_t code[16], other[4][16];
  for (uint32_t i = 0; i < m * width; i++) q[i] = number(random);
  for (uint32_t i = 0; i < m * width * 256; i++) codebook[i] = number(random);
  vs_pq_products(q, codebook, m, width, products);
  for (uint32_t j = 0; j < m; j++) {
    for (uint32_t k = 0; k < 256; k++) {
      float sum = 0, norm = 0;
      for (uint32_t t = 0; t < width; t++) {
        float c = codebook[(j * width + t) * 256 + k], product = q[j * width + t] * c;
        sum += product;
        norm += c * c / 2;
      }
      same = same && products[j * 256 + k] == sum;
      half_norms[j * 256 + k] = k == 7 ? INFINITY : norm;
    }
  }
  ok(same, "%u pieces of %u: products are exact", m, width);
  vs_pq_nearest(products, half_norms, m, code);
  for (uint32_t j = 0; j < m; j++) {
    for (uint32_t k = 0; k < 256; k++) {
      float a = half_norms[j * 256 + code[j]] - products[j * 256 + code[j]];
      float b = half_norms[j * 256 + k] - products[j * 256 + k];
      nearest = nearest && (b > a || (b == a && k >= code[j]));
    }
  }
  ok(nearest, "  the chosen centroid is the nearest, the first of equal ones, never one that is infinite");
  const uint8_t *x[4];
  float out[4];
  for (uint32_t i = 0; i < 4; i++) {
    x[i] = other[i];
    for (uint32_t j = 0; j < m; j++) other[i][j] = (uint8_t)vs_rng_below(random, 256);
  }
  vs_pq_sums(products, x, m, out);
  for (uint32_t i = 0; i < 4; i++) {
    float sum = 0;
    for (uint32_t j = 0; j < m; j++) sum += products[j * 256 + x[i][j]];
    same = same && out[i] == sum;
  }
  ok(same, "  sums over tables are exact");
}

int main(void) {
  vs_rng random = {20261123};
  for (uint32_t n = 128; n <= MAX; n += 128) bits(&random, n);
  zeros();
  products_of(&random, 1, 1);
  products_of(&random, 3, 5);
  products_of(&random, 8, 8);
  products_of(&random, 16, 3);
  return tap_done();
}
