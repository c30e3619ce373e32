// The demo's page of documents, driven in Chromium from an empty profile: first visit, searching, adding files of every
// kind, reloading, being killed. The tests run in order on one profile and build on one another, as a visitor’s days do.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  ROOT, accessibilityFaults, damage, drop, killBrowser, launch, mainThreadTasks, makeFillableDisk, screenshot, startServer,
  until, watch,
} from './harness.mjs';

const LONGEST_TASK_MS = 50;
const MANY = 10_000;

const corpus = JSON.parse(readFileSync(join(ROOT, 'web-demo/data/passages.json'), 'utf8'));
const strangers = []; // Requests to anywhere but the server, and complaints of the page.
let profile;
let files; // A folder for what is dropped.
let server;
let context;
let page;

async function openBrowser(options) {
  context = await launch(profile, options);
  page = context.pages()[0] ?? (await context.newPage());
  watch(page, server.url, strangers);
  page.on('filechooser', () => {}); // From now on the browser asks the tests, not only while one waits for it.
}

const text = (selector) => page.locator(selector).innerText();
const passages = async () => Number((await text('#status-records')).replace(',', ''));
const settledPassages = (count) => (
  until(`the status bar says ${count} passages`, async () => (await passages()) === count));
const ready = () => (
  page.locator('#open-clear:enabled, #load-corpus:visible').first().waitFor({ timeout: 60_000 }));
const documentNames = () => page.locator('#documents .name').allInnerTexts();
const titles = () => page.locator('#results .title').allInnerTexts();
const makeFile = (name, content) => {
  mkdirSync(join(files, name, '..'), { recursive: true });
  writeFileSync(join(files, name), content);
  return join(files, name);
};

/** Types a query at once and gives the titles found for it. */
async function search(query) {
  await page.evaluate(() => performance.clearMarks());
  await page.locator('#query').fill('');
  await until('the shelf is back', async () => (await text('#results-title')) === 'From the shelf');
  await page.locator('#query').fill(query);
  await until('something is found', async () => /to search/.test(await text('#found')));
  return titles();
}

/** Drops files and waits for the report on them. */
async function add(paths, timeout = 60_000) {
  await drop(page, paths);
  await page.locator('#report').waitFor({ timeout });
  await until('the status is told', async () => page.locator('#open-clear').isEnabled());
  return text('#report-text');
}

before(async () => {
  profile = mkdtempSync(join(tmpdir(), 'vecstore-documents-'));
  files = mkdtempSync(join(tmpdir(), 'vecstore-files-'));
  server = await startServer();
});

after(async () => {
  await context?.close();
  const code = await server?.stop();
  rmSync(profile, { recursive: true, force: true });
  rmSync(files, { recursive: true, force: true });
  assert.equal(code, 0, 'the server ends well on Ctrl+C');
});

// ---- First visit -------------------------------------------------------------------------------------------------

test('the corpus is what it says: at least 400 different passages with title, category, year and tags', () => {
  assert.ok(corpus.length >= 400);
  assert.equal(new Set(corpus.map(({ id }) => id)).size, corpus.length);
  assert.ok(new Set(corpus.map(({ category }) => category)).size >= 20);
  for (const { id, title, category, year, tags, text: body, ...rest } of corpus) {
    assert.ok(title && category && Number.isInteger(year) && tags.length >= 2 && tags.length <= 5, id);
    const words = body.split(/\s+/).length;
    assert.ok(words >= 35 && words <= 90, `${id} has ${words} words`);
    assert.deepEqual(rest, {}, id);
  }
});

