// vecstore/rag: files read in JavaScript give the passages that the command line gives, whatever the pieces.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { documentKind, readDocument } from '../../js/src/rag/index.node.js';
import { TextModule } from '../../js/src/embed/module.js';
import { platform } from '../../js/src/embed/node.js';
import { hosts } from '../cli/run.mjs';
import { tinyModel } from '../cli/tiny-model.mjs';
import { root } from '../runtimes/project.mjs';

const folder = mkdtempSync(join(tmpdir(), 'vecstore-rag-'));
after(() => rmSync(folder, { recursive: true, force: true }));

async function all(...args) {
  const passages = [];
  for await (const group of readDocument(...args)) passages.push(...group);
  return passages;
}

const files = {
  'guide.md': readFileSync(join(root, 'README.md')),
  'page.html': Buffer.from('<title>T &amp; t</title><h1>Head</h1><p>Caf&eacute; au <b>lait</b></p><script>no</script><ul><li>a<li>b</ul>\xff', 'latin1'),
  'rows.csv': Buffer.from('title;text;year\nA;"multi\nline ""q""";1999\nB;more words here;2001\n'),
  'rows.jsonl': Buffer.from('{"title":"x","text":"y z","n":1.5}\n\n{"text":"\\ud83d\\ude00 u","tags":["a","b"]}\n'),
  'all.json': Buffer.from('{"one":{"text":"a b c"},"two":{"text":"d","deep":{"k":true}}}'),
  'Grüße 你好.txt': Buffer.from(`\ufeff${'Ein langer Satz über nichts. 日本語。'.repeat(12000)}\r\n\r\nEnde.`),
};

test('the same file gives the same passages as on the command line', async () => {
  mkdirSync(join(folder, 'docs'));
  writeFileSync(join(folder, 'tiny.model'), tinyModel());
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, 'docs', name), bytes);
  for (const [characters, overlap] of [[1000, 0], [120, 40]]) {
    const { run } = hosts['npx, Node'], store = `s${characters}`;
    const indexed = run(folder, ['index', 'docs', '--store', store, '--model', 'tiny.model', '--size', `${characters}`, '--overlap', `${overlap}`]);
    assert.equal(indexed.status, 0, indexed.stderr);
    const { stdout } = run(folder, ['search', store, 'a', '-k', '10000', '--json', '--model', 'tiny.model']);
    const found = JSON.parse(stdout);
    for (const [name, bytes] of Object.entries(files)) {
      const theirs = found.filter(({ metadata }) => metadata.path === `docs/${name}`).sort((a, b) => a.metadata.n - b.metadata.n)
        .map(({ text, metadata: { path, file, ...rest } }) => ({ section: '', ...rest, text }));
      const ours = await all(`docs/${name}`, new Blob([bytes]), { characters, overlap });
      assert.ok(ours.length > 0 && ours.length < 10000);
      assert.deepEqual(ours, theirs, name);
    }
  }
});

test('blobs, strings, bytes and streams of any pieces are alike', async () => {
  const bytes = files['guide.md'];
  const want = await all('guide.md', bytes);
  assert.deepEqual(want.map(({ n }) => n), want.map((_, i) => i));
  for (const passage of want) assert.equal(bytes.subarray(passage.start, passage.end).toString(), passage.text);
  async function* pieces(size) {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  for (const source of [bytes.toString(), new Uint8Array(bytes).buffer, new Blob([bytes]), new Blob([bytes]).stream(), pieces(7), pieces(100_000), [bytes]]) {
    assert.deepEqual(await all('guide.md', source), want);
  }
  assert.deepEqual(await all('x', '# Title\n\nText.', { kind: 'md' }), [
    { n: 0, title: 'Title', section: 'Title', text: '# Title\n\nText.', start: 0, end: 14 },
  ]);
  assert.deepEqual(await all('a.txt', ''), []);
});

test('what is wrong is said', async () => {
  const refuses = (code, message, ...args) => assert.rejects(() => all(...args), (error) => error.code === code && message.test(error.message));
  await refuses('INVALID_ARGUMENT', /no known kind/, 'a.png', '');
  await refuses('INVALID_ARGUMENT', /name must be a string/, 5, '');
  await refuses('INVALID_ARGUMENT', /name must be a string/, 'a\ud800.txt', '');
  await refuses('INVALID_ARGUMENT', /unknown option 'frob'/, 'a.txt', '', { frob: 1 });
  await refuses('INVALID_ARGUMENT', /kind must be one of/, 'a.txt', '', { kind: 'pdf' });
  await refuses('INVALID_ARGUMENT', /characters must be/, 'a.txt', '', { characters: 15 });
  await refuses('INVALID_ARGUMENT', /overlap \(60\) must be at most half/, 'a.txt', '', { characters: 100, overlap: 60 });
  await refuses('INVALID_ARGUMENT', /must be a Blob/, 'a.txt', 5);
  await refuses('INVALID_ARGUMENT', /piece of a document must be bytes/, 'a.txt', ['text']);
  await refuses('UNSUPPORTED', /not a text file/, 'a.txt', 'a\0b');
  await refuses('CORRUPT', /not valid JSON at byte 5/, 'a.json', '[1, 2');
  await refuses('ABORTED', /abort/i, 'a.txt', 'a', { signal: AbortSignal.abort() });
  const stop = new AbortController();
  await refuses('ABORTED', /abort/i, 'a.txt', 'a'.repeat(1e6), { signal: stop.signal, onProgress: () => stop.abort() });
});

test('progress counts bytes; names have kinds, the same as in C', async () => {
  const seen = [];
  await all('a.txt', 'word '.repeat(50_000), { onProgress: (bytes) => seen.push(bytes) });
  assert.ok(seen.length > 3 && seen.every((bytes, i) => i === 0 || bytes > seen[i - 1]));
  assert.equal(seen.at(-1), 250_000);
  const module = await TextModule.load(platform);
  const kinds = [null, 'txt', 'md', 'html', 'json', 'jsonl', 'csv'];
  const names = ['a.txt', 'b.text', 'x/y.MD', 'm.markdown', 'h.html', 'h.htm', 'h.xhtml', 'j.json', 'j.jsonl', 'j.ndjson', 'c.csv', 'c.tsv',
    'a.png', 'txt', 'a.txt/b', '.md', 'a.', 'a.TXT.gz', ''];
  for (const name of names) {
    const utf8 = new TextEncoder().encode(name), p = module.alloc(utf8.length + 1);
    module.heap.write(p, utf8);
    assert.equal(documentKind(name), kinds[module.call((exports) => exports.vs_tm_kind_of_name(p, utf8.length))], name);
  }
});

test('every file of this repository that can be read is read', async () => {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => documentKind(name) && !/node_modules|^build|^dist|(^|\/)\.|corpus/.test(name)).slice(0, 60);
  assert.ok(names.length > 3);
  for (const name of names) {
    const bytes = readFileSync(join(root, name));
    for (const { text, start, end } of await all(name, bytes, { characters: 500 })) {
      assert.ok(text.length > 0 && start < end && end <= bytes.length && [...text].length <= 500);
    }
  }
});
