// The demo’s page of artworks, driven in Chromium from an empty profile to a full life: first visit, looking, changing,
// reloading, being killed. The tests run in order on one profile and build on one another, as a visitor’s days do.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  SCREENSHOTS, accessibilityFaults, cosine, damage, killBrowser, launch, mainThreadTasks, makeFillableDisk, readPack,
  screenshot, startServer, until, watch,
} from './harness.mjs';

const TOTAL = 1500;
const LONGEST_TASK_MS = 50;
const ZERO_WORK = '548831';
const SCORE_TOLERANCE = 1e-4;

const pack = readPack();
const strangers = []; // Requests to anywhere but the server, and complaints of the page.
let profile;
let server;
let artworks; // The page's address.
let context;
let page;

async function openBrowser(options) {
  context = await launch(profile, options);
  page = context.pages()[0] ?? (await context.newPage());
  watch(page, server.url, strangers);
}

const text = (selector) => page.locator(selector).innerText();
const ready = (timeout = 60_000) => page.locator('#open-clear:enabled, #reload:visible').first().waitFor({ timeout });
const works = async () => Number((await text('#status-records')).replace(',', ''));
const settledWorks = (count) => until(`the status bar says ${count} works`, async () => (await works()) === count);
const openWork = async (id) => {
  await page.goto(`${artworks}#/artwork/${encodeURIComponent(id)}`);
  await page.locator(`#work[data-id="${id}"]`).waitFor();
  await until('the nearest are there', async () => /nearest of|no image vector/.test(await text('#latency')));
};
const hits = () => page.locator('#nearest .card').evaluateAll((cards) => cards.map((card) => (
  { id: card.dataset.id, score: Number(card.querySelector('.score').value) })));

/** The twelve best scores over the pack and any further vectors, the work's own left out. */
function exactScores(vector, ownId, more = []) {
  const scores = pack.vectors.flatMap((v, i) => (pack.ids[i] === ownId ? [] : [cosine(vector, v)]));
  return [...scores, ...more.map((v) => cosine(vector, v))].sort((a, b) => b - a).slice(0, 12);
}

function assertNearest(found, vector, ownId) {
  assert.equal(found.length, 12);
  const expected = exactScores(vector, ownId);
  found.forEach(({ id, score }, rank) => {
    const truth = cosine(vector, pack.vectors[pack.ids.indexOf(id)]);
    assert.ok(Math.abs(score - truth) < SCORE_TOLERANCE, `${ownId}: score of ${id} is ${score}, cosine is ${truth}`);
    assert.ok(Math.abs(score - expected[rank]) < SCORE_TOLERANCE, `${ownId}: rank ${rank + 1} is ${score}, best is ${expected[rank]}`);
  });
}

before(async () => {
  profile = mkdtempSync(join(tmpdir(), 'vecstore-demo-'));
  server = await startServer();
  artworks = `${server.url}artworks.html`;
});

after(async () => {
  await context?.close();
  const code = await server?.stop();
  rmSync(profile, { recursive: true, force: true });
  assert.equal(code, 0, 'the server ends well on Ctrl+C');
});

test('a first visit cut short by a kill goes on where it was', async () => {
  await openBrowser();
  await page.goto(artworks);
  await until('a third is indexed', async () => (await page.locator('#progress').evaluate((bar) => bar.value)) >= TOTAL / 3);
  await page.screenshot({ path: join(SCREENSHOTS, 'loading-1280.png') });
  assert.ok((await killBrowser(profile)) > 1);
  await openBrowser();
  await page.goto(artworks);
  await page.locator('#grid .card').first().waitFor();
  await until('the progress bar starts beyond what was acknowledged', async () => (
    (await page.locator('#progress').evaluate((bar) => bar.value)) > TOTAL / 3));
  await ready();
  await settledWorks(TOTAL);
  await context.close();
  rmSync(profile, { recursive: true });
});

/**
 * Runs in the page before its own scripts. Records by itself, because each look from outside is a task of the page's
 * main thread too, and the first one of them a long one.
 */