test('a first visit indexes the corpus, shows progress and never holds the page', async (t) => {
  await openBrowser();
  await page.addInitScript(() => {
    globalThis.progress = [];
    document.addEventListener('DOMContentLoaded', () => {
      const line = document.getElementById('progress-text');
      if (!line) return; // An empty page.
      new MutationObserver(() => globalThis.progress.push(line.textContent)).observe(line, { childList: true });
      new MutationObserver((_, observer) => {
        if (document.getElementById('open-clear').disabled) return;
        observer.disconnect();
        console.log('first visit ended');
      }).observe(document.getElementById('open-clear'), { attributes: true });
    });
  });
  const ended = new Promise((done) => page.on('console', (line) => line.text() === 'first visit ended' && done()));
  const tasks = await mainThreadTasks(context, page, async () => {
    await page.goto(server.url, { waitUntil: 'commit' });
    await ended;
  });
  const told = await page.evaluate(() => globalThis.progress);
  const pattern = new RegExp(`^\\d+ of ${corpus.length} passages · [\\d,]+ passages/s · \\d+ s left$`);
  assert.ok(told.filter((line) => pattern.test(line)).length >= 4, `progress was told: ${told}`);
  const longest = Math.max(...tasks.map((task) => task.cpuMs));
  t.diagnostic(`${tasks.length} main-thread tasks, the longest ${longest.toFixed(1)} ms of CPU time; indexed in ` +
    `${await text('#status-index')}`);
  assert.ok(longest <= LONGEST_TASK_MS, `a main-thread task took ${longest.toFixed(1)} ms of CPU time`);
  await settledPassages(corpus.length);
  assert.match(await text('#status-persisted'), /^yes/);
  assert.match(await text('#status-storage'), /^\d+\.\d MB$/);
  assert.match(await text('#status-engine'), /SIMD/);
  assert.match(await text('#used'), /^\d+\.\d MB used$/);
  assert.deepEqual(await documentNames(), ['The corpus of this page']);
  assert.equal(await page.locator('#results .result').count(), 6, 'a few passages to begin with');
});

// ---- Searching ---------------------------------------------------------------------------------------------------

const PARAPHRASES = [
  ['stale loaf turning hard', 'Why bread goes stale'],
  ['what causes tears when chopping vegetables', 'Why onions make cooks cry'],
  ['blind people reading with their fingers', 'Braille'],
  ['a meteor impact wiped out the reptiles', 'The day the dinosaurs ended'],
  ['composer who lost his hearing', 'Beethoven goes deaf'],
  ['garments that keep out rain', 'Waterproof coats'],
  ['giant wave after a submarine quake', 'Tsunami'],
  ['how caterpillars give us fabric', 'From cocoon to thread'],
  ['how long authors own their books', 'How long copyright lasts'],
  ['knowing east-west position at sea with a clock', 'The prize for longitude'],
  ['losing money in a stock market craze', 'Tulips, tracks and websites'],
  ['odds that two guests were born on the same date', 'The birthday surprise'],
  ['people without a country seeking protection', 'Asylum and the border'],
  ['police must tell suspects they need not speak', 'You have the right to remain silent'],
  ['prices doubling every day, worthless banknotes', 'Money too cheap to burn'],
  ['protecting ships from wood-eating creatures', 'Copper against the shipworm'],
  ['repairing broken bowls with precious metal', 'Mending with gold'],
  ['secret codes that two strangers can share', 'Locking messages with public keys'],
  ['sugar disease and its treatment', 'Insulin saves a boy'],
  ['surgery without pain', 'Ether Day'],
  ['the planet that was demoted', 'Pluto loses its rank'],
  ['trains that hover without wheels', 'Floating trains'],
  ['who inherits when there is no valid document', 'Wills and the missing witness'],
  ['why humans dream at night', 'Why sleep matters'],
];
const AMONG = 3;

test('questions in other words than the passages’ find them', async (t) => {
  const ranks = [];
  for (const [query, title] of PARAPHRASES) {
    const rank = (await search(query)).indexOf(title) + 1;
    ranks.push(rank);
    t.diagnostic(`rank ${rank || '–'}: ${query} → ${title}`);
  }
  const missed = PARAPHRASES.filter((_, i) => ranks[i] === 0 || ranks[i] > AMONG).map(([query]) => query);
  assert.deepEqual(missed, [], `found among the first ${AMONG}`);
});

test('results come while typing, with latency, scores and all that is known of a passage', async (t) => {
  await page.locator('#query').fill('');
  await page.locator('#query').pressSequentially('fermented cabbage kept in salt', { delay: 15 });
  await until('the passage on pickles is first', async () => (await titles())[0] === 'Pickles by patience');
  const line = await text('#found');
  assert.match(line, /^12 of [\d,]+ passages · [\d.]+ ms to embed, [\d.]+ ms to search, \d+ ms to the page and back$/);
  t.diagnostic(line);
  const scores = await page.locator('#results .score').evaluateAll((all) => all.map((score) => Number(score.value)));
  assert.equal(scores.length, 12);
  scores.forEach((score, i) => assert.ok(score <= 1 && (i === 0 || score <= scores[i - 1]), `${scores}`));
  const pickles = corpus.find(({ title }) => title === 'Pickles by patience');
  const first = page.locator('#results .result').first();
  assert.equal(await first.locator('.facts-line').innerText(), 'Cooking · 2400 BCE · fermentation, vegetables, lactic acid');
  assert.equal(await first.locator('.text').innerText(), pickles.text);
  const marked = await first.locator('mark').allInnerTexts();
  assert.deepEqual([...new Set(marked.map((word) => word.toLowerCase()))].sort(), ['cabbage', 'salt']);
  await until('the address has the search', () => page.url().endsWith('#q=fermented+cabbage+kept+in+salt'));
  await until('it is read aloud', async () => /12 passages found, nearest: Pickles/.test(await text('#announce')));
});

