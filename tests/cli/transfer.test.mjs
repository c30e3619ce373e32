// `vecstore export` and `import`: the portable file, JSON Lines as the package reads and writes them, and directories
// that the Rust library vecstore 0.0.1 wrote (tests/golden/vecstore-rs, by write.rs there).
import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { VecStore } from '../../js/src/index.node.js';
import { skipWithout } from '../runtimes/tools.mjs';
import { hosts, scratchFolder } from './run.mjs';

const { folder, remove } = scratchFolder();
after(remove);
const golden = fileURLToPath(new URL('../golden/', import.meta.url));
const NOW = Date.now() / 1000;

let names = 0;
const newName = () => `t${names++}`;
const run = (...args) => hosts['npx, Node'].run(folder, args, {});
const done = (result) => {
  assert.equal(result.status, 0, result.stderr);
  return result;
};
async function everything(path) {
  const store = await VecStore.open({ path: join(folder, path) });
  const records = new Map();
  for await (const { id, vector, metadata, text } of store.scan()) records.set(id, { vector: [...vector], metadata, text });
  const { metric, index, dimension } = await store.stats();
  assert.deepEqual((await store.verify()).errors, []);
  await store.close();
  return { records, metric, index, dimension };
}

describe('vecstore-rs', () => {
  const from = (name) => join(golden, 'vecstore-rs', name);

  /** What its files say, read by JSON.parse. Whole numbers that no double has are told apart by hand. */
  function expected(directory) {
    const at = (name) => join(directory, name);
    const manifest = JSON.parse(readFileSync(at('manifest.json'), 'utf8'));
    const texts = existsSync(at('text_index.json')) ? JSON.parse(readFileSync(at('text_index.json'), 'utf8')) : {};
    const all = JSON.parse(readFileSync(at('vectors.bin'), 'utf8'));
    const live = all.filter(({ deleted, expires_at: end }) => !deleted && (end === null || end > NOW));
    const records = new Map(live.map(({ id, vector, metadata: { fields } }) => {
      if (id === 'big numbers') Object.assign(fields, { over: 9007199254740993n, min: -(2n ** 63n) });
      return [id, { vector: [...new Float32Array(vector)], metadata: fields, text: Object.hasOwn(texts, id) ? texts[id] : undefined }];
    }));
    return { records, manifest, all };
  }

  for (const [name, metric] of [['cosine', 'cosine'], ['dot', 'dot'], ['cosine/snapshots/before', 'cosine'], ['empty', 'cosine']]) {
    test(`${name}: every record with vector, metadata and text, and the settings`, async () => {
      const to = newName();
      const { stdout } = done(run('import', '--from', 'vecstore-rs', from(name), to));
      const want = expected(from(name)), got = await everything(to);
      assert.deepEqual(got.records, want.records);
      assert.equal(got.metric, metric);
      assert.deepEqual([got.index.M, got.index.efConstruction], [want.manifest.config.hnsw_m, want.manifest.config.hnsw_ef_construction]);
      assert.equal(got.dimension ?? 0, want.manifest.dimension);
      assert.ok(stdout.startsWith(`${want.records.size} inserted, 0 updated`), stdout);
      const record = got.records.get('__proto__');
      if (record) assert.ok(Object.hasOwn(record.metadata, '__proto__') && record.metadata.polluted === undefined);
      // Once more changes nothing.
      done(run('import', '--from=vecstore-rs', from(name), to));
      assert.deepEqual((await everything(to)).records, want.records);
    });
  }

  test('what is left out or cannot be kept is said', () => {
    const { stdout, stderr } = done(run('import', '--from', 'vecstore-rs', from('cosine'), newName()));
    assert.match(stdout, /left out: 1 soft-deleted, 1 expired/);
    assert.match(stderr, /time to live.*: 1\n/);
    assert.match(stderr, /nearest doubles: 1\n/);
  });

  /** A copy with a file changed. */
  function changed(file, change) {
    const directory = join(folder, newName());
    cpSync(from('cosine'), directory, { recursive: true });
    const bytes = change(readFileSync(join(directory, file)));
    if (bytes === null) rmSync(join(directory, file));
    else writeFileSync(join(directory, file), bytes);
    return directory;
  }
  const json = (change) => (bytes) => JSON.stringify(change(JSON.parse(bytes)));

  test('earlier versions of the directory: no texts, no settings', async () => {
    for (const version of [1, 2]) {
      const old = changed('manifest.json', json((m) => ({ ...m, schema_version: version, config: undefined })));
      writeFileSync(join(old, 'vectors.bin'), JSON.stringify(JSON.parse(readFileSync(join(old, 'vectors.bin'))).map(
        ({ deleted, deleted_at: _, expires_at: __, ...record }) => record,
      ).filter(({ id }) => id !== 'big numbers')));
      const to = newName();
      done(run('import', '--from', 'vecstore-rs', old, to));
      const { records, metric } = await everything(to);
      assert.equal(metric, 'cosine');
      assert.ok(records.size > 40 && [...records.values()].every(({ text }) => text === undefined));
    }
  });

  test('damage is refused, naming the file', () => {
    const cases = [
      ['manifest.json', json((m) => ({ ...m, schema_version: 4 })), /manifest\.json: its schema_version is newer/],
      ['manifest.json', json((m) => ({ ...m, config: { ...m.config, distance: 'Odd' } })), /an unknown distance/],
      ['manifest.json', () => '{', /manifest\.json: /], ['manifest.json', () => null, /manifest\.json: No such file/],
      ['meta.bin', (bytes) => bytes.subarray(0, -1), /meta\.bin: it is cut off or damaged/],
      ['meta.bin', (bytes) => Buffer.concat([bytes, Buffer.alloc(1)]), /meta\.bin: it is cut off or damaged/],
      ['meta.bin', () => Buffer.alloc(8, 255), /meta\.bin: it is cut off or damaged/], ['meta.bin', () => null, /meta\.bin: No such file/],
      ['vectors.bin', (bytes) => bytes.subarray(0, -1), /vectors\.bin: it ends too early/], ['vectors.bin', () => '{}', /no array/],
      ['vectors.bin', () => '[1]', /a record is no object/], ['vectors.bin', (bytes) => `${bytes}x`, /something behind/],
      ['vectors.bin', () => '[{}', /it ends too early/], ['vectors.bin', () => '[,]', /vectors\.bin: /], ['vectors.bin', () => null, /No such file/],
      ['vectors.bin', json((all) => [{ ...all[0], vector: [1, 'x'] }]), /no 32-bit float/], ['vectors.bin', json((all) => [{ ...all[0], id: '' }]), /1 to 1024 bytes/],
      ['vectors.bin', json((all) => [{ ...all[0], vector: [1] }]), /1 dimensions/], ['vectors.bin', json((all) => [{ ...all[0], metadata: {} }]), /without fields/],
      ['text_index.json', () => '[]', /no object of texts/], ['text_index.json', () => '{"a":1}', /a text is no string/],
      ['text_index.json', () => Buffer.from('{"a":"\xff"}', 'latin1'), /not valid UTF-8/],
    ];
    for (const [file, change, says] of cases) {
      const { status, stderr } = run('import', '--from', 'vecstore-rs', changed(file, change), newName());
      assert.equal(status, 1, `${file} ${says}`);
      assert.match(stderr, says);
    }
  });

  test('files that disagree: vectors.bin counts', () => {
    const other = changed('manifest.json', json((m) => ({ ...m, record_count: 7 })));
    const { stderr } = done(run('import', '--from', 'vecstore-rs', other, newName()));
    assert.match(stderr, /manifest\.json tells of 7 records, vectors\.bin has 45/);
  });
});

