/* analyze.h - included before each source when clang-tidy reads it, to tell its
 * analyzer what lies in another file: vs_fail gives back the status it is given,
 * so `return vs_fail(...)` is never VS_OK. */
#include "../../src/base/status.h"

#define vs_fail(err, status, ...) ((void)(vs_fail)(err, status, __VA_ARGS__), (status))
#define vs_fail_file(err, status, ...) ((void)(vs_fail_file)(err, status, __VA_ARGS__), (status))