test('words the model does not know find nothing and say so', async () => {
  await page.locator('#query').fill('');
  await page.locator('#query').fill('☃ ☂');
  await until('it is told', async () => /knows none of these words/.test(await text('#found')));
  assert.equal(await page.locator('#results .result').count(), 0);
});

test('more like this, and back', async () => {
  await search('steam engines racing');
  const origin = page.locator('#results .result').first();
  const title = await origin.locator('.title').innerText();
  await origin.locator('.similar').click();
  await until('its neighbours are shown', async () => (await text('#results-title')) === `Like “${title}”`);
  assert.ok(!(await titles()).includes(title), 'a passage is not among those like it');
  assert.equal((await titles()).length, 12);
  await page.reload();
  await until('a reload shows the same', async () => (await text('#results-title')) === `Like “${title}”`);
  await page.keyboard.press('Escape');
  await until('Escape leads back', async () => (await text('#results-title')) !== `Like “${title}”`);
});

// ---- Files -------------------------------------------------------------------------------------------------------

const KINDS = {
  'notes/plain.txt': 'Our lighthouse keeper grew orchids in the lantern room.\n\nHe sold them in the village each Friday.\n',
  'notes/deep/handbook.md': '# Handbook\n\n## Kettle\n\nDescale the kettle with vinegar every month.\n\n## Boiler\n\n' +
    'Call the plumber when the boiler hums at night.\n',
  'notes/page.html': '<!doctype html><title>Falconry at home</title><style>p{color:red}</style><h1>Falconry</h1>' +
    '<p>A young hawk is weighed daily before it is flown.</p><script>alert("never")</script>',
  'notes/recipes.json': JSON.stringify([
    { title: 'Rhubarb crumble', category: 'Puddings', year: 1950, tags: ['rhubarb', 'oven'],
      text: 'Stew rhubarb with sugar and bake it under a crust of oats and butter until golden.' },
    { title: 'Leek soup', text: 'Soften leeks in butter, add potatoes and broth, and blend until smooth.' },
  ]),
  'notes/letters.jsonl': '{"title":"To my sister","text":"The accordion arrived with a broken bellows, and I cried."}\n' +
    '{"title":"To the mayor","text":"The fountain on the square has been dry since Easter."}\n',
  'notes/ships.csv': 'title,text,year\nThe Marigold,"A herring drifter, lost with all hands off Wick",1881\n' +
    'The Petrel,"A pilot cutter that carried the mail to the islands",1902\n',
  'notes/photo.png': 'not text, and not asked for',
  'notes/.hidden.txt': 'hidden',
};
const FOUND_IN = [
  ['flowers kept by the man who tends the beacon', 'plain.txt'],
  ['descaling a kettle', 'deep/handbook.md'],
  ['training a bird of prey', 'page.html'],
  ['rhubarb pudding from the oven', 'recipes.json'],
  ['an accordion with a broken bellows', 'letters.jsonl'],
  ['a herring drifter that sank', 'ships.csv'],
];

async function assertFilesFound() {
  for (const [query, name] of FOUND_IN) {
    await search(query);
    const sources = (await page.locator('#results .source').allInnerTexts()).slice(0, AMONG);
    assert.ok(sources.includes(`notes/${name}`), `${query}: ${sources}`);
  }
}

