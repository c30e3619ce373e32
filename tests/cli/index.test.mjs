// `vecstore index` and `vecstore search`, under every host of the command line: what is read, what is read again, what
// is removed, what is said.
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { VecStore } from '../../js/src/index.node.js';
import { skipWithout } from '../runtimes/tools.mjs';
import { hosts, scratchFolder } from './run.mjs';
import { tinyModel } from './tiny-model.mjs';

const { folder, remove } = scratchFolder();
after(remove);

let names = 0;
/** A folder with a model and some documents. */
function project() {
  const cwd = join(folder, `p${names++}`);
  mkdirSync(join(cwd, 'docs/sub/node_modules'), { recursive: true });
  mkdirSync(join(cwd, 'docs/.hidden'));
  writeFileSync(join(cwd, 'tiny.model'), tinyModel());
  const put = (name, text) => writeFileSync(join(cwd, 'docs', name), text);
  put('guide.md', '# Guide\n\nHow to restore a backup.\n\n## Install\n\nInstall the program.\n');
  put('sub/Grüße 你好.txt', 'A whale in the ocean.');
  put('page.html', '<title>Garden</title><nav>dog</nav><h1>House</h1><p>A cat in the garden&hellip;</p>');
  put('list.csv', 'title,text,year\nWinter,"snow, and\nwind",1999\nSummer,light,2001\n');
  put('rows.jsonl', '{"title":"Bread","text":"milk and bread","n":1}\n{"text":"stone water fire"}\n');
  put('picture.txt', Buffer.from([1, 0, 2]));
  put('ignored.png', 'x');
  put('.hidden/a.md', 'hidden');
  put('sub/node_modules/a.md', 'module');
  return { cwd, put, path: (name) => join(cwd, 'docs', name) };
}

const totals = ({ stdout }) => Object.fromEntries([...stdout.matchAll(/(\d+) (\w+)/g)].map(([, n, word]) => [word, Number(n)]));

