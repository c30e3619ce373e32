/* checkpoint.h - the steps of a checkpoint, shared by checkpoint, open and export.
 *
 * Layer: db. vs_checkpoint_step goes on until *wrote is true; then the caller
 * must have everything synced before the next step. Finished at CHECKPOINT_DONE.
 */
#ifndef VS_CHECKPOINT_H
#define VS_CHECKPOINT_H

#include "image.h"

typedef struct {
  vs_collection *c;
  vs_store *store;
  enum { CHECKPOINT_BEGIN, CHECKPOINT_WRITE, CHECKPOINT_INSTALL, CHECKPOINT_RETIRE, CHECKPOINT_DONE } state;
  vs_image_writer image;
  vs_wr blob;
} vs_checkpoint;

/* whole: write every record, into a store that is not the collection's own. */
void vs_checkpoint_init(vs_checkpoint *k, vs_collection *c, vs_store *store, bool whole, bool optimize);
/* Before CHECKPOINT_DONE this takes the checkpoint back. */
void vs_checkpoint_deinit(vs_checkpoint *k);
VS_MUST_USE vs_status vs_checkpoint_step(vs_checkpoint *k, double *budget, bool *wrote, vs_err *err);

#endif