function recordFirstVisit() {
  const firstVisit = { progress: [], wall: [] };
  globalThis.firstVisit = firstVisit;
  new PerformanceObserver((list) => firstVisit.wall.push(...list.getEntries().map((e) => Math.round(e.duration))))
    .observe({ type: 'longtask', buffered: true });
  document.addEventListener('DOMContentLoaded', () => {
    const line = document.getElementById('progress-text');
    new MutationObserver(() => firstVisit.progress.push(line.textContent)).observe(line, { childList: true });
    new MutationObserver((_, observer) => {
      if (document.getElementById('open-clear').disabled) return;
      observer.disconnect();
      console.log('first visit ended');
    }).observe(document.getElementById('open-clear'), { attributes: true });
  });
}

test('a first visit indexes all works, shows progress and never holds the page', async (t) => {
  await openBrowser();
  await page.addInitScript(recordFirstVisit);
  const ended = new Promise((done) => page.on('console', (line) => line.text() === 'first visit ended' && done()));
  const tasks = await mainThreadTasks(context, page, async () => {
    await page.goto(artworks, { waitUntil: 'commit' });
    await ended;
  });
  const { progress, wall } = await page.evaluate(() => globalThis.firstVisit);
  await settledWorks(TOTAL);
  const told = progress.filter((line) => /^[\d,]+ of 1,500 works · [\d,]+ records\/s · \d+ s left$/.test(line));
  assert.ok(told.length >= 10, `progress was told ${told.length} times: ${progress}`);
  const longest = Math.max(...tasks.map((task) => task.cpuMs));
  t.diagnostic(`${tasks.length} main-thread tasks, the longest ${longest.toFixed(1)} ms of CPU time; ` +
    `long tasks by the wall clock: ${wall.length ? wall.join(', ') : 'none'}; indexed in ${await text('#status-index')}`);
  assert.ok(tasks.length > 50, 'the trace has the page’s tasks');
  assert.ok(longest <= LONGEST_TASK_MS, `a main-thread task took ${longest.toFixed(1)} ms of CPU time`);
  assert.match(await text('#status-persisted'), /^yes/);
  assert.match(await text('#status-storage'), /^\d+\.\d MB$/);
  assert.match(await text('#status-engine'), /SIMD/);
  assert.equal(await page.locator('#grid .card').count(), 48);
});

test('a click shows the nearest twelve with scores and latency, as exact search gives them', async (t) => {
  const card = page.locator('#grid .card').nth(6);
  const id = await card.getAttribute('data-id');
  await card.click();
  await until('the nearest are there', async () => (await page.locator('#nearest .card').count()) === 12);
  assert.match(await text('#latency'), /^12 nearest of 1,500, found in [\d.]+ ms/);
  t.diagnostic(await text('#latency'));
  assertNearest(await hits(), pack.vectors[pack.ids.indexOf(id)], id);
  for (let row = 17; row < TOTAL; row += 149) {
    await openWork(pack.ids[row]);
    assertNearest(await hits(), pack.vectors[row], pack.ids[row]);
  }
});

test('a work without a vector resembles nothing and says so', async () => {
  await openWork(ZERO_WORK);
  assert.match(await text('#latency'), /no image vector/);
  assert.equal(await page.locator('#nearest .card').count(), 0);
});

test('breadcrumbs, back and Escape lead the way one came', async () => {
  await page.goto(artworks);
  await ready();
  await page.locator('#grid .card a').nth(2).click();
  await page.locator('#nearest .card').first().waitFor();
  const first = await text('#work-title');
  await page.locator('#nearest .card a').nth(1).click();
  await until('the second work is open', async () => (await text('#work-title')) !== first);
  assert.deepEqual(await page.locator('#trail li').allInnerTexts(), ['Collection', first, await text('#work-title')]);
  await page.locator('#back').click();
  await until('the first work is back', async () => (await text('#work-title')) === first);
  await page.keyboard.press('Escape');
  await page.locator('#collection').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.closest('.card')?.dataset.id), pack.ids[2]);
});

test('the filter finds letters in title, artist and department', async () => {
  for (const [typed, field] of [['degas', '.artist'], ['ARMS AND', '.place'], ['still life', '.title']]) {
    await page.locator('#filter').fill(typed);
    await until('the filter has acted', async () => (await text('#matches')).includes(typed));
    const shown = await page.locator(`#grid .card ${field}`).allTextContents();
    assert.ok(shown.length > 0 && shown.every((value) => value.toLowerCase().includes(typed.toLowerCase())), `${typed}: ${shown}`);
  }
  await page.locator('#filter').fill('zzzz');
  await page.locator('#empty').waitFor();
  assert.equal(await page.locator('#reload').isVisible(), false);
  await page.locator('#filter').fill('');
  await page.locator('#empty').waitFor({ state: 'hidden' });
});

