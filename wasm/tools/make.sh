#!/bin/sh
# make.sh TARGET... - what the npm scripts call: make, installed first where a
# fresh machine has none.
set -eu
cd "$(dirname "$0")/../.."
command -v make >/dev/null 2>&1 || sh wasm/tools/setup.sh make
exec make --no-print-directory -j"$(getconf _NPROCESSORS_ONLN)" "$@"