test('a folder with every kind of file is dropped, read and searched', async () => {
  for (const [name, content] of Object.entries(KINDS)) makeFile(name, content);
  const report = await add([join(files, 'notes')]);
  assert.match(report, /^Added 6 documents, \d+ passages in \d.*\. 2 files of other kinds passed over\.$/);
  assert.deepEqual((await documentNames()).sort(), [
    'The corpus of this page', 'notes/deep/handbook.md', 'notes/letters.jsonl', 'notes/page.html', 'notes/plain.txt',
    'notes/recipes.json', 'notes/ships.csv',
  ]);
  await assertFilesFound();
  await search('rhubarb');
  assert.equal(await text('#results .result:first-child .title'), 'Rhubarb crumble');
  assert.equal(await text('#results .result:first-child .facts-line'), 'Puddings · 1950 · rhubarb, oven');
  await search('boiler humming');
  assert.match(await text('#results .result:first-child .facts-line'), /Boiler/);
  await search('alert never');
  assert.ok(!(await page.locator('#results').innerText()).includes('alert('), 'scripts are not text');
});

test('the same file again replaces the document', async () => {
  const count = await passages();
  await add([join(files, 'notes')]);
  assert.equal(await passages(), count);
  assert.equal((await documentNames()).length, 7);
});

test('files that cannot be read are named with the reason, and the others are added', async () => {
  const report = await add([
    makeFile('broken.json', '[{"text": "unfinished'), makeFile('empty.md', ''), makeFile('binary.txt', Buffer.alloc(64)),
    makeFile('good.txt', 'The tortoise escaped and was found asleep in the strawberries.'),
  ]);
  assert.match(report, /^Added 1 document, 1 passage/);
  const named = await page.locator('#report-list li').allInnerTexts();
  assert.equal(named.length, 3, `${named}`);
  assert.match(named[0], /^broken\.json: CORRUPT, /);
  assert.match(named[1], /^empty\.md: EMPTY, /);
  assert.match(named[2], /^binary\.txt: UNSUPPORTED, /);
  await search('a tortoise that ran away');
  assert.equal(await text('#results .result:first-child .source'), 'good.txt');
});

test('the button for files does what dropping does', async () => {
  const chooser = page.waitForEvent('filechooser');
  await page.locator('#choose-files').click();
  await page.locator('#report-close').click().catch(() => {});
  await (await chooser).setFiles(makeFile('chosen.md', '# Loft\n\nThe water tank in the loft is leaking into a bucket.'));
  await until('it is listed', async () => (await documentNames()).includes('chosen.md'));
  await search('leak under the roof');
  assert.ok((await page.locator('#results .source').allInnerTexts()).slice(0, AMONG).includes('chosen.md'));
});

/** Reloads the page with a search in its address and tells when its results were there. */
async function measureFirstSearches(t) {
  await page.goto(`${server.url}#q=training+a+bird+of+prey`);
  for (const visit of ['first', 'second', 'third']) {
    await page.reload();
    await until('it is found', async () => (
      (await page.locator('#results .source').allInnerTexts()).includes('notes/page.html')));
    const [ms] = await page.evaluate(() => performance.getEntriesByName('found').map((mark) => mark.startTime));
    t.diagnostic(`${visit} reload: results ${ms.toFixed(0)} ms after the navigation began; ` +
      `${await text('#status-open')}; ${await text('#found')}`);
  }
  await ready();
}

test('everything is there after a reload, and the first search is quick', async (t) => {
  const count = await passages();
  await measureFirstSearches(t);
  assert.equal(await passages(), count);
  assert.match(await text('#status-open'), new RegExp(`^opened ${count} passages in \\d`));
  assert.equal((await documentNames()).length, 9);
  await assertFilesFound();
});

test('a deleted document is found no more', async () => {
  const count = await passages();
  await page.locator('.document', { hasText: 'good.txt' }).locator('.remove').click();
  await until('it is gone from the list', async () => !(await documentNames()).includes('good.txt'));
  await settledPassages(count - 1);
  assert.match(await text('#toast-text'), /^Deleted good\.txt\.$/);
  await search('a tortoise that ran away');
  assert.ok(!(await page.locator('#results .source').allInnerTexts()).includes('good.txt'));
  await page.reload();
  await ready();
  assert.equal(await passages(), count - 1);
});

// ---- Much --------------------------------------------------------------------------------------------------------

