/* replay.h - runs a fuzz target over its corpus, for those programs that are not linked with libFuzzer.
 *
 * Included after LLVMFuzzerTestOneInput. A block of each input's size, so that a byte read too far is noticed.
 */
#ifndef FUZZ_REPLAY_H
#define FUZZ_REPLAY_H

#include "../unit/tap.h"

#include <dirent.h>

static void replay_one(const char *path) {
  FILE *file = fopen(path, "rb");
  must(file != NULL);
  must(fseek(file, 0, SEEK_END) == 0);
  long n = ftell(file);
  must(n >= 0 && fseek(file, 0, SEEK_SET) == 0);
  uint8_t *data = malloc(n > 0 ? (size_t)n : 1);
  must(data != NULL && fread(data, 1, (size_t)n, file) == (size_t)n);
  fclose(file);
  LLVMFuzzerTestOneInput(data, (size_t)n);
  free(data);
}

/* The whole test program: replays every file of the folder, at least 20. */
static int replay_corpus(const char *folder) {
  DIR *dir = opendir(folder);
  must(dir != NULL);
  unsigned n = 0;
  char path[512];
  for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    replay_one(path);
    n++;
  }
  closedir(dir);
  ok(n >= 20, "%u inputs of the corpus do no harm", n);
  return tap_done();
}

#endif
