/* io_fault.h - a file layer that fails on demand and knows what a crash leaves.
 *
 * Layer: base; built for tests only. Keeps every file in memory twice: what
 * the running program sees, and what is durable. Two uses:
 *
 *  ERRORS   vs_io_fault_plan makes call number N fail with a kind of error,
 *           once or for ever after.
 *  CRASHES  vs_io_fault_crash_at makes call number N and all later ones fail
 *           with VS_IO without effect; then vs_io_fault_reboot throws away
 *           what was not synced, by a seeded choice, and yields the state a
 *           machine would find after the power came back.
 *
 * THE CRASH MODEL. Between syncs each append is a list of unsynced pieces
 * (cut at 1 byte, 512 bytes or 4 KiB borders by the seed). At reboot each
 * piece of each file is independently kept, dropped (zeros if a later piece
 * is kept, else the file is shorter) or torn (garbage bytes), and each
 * unsynced create, mkdir or remove is independently kept or undone. Synced data
 * and synced names always survive. Each reboot first draws a mood (nothing
 * unsynced survives, all of it does, or a share), once for contents and once
 * for names, so that the extremes come up however many pieces there are. A
 * name is gone when its directory is. A torn piece is random bytes, zeros,
 * a good beginning with a random rest, or has one wrong byte. A name whose creation is durable may have
 * no or partial contents if the file itself was not synced.
 * A sync that the crash interrupts may have done any part of its work.
 */
#ifndef VS_IO_FAULT_H
#define VS_IO_FAULT_H

#include "io.h"

typedef enum {
  VS_FAULT_EIO,    /* the call fails, nothing done */
  VS_FAULT_ENOSPC, /* append/open/mkdir: VS_NO_SPACE, nothing done; others as EIO */
  VS_FAULT_SHORT,  /* append: half the bytes are written, then VS_NO_SPACE; read: half the bytes, VS_OK */
  VS_FAULT_SYNC,   /* sync and sync_dir fail, and drop what was not synced */
  VS_FAULT_FULL    /* the same with VS_NO_SPACE */
} vs_fault_kind;
/* SHORT leaves calls other than append and read alone, SYNC and FULL those other
 * than sync and sync_dir; a short read gives at least one byte where there is one.
 * What a failed sync dropped is still seen by the running program (as Linux
 * does), no later sync saves it, and no reboot leaves it. */

VS_MUST_USE vs_status vs_io_fault_create(vs_alloc *a, vs_io **out);
/* Calls made so far through ops (open, read, append, remove, mkdir, list, sync, sync_dir, size). */
uint64_t vs_io_fault_calls(const vs_io *io);
void vs_io_fault_plan(vs_io *io, uint64_t at_call, vs_fault_kind kind, bool forever);
void vs_io_fault_crash_at(vs_io *io, uint64_t at_call);
bool vs_io_fault_crashed(const vs_io *io);
/* Applies the crash model with `seed`, clears every plan, sets the call
 * counter to 0. All vs_file handles are invalid afterwards. */
VS_MUST_USE vs_status vs_io_fault_reboot(vs_io *io, uint64_t seed);
/* A deep copy of the durable-and-visible state (no handles, no plans, counter 0), for trying many reboots from one run.
 */
VS_MUST_USE vs_status vs_io_fault_clone(const vs_io *io, vs_io **out);
/* For corruption tests: flips one bit / cuts a file to n bytes, both states.
 * Beyond the file's end: VS_INVALID_ARGUMENT. */
VS_MUST_USE vs_status vs_io_fault_flip(vs_io *io, const char *name, uint64_t bit);
VS_MUST_USE vs_status vs_io_fault_cut(vs_io *io, const char *name, uint64_t n);

#endif