/** JSON Lines of `count` different passages, made of the corpus's sentences. */
function manyPassages(count) {
  const sentences = corpus.flatMap(({ text: body }) => body.match(/[^.!?]+[.!?]/g).map((sentence) => sentence.trim()));
  let seed = 2463534242;
  const random = (n) => {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    return (seed >>> 0) % n;
  };
  const lines = Array.from({ length: count }, (_, i) => JSON.stringify({
    title: `Passage ${i + 1}`, text: [0, 1, 2].map(() => sentences[random(sentences.length)]).join(' '),
  }));
  return `${lines.join('\n')}\n`;
}

test('10,000 passages are indexed without holding the page', async (t) => {
  const path = makeFile('many.jsonl', manyPassages(MANY));
  const before = await passages();
  await page.addInitScript(() => {
    document.addEventListener('DOMContentLoaded', () => {
      if (!document.getElementById('report')) return; // An empty page.
      const told = (id, line) => new MutationObserver((_, observer) => {
        if (id === 'open-clear' && document.getElementById(id).disabled) return;
        if (id === 'report' && document.getElementById(id).hidden) return;
        observer.disconnect();
        console.log(line);
      }).observe(document.getElementById(id), { attributes: true });
      told('open-clear', 'page is ready');
      told('report', 'files are added');
    });
  });
  const heard = (what) => new Promise((done) => page.on('console', (line) => line.text() === what && done()));
  const [isReady, areAdded] = [heard('page is ready'), heard('files are added')];
  const tasks = await mainThreadTasks(context, page, async () => {
    await page.goto('about:blank');
    await page.goto(server.url, { waitUntil: 'commit' });
    await isReady;
    await drop(page, [path]);
    await areAdded;
  });
  await settledPassages(before + MANY);
  const longest = Math.max(...tasks.map((task) => task.cpuMs));
  const wall = Math.max(...tasks.map((task) => task.wallMs));
  t.diagnostic(`${await text('#report-text')} ${tasks.length} main-thread tasks, the longest ${longest.toFixed(1)} ms of ` +
    `CPU time, ${wall.toFixed(1)} ms by the wall; storage ${await text('#status-storage')}`);
  assert.ok(longest <= LONGEST_TASK_MS, `a main-thread task took ${longest.toFixed(1)} ms of CPU time`);
  await search('training a bird of prey');
  t.diagnostic(await text('#found'));
});

test('the first search after a reload with 10,000 passages', async (t) => {
  await measureFirstSearches(t);
});

const someIsWritten = () => until('some of it is written', async () => (
  parseInt((await text('#adding-text')).replace(',', ''), 10) > 500));

test('adding can be cancelled in the middle, and leaves nothing half', async () => {
  const count = await passages();
  const path = makeFile('unwanted.jsonl', manyPassages(4 * MANY));
  await drop(page, [makeFile('wanted.txt', 'A walrus carved of driftwood stands by the door.'), path]);
  await someIsWritten();
  assert.match(await text('#adding-text'), /^[\d,]+ passages · [\d,]+ passages\/s · \d+ s left$/);
  const found = await search('training a bird of prey');
  assert.ok(found.length === 12, 'one can search meanwhile');
  await page.locator('#stop-adding').click();
  await page.locator('#report').waitFor();
  assert.match(await text('#report-text'), /^Stopped\. Added 1 document, /);
  await settledPassages(count + 1);
  assert.ok(!(await documentNames()).includes('unwanted.jsonl'));
  assert.ok((await documentNames()).includes('wanted.txt'));
});

test('after a kill in the middle of adding, what was finished is there and nothing half', async (t) => {
  const count = await passages();
  await drop(page, [join(files, 'unwanted.jsonl')]);
  await someIsWritten();
  assert.ok((await killBrowser(profile)) > 1);
  await openBrowser();
  await page.goto(server.url);
  await ready();
  await settledPassages(count);
  t.diagnostic(await text('#status-open'));
  assert.ok(!(await documentNames()).includes('unwanted.jsonl'));
  await page.locator('.document', { hasText: 'many.jsonl' }).locator('.remove').click();
  await settledPassages(count - MANY);
  await assertFilesFound();
});

// ---- Everybody ---------------------------------------------------------------------------------------------------

