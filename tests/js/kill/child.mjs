// child.mjs PATH SEED FIRST [DURABILITY] - writes until it is killed. Says "i" and the number before each operation and
// "a" and the number after its acknowledgement, by synchronous writes, so that nothing said is lost.
import { writeSync } from 'node:fs';
import { VecStore } from '../../../js/src/index.node.js';
import { operation } from './operations.mjs';

const [path, seed, first] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];

function say(line) {
  const bytes = Buffer.from(`${line}\n`);
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      // The judge is slow to read; the pipe is full.
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

const store = await VecStore.open({ path, durability: process.argv[5] ?? 'strict' });
say('open');

function run(n) {
  const op = operation(seed, n);
  say(`i${n}`);
  const done = op.kind === 'upsert' ? store.upsert(op.records) : op.kind === 'delete' ? store.delete(op.ids) : store[op.kind]();
  return done.then(() => say(`a${n}`));
}

// Four at a time, so that acknowledgements come in groups.
let n = first;
async function lane() {
  for (;;) await run(n++);
}
await Promise.all([lane(), lane(), lane(), lane()]);
