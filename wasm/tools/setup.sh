#!/bin/sh
# setup.sh WHAT [OUT] - finds the toolchain, installing Debian's where it may.
#
# WHAT is `make` (only make itself), `build` (compilers; writes the paths found
# to OUT, a file for make, and Emscripten's settings beside it) or `test` (what
# only the tests and the lint need).
#
# Looked for, in this order:
#   C to WASI     $WASI_SDK_PATH, else clang 18 or newer with wasm-ld and wasi-libc
#   Emscripten    $EMSDK, else emcc in PATH
# A missing tool is installed with apt-get on Debian and its kin when run as
# root; anywhere else the script says what is needed and fails.
set -eu

WHAT=$1
OUT=${2:-}
VERSIONS="19 20 21 22 18"

say() { echo "  setup    $*"; }

have() { command -v "$1" >/dev/null 2>&1; }

# The first of NAME-19, NAME-20, ..., NAME in PATH that is new enough.
find_llvm() {
  for v in $VERSIONS; do
    if have "$1-$v"; then
      command -v "$1-$v"
      return
    fi
  done
  if have "$1" && [ "$("$1" --version | sed -n 's/.*version \([0-9]*\).*/\1/p;s/^LLD \([0-9]*\).*/\1/p' | head -n 1)" -ge 18 ] 2>/dev/null; then
    command -v "$1"
  fi
}

install_packages() {
  if ! have apt-get || [ "$(id -u)" != 0 ]; then
    echo "vecstore needs these tools, and can install them itself only as root on Debian:" >&2
    echo "  GNU make 4.3 or newer; Node.js 20 or newer" >&2
    echo "  for the WASI build: wasi-sdk 24 or newer (WASI_SDK_PATH), or clang, lld and llvm-ar 18 or newer," >&2
    echo "    wasi-libc and the compiler-rt builtins for wasm32" >&2
    echo "  for the Emscripten build: an emsdk 3.1.6 or newer (EMSDK), or emcc in PATH" >&2
    echo "  for the tests: native clang with sanitizers, clang-format, clang-tidy, llvm-cov and llvm-profdata 19," >&2
    echo "    Chromium, Firefox, WebKitGTK's WebDriver with xvfb and xauth, g++ and the hnswlib headers" >&2
    echo "Missing now: $*" >&2
    exit 1
  fi
  say "installing $* (once; this takes a few minutes)"
  log=$(mktemp)
  export DEBIAN_FRONTEND=noninteractive
  if ! apt-get install -y -q --no-install-recommends "$@" >"$log" 2>&1; then
    if ! { apt-get update -q && apt-get install -y -q --no-install-recommends "$@"; } >"$log" 2>&1; then
      tail -n 20 "$log" >&2
      exit 1
    fi
  fi
  rm -f "$log"
}

# Sets CLANG, WASM_LD, LLVM_AR, WASI_FLAGS, WASI_LIB, BUILTINS; fails when a part is missing.
find_wasi() {
  if [ -n "${WASI_SDK_PATH:-}" ]; then
    CLANG=$WASI_SDK_PATH/bin/clang WASM_LD=$WASI_SDK_PATH/bin/wasm-ld LLVM_AR=$WASI_SDK_PATH/bin/llvm-ar
    WASI_FLAGS=--sysroot=$WASI_SDK_PATH/share/wasi-sysroot
    WASI_LIB=$WASI_SDK_PATH/share/wasi-sysroot/lib/wasm32-wasi
  else
    CLANG=$(find_llvm clang) WASM_LD=$(find_llvm wasm-ld) LLVM_AR=$(find_llvm llvm-ar)
    WASI_FLAGS= WASI_LIB=/usr/lib/wasm32-wasi
  fi
  [ -n "$CLANG" ] && [ -n "$WASM_LD" ] && [ -n "$LLVM_AR" ] && [ -f "$WASI_LIB/crt1-reactor.o" ] || return 1
  BUILTINS=$("$CLANG" --target=wasm32-wasi -print-libgcc-file-name)
  [ -f "$BUILTINS" ]
}

