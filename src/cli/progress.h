/* progress.h - how far a long command is: a bar on a terminal, a line now and then elsewhere. Layer: cli. */
#ifndef VS_CLI_PROGRESS_H
#define VS_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
  uint64_t done, total; /* bytes */
  uint32_t files_done, files;
  unsigned columns; /* of the terminal; 0 = none */
  bool quiet, drawn;
  double started, shown; /* seconds */
} cli_progress;

void cli_progress_begin(cli_progress *p, uint64_t total, uint32_t files, bool quiet);
/* Tells of `bytes` more; shows it when it is time to. */
void cli_progress_add(cli_progress *p, uint64_t bytes);
/* Wipes the bar, so that something else can be said. */
void cli_progress_hide(cli_progress *p);

#endif