test('the whole walk can be done by keyboard', async () => {
  await page.goto(server.url);
  await page.reload();
  await ready();
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.className);
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the search');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  assert.equal(await focused(), 'query');
  await page.keyboard.type('clay fired in a kiln');
  await until('it is found', async () => /to search/.test(await text('#found')));
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  assert.match(await focused(), /similar/);
  assert.equal(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), 'solid');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  assert.equal(await focused(), 'query', 'the arrow keys lead into the results and back');
  await page.keyboard.press('ArrowDown');
  const title = (await titles())[0];
  await page.keyboard.press('Enter');
  await until('its neighbours are shown', async () => (await text('#results-title')) === `Like “${title}”`);
  assert.equal(await focused(), 'results-title');
  await page.keyboard.press('Escape');
  await until('the search is back', async () => (await text('#results-title')) === 'Nearest in meaning');
  assert.equal(await focused(), 'query');
  for (let i = 0; i < 4 + 12; i++) await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  assert.equal(await focused(), 'choose-files');
  const chooser = page.waitForEvent('filechooser');
  await page.keyboard.press('Enter');
  await (await chooser).setFiles(makeFile('by-keyboard.txt', 'The sundial was moved to the north wall by mistake.'));
  await page.locator('#report').waitFor();
  await until('it is listed', async () => (await documentNames())[0] === 'by-keyboard.txt');
  await page.locator('#report-close').focus();
  await page.keyboard.press('Enter');
  assert.equal(await focused(), 'choose-files');
  await page.keyboard.press('Tab');
  assert.equal(await focused(), 'choose-folder');
  await page.keyboard.press('Tab');
  assert.equal(await focused(), 'documents', 'the list may scroll');
  await page.keyboard.press('Tab');
  assert.match(await focused(), /remove/);
  await page.keyboard.press('Enter');
  await until('it is deleted', async () => !(await documentNames()).includes('by-keyboard.txt'));
  assert.match(await focused(), /remove/, 'the focus stays in the list');
  await page.keyboard.press('Escape');
  await page.locator('#toast').waitFor({ state: 'hidden' });
});

for (const [width, height] of [[1280, 800], [390, 844]]) {
  for (const scheme of ['light', 'dark']) {
    test(`no accessibility fault and no sideways scrolling at ${width} pixels, ${scheme}`, async () => {
      const name = `${width}-${scheme}`;
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme: scheme });
      const check = async (state, options) => {
        await screenshot(page, `documents-${state}-${name}`, options);
        assert.deepEqual(await accessibilityFaults(page), [], state);
        const [content, view] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
        assert.ok(content <= view, `${state}: ${content} pixels wide in a window of ${view}`);
      };
      await page.goto(server.url);
      await page.reload();
      await ready();
      await page.locator('#results .result').first().waitFor();
      await check('shelf');
      await search('how birds know where to fly');
      await check('found');
      await page.locator('#open-clear').click();
      await check('clear');
      await page.keyboard.press('Escape');
      await drop(page, [join(files, 'unwanted.jsonl')]);
      await until('it is being added', async () => /left$/.test(await text('#adding-text')));
      await page.locator('#library').scrollIntoViewIfNeeded();
      await check('adding', { fullPage: width < 500 });
      await page.locator('#stop-adding').click();
      await page.locator('#report').waitFor();
      await add([join(files, 'broken.json')]);
      await check('report', { fullPage: width < 500 });
    });
  }
}

test('the artworks are a second tab', async () => {
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto(server.url);
  await page.locator('.tabs a', { hasText: 'Artworks' }).click();
  await page.locator('#grid .card').first().waitFor();
  assert.equal(await page.locator('.tabs a[aria-current]').innerText(), 'Artworks');
  await page.locator('#open-clear:enabled').waitFor({ timeout: 120_000 });
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.locator('.tabs a', { hasText: 'Passages' }).click();
  await ready();
  assert.equal(await page.locator('.tabs a[aria-current]').innerText(), 'Passages');
});

test('a second tab of the browser is told that the store is in use, and opens it once the first has gone', async () => {
  const first = page;
  page = await context.newPage();
  watch(page, server.url, strangers);
  page.on('filechooser', () => {}); // From now on the browser asks the tests, not only while one waits for it.
  await page.goto(server.url);
  await page.locator('#problem').waitFor();
  assert.equal(await text('#problem-code'), 'LOCKED');
  assert.deepEqual(await accessibilityFaults(page), []);
  await first.close();
  await page.locator('#problem-retry').click();
  await ready();
});

