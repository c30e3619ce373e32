/* progress.c - the bar and the lines (progress.h). Layer: cli. */
#include "progress.h"

#include <stdio.h>
#include <string.h>

#include "files.h"

#define BAR_SECONDS 0.1
#define LINE_SECONDS 5.0

void cli_progress_begin(cli_progress *p, uint64_t total, uint32_t files, bool quiet) {
  double now = cli_seconds();
  *p = (cli_progress){.total = total, .files = files, .columns = cli_terminal_columns(), .quiet = quiet};
  p->started = p->shown = now;
}

/* "3:05", "1:02:03", or dashes while nothing is known. */
static void write_time(char out[16], double seconds) {
  if (seconds < 0 || seconds > 359999) {
    memcpy(out, "--:--", 6);
    return;
  }
  unsigned s = (unsigned)(seconds + 0.5);
  if (s >= 3600)
    snprintf(out, 16, "%u:%02u:%02u", s / 3600 % 100, s / 60 % 60, s % 60);
  else
    snprintf(out, 16, "%u:%02u", s / 60, s % 60);
}

static void show(cli_progress *p, double now) {
  double share = p->total > 0 ? (double)p->done / (double)p->total : 1, elapsed = now - p->started;
  if (share > 1) share = 1;
  char eta[16], tail[96];
  write_time(eta, p->done > 0 && elapsed > 0.5 ? elapsed / share - elapsed : -1);
  snprintf(tail, sizeof tail, "%3u %%  %u of %u files  %.1f MB/s  ETA %s", (unsigned)(share * 100), p->files_done,
           p->files, elapsed > 0 ? (double)p->done / 1e6 / elapsed : 0, eta);
  if (p->columns == 0) {
    fprintf(stderr, "indexing: %s\n", tail);
    return;
  }
  char bar[64] = "";
  size_t used = strlen(tail) + 4, width = p->columns > used + 10 ? p->columns - used : 0;
  if (width > sizeof bar - 1) width = sizeof bar - 1;
  for (size_t i = 0; i < width; i++) bar[i] = (double)i < share * (double)width ? '#' : '.';
  bar[width] = '\0';
  fprintf(stderr, "\r%s%s%s%s\033[K", width ? "[" : "", bar, width ? "] " : "", tail);
  fflush(stderr);
  p->drawn = true;
}

void cli_progress_add(cli_progress *p, uint64_t bytes) {
  p->done += bytes;
  double now = cli_seconds();
  if (p->quiet || now - p->shown < (p->columns > 0 ? BAR_SECONDS : LINE_SECONDS)) return;
  p->shown = now;
  show(p, now);
}

void cli_progress_hide(cli_progress *p) {
  if (p->drawn) fputs("\r\033[K", stderr);
  p->drawn = false;
}
