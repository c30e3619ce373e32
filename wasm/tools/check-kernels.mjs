// check-kernels.mjs FILE... - a kernel module must be pure code on borrowed
// memory: merged into an engine it may bring no data (it would overwrite the
// engine's), no table, no globals (a second stack pointer) and no other import.
import { readFileSync } from 'node:fs';
import { SECTION, imports, sections } from './wasm-binary.mjs';

const FORBIDDEN = ['table', 'memory', 'global', 'start', 'element', 'data'];

for (const file of process.argv.slice(2)) {
  const bytes = readFileSync(file);
  const ids = new Set(sections(bytes).map((s) => s.id));
  const wrong = FORBIDDEN.filter((name) => ids.has(SECTION[name])).map((name) => `a ${name} section`);
  for (const { module, name } of imports(bytes)) {
    if (module !== 'engine' || name !== 'memory') wrong.push(`an import of ${module}.${name}`);
  }
  if (wrong.length > 0) {
    console.error(`${file} is no kernel module: it has ${wrong.join(', ')}`);
    process.exit(1);
  }
}
