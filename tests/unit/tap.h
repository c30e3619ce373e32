/* tap.h - the test protocol of the C unit tests: one line per claim.
 *
 * Prints TAP version 13. `ok(cond, ...)` counts a claim; `tap_done()` prints
 * the plan and gives the exit status. A failing claim prints file and line.
 */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_count, tap_failed;

__attribute__((format(printf, 4, 5), unused)) static int tap_claim(int cond, const char *file, int line,
                                                                   const char *fmt, ...) {
  va_list args;
  printf("%sok %d - ", cond ? "" : "not ", ++tap_count);
  va_start(args, fmt);
  vprintf(fmt, args);
  va_end(args);
  printf("\n");
  if (!cond) {
    tap_failed++;
    printf("# failed at %s:%d\n", file, line);
    fflush(stdout);
  }
  return cond;
}

/* A claim in words: ok(n == 3, "three items after %s", what). */
#define ok(cond, ...) tap_claim(!!(cond), __FILE__, __LINE__, __VA_ARGS__)

/* A precondition: prints and stops the test when it does not hold. */
#define must(cond)                                                                                                     \
  do {                                                                                                                 \
    if (!(cond)) {                                                                                                     \
      printf("not ok %d - must: %s\n# failed at %s:%d\n", ++tap_count, #cond, __FILE__, __LINE__);                     \
      exit(1);                                                                                                         \
    }                                                                                                                  \
  } while (0)

__attribute__((unused)) static int tap_done(void) {
  printf("1..%d\n", tap_count);
  return tap_failed ? 1 : 0;
}

#endif
