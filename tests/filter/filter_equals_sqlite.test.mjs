// Random filters over random documents give the same truths as SQLite gives for the same expression over
// json_extract, TRUE, FALSE and UNKNOWN apart; the text form and, where there is one, the object form.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import initSqlJs from 'sql.js';
import { ByteWriter, encodeToBytes } from '../../js/src/engine/value.js';
import { encodeFilter } from '../../js/src/filter.js';
import { random } from '../js/behaviour/expect.mjs';
import { INSERT, TABLE, generator, json, object, sql } from './expressions.mjs';

process.chdir(fileURLToPath(new URL('../..', import.meta.url)));

const PROGRAM = 'build/native/asan/tests/filter/filter_eval';
const EXPRESSIONS = Number(process.env.VS_FILTER_EXPRESSIONS ?? (process.env.VS_TIER === 'long' ? 1_000_000 : 50_000));
const ROUND = 2000;
const DOCUMENTS = 24;
/** Filters between two lines of progress. */
const TOLD = 100_000;
/** Filters asked in one SQL statement. */
const COLUMNS = 100;
/** Where an interrupted run goes on: one that fails says in which round. */
const FIRST = Number(process.env.VS_FILTER_ROUND ?? 0);
const seed = Number(process.env.VS_SEED ?? 1);

/** Commands for tests/filter/filter_eval.c. */
class Commands {
  writer = new ByteWriter(1 << 20);

  u32(n) {
    for (let i = 0; i < 4; i++) this.writer.u8((n >>> (8 * i)) & 255);
  }

  bytes(bytes) {
    this.u32(bytes.length);
    for (const byte of bytes) this.writer.u8(byte);
  }

  command(letter) {
    this.writer.u8(letter.charCodeAt(0));
  }

  /** The lines the program answers with; it works while SQLite does. */
  async run() {
    const child = spawn(PROGRAM, { stdio: ['pipe', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (said += text));
    child.stdin.end(this.writer.bytes.subarray(0, this.writer.length));
    const [status] = await once(child, 'close');
    assert.equal(status, 0, PROGRAM);
    return said.split('\n').slice(0, -1);
  }
}

/**
 * SQLite's truths of each filter, a letter per document. Many filters are columns of one statement: SQLite then
 * parses a document's JSON once for all of them.
 */
function expectations(database, asked) {
  const filters = [...new Set(asked.map(({ filter }) => filter))];
  const truths = new Map();
  for (let first = 0; first < filters.length; first += COLUMNS) {
    const some = filters.slice(first, first + COLUMNS);
    const [{ values }] = database.exec(`SELECT ${some.map(sql).join(', ')} FROM docs ORDER BY id`);
    some.forEach((filter, i) => truths.set(filter, values.map((row) => (row[i] === null ? 'U' : row[i] ? 'T' : 'F')).join('')));
  }
  return truths;
}

const utf8 = new TextEncoder();

test(`${EXPRESSIONS} filters have the truths that SQLite gives them`, { timeout: 6 * 3_600_000 }, async (t) => {
  const SQL = await initSqlJs();
  const database = new SQL.Database();
  database.run(`PRAGMA case_sensitive_like = ON; ${TABLE}`);
  const truths = { T: 0, F: 0, U: 0 };
  let objects = 0;
  const began = Date.now();

  for (let round = FIRST; round * ROUND < EXPRESSIONS; round++) {
    const make = generator(random(seed * 1_000_003 + round));
    const documents = Array.from({ length: DOCUMENTS }, () => make.document());
    database.run('DELETE FROM docs');
    documents.forEach((one, id) => database.run(INSERT, [id, json(one)]));

    const commands = new Commands();
    commands.command('D');
    commands.u32(DOCUMENTS);
    for (const one of documents) commands.bytes(encodeToBytes(one));

    const asked = [];
    for (let i = 0; i < Math.min(ROUND, EXPRESSIONS - round * ROUND); i++) {
      const filter = make.filter();
      const params = {};
      const text = make.text(filter, params);
      asked.push({ filter, shown: `${text}\nwith ${json(params)}` });
      commands.command('F');
      commands.bytes(utf8.encode(text));
      commands.bytes(encodeToBytes(params));
      const asObject = object(filter);
      if (asObject === undefined) continue;
      objects++;
      asked.push({ filter, shown: json(asObject) });
      commands.command('T');
      commands.bytes(encodeFilter(asObject));
    }

    const answering = commands.run();
    const truthsOf = expectations(database, asked);
    const lines = await answering;
    assert.equal(lines.length, asked.length);
    asked.forEach(({ filter, shown }, i) => {
      const expected = truthsOf.get(filter);
      for (const truth of expected) truths[truth]++;
      if (lines[i] === expected) return;
      const at = [...expected].findIndex((truth, j) => truth !== lines[i][j]);
      assert.fail(`seed ${seed}, round ${round}: ${shown}\nSQLite ${expected}\nours   ${lines[i]}\ndocument ${json(documents[at])}`);
    });
    const done = (round + 1) * ROUND;
    if (done % TOLD === 0) console.log(`# ${done} filters, ${Math.round((Date.now() - began) / 1000)} s, no difference`);
  }
  database.close();
  t.diagnostic(`${objects} of them as objects too; truths ${JSON.stringify(truths)}; seed ${seed}`);
  // A generator that makes nothing but UNKNOWN would prove nothing.
  for (const count of Object.values(truths)) assert.ok(count > EXPRESSIONS - FIRST * ROUND, JSON.stringify(truths));
});
