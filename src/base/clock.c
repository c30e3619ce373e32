/* clock.c - the monotonic clock of POSIX and WASI.
 *
 * Layer: base; besides io_posix.c the only file that asks the operating system
 * for something.
 */
#if !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif

#include "clock.h"

#include <time.h>

double vs_clock_us(void) {
  struct timespec t;
  return clock_gettime(CLOCK_MONOTONIC, &t) == 0 ? (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3 : 0;
}
