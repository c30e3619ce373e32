// The behaviour suite in this runtime: memory and fs, plain and with the engine's memory growing on every call.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { VecStore } from '../../js/src/index.node.js';
import { TEST_SEAM } from '../../js/src/open.js';
import { suite } from './behaviour/index.mjs';

const root = mkdtempSync(join(tmpdir(), 'vecstore-'));
after(() => rmSync(root, { recursive: true, force: true }));

let paths = 0;
const newPath = () => join(root, `s${paths++}`);

/** Grows the memory at the end of each call of the engine, so that any view kept over a call is detached. */
function growing(exports) {
  const { memory } = exports;
  return Object.fromEntries(Object.entries(exports).map(([name, value]) => {
    if (typeof value !== 'function') return [name, value];
    return [name, (...args) => {
      const result = value(...args);
      // Two gigabytes of growth are enough; the calls after that go on without.
      if (memory.buffer.byteLength < 2 ** 31) memory.grow(1);
      return result;
    }];
  }));
}

for (const storage of ['memory', 'fs']) {
  describe(`storage ${storage}`, () => {
    const cases = [...suite({ VecStore, storage, newPath, seam: TEST_SEAM, slow: storage === 'memory' })];
    test('the suite has its cases, each once', () => {
      assert.ok(cases.length > 60, `${cases.length} cases`);
      assert.equal(new Set(cases.map(([name]) => name)).size, cases.length);
    });
    for (const [name, run] of cases) test(name, run);
  });
  describe(`storage ${storage}, memory growing on every call`, () => {
    const extra = { [TEST_SEAM]: { instrument: growing } };
    for (const [name, run] of suite({ VecStore, storage, newPath, extra, slow: false })) test(name, run);
  });
}
