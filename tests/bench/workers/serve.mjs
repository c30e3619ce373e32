// serve.mjs - an engine behind the benchmark's line protocol, so that passes of many engines can be interleaved.
//
// A request is a line of words, the answer one line of JSON:
//   build              makes the index from DIR/base.f32
//                      -> { cpu, wall (seconds), mb (memory it added), note? }
//   search EF K COUNT  the first COUNT queries, one at a time
//                      -> { ns: [per query], ids: [K per query, -1 = none] }
//   save PATH          -> { save: seconds }
//   open PATH          -> { open: seconds } of another index loaded from PATH
//   quit
// An engine that cannot answers { error: why }. native/hnswlib_peer.cpp speaks the same.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';

/** Arguments: DIR N DIM METRIC M EF_CONSTRUCTION, and what only this engine takes. */
export function parameters() {
  const [dir, n, dim, metric, M, efConstruction, ...own] = process.argv.slice(2);
  return { dir, n: Number(n), dim: Number(dim), metric, M: Number(M), efConstruction: Number(efConstruction), own };
}

export function readFloats(dir, name, floats) {
  const bytes = readFileSync(join(dir, name));
  return new Float32Array(bytes.buffer, bytes.byteOffset, floats ?? bytes.length / 4);
}

const residentMb = () => process.memoryUsage().rss / 2 ** 20;

/** Seconds of wall clock and of all this process's threads that fn took, and the megabytes it left behind. */
export async function timed(fn) {
  globalThis.gc?.();
  const before = residentMb();
  const cpu = process.cpuUsage();
  const start = performance.now();
  await fn();
  const wall = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  globalThis.gc?.();
  return { cpu: (user + system) / 1e6, wall, mb: residentMb() - before };
}

/**
 * `prepare` turns a query into the form the engine wants, `ids` its answer into numbers; neither is timed.
 * @param {{ build(): Promise<object>, prepare?(query: Float32Array): any,
 *   search(query: any, k: number, ef: number): any, ids(found: any): ArrayLike<number>,
 *   save?(path: string): Promise<object>, open?(path: string): Promise<object>,
 *   close?(): any }} engine
 */
export async function serve(engine) {
  const { dir, dim } = parameters();
  const queries = readFloats(dir, 'queries.f32');
  const search = async (ef, k, count) => {
    const ns = [];
    const ids = [];
    for (let at = 0; at < count * dim; at += dim) {
      const floats = queries.subarray(at, at + dim);
      const query = engine.prepare ? engine.prepare(floats) : floats;
      const start = process.hrtime.bigint();
      const found = await engine.search(query, k, ef);
      ns.push(Number(process.hrtime.bigint() - start));
      const got = engine.ids(found);
      for (let i = 0; i < k; i++) ids.push(got[i] ?? -1);
    }
    return { ns, ids };
  };
  const answer = async (line) => {
    const [command, ...words] = line.split(' ');
    if (command === 'build') return engine.build();
    if (command === 'search') return search(...words.map(Number));
    if (command === 'save' && engine.save) return engine.save(words[0]);
    if (command === 'open' && engine.open) return engine.open(words[0]);
    return { error: 'not offered' };
  };
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === 'quit') break;
    const reply = await answer(line).catch((error) => ({ error: String(error?.message ?? error) }));
    process.stdout.write(`${JSON.stringify(reply)}\n`);
  }
  await engine.close?.();
  process.stdin.destroy();
}
