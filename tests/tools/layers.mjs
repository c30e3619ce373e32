// layers.mjs - the layers of src/ form the DAG below: a file includes headers
// of its own layer and of those named, and nothing else of ours.
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { conclude, filesBelow } from './files.mjs';

const ENGINE = ['base', 'kernels', 'index', 'text', 'filter', 'rag', 'embed'];
const MAY_INCLUDE = {
  base: [],
  kernels: ['base'],
  index: ['base', 'kernels'],
  text: ['base'],
  filter: ['base'],
  rag: ['base', 'kernels'],
  embed: ['base', 'kernels', 'text'],
  store: ['base'],
  query: ENGINE,
  db: [...ENGINE, 'store', 'query'],
  api: [...ENGINE, 'store', 'query', 'db'],
  cli: ['base', 'filter', 'api', 'rag', 'embed'],
};

const wrong = [];
for (const file of filesBelow('src', '.c', '.h', '.def')) {
  const layer = file.split('/')[1];
  if (!MAY_INCLUDE[layer]) wrong.push(`${file}: ${layer} is no layer of tests/tools/layers.mjs`);
  for (const [, target] of readFileSync(file, 'utf8').matchAll(/^\s*#\s*include\s+"([^"]+)"/gm)) {
    const to = posix.join(posix.dirname(file), target).split('/')[1];
    if (to !== layer && !MAY_INCLUDE[layer]?.includes(to)) wrong.push(`${file}: ${layer} may not include ${target}`);
  }
}
conclude(wrong);