test('an added work stands between the two it is like', async () => {
  await page.goto(`${artworks}#/`);
  await openWork(pack.ids[6]);
  await page.locator('#add-like').click();
  await page.locator('#add-name').fill('A Study After Both');
  await page.locator('#add-artist').fill('A. Visitor');
  await page.locator('#add-year').fill('2024');
  await page.locator('#add-like-2').fill(pack.titles[17]);
  const option = page.locator('#like-options option');
  const label = (await option.evaluateAll((all) => all.map((o) => o.value))).find((value) => value.endsWith(`[${pack.ids[17]}]`));
  await page.locator('#add-like-2').fill(label);
  await page.locator('#add-share').fill('30');
  await page.locator('#add-form button[value=add]').click();
  await until('the added work is open', async () => (await text('#work-title')) === 'A Study After Both');
  await until('the nearest are there', async () => (await page.locator('#nearest .card').count()) === 12);
  const mixed = pack.vectors[6].map((x, i) => x * 0.7 + pack.vectors[17][i] * 0.3);
  assertNearest(await hits(), mixed, 'the blend');
  await settledWorks(TOTAL + 1);
});

test('a deleted work is gone, and undo brings it back', async () => {
  await openWork(pack.ids[40]);
  const remove = async () => {
    await page.locator('#remove').click();
    await page.locator('#undo').waitFor();
    await settledWorks(TOTAL);
  };
  await remove();
  await page.locator('#undo').click();
  await page.locator(`#work[data-id="${pack.ids[40]}"]`).waitFor();
  await settledWorks(TOTAL + 1);
  await until('the nearest are there', async () => (await page.locator('#nearest .card').count()) === 12);
  const neighbour = (await hits())[0].id;
  await remove();
  await page.keyboard.press('Escape');
  await openWork(neighbour);
  assert.ok(!(await hits()).some((hit) => hit.id === pack.ids[40]), 'a deleted work is still found');
});

/** What the visitor has by now: 1,500 works, less the deleted, and the added one. */
async function assertEverythingKept(t) {
  await ready();
  assert.equal(await works(), TOTAL);
  const line = await text('#status-open');
  assert.match(line, /^opened 1,500 records in \d/);
  t.diagnostic(line);
  assert.equal(await page.locator('#loading').isVisible(), false);
  assert.equal(await text('#grid .card:first-child .title'), 'A Study After Both');
  assert.equal(await page.locator(`.card[data-id="${pack.ids[40]}"]`).count(), 0);
  await openWork(pack.ids[6]);
  assert.ok((await hits()).length === 12);
  await page.goto(`${artworks}#/`);
}

test('everything is there after a reload', async (t) => {
  await page.goto(artworks);
  await page.reload();
  await assertEverythingKept(t);
});

test('a second tab is told that the store is in use, and opens it once the first has gone', async () => {
  const first = page;
  page = await context.newPage();
  watch(page, server.url, strangers);
  await page.goto(artworks);
  await page.locator('#problem').waitFor();
  assert.equal(await text('#problem-code'), 'LOCKED');
  assert.deepEqual(await accessibilityFaults(page), []);
  await screenshot(page, 'locked-1280');
  await first.close();
  await page.locator('#problem-retry').click();
  await ready();
  await settledWorks(TOTAL);
});

test('everything is there after the browser was killed', async (t) => {
  await openWork(pack.ids[41]);
  await page.locator('#remove').click();
  await page.locator('#undo').waitFor();
  assert.ok((await killBrowser(profile)) > 1);
  await openBrowser();
  await page.goto(artworks);
  await ready();
  assert.equal(await works(), TOTAL - 1);
  assert.match(await text('#status-open'), /^opened 1,499 records in/);
  t.diagnostic(await text('#status-open'));
  assert.equal(await text('#grid .card:first-child .title'), 'A Study After Both');
});

