/* The shipped model's vectors of the golden texts have the checksum that tests/embed/vectors.crc32c records: the
 * WebAssembly build is held to the same file (tests/embed/text_module.test.mjs). */
#include "world.h"

int main(void) {
  size_t n_model, n_golden, n_bits;
  uint8_t *model = read_file(SHIPPED_MODEL, &n_model), *golden = read_file("tests/embed/tokens.tsv", &n_golden);
  uint8_t *bits = read_file("tests/embed/vectors.crc32c", &n_bits);
  vs_alloc alloc;
  vs_embedder *embedder;
  vs_err err;
  uint32_t crc = 0;
  float out[1024];
  vs_alloc_init(&alloc);
  must(vs_embedder_open(&alloc, model, n_model, &embedder, &err) == VS_OK);
  for (uint8_t *in = golden; in < golden + n_golden; in++) {
    uint8_t *text = in, *to = in;
    for (; *in != '\t'; in++) {
      if (*in == '\\') {
        char digits[3] = {(char)in[2], (char)in[3], 0};
        *to++ = (uint8_t)strtoul(digits, NULL, 16);
        in += 3;
      } else {
        *to++ = *in;
      }
    }
    vs_embedder_embed(embedder, text, (size_t)(to - text), out);
    crc = vs_crc32c(crc, out, vs_embedder_dimension(embedder) * sizeof *out);
    while (*in != '\n') in++;
  }
  if (!ok(crc == strtoul((const char *)bits, NULL, 16), "the golden bits")) printf("# found %08x\n", crc);
  vs_embedder_close(embedder);
  ok(alloc.used == 0, "nothing is left");
  free(model);
  free(golden);
  free(bits);
  return tap_done();
}