describe('JSON Lines', () => {
  const odd = [
    { id: 'a', vector: [0.1, -0, 1e-45], metadata: { big: 9007199254740993n, low: -(2n ** 63n), even: 2 ** 60, zero: -0, half: 0.5 }, text: 'é "q" \\ \n 😀 \u0001',
      sparse: { indices: [0, 4294967294], values: [-0, 1e-45] }, multivector: [[0.1, -0], [3.4e38, 5]] },
    { id: 7, vector: [1, 2, 3.4028234663852886e38], metadata: JSON.parse('{"__proto__":{"x":[[],{}]},"":null}'), text: { title: 't', body: '' },
      multivector: { type: 'int8', vectors: [[0.1, -0.7, 0.33], [0, 0, 0], [1e-30, 5, -6]] } },
    { id: '7', vector: [1, 2, 3], metadata: {} },
  ];
  async function make() {
    const path = newName();
    const store = await VecStore.open({ path: join(folder, path), metric: 'dot' });
    await store.upsert(odd);
    await store.upsertMany(Array.from({ length: 3000 }, (_, id) => ({ id: `r${id}`, vector: [id, 1 / (id + 1), -id], metadata: { id } })));
    return { path, store };
  }

  test('what the command writes the package reads, and the other way round, each exactly', async () => {
    const { path, store } = await make();
    for (const vectors of ['array', 'base64']) {
      const pieces = [];
      for await (const piece of await store.exportJsonl({ vectors })) pieces.push(piece);
      writeFileSync(join(folder, `${vectors}.jsonl`), Buffer.concat(pieces));
    }
    await store.close();
    const want = (await everything(path)).records;
    done(run('export', path, 'cli.out', '--format', 'jsonl'));
    const copy = await VecStore.open({ path: join(folder, 'from-cli') });
    assert.deepEqual(await copy.importJsonl(readFileSync(join(folder, 'cli.out'))), { inserted: 3003, updated: 0 });
    await copy.close();
    assert.deepEqual((await everything('from-cli')).records, want);
    for (const file of ['array.jsonl', 'base64.jsonl']) {
      const to = newName();
      assert.equal(done(run('import', file, to)).stdout, '3003 inserted, 0 updated\n');
      assert.deepEqual((await everything(to)).records, want);
      assert.equal(done(run('import', '--format', 'jsonl', file, to)).stdout, '0 inserted, 3003 updated\n');
    }
    done(run('export', path, 'whole.vs'));
    done(run('import', 'whole.vs', 'whole'));
    assert.deepEqual((await everything('whole')).records, want);
  });

  test('a wrong line is named; what came before its batch stays', async () => {
    const good = '{"id":1,"vector":[1,2]}';
    const cases = [
      ['{', /line 3: not valid JSON/], ['{"id":1,"id":2}', /occurs twice/], ['[]', /an object/], ['{"id":1.5,"vector":[1,2]}', /an id must/], ['{"id":"","vector":[1,2]}', /an id must/],
      ['{"id":2,"vector":[1]}', /1 dimensions/], ['{"id":2,"vector":[1,"2"]}', /32-bit/], ['{"id":2,"vector":[1,1e39]}', /32-bit/], ['{"id":2,"vector":"AAAA"}', /base64/], ['{"id":2,"vector":"?AA="}', /base64/],
      ['{"id":2,"vector":[1,2],"x":1}', /only id/], ['{"id":2,"vector":[1,2],"metadata":[]}', /metadata/], ['{"id":2,"vector":[1,2],"text":{"a":1}}', /text/], ['{"id":2}', /dimensions|vector/],
      ['{"id":2,"vector":[1,2],"sparse":[]}', /indices/], ['{"id":2,"vector":[1,2],"sparse":{"indices":[1],"values":[]}}', /indices/],
      ['{"id":2,"vector":[1,2],"sparse":{"indices":[2,1],"values":[1,2]}}', /ascend/], ['{"id":2,"vector":[1,2],"sparse":{"indices":[-1],"values":[1]}}', /integer/],
      ['{"id":2,"vector":[1,2],"multivector":[]}', /multivector/], ['{"id":2,"vector":[1,2],"multivector":[[1],[1,2]]}', /one length/], ['{"id":2,"vector":[1,2],"multivector":{"type":"f16","vectors":[[1]]}}', /multivector/],
      ['{"id":2,"vector":[1,2],"metadata":{"a":9223372036854775808}}', /beyond 64 bits/], ['{"id":2,"vector":[01,2]}', /not valid JSON/], ['{"id":"\\ud800","vector":[1,2]}', /surrogate/],
      [`{"id":2,"vector":[1,2],"metadata":${'[{"a":'.repeat(70)}`, /JSON/],
    ];
    for (const [wrong, says] of cases) {
      const to = newName();
      writeFileSync(join(folder, 'wrong.jsonl'), `${good}\n\n${wrong}\n${good}\n`);
      const { status, stderr } = run('import', 'wrong.jsonl', to);
      assert.equal(status, 1, wrong);
      assert.match(stderr, says);
      assert.match(stderr, /wrong\.jsonl: line 3: /);
      assert.equal((await everything(to)).records.size, 0);
    }
    writeFileSync(join(folder, 'bom.jsonl'), `\uFEFF${good}\r\n  \t\r\n{"id":"b","vector":[3,4],"text":null,"metadata":null}`);
    assert.equal(done(run('import', 'bom.jsonl', newName())).stdout, '2 inserted, 0 updated\n');
  });

  test('wrong calls', () => {
    for (const args of [['export', 'x'], ['export', 'a', 'b', 'c'], ['export', 'a', 'b', '--format', 'xml'], ['import', 'a'],
      ['import', 'a', 'b', '--from', 'other'], ['import', 'a', 'b', '--from', 'vecstore-rs', '--format', 'jsonl'], ['import', 'a', 'b', '--nothing']]) {
      assert.equal(run(...args).status, 2, args.join(' '));
    }
    for (const args of [['import', 'absent.jsonl', 'n1'], ['import', 'absent', 'n2'], ['import', '--from', 'vecstore-rs', 'absent', 'n3'], ['export', 'absent', 'f', '--format', 'jsonl']]) {
      assert.equal(run(...args).status, 1, args.join(' '));
    }
    assert.deepEqual(readdirSync(folder).filter((name) => /^n\d$/.test(name)), ['n1'].filter((name) => existsSync(join(folder, name))));
  });
});

test('under wasmtime too', { skip: skipWithout('wizer') }, async () => {
  cpSync(join(golden, 'vecstore-rs/dot'), join(folder, 'rs'), { recursive: true });
  const wasmtime = (...args) => hosts.wasmtime.run(folder, args, {});
  done(wasmtime('import', '--from', 'vecstore-rs', 'rs', 'w1'));
  done(wasmtime('export', 'w1', 'w.jsonl', '--format', 'jsonl'));
  done(wasmtime('import', 'w.jsonl', 'w2'));
  assert.deepEqual((await everything('w2')).records, (await everything('w1')).records);
});
