# vecstore: from src/*.c to what the npm package holds and what the tests run.
# Reads top to bottom; wasm/flags.mk has the compiler flags, wasm/README.md the
# order in which WASM pieces are put together. Everything made is below build/
# and dist/.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SECONDARY:
SHELL := /bin/bash
say = @printf '  %-8s %s\n'

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

# ---- Tools: found or installed once, then remembered in build/toolchain.mk

include wasm/flags.mk
ifneq ($(filter-out help clean setup-test,$(or $(MAKECMDGOALS),help)),)
include build/toolchain.mk
endif

build/toolchain.mk: wasm/tools/setup.sh
	@sh $< build $@
build/.test-tools: wasm/tools/setup.sh
	@sh $< test && touch $@
# ONNX Runtime's install script would fetch GPU libraries; what runs on the CPU comes with its package.
%/.package-lock.json: | build/toolchain.mk
	$(say) npm 'ci $*'
	@cd $(*D) && ONNXRUNTIME_NODE_INSTALL=skip npm ci --no-audit --no-fund --loglevel=error >/dev/null && touch node_modules/.package-lock.json
node_modules/.package-lock.json: package-lock.json
tests/node_modules/.package-lock.json: tests/package-lock.json
NPM := node_modules/.package-lock.json

setup: build/toolchain.mk $(NPM) ## install what building needs
setup-test: setup build/.test-tools tests/node_modules/.package-lock.json ## install what testing needs too

# ---- Sources, by layer

RELEASE := $(shell sed -n 's/.*"version": "\(.*\)".*/\1/p' package.json)
LAYERS := base kernels index text filter rag embed store query db api
KERNEL_SRC := src/kernels/dist_f32_simd.c src/kernels/dot_block.c src/kernels/dot_i8.c src/kernels/code_i8.c \
  src/kernels/code_i4.c src/kernels/code_b1.c src/kernels/code_pq.c
