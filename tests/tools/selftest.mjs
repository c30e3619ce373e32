// selftest.mjs FILE... - calls vs_selftest of packed modules, as the loader does
// before it trusts one; fails at the first that gives a wrong result. The
// host's functions are there but do nothing: the self-test needs none.
import { readFileSync } from 'node:fs';

for (const file of process.argv.slice(2)) {
  const module = new WebAssembly.Module(readFileSync(file));
  const host = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    if (kind === 'function') (host[from] ??= {})[name] = () => 0;
  }
  const failing = new WebAssembly.Instance(module, host).exports.vs_selftest();
  console.log(`${file}: ${failing}`);
  if (failing !== 0) process.exit(1);
}
