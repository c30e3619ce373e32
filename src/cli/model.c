/* model.c - finding and opening the model file (model.h). Layer: cli. */
#include "model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"

bool cli_model_open(cli_model *model, vs_alloc *a, const char *option) {
  *model = (cli_model){.a = a};
  const char *path = option ? option : getenv("VECSTORE_MODEL");
  size_t n = 0;
  vs_err err;
  if (!path || *path == '\0') {
    fputs("vecstore: this needs an embedding model: install the package vecstore-static-en, or name a model file with "
          "--model or the variable VECSTORE_MODEL\n",
          stderr);
    return false;
  }
  model->bytes = cli_read_whole(a, path, &n);
  if (!model->bytes) {
    fprintf(stderr, "vecstore: cannot read the model %s: %s\n", path, strerror(errno));
    return false;
  }
  if (vs_embedder_open(a, model->bytes, n, &model->embedder, &err) == VS_OK) return true;
  fprintf(stderr, "vecstore: %s is no usable model: %s\n", path, err.msg);
  cli_model_close(model);
  return false;
}

void cli_model_close(cli_model *model) {
  vs_embedder_close(model->embedder);
  vs_free(model->a, model->bytes);
  *model = (cli_model){.a = model->a};
}