ENGINE_SRC := $(wildcard $(LAYERS:%=src/%/*.c))
WASM_SRC := $(filter-out $(KERNEL_SRC) src/kernels/dist_f32_scalar.c src/base/io_fault.c,$(ENGINE_SRC))
# Extracting, splitting and embedding text have a module of their own, which only those who use it load.
TEXT_MODULE := src/api/vs_text_abi.c
ABOVE_ENGINE := $(wildcard src/rag/*.c src/embed/*.c) $(TEXT_MODULE)
C_FILES := $(filter-out tests/node_modules/%,$(wildcard src/*/*.[ch] tests/*/*.[ch] tests/*/*/*.[ch]))
JS_SRC := $(shell find js/src -name '*.js' -o -name '*.mjs' -o -name '*.ts' -o -name '*.mts')
TEST_SRC := $(wildcard tests/unit/*/*.c tests/crash/*.c tests/fuzz/*.c tests/filter/*.c)

# What is linked depends on the list of sources too: one may have been removed.
build/sources.txt: Makefile FORCE
	@mkdir -p build && echo '$(ENGINE_SRC)' | cmp -s - $@ || echo '$(ENGINE_SRC)' > $@
FORCE:

# ---- Native: one library and the test programs per variant (wasm/flags.mk)

define native
build/native/$1/%.o: %.c wasm/flags.mk
	$(say) cc '$1 $$<'
	@mkdir -p $$(@D)
	@$(HOST_CC) $(WARN) $(NATIVE_$1) -MMD -MP -c $$< -o $$@
build/native/$1/libvecstore.a: $(ENGINE_SRC:%.c=build/native/$1/%.o) build/sources.txt
	@rm -f $$@ && $(LLVM_BIN)llvm-ar rcs $$@ $$(filter %.o,$$^)
build/native/$1/%: build/native/$1/%.o build/native/$1/libvecstore.a | build/.test-tools
	@$(HOST_CC) $(NATIVE_$1) $$< build/native/$1/libvecstore.a -lm -o $$@
endef
$(foreach v,asan cover fast fuzz,$(eval $(call native,$v)))

native: $(TEST_SRC:%.c=build/native/asan/%) ## C tests, under the address and undefined-behaviour sanitizers
native-fast: build/native/fast/libvecstore.a
native-fuzz: $(patsubst %.c,build/native/fuzz/%,$(wildcard tests/fuzz/*.c)) ## fuzz targets, linked with libFuzzer

# ---- WASM kernels: pure code on the engine's memory, one module per instruction set

define kernels
build/kernels/%.$1.o: OPTIMIZE := -O3
build/kernels/code_i4.$1.o: OPTIMIZE := -O2 -fno-unroll-loops
build/kernels/%.$1.o: src/kernels/%.c wasm/flags.mk build/toolchain.mk
	$(say) wasm '$1 $$<'
	@mkdir -p $$(@D)
	@$(CLANG) $$(KERNEL_CFLAGS) $(KERNEL_$1) -MMD -MP -c $$< -o $$@
build/kernels/kernels.$1.wasm: $(KERNEL_SRC:src/kernels/%.c=build/kernels/%.$1.o) wasm/tools/check-kernels.mjs $(NPM)
	@$(WASM_LD) $(KERNEL_LDFLAGS) $$(filter %.o,$$^) -o $$@.linked
	@$(NODE_BIN)/wasm-opt -O3 $(OPT_$1) $$@.linked -o $$@ && node wasm/tools/check-kernels.mjs $$@
endef
$(foreach v,simd relaxed,$(eval $(call kernels,$v)))

# ---- The ABI: export lists and JavaScript constants from one file

ABI_JS := js/src/engine/abi.gen.js js/src/engine/text-abi.gen.js
ABI_LISTS := $(patsubst %,build/abi/exports.%.txt,wasi emcc text)
$(ABI_LISTS) $(ABI_JS) &: src/api/vs_abi.def src/api/vs_text.def wasm/tools/gen-abi.mjs wasm/tools/abi.mjs
	@node wasm/tools/gen-abi.mjs build/abi
	@touch $(ABI_LISTS) $(ABI_JS)

# ---- Engine, WASI: linked once; two variants by merging kernels in

build/wasi/%.o: src/%.c wasm/flags.mk build/toolchain.mk
	$(say) wasi '$<'
	@mkdir -p $(@D)
	@$(CLANG) $(WASI_CFLAGS) -MMD -MP -c $< -o $@
$(foreach l,$(COLD_LAYERS),$(eval build/wasi/$l/%.o build/emcc/$l/%.o: OPTIMIZE := -Oz))
$(foreach f,$(COLD_FILES),$(eval build/wasi/$f.o build/wasi/$f.reactor.o build/emcc/$f.o: OPTIMIZE := -Oz))
$(foreach f,$(WARM_FILES),$(eval build/wasi/$f.o build/emcc/$f.o: OPTIMIZE := -O2))
build/wasi/cli/%.o: WASI_CFLAGS += -DVS_RELEASE='"$(RELEASE)"'
build/wasi/%.reactor.o: src/%.c wasm/flags.mk build/toolchain.mk
	@mkdir -p $(@D)
	@$(CLANG) $(WASI_CFLAGS) -DVS_WITH_IO_HOST -MMD -MP -c $< -o $@

WASI_OBJ := $(WASM_SRC:src/%.c=build/wasi/%.o)
HOSTED := $(patsubst src/%.c,build/wasi/%,$(shell grep -l VS_WITH_IO_HOST $(WASM_SRC)))
REACTOR_OBJ := $(filter-out $(HOSTED:%=%.o) $(ABOVE_ENGINE:src/%.c=build/wasi/%.o),$(WASI_OBJ)) $(HOSTED:%=%.reactor.o)
build/link/vecstore.wasm: $(REACTOR_OBJ) build/abi/exports.wasi.txt build/sources.txt
	$(say) link 'WASI reactor'
	@mkdir -p $(@D)
	@$(WASM_LD) --no-entry --export=_initialize @build/abi/exports.wasi.txt $(WASI_LIB)/crt1-reactor.o $(REACTOR_OBJ) \
	  $(WASI_LDFLAGS) --strip-debug --no-demangle -o $@
build/link/vecstore-cli.wasm: $(WASI_OBJ) $(patsubst src/%.c,build/wasi/%.o,$(wildcard src/cli/*.c)) build/sources.txt
	$(say) link 'WASI command'
	@mkdir -p $(@D)
	@$(WASM_LD) $(WASI_LIB)/crt1-command.o $(filter %.o,$^) $(WASI_LDFLAGS) --strip-all -o $@

# The text module: what it needs of the engine is found by its exports, the rest is left out. No imports.
TEXT_OBJ := $(patsubst src/%.c,build/wasi/%.o,$(ABOVE_ENGINE) $(filter src/base/%,$(WASM_SRC)))
dist/vecstore.text.wasm: $(TEXT_OBJ) build/abi/exports.text.txt build/sources.txt $(NPM)
	$(say) link 'text module'
	@mkdir -p $(@D) build/link
	@$(WASM_LD) --no-entry --export=_initialize @build/abi/exports.text.txt $(WASI_LIB)/crt1-reactor.o $(TEXT_OBJ) \
	  $(WASI_LDFLAGS) -o build/link/vecstore.text.wasm
	@$(NODE_BIN)/wasm-opt -O3 $(OPT_simd) $(STRIP) \
	  build/link/vecstore.text.wasm -o $@

# Test programs for WASI runtimes, linked and packed like the command.
build/wasi-tests/%.o: tests/wasi/%.c wasm/flags.mk build/toolchain.mk
	@mkdir -p $(@D)
	@$(CLANG) $(WASI_CFLAGS) -MMD -MP -c $< -o $@
build/link/golden.wasm: $(WASI_OBJ) build/wasi-tests/golden.o build/sources.txt
	@mkdir -p $(@D)
	@$(WASM_LD) $(WASI_LIB)/crt1-command.o $(filter %.o,$^) $(WASI_LDFLAGS) --strip-all -o $@
wasi-tests: $(foreach v,simd relaxed,$(patsubst %,build/wasi-tests/%.$v.wasm,golden vecstore)) ## test programs for WASI runtimes

# ---- Engine, Emscripten: the same sources on its file system, for IDBFS

build/emcc/%.o: src/%.c wasm/flags.mk build/toolchain.mk
	$(say) emcc '$<'
	@mkdir -p $(@D)
	@$(CLANG) $(EMCC_CFLAGS) -MMD -MP -c $< -o $@
EMCC_OBJ := $(patsubst src/%.c,build/emcc/%.o,$(filter-out $(ABOVE_ENGINE),$(WASM_SRC)))
build/link/vecstore.idbfs.wasm build/link/vecstore.idbfs.mjs &: $(EMCC_OBJ) build/abi/exports.emcc.txt build/sources.txt
	$(say) link 'Emscripten, IDBFS'
	@mkdir -p $(@D)
	@$(EMCC) $(EMCC_LDFLAGS) -sEXPORTED_FUNCTIONS=@build/abi/exports.emcc.txt \
	  -Wl,--no-demangle $(EMCC_OBJ) -o build/link/vecstore.idbfs.mjs
dist/vecstore.idbfs.mjs: build/link/vecstore.idbfs.mjs $(NPM)
	@sed 's/vecstore\.idbfs\.wasm/vecstore.idbfs.simd.wasm/g' $< | $(NODE_BIN)/esbuild --minify --format=esm --log-level=error > $@

# ---- Splitting: what is loaded at once, what when it is first needed (wasm/parts.mjs)

SPLIT := wasm/parts.mjs $(addprefix wasm/tools/,split.mjs wasm-module.mjs wasm-code.mjs wasm-binary.mjs)
define split
build/link/$1.core.wasm build/link/$1.more.wasm &: build/link/$1.wasm $(SPLIT)
	$(say) split '$1'
	@node wasm/tools/split.mjs $$< build/link/$1.core.wasm build/link/$1.more.wasm $2
endef
$(eval $(call split,vecstore,$(REACTOR_OBJ)))
$(eval $(call split,vecstore.idbfs,$(EMCC_OBJ)))

# ---- Packing: engine + kernels -> one optimized module

PACK := -O3
STRIP := --strip-debug --strip-producers --strip-target-features
dist/vecstore-cli.%.wasm: PACK := -Oz --converge

define packing
	$(say) pack '$$@'
	@mkdir -p $$(@D)
	@$(NODE_BIN)/wasm-merge $(OPT_$1) $$< engine build/kernels/kernels.$1.wasm kernels -o $$<.$1
	@$(NODE_BIN)/wasm-opt $$(PACK) $(INLINE) $(OPT_$1) $(STRIP) $$<.$1 -o $$@
endef
define pack
dist/vecstore-cli.$1.wasm: build/link/vecstore-cli.wasm build/kernels/kernels.$1.wasm
$(packing)
dist/%.$1.wasm: build/link/%.core.wasm build/kernels/kernels.$1.wasm
$(packing)
build/wasi-tests/%.$1.wasm: build/link/%.wasm build/kernels/kernels.$1.wasm
$(packing)
endef
$(foreach v,simd relaxed,$(eval $(call pack,$v)))
dist/%.more.wasm: build/link/%.more.wasm
	$(say) pack '$@'
	@mkdir -p $(@D)
	@$(NODE_BIN)/wasm-opt -Oz --converge $(OPT_simd) $(STRIP) $< -o $@
dist/vecstore-cli.wasm: dist/vecstore-cli.simd.wasm
	@cp $< $@

WASM := $(foreach v,simd relaxed more,dist/vecstore.$v.wasm dist/vecstore.idbfs.$v.wasm)
BUNDLES := dist/browser.mjs dist/node.mjs
ARTIFACTS := $(WASM) dist/lang.bin dist/vecstore.text.wasm dist/vecstore.idbfs.mjs dist/urls.mjs dist/text-urls.mjs \
  dist/worker-urls.mjs $(BUNDLES) \
  dist/inline.mjs dist/vecstore-cli.wasm
dist/lang.bin: wasm/tools/gen-lang.mjs $(wildcard src/text/lang/*.stem)
	@mkdir -p dist && node $< $@
dist/urls.mjs: wasm/tools/gen-urls.mjs
	@mkdir -p dist && node $< > $@
dist/text-urls.mjs: wasm/tools/gen-urls.mjs
	@mkdir -p dist && node $< vecstore.text.wasm > $@
dist/worker-urls.mjs: wasm/tools/gen-urls.mjs
	@mkdir -p dist && node $< --workers > $@
dist/inline.mjs: wasm/tools/bundle-inline.mjs dist/worker-urls.mjs $(WASM) dist/lang.bin dist/vecstore.idbfs.mjs $(JS_SRC) $(ABI_JS) $(NPM)
	$(say) bundle '$@'
	@node $< $@
$(BUNDLES) &: wasm/tools/bundle.mjs dist/urls.mjs dist/text-urls.mjs dist/worker-urls.mjs $(JS_SRC) $(ABI_JS) $(NPM)
	$(say) bundle '$(BUNDLES) and their parts'
	@node $< dist
wasm: $(WASM) ## dist/*.wasm for WASI and Emscripten
emscripten: $(filter dist/vecstore.idbfs%,$(ARTIFACTS)) ## only the IDBFS build
cli: dist/vecstore-cli.wasm ## the WASI command
js: dist/types/.checked ## JavaScript constants and type declarations
dist/types/.checked: $(JS_SRC) js/tsconfig.json $(ABI_JS) $(NPM)
	$(say) tsc js
	@rm -rf dist/types && $(NODE_BIN)/tsc -p js && touch $@
size: $(ARTIFACTS) ## sizes of what is shipped
	@node wasm/tools/size.mjs $^ $(wildcard $(BUNDLES:%.mjs=%.*.mjs))
build: $(ARTIFACTS) js size ## everything the package holds

# ---- Checks and tests

TESTS = $(shell find tests -name node_modules -prune -o -name '*.test.mjs' -print | sort)
test: setup-test check build native wasi-tests cover ## lint, then every test; one summary at the end
	@node --test --test-timeout=1200000 $(TESTS)
test-long: setup-test build native native-fuzz ## what has no end, within VS_MINUTES; appends to tests/RELIABILITY-RUNS.md
	@node tests/long/run.mjs
check: setup-test js $(patsubst %.c,build/tidy/%.ok,$(filter src/%.c,$(C_FILES))) $(WASI_OBJ) ## lint
	$(say) check 'format, layers, lengths, calls, exports, types'
	@$(LLVM_BIN)clang-format --dry-run -Werror $(C_FILES)
	@for tool in layers lengths objects; do node tests/tools/$$tool.mjs || exit 1; done
	@node wasm/tools/gen-abi.mjs build/abi --check
	@node wasm/tools/gen-unicode.mjs src/embed/fold_tables.gen.h --check
	@node wasm/tools/gen-words.mjs src/text/word_tables.gen.h --check
build/tidy/%.ok: ANALYZE = -D_DEFAULT_SOURCE -D_POSIX_C_SOURCE=200809L -include tests/tools/analyze.h
build/tidy/src/base/status.ok: ANALYZE =
build/tidy/%.ok: %.c .clang-tidy | build/.test-tools
	$(say) tidy '$<'
	@mkdir -p $(@D)
	@$(LLVM_BIN)clang-tidy --quiet $< -- -std=c11 -DVS_RELEASE='""' $(ANALYZE) 2>/dev/null && touch $@
format: ## rewrite the C sources in the project's format
	@$(LLVM_BIN)clang-format -i $(C_FILES)
cover: $(TEST_SRC:%.c=build/native/cover/%) ## coverage of src/ by the C tests, by layer, with floors
	@rm -f build/native/cover/*.profraw
	@for t in $^; do LLVM_PROFILE_FILE=build/native/cover/%p.profraw $$t </dev/null >/dev/null || exit 1; done
	@$(LLVM_BIN)llvm-profdata merge -o build/native/cover/all.profdata build/native/cover/*.profraw
	@$(LLVM_BIN)llvm-cov export -summary-only -instr-profile build/native/cover/all.profdata $< $(^:%=-object %) -sources src \
	  | node tests/tools/coverage.mjs
bench: build native-fast ## benchmarks
	@node tests/bench/run.mjs
start: build ## build and serve the demo
	@node web-demo/serve.mjs
clean: ## remove what was made
	rm -rf build dist

.PHONY: help setup setup-test native native-fast native-fuzz wasi-tests wasm emscripten cli js size build test test-long check format cover bench start clean FORCE
-include $(shell find build -name '*.d' 2>/dev/null)
