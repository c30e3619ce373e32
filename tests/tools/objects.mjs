// objects.mjs - what the compiled engine calls and keeps: read off its WASM
// object files, so neither macros nor comments can hide or fake a call.
//
//   calls    vs_ functions, and of libc only the list below; the heap and the
//            file system belong to two files, stdio to the command line alone
//   globals  none that change: no .data or .bss segment
//   cli      may use libc, but looks at the user's directories, clock and terminal in one file
import { readFileSync } from 'node:fs';
import { imports, segmentNames } from '../../wasm/tools/wasm-binary.mjs';
import { conclude, filesBelow } from './files.mjs';

const PURE = ['memcpy', 'memmove', 'memset', 'memcmp', 'memchr', 'strlen', 'strcmp', 'strncmp', 'strchr', 'strrchr'];
const MATH = ['sqrtf', 'sqrt', 'log', 'logf', 'log2', 'log2f', 'exp', 'expf', 'pow', 'powf', 'floor', 'ceil', 'fmod', 'cos', 'sin'];
const FILES = ['open', 'openat', 'read', 'pread', 'write', 'pwrite', 'close', 'fstat', 'stat', 'lstat', 'fsync', 'fdatasync', 'unlink',
  'rmdir', 'mkdir', 'opendir', 'fdopendir', 'readdir', 'closedir', 'dirfd', 'lseek', 'ftruncate', 'errno', '__errno_location', 'access', 'fcntl'];
const ALSO = {
  'base/alloc.o': ['malloc', 'calloc', 'realloc', 'free', 'aligned_alloc', 'posix_memalign'],
  'base/io_posix.o': FILES,
  'base/clock.o': ['clock_gettime'],
};

/** The compiler's own helpers (128-bit products, long double) are no calls of ours. */
const isRuntime = (name) => /^__(multi3|udivti3|umodti3|ashlti3|lshrti3|stack_pointer|linear_memory|indirect_function_table|memory_base|table_base)$/.test(name);

const SYSTEM = ['opendir', 'readdir', 'closedir', 'lstat', 'isatty', 'clock_gettime'];

const wrong = [];
for (const file of filesBelow('build/wasi', '.o').filter((f) => !f.includes('/cli/') && !f.endsWith('.reactor.o'))) {
  const bytes = readFileSync(file);
  const own = file.slice('build/wasi/'.length);
  const allowed = new Set([...PURE, ...MATH, ...(ALSO[own] ?? [])]);
  for (const { module, name } of imports(bytes)) {
    if (module === 'env' && !name.startsWith('vs_') && !isRuntime(name) && !allowed.has(name)) wrong.push(`${own}: calls ${name}`);
  }
  for (const name of segmentNames(bytes)) {
    if (/^\.(data|bss)\b(?!\.rel\.ro)/.test(name)) wrong.push(`${own}: ${name} is a global that changes`);
  }
}
for (const file of filesBelow('build/wasi/cli', '.o').filter((f) => !f.endsWith('/files.o'))) {
  for (const { module, name } of imports(readFileSync(file))) {
    if (module === 'env' && SYSTEM.includes(name)) wrong.push(`${file.slice('build/wasi/'.length)}: calls ${name}, which is cli/files.c's business`);
  }
}
conclude(wrong);