test('the whole walk can be done by keyboard', async () => {
  await page.goto(artworks);
  await ready();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the works');
  await page.keyboard.press('Enter');
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.closest('.card')?.dataset.id);
  for (const expected of ['filter', 'open-add', 'open-clear']) {
    await page.keyboard.press('Tab');
    assert.equal(await focused(), expected);
  }
  await page.keyboard.press('Tab');
  const start = await focused();
  await page.keyboard.press('ArrowRight');
  const beside = await focused();
  await page.keyboard.press('ArrowDown');
  assert.ok(new Set([start, beside, await focused()]).size === 3, 'the arrow keys move from card to card');
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(outline, 'solid', 'the focus can be seen');
  const wanted = await focused();
  await page.keyboard.press('Enter');
  await page.locator(`#work[data-id="${wanted}"]`).waitFor();
  assert.equal(await focused(), 'work-title');
  await page.locator('#nearest .card').first().waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await focused(), 'add-like');
  await page.keyboard.press('Enter');
  await page.locator('#add[open]').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('#add').waitFor({ state: 'hidden' });
  assert.equal(await page.locator('#work').isVisible(), true, 'Escape closes the form, not the work behind it');
  await page.keyboard.press('Escape');
  await page.locator('#collection').waitFor();
  assert.equal(await focused(), wanted);
});

for (const [width, height] of [[1280, 800], [390, 844]]) {
  for (const scheme of ['light', 'dark']) {
    test(`no accessibility fault and no sideways scrolling at ${width} pixels, ${scheme}`, async () => {
      const name = `${width}-${scheme}`;
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme: scheme });
      const check = async (state) => {
        await screenshot(page, `${state}-${name}`);
        assert.deepEqual(await accessibilityFaults(page), [], state);
        const [content, view] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
        assert.ok(content <= view, `${state}: ${content} pixels wide in a window of ${view}`);
      };
      await page.goto(`${artworks}#/`);
      await page.reload();
      await ready();
      await check('collection');
      await openWork(pack.ids[6]);
      await check('work');
      await page.locator('#add-like').click();
      await check('form');
      await page.keyboard.press('Escape');
    });
  }
}

test('clearing asks first, empties the store for good, and the collection can be reloaded', async () => {
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto(`${artworks}#/`);
  await page.reload();
  await ready();
  const before = await works();
  await page.locator('#open-clear').click();
  await page.locator('#clear button[value=cancel]').click();
  await page.locator('#clear').waitFor({ state: 'hidden' });
  assert.equal(await works(), before);
  await page.locator('#open-clear').click();
  await page.locator('#clear button[value=clear]').click();
  await page.locator('#reload').waitFor({ timeout: 60_000 });
  await settledWorks(0);
  await page.reload();
  await page.locator('#reload').waitFor();
  assert.equal(await works(), 0);
  assert.deepEqual(await accessibilityFaults(page), []);
  await screenshot(page, 'empty-1280');
  await page.locator('#reload').click();
  await page.locator('#open-clear:enabled').waitFor({ timeout: 120_000 });
  await settledWorks(TOTAL);
});

test('a full disk is reported with its code, and what was there stays', async () => {
  const fill = await makeFillableDisk(page, 'artworks-worker.js');
  await page.reload();
  await ready();
  await openWork(pack.ids[50]);
  await fill();
  await page.locator('#add-like').click();
  await page.locator('#add-name').fill('One Too Many');
  await page.locator('#add-form button[value=add]').click();
  await until('the refusal is shown', async () => /^NO_SPACE: /.test(await text('#add-error')));
  await context.unroute('**/artworks-worker.js');
  await page.goto(`${artworks}#/`);
  await page.reload();
  await ready();
  await settledWorks(TOTAL);
});

test('a damaged store is recognised, and can be erased and indexed anew', async () => {
  await page.goto('about:blank');
  await page.goto(`${server.url}icon.svg`);
  const damaged = await damage(page, 'met-art');
  assert.ok(damaged > 0);
  await page.goto(artworks);
  await page.locator('#problem').waitFor();
  assert.equal(await text('#problem-code'), 'CORRUPT');
  await page.locator('#problem-erase').click();
  await page.locator('#open-clear:enabled').waitFor({ timeout: 120_000 });
  await settledWorks(TOTAL);
});

test('a library that cannot be fetched is told as such', async () => {
  await context.route('**/dist/browser.mjs', (route) => route.abort());
  await page.reload();
  await page.locator('#problem').waitFor();
  assert.match(await text('#problem-message'), /dist\/browser\.mjs/);
  await context.unroute('**/dist/browser.mjs');
  await page.locator('#problem-retry').click();
  await ready();
  await settledWorks(TOTAL);
});

test('the page asked nobody but its server, and the browser had nothing to complain of', () => {
  assert.deepEqual(strangers, []);
});
