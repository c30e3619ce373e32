// driver.mjs - a program around the reactor for runtimes that run nothing but a function without arguments (wizer).
//
// It is WebAssembly text merged into the reactor's module: opens a store below
// /data, writes records, verifies, checks the count and closes. Whatever is
// wrong traps.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeToBytes } from '../../js/src/engine/value.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const FEATURES = ['--enable-simd', '--enable-relaxed-simd', '--enable-bulk-memory', '--enable-nontrapping-float-to-int',
  '--enable-sign-ext', '--enable-mutable-globals'];
const tool = (name, ...args) => execFileSync(join(root, 'node_modules/.bin', name), [...args, ...FEATURES], { encoding: 'utf8' });
const escape = (bytes) => [...bytes].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('');

/** Upserts as vs_abi.def lays them out: header, integer id, vector. @param {{ id: number, vector: number[] }[]} records */
function operations(records) {
  return Buffer.concat(records.map(({ id, vector }) => {
    const bytes = Buffer.alloc(16 + 12 + vector.length * 4);
    bytes[0] = 1;
    bytes.writeUInt16LE(9, 2);
    bytes.writeUInt32LE(vector.length, 4);
    bytes.write('i', 16);
    bytes.writeUInt32LE(id, 17);
    vector.forEach((x, i) => bytes.writeFloatLE(x, 28 + i * 4));
    return bytes;
  }));
}

/**
 * Writes the program.
 * @param {string} file
 * @param {string} reactor the reactor's file
 * @param {{ path: string, records?: { id: number, vector: number[] }[], count: number }} task path: of the store, as the
 *   program sees it. count: live records at the end
 */
export function writeDriver(file, reactor, { path, records = [], count }) {
  const config = encodeToBytes({ storage: 'posix', root: path, create: true, now: 1e12 }, 'config');
  const ops = operations(records);
  const functions = {
    vs_selftest: '(result i32)', vs_db_new: '(result i32)', vs_db_free: '(param i32)',
    vs_buf_alloc: '(param i32 i32) (result i32)', vs_op_open: '(param i32 i32 i32) (result i32)',
    vs_op_step: '(param i32 f64) (result i32)', vs_op_resume: '(param i32 i32) (result i32)', vs_op_free: '(param i32)',
    vs_op_result_bytes: '(param i32) (result i32)', vs_sync_self: '(param i32) (result i32)',
    vs_tx_begin: '(param i32 f64) (result i32)', vs_tx_add: '(param i32 i32 i32) (result i32)',
    vs_op_commit: '(param i32 i32) (result i32)', vs_op_checkpoint: '(param i32) (result i32)',
    vs_op_verify: '(param i32) (result i32)', vs_op_close: '(param i32) (result i32)', vs_count: '(param i32) (result i32)',
  };
  const imports = Object.entries(functions).map(([name, type]) => `(import "engine" "${name}" (func $${name} ${type}))`);
  const text = `(module
    (import "engine" "memory" (memory 0))
    ${imports.join('\n    ')}
    (data $config "${escape(config)}")
    (data $ops "${escape(ops)}")
    (func $must (param $right i32) (if (i32.eqz (local.get $right)) (then (unreachable))))
    (func $finish (param $db i32) (param $op i32) (local $answer i32)
      (call $must (local.get $op))
      (loop $again
        (local.set $answer (call $vs_op_step (local.get $op) (f64.const 1e9)))
        (call $must (i32.ne (local.get $answer) (i32.const 1)))
        (if (i32.eq (local.get $answer) (i32.const 2))
          (then (call $must (i32.eqz (call $vs_op_resume (local.get $op) (call $vs_sync_self (local.get $db)))))))
        (br_if $again (local.get $answer))))
    (func $run (param $db i32) (param $op i32)
      (call $finish (local.get $db) (local.get $op))
      (call $vs_op_free (local.get $op)))
    (func (export "run") (local $db i32) (local $p i32) (local $op i32)
      (call $must (i32.eqz (call $vs_selftest)))
      (local.set $db (call $vs_db_new))
      (call $must (local.get $db))
      (local.set $p (call $vs_buf_alloc (local.get $db) (i32.const ${config.length + ops.length})))
      (call $must (local.get $p))
      (memory.init $config (local.get $p) (i32.const 0) (i32.const ${config.length}))
      (call $run (local.get $db) (call $vs_op_open (local.get $db) (local.get $p) (i32.const ${config.length})))
      (if (i32.const ${ops.length}) (then
        (memory.init $ops (local.get $p) (i32.const 0) (i32.const ${ops.length}))
        (call $must (i32.eqz (call $vs_tx_begin (local.get $db) (f64.const 1e12))))
        (call $must (i32.eqz (call $vs_tx_add (local.get $db) (local.get $p) (i32.const ${ops.length}))))
        (call $run (local.get $db) (call $vs_op_commit (local.get $db) (i32.const 0)))
        (call $run (local.get $db) (call $vs_op_checkpoint (local.get $db)))))
      (call $must (i32.eq (call $vs_count (local.get $db)) (i32.const ${count})))
      (local.set $op (call $vs_op_verify (local.get $db)))
      (call $finish (local.get $db) (local.get $op))
      (call $must (i32.le_u (call $vs_op_result_bytes (local.get $op)) (i32.const ${EMPTY_ARRAY_BYTES})))
      (call $vs_op_free (local.get $op))
      (call $run (local.get $db) (call $vs_op_close (local.get $db)))
      (call $vs_db_free (local.get $db))))`;
  writeFileSync(`${file}.wat`, text);
  tool('wasm-as', `${file}.wat`, '-o', `${file}.driver`);
  tool('wasm-merge', reactor, 'engine', `${file}.driver`, 'driver', '-o', file);
}

/** The engine writes a container's two lengths as five bytes each. */
const EMPTY_ARRAY_BYTES = 11;