for (const [name, host] of Object.entries(hosts)) {
  describe(name, { skip: skipWithout(...host.needs) }, () => {
    const vecstore = (cwd, ...args) => host.run(cwd, args, { VECSTORE_MODEL: 'tiny.model' });
    const search = (cwd, ...args) => JSON.parse(vecstore(cwd, 'search', 'store', ...args, '--json').stdout);

    test('index, search, change, index again, delete', () => {
      const { cwd, put, path } = project();
      const first = vecstore(cwd, 'index', './docs//', '--store', 'store');
      assert.equal(first.status, 0, first.stderr);
      assert.deepEqual(totals(first), { files: 6, new: 5, changed: 0, unchanged: 0, removed: 0, skipped: 1, failed: 0, passages: 8, in: 8 });
      assert.match(first.stderr, /skipped docs\/picture\.txt: not a text file/);

      const [hit, ...rest] = search(cwd, 'backup', '-k', '3');
      assert.equal(rest.length, 2);
      assert.deepEqual(Object.keys(hit), ['id', 'score', 'distance', 'metadata', 'text']);
      assert.equal(hit.id, 'docs/guide.md#0');
      assert.ok(Math.abs(hit.score + hit.distance - 1) < 1e-6 && hit.score >= rest[0].score);
      const { file, ...metadata } = hit.metadata;
      assert.deepEqual(metadata, { path: 'docs/guide.md', title: 'Guide', n: 0, start: 0, end: 33, section: 'Guide' });
      assert.equal(hit.text, '# Guide\n\nHow to restore a backup.');
      const { size } = statSync(path('guide.md'));
      assert.deepEqual({ ...file, mtime: 0, hash: 0 }, { size, mtime: 0, passages: 2, characters: 1000, overlap: 0, hash: 0 });
      assert.equal(search(cwd, 'ocean')[0].id, 'docs/sub/Grüße 你好.txt#0');
      assert.deepEqual(search(cwd, 'snow')[0].metadata.fields, { year: 1999 });
      assert.equal(search(cwd, 'garden')[0].metadata.title, 'Garden');
      assert.ok(search(cwd, 'dog', '-k', '100').every(({ text }) => !/dog|hidden|module/.test(text)));

      assert.deepEqual(totals(vecstore(cwd, 'index', 'docs', '--store', 'store')),
        { files: 6, new: 0, changed: 0, unchanged: 5, removed: 0, skipped: 1, failed: 0, passages: 0, in: 8 });

      // Touched is not changed; changed is, even when the size stays.
      utimesSync(path('guide.md'), 1e9, 1e9);
      writeFileSync(path('rows.jsonl'), readFileSync(path('rows.jsonl'), 'utf8').replace('fire', 'wind'));
      utimesSync(path('rows.jsonl'), 1e9, 1e9);
      appendFileSync(path('page.html'), '<p>A river.</p>');
      rmSync(path('list.csv'));
      put('new.txt', 'A mountain.');
      assert.deepEqual(totals(vecstore(cwd, 'index', 'docs', '--store', 'store')),
        { files: 6, new: 1, changed: 2, unchanged: 2, removed: 1, skipped: 1, failed: 0, passages: 4, in: 7 });
      assert.ok(search(cwd, 'snow', '-k', '100').every(({ metadata }) => metadata.path !== 'docs/list.csv'));
      assert.match(search(cwd, 'river')[0].text, /river/);

      // A file that shrinks leaves nothing behind; one that became binary neither.
      put('guide.md', 'Only rain.');
      put('new.txt', Buffer.from([0]));
      assert.deepEqual(totals(vecstore(cwd, 'index', 'docs', '--store', 'store')),
        { files: 6, new: 0, changed: 1, unchanged: 3, removed: 0, skipped: 2, failed: 0, passages: 1, in: 5 });

      // Only what is below the directory given is looked for; what cannot be read as JSON stays as it was.
      rmSync(path('sub'), { recursive: true });
      put('rows.jsonl', '{"text": broken');
      const other = vecstore(cwd, 'index', 'docs/page.html', 'docs/rows.jsonl', '--store', 'store');
      assert.equal(other.status, 1);
      assert.match(other.stderr, /rows\.jsonl: not valid JSON at byte 9/);
      assert.deepEqual(totals(other), { files: 2, new: 0, changed: 0, unchanged: 1, removed: 0, skipped: 0, failed: 1, passages: 0, in: 5 });
      assert.equal(search(cwd, 'wind stone')[0].text, 'stone water wind');
      assert.equal(vecstore(cwd, 'verify', 'store').stdout, 'ok\n');
    });

    test('wrong calls and failures are told apart', () => {
      const { cwd } = project();
      const says = (status, message, ...args) => {
        const result = vecstore(cwd, ...args);
        assert.equal(result.status, host.isPlain ? 1 : status, `${args.join(' ')}: ${result.stdout}${result.stderr}`);
        assert.match(result.stderr, message);
      };
      says(2, /needs --store/, 'index', 'docs');
      says(2, /needs a directory/, 'index', '--store', 'store');
      says(2, /unknown option '--frob'/, 'index', 'docs', '--store', 'store', '--frob');
      says(2, /'--size' must be .* not '7'/, 'index', 'docs', '--store', 'store', '--size', '7');
      says(2, /'--overlap' must be/, 'index', 'docs', '--store', 'store', '--size', '100', '--overlap', '51');
      says(2, /'--store' needs a value/, 'index', 'docs', '--store');
      says(2, /needs a store's path and a question/, 'search', 'store');
      says(2, /'-k' must be/, 'search', 'store', 'x', '-k', '0');
      says(2, /unknown command 'frob'/, 'frob');
      says(1, /no such directory/, 'search', 'nothing', 'x');
      says(1, /cannot read the model nothing/, 'index', 'docs', '--store', 'store', '--model', 'nothing');
      says(1, /no usable model/, 'index', 'docs', '--store', 'store', '--model', 'docs/guide.md');
      says(1, /nothing: No such file/i, 'index', 'nothing', '--store', 'store');
      writeFileSync(join(cwd, 'other.model'), tinyModel('tiny-2'));
      assert.equal(vecstore(cwd, 'index', 'docs', '--store', 'store').status, 0);
      says(1, /embedder 'tiny-1'.*'tiny-2'/, 'search', 'store', 'whale', '--model', 'other.model');
      says(1, /embedder 'tiny-1'.*'tiny-2'/, 'index', 'docs', '--store', 'store', '--model', 'other.model');
    });

    test('--help of everything has examples', () => {
      const { cwd } = project();
      const help = (...args) => {
        const { status, stdout } = vecstore(cwd, ...args, '--help');
        assert.equal(status, 0);
        return stdout;
      };
      const list = help();
      for (const command of ['index', 'search', 'stats', 'verify', 'export', 'import']) {
        assert.match(list, new RegExp(`^  ${command} `, 'm'));
        assert.match(help(command), new RegExp(`^usage: vecstore ${command} [^]*Examples?:\n  vecstore ${command} `));
      }
    });
  });
}

describe('npx, Node', () => {
  const { run } = hosts['npx, Node'];
  const vecstore = (cwd, ...args) => run(cwd, args, { VECSTORE_MODEL: 'tiny.model' });

  test('results for people', () => {
    const { cwd, put } = project();
    put('evil.txt', 'A \u001b[31m fire\r\n and\u009b ' + 'stone '.repeat(100));
    vecstore(cwd, 'index', 'docs', '--store', 'store');
    const { stdout } = vecstore(cwd, 'search', 'store', 'whale', 'ocean', '-k', '1');
    assert.match(stdout, /^1\. \d\.\d{3} {2}docs\/sub\/Grüße 你好\.txt#0\n {3}Grüße 你好\.txt\n {3}A whale in the ocean\.\n\n$/);
    const evil = vecstore(cwd, 'search', 'store', 'fire stone', '-k', '3').stdout;
    assert.match(evil, /evil\.txt/);
    // eslint-disable-next-line no-control-regex
    assert.ok(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(evil), 'nothing that talks to the terminal');
    assert.equal(vecstore(cwd, 'index', 'docs/ignored.png', '--store', 'other').status, 0, 'a file named outright is taken as text');
    mkdirSync(join(cwd, 'void'));
    vecstore(cwd, 'index', 'void', '--store', 'nothing');
    assert.equal(vecstore(cwd, 'search', 'nothing', 'x').stdout, 'nothing found\n');
  });

  test('paths: absolute, above, of the current directory, with spaces and links', () => {
    const { cwd, path } = project();
    mkdirSync(join(cwd, 'a b'));
    renameSync(path('guide.md'), join(cwd, 'a b/guide.md'));
    symlinkSync('..', join(cwd, 'a b/loop'));
    symlinkSync('nowhere', join(cwd, 'a b/dangling.md'));
    symlinkSync('itself.md', join(cwd, 'a b/itself.md'));
    const ids = (store, from = cwd) => JSON.parse(run(from, ['search', store, 'backup', '--json'], { VECSTORE_MODEL: join(cwd, 'tiny.model') }).stdout).map(({ id }) => id);
    assert.equal(vecstore(cwd, 'index', join(cwd, 'a b'), '--store', join(cwd, 'deep/er/s1')).status, 0);
    assert.deepEqual(ids('deep/er/s1').sort(), [`${cwd}/a b/guide.md#0`, `${cwd}/a b/guide.md#1`]);
    const above = run(path('sub'), ['index', '../../a b', '--store=../../s2', '--model', '../../tiny.model'], {});
    assert.equal(above.status, 0, above.stderr);
    assert.deepEqual(ids('../../s2', path('sub')).sort(), ['../../a b/guide.md#0', '../../a b/guide.md#1']);
    assert.equal(vecstore(join(cwd, 'docs'), 'index', '.', '--store', 's3', '--ext', 'md,csv', '--model', '../tiny.model').status, 0);
    assert.deepEqual(ids('docs/s3').sort(), ['list.csv#0', 'list.csv#1']);
    assert.deepEqual(totals(vecstore(join(cwd, 'docs'), 'index', '.', '--store', 's3', '--model', '../tiny.model')),
      { files: 5, new: 3, changed: 0, unchanged: 1, removed: 0, skipped: 1, failed: 0, passages: 4, in: 6 }, 'the store itself is left out');
  });

  test('a store of the command opens in the wrapper, and the other way round', async () => {
    const { cwd } = project();
    vecstore(cwd, 'index', 'docs', '--store', 'store');
    const [hit] = JSON.parse(vecstore(cwd, 'search', 'store', 'whale', '--json').stdout);
    const embedder = { name: 'tiny-1', dimension: 32, embed: async (texts) => texts.map(() => new Float32Array(32).fill(1)) };
    const store = await VecStore.open({ path: join(cwd, 'store'), embedder });
    assert.equal(await store.count(), 8);
    const record = await store.get(hit.id);
    assert.equal(record.text, hit.text);
    assert.deepEqual(record.metadata, hit.metadata);
    const [{ id, score }] = await store.query({ vector: record.vector, k: 1 });
    assert.ok(id === hit.id && score > 0.999);
    await store.upsert({ id: 'mine', text: 'a text of the wrapper', metadata: { path: 'docs/guide.md', n: 77 } });
    const locked = vecstore(cwd, 'search', 'store', 'whale');
    assert.equal(locked.status, 1);
    assert.match(locked.stderr, /open already: held by process/);
    await store.close();
    assert.equal(totals(vecstore(cwd, 'index', 'docs', '--store', 'store')).in, 9, 'records of others stay');

    const plain = await VecStore.open({ path: join(cwd, 'plain'), dimension: 32 });
    await plain.upsert({ id: 1, vector: new Float32Array(32).fill(1) });
    await plain.close();
    assert.match(vecstore(cwd, 'search', 'plain', 'whale').stderr, /the store has no embedder/);

    const mine = await VecStore.open({ path: join(cwd, 'mine'), embedder });
    await mine.upsert({ id: 1, text: 'whale' });
    await mine.close();
    assert.deepEqual(JSON.parse(vecstore(cwd, 'search', 'mine', 'whale', '--json').stdout).map((x) => [x.id, x.text]), [[1, 'whale']]);
  });

  test('other splitting reads everything again', () => {
    const { cwd, put } = project();
    put('long.txt', 'A stone in the river. '.repeat(60));
    const index = (...args) => totals(vecstore(cwd, 'index', 'docs/long.txt', '--store', 'store', ...args));
    assert.equal(index().in, 2);
    const small = index('--size', '100', '--overlap', '30');
    assert.equal(small.changed, 1);
    const hits = JSON.parse(vecstore(cwd, 'search', 'store', 'river', '-k', '100', '--json').stdout).sort((a, b) => a.metadata.n - b.metadata.n);
    assert.equal(hits.length, small.in);
    assert.ok(hits.length > 13 && hits.every(({ text }) => text.length <= 100));
    hits.slice(1).forEach(({ metadata }, i) => {
      const shared = hits[i].metadata.end - metadata.start;
      assert.ok(shared > 0 && shared <= 30, `${shared} characters shared`);
    });
  });
});
