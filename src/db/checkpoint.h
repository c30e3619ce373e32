/* checkpoint.h - the steps of a checkpoint, shared by checkpoint, open and export.
 *
 * Layer: db. vs_checkpoint_step goes on until *wrote is true; then the caller
 * must have everything synced before the next step. Finished at CHECKPOINT_DONE.
 */
#ifndef VS_CHECKPOINT_H
#define VS_CHECKPOINT_H

#include "image.h"

/* What a checkpoint does to the store's snapshots on its way. */
typedef enum { VS_SNAPSHOTS_KEEP, VS_SNAPSHOTS_ADD, VS_SNAPSHOTS_DROP } vs_snapshot_change;
typedef struct {
  vs_snapshot_change change;
  char name[VS_SNAPSHOT_NAME_MAX + 1]; /* of the one added or dropped */
  uint64_t now_ms;                     /* ADD: when it was made */
} vs_snapshot_request;

/* The snapshot's index in the store, or VS_NO_SLOT. */
uint32_t vs_snapshot_find(const vs_store *store, const char *name);

typedef struct {
  vs_collection *c;
  vs_store *store;
  vs_snapshot_request snapshot;
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