test('clearing asks first, empties the shelf for good, and the corpus can be indexed again', async () => {
  const count = await passages();
  await page.locator('#open-clear').click();
  await page.locator('#clear button[value=cancel]').click();
  await page.locator('#clear').waitFor({ state: 'hidden' });
  assert.equal(await passages(), count);
  await page.locator('#open-clear').click();
  await page.locator('#clear button[value=clear]').click();
  await settledPassages(0);
  await page.reload();
  await page.locator('#load-corpus').waitFor();
  assert.equal(await passages(), 0);
  assert.deepEqual(await documentNames(), []);
  assert.deepEqual(await accessibilityFaults(page), []);
  await screenshot(page, 'documents-empty-1280');
  await page.locator('#load-corpus').click();
  await settledPassages(corpus.length);
  assert.ok((await search('the planet that was demoted')).length === 12);
});

test('a first visit can be stopped and is gone on with', async () => {
  await page.locator('#open-clear').click();
  await page.locator('#clear button[value=clear]').click();
  await settledPassages(0);
  await page.evaluate(() => {
    const line = document.getElementById('progress-text');
    new MutationObserver((_, observer) => {
      observer.disconnect();
      document.getElementById('stop-loading').click();
    }).observe(line, { childList: true });
  });
  await page.locator('#load-corpus').click();
  await until('it has stopped', async () => (await page.locator('#load-corpus').isVisible()) &&
    (await text('#load-corpus')) === 'Index the rest of the corpus');
  const half = await passages();
  assert.ok(half > 0 && half < corpus.length, `stopped at ${half}`);
  await page.reload();
  await settledPassages(corpus.length);
});

test('a model that cannot be fetched is told as such', async () => {
  await context.route('**/static-en.bin', (route) => route.abort());
  await page.reload();
  await page.locator('#problem').waitFor();
  assert.match(await text('#problem-message'), /static-en\.bin/);
  assert.deepEqual(await accessibilityFaults(page), []);
  await screenshot(page, 'documents-problem-1280');
  await context.unroute('**/static-en.bin');
  await page.locator('#problem-retry').click();
  await ready();
  await settledPassages(corpus.length);
});

test('a page with another model makes the vectors anew', async () => {
  await page.addInitScript(() => {
    globalThis.told = [];
    document.addEventListener('DOMContentLoaded', () => {
      const title = document.getElementById('loading-title');
      if (title) new MutationObserver(() => globalThis.told.push(title.textContent)).observe(title, { childList: true });
    });
  });
  const toldAnew = () => page.evaluate(() => globalThis.told.includes('Reading everything anew'));
  await context.route('**/text.js', async (route) => {
    const response = await route.fetch();
    const body = (await response.text()).replace('return StaticEmbedder.load(await model);', `
      const real = await StaticEmbedder.load(await model);
      const embed = async (texts) => (await real.embed(texts)).map((vector) => vector.map((x) => -x).reverse());
      return { name: 'another', dimension: real.dimension, embed };`);
    await route.fulfill({ response, body });
  });
  await page.reload();
  await ready();
  assert.equal(await toldAnew(), true);
  assert.equal((await search('trains that hover without wheels'))[0], 'Floating trains');
  await page.reload();
  await ready();
  assert.equal(await toldAnew(), false);
  await context.unroute('**/text.js');
  await page.reload();
  await ready();
  assert.equal(await toldAnew(), true);
  assert.equal((await search('trains that hover without wheels'))[0], 'Floating trains');
});

test('a full disk is reported with its code, and what was there stays', async () => {
  const fill = await makeFillableDisk(page, 'documents-worker.js');
  await page.reload();
  await ready();
  await fill();
  await drop(page, [makeFile('too-much.txt', 'One sentence too many for this disk.')]);
  await until('the refusal is shown', async () => /^NO_SPACE: /.test(await text('#toast-text')));
  await until('it is not told as kept', async () => !(await documentNames()).includes('too-much.txt'));
  await context.unroute('**/documents-worker.js');
  await page.reload();
  await ready();
  await settledPassages(corpus.length);
});

test('a damaged store is recognised, and can be erased and indexed anew', async () => {
  await page.goto(`${server.url}icon.svg`);
  assert.ok((await damage(page, 'documents')) > 0);
  await page.goto(server.url);
  await page.locator('#problem').waitFor();
  assert.equal(await text('#problem-code'), 'CORRUPT');
  await page.locator('#problem-erase').click();
  await settledPassages(corpus.length);
});

test('the page asked nobody but its server, and the browser had nothing to complain of', () => {
  assert.deepEqual(strangers, []);
});
