# flags.mk - how each target compiles. The tools' paths come from
# build/toolchain.mk, which wasm/tools/setup.sh writes.

WARN := -std=c11 -Wall -Wextra -Wconversion -Wshadow -Wvla -Werror
NODE_BIN := node_modules/.bin

# ---- Native: tests, coverage, benchmarks
HOST_CC := $(firstword $(shell command -v clang-19 || command -v clang || echo clang-19))
LLVM_BIN = $(dir $(realpath $(HOST_CC)))
NATIVE_asan := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
NATIVE_fuzz := -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -DVS_LIBFUZZER
NATIVE_cover := -O0 -g -DNDEBUG -fprofile-instr-generate -fcoverage-mapping
NATIVE_fast := -O3 -g -march=native -DNDEBUG

# ---- WASM. What every engine has had since 2021: SIMD128, bulk memory,
# saturating conversions, sign extension. Multi-value and reference types are
# left out, as old validators and our own packing tools stumble over them.
WASM_FEATURES := -msimd128 -mbulk-memory -mnontrapping-fptoint -msign-ext -mmutable-globals \
  -mno-multivalue -mno-reference-types
BINARYEN_FEATURES := --enable-simd --enable-bulk-memory --enable-nontrapping-float-to-int --enable-sign-ext \
  --enable-mutable-globals
# Layers that run per query are optimized for speed, those that run per commit for size.
OPTIMIZE = -O2
COLD_LAYERS := store db api cli
COLD_FILES := $(addprefix base/,clock io io_host io_mem io_posix status utf8 value) kernels/kernels $(addprefix index/,calibrate coding index kmeans training hnsw_remove hnsw_refine scan_bits turbo_train) \
  $(addprefix filter/,build explain geo lex like number parse tree) \
  $(addprefix text/,analyze expand lang pool postings rice search_plan sparse stem_english stem_porter stem_vm suggest \
    text_image_read text_image_write textindex textindex_check textoptions textquery unicode vocabulary) \
  $(addprefix query/,boost exec exec_plain explain facets fuse many match meta meta_choose meta_image mmr plan range_index value_index)
# What reads each record when a store is opened.
WARM_FILES := $(addprefix db/,collection image_load record)
# Static functions are named after their file too, so that the splitter knows where each comes from.
WASM_CFLAGS = $(WARN) $(OPTIMIZE) -DNDEBUG -fno-math-errno -fno-strict-aliasing -funique-internal-linkage-names $(WASM_FEATURES)

# Kernels are the hot loops, whole programs of their own: unrolled and inlined.
KERNEL_CFLAGS = --target=wasm32-wasi $(WASI_FLAGS) $(WASM_CFLAGS) -DVS_KERNEL_MODULE
KERNEL_LDFLAGS := --no-entry --import-memory=engine,memory -z stack-size=0 --strip-all
KERNEL_simd :=
KERNEL_relaxed := -mrelaxed-simd
OPT_simd := $(BINARYEN_FEATURES)
# Larger functions stay functions of their own, though they have one caller: the whole is smaller so, and engines that
# compile in tiers reach the fast tier sooner.
INLINE := --one-caller-inline-max-function-size 100
OPT_relaxed := $(BINARYEN_FEATURES) --enable-relaxed-simd

# The stack comes first, so that overflowing it traps instead of overwriting data.
WASI_CFLAGS = --target=wasm32-wasi $(WASI_FLAGS) $(WASM_CFLAGS)
WASI_LDFLAGS = -z stack-size=1048576 --stack-first --max-memory=4294967296 --gc-sections \
  -L$(WASI_LIB) -lc $(BUILTINS)

# Linked at -O1: more would inline functions of one part into the other before they are divided, and shorten the names of imports
# and exports, by which
# the kernels are merged in; wasm-opt -O3 does the rest after that.
EMCC_CFLAGS = $(EM_CFLAGS) $(WASM_CFLAGS)
EMCC_LDFLAGS := -O1 --profiling-funcs -sMODULARIZE=1 -sEXPORT_ES6=1 -sENVIRONMENT=web,worker -sDYNAMIC_EXECUTION=0 -sWASM_BIGINT=1 \
  -sALLOW_MEMORY_GROWTH=1 -sMAXIMUM_MEMORY=4GB -sINITIAL_MEMORY=2MB -sTOTAL_STACK=1MB -sABORTING_MALLOC=0 \
  -sFORCE_FILESYSTEM=1 -lidbfs.js -sEXPORTED_RUNTIME_METHODS=FS,IDBFS,HEAPU8 -sINCOMING_MODULE_JS_API=instantiateWasm,wasmBinary,print,printErr \
  -sERROR_ON_UNDEFINED_SYMBOLS=0 -sWARN_ON_UNDEFINED_SYMBOLS=0