# Sets EMCC and, for Debian's Emscripten, the settings that put a newer LLVM
# under it and let its JavaScript tools find their modules.
find_emscripten() {
  EM_CONFIG_FILE='' EM_NODE_PATH=''
  if [ -n "${EMSDK:-}" ]; then
    EMCC=$EMSDK/upstream/emscripten/emcc
    [ -x "$EMCC" ]
    return
  fi
  EMCC=$(command -v emcc) || return 1
  if [ -d /usr/share/emscripten ] && [ "$EMCC" = /usr/bin/emcc ]; then
    EM_CONFIG_FILE=$(dirname "$OUT")/emscripten.config
    EM_NODE_PATH=/usr/share/nodejs
  fi
}

write_settings() {
  mkdir -p "$(dirname "$OUT")"
  if [ -n "$EM_CONFIG_FILE" ]; then
    cat >"$EM_CONFIG_FILE" <<END
EMSCRIPTEN_ROOT = '/usr/share/emscripten'
LLVM_ROOT = '$(dirname "$(readlink -f "$CLANG")")'
BINARYEN_ROOT = '/usr'
NODE_JS = '$(command -v node)'
FROZEN_CACHE = True
CACHE = '/usr/share/emscripten/cache'
END
  fi
  env_prefix=${EM_CONFIG_FILE:+EM_CONFIG=$(pwd)/$EM_CONFIG_FILE NODE_PATH=$EM_NODE_PATH}
  em_flags=$(env $env_prefix "$EMCC" --cflags)
  cat >"$OUT" <<END
# Written by wasm/tools/setup.sh; delete it to look for the tools again.
CLANG := $CLANG
WASM_LD := $WASM_LD
LLVM_AR := $LLVM_AR
WASI_FLAGS := $WASI_FLAGS
WASI_LIB := $WASI_LIB
BUILTINS := $BUILTINS
EMCC := $env_prefix $EMCC
EM_CFLAGS := $em_flags
END
  say "clang: $CLANG; emcc: $EMCC"
}

case $WHAT in
make)
  have make || install_packages make
  ;;
build)
  if ! find_wasi; then
    install_packages clang-19 lld-19 llvm-19 libclang-rt-19-dev-wasm32 wasi-libc
    find_wasi
  fi
  if ! find_emscripten; then
    install_packages emscripten
    find_emscripten
  fi
  write_settings
  ;;
test)
  missing=
  [ -n "$(find_llvm clang)" ] || missing="$missing clang-19"
  [ -n "$(find_llvm llvm-cov)" ] || missing="$missing llvm-19"
  [ -n "$(find_llvm clang-format)" ] || missing="$missing clang-format-19"
  [ -n "$(find_llvm clang-tidy)" ] || missing="$missing clang-tidy-19"
  ls /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.asan*.a >/dev/null 2>&1 || missing="$missing libclang-rt-19-dev"
  have chromium || have google-chrome || missing="$missing chromium"
  have firefox-esr || have firefox || missing="$missing firefox-esr"
  have WebKitWebDriver || missing="$missing webkit2gtk-driver"
  have xvfb-run || missing="$missing xvfb"
  have xauth || missing="$missing xauth"
  have g++ || missing="$missing g++"
  [ -d /usr/include/hnswlib ] || missing="$missing libhnswlib-dev"
  [ -z "$missing" ] || install_packages $missing
  # Tests compare with what these hold, and leave that part out without them.
  if [ ! -f /usr/share/unicode/auxiliary/WordBreakTest.txt ] && have apt-get && [ "$(id -u)" = 0 ]; then
    (install_packages unicode-data) || say "without unicode-data: WordBreakTest is left out"
  fi
  if ! have stemwords && have apt-get && [ "$(id -u)" = 0 ]; then
    (install_packages libstemmer-tools) || say "without libstemmer-tools: stemmers are not compared with others"
  fi
  ;;
*)
  echo "setup.sh: make, build or test, not '$WHAT'" >&2
  exit 1
  ;;
esac
