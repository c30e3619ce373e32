/* model.h - the embedding model of the commands that need one. Layer: cli. */
#ifndef VS_CLI_MODEL_H
#define VS_CLI_MODEL_H

#include "../embed/embed.h"

typedef struct {
  vs_alloc *a;
  uint8_t *bytes; /* owned; borrowed by the embedder */
  vs_embedder *embedder;
} cli_model;

/* Opens the model file named by the option, else by the variable VECSTORE_MODEL, which the npm package's
 * program sets. false after a complaint. */
bool cli_model_open(cli_model *model, vs_alloc *a, const char *option);
void cli_model_close(cli_model *model);

#endif
