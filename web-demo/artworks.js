// The page: what is shown, and when. It keeps the facts of every work in memory for browsing and filtering; vectors
// stay in the worker, which owns the store (artworks-worker.js). Two views share the page: the collection and one work
// with its nearest; the address says which (#/ and #/artwork/ID), and the way one came is kept in history.state.trail.

import { StoreClient } from './client.js';
import { dateOf, enableArrowKeys, hrefOf, showCards } from './cards.js';
import { AddDialog } from './add-dialog.js';
import { confirmClear } from './confirm.js';
import { engineName, grouped, megabytes, seconds } from './format.js';
import { showFingerprint } from './pictures.js';
import { hideProblem, showProblem } from './problem.js';

const PAGE_SIZE = 48;
const NEAREST = 12;
const FILTER_DELAY_MS = 120;
const TRAIL_SHOWN = 3;

const WORKER = new URL('./artworks-worker.js', import.meta.url);

const $ = (id) => document.getElementById(id);

const works = new Map(); // id -> work; `work.rank` orders the collection, the visitor's own works first.
let ordered = [];
let page = 0;
let client = null;
let ready = false; // The works may be changed: nothing is being loaded.
let leftCard = null; // The card the visitor opened, to return the focus to.
let asked = 0; // Numbers the questions for nearest works, so that a late answer to an old one is dropped.

// ---- Works -------------------------------------------------------------------------------------------------------

let lastRank = 0;
let firstRank = 0;

function takeWork(work) {
  const own = work.id.startsWith('own:');
  work.rank ??= works.get(work.id)?.rank ?? (own ? --firstRank : ++lastRank);
  work.key = `${work.title}\n${work.artist}\n${work.department}`.toLowerCase();
  works.set(work.id, work);
}

function takeWorks(arrived) {
  arrived.forEach(takeWork);
  ordered = [...works.values()].sort((a, b) => a.rank - b.rank);
  showCollection();
}

function dropWork(id) {
  works.delete(id);
  ordered = ordered.filter((work) => work.id !== id);
  showCollection();
}

// ---- The collection ----------------------------------------------------------------------------------------------

function showCollection() {
  const wanted = $('filter').value.trim().toLowerCase();
  const matching = wanted ? ordered.filter((work) => work.key.includes(wanted)) : ordered;
  const pages = Math.max(1, Math.ceil(matching.length / PAGE_SIZE));
  page = Math.min(page, pages - 1);
  showCards($('grid'), matching.slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE));
  $('matches').textContent = matchesText(matching.length, $('filter').value.trim());
  $('pager').hidden = pages === 1;
  $('page').textContent = `Page ${page + 1} of ${pages}`;
  $('previous').disabled = page === 0;
  $('next').disabled = page === pages - 1;
  showEmpty(matching.length === 0 && ready, wanted);
}

/** Says nothing while works arrive: the progress bar does, and this line is read aloud at each change. */
function matchesText(count, wanted) {
  const all = grouped(ordered.length);
  if (!ready) return '';
  if (wanted) return `${grouped(count)} of ${all} works contain “${wanted}”`;
  return `${all} ${count === 1 ? 'work' : 'works'}`;
}

function showEmpty(empty, wanted) {
  $('empty').hidden = !empty;
  $('reload').hidden = Boolean(wanted);
  $('empty-title').textContent = wanted ? 'Nothing by that name' : 'The walls are bare';
  $('empty-text').textContent = wanted
    ? 'No title, artist or department contains these letters.'
    : 'The store is empty, and stays so until you fill it again.';
}

function turnPage(by) {
  page += by;
  showCollection();
  $('collection').scrollIntoView();
  $('grid').querySelector('a')?.focus({ preventScroll: true });
}

// ---- One work ----------------------------------------------------------------------------------------------------

const trailOf = () => (history.state?.trail ?? []).filter((id) => works.has(id));

function showTrail(work) {
  const trail = trailOf();
  const crumbs = trail.map((id, i) => ({ id, text: works.get(id).title, trail: trail.slice(0, i) })).slice(-TRAIL_SHOWN);
  const items = [{ text: 'Collection', href: '#/', trail: [] }];
  if (trail.length > TRAIL_SHOWN) items.push({ text: '…' });
  for (const crumb of crumbs) items.push({ ...crumb, href: hrefOf(crumb.id) });
  items.push({ text: work.title, current: true });
  $('trail').replaceChildren(...items.map(({ text, href, trail: before, current }) => {
    const item = document.createElement('li');
    const label = document.createElement(href ? 'a' : 'span');
    label.textContent = text;
    if (href) Object.assign(label, { href });
    if (before) label.dataset.trail = JSON.stringify(before);
    if (current) label.setAttribute('aria-current', 'page');
    item.append(label);
    return item;
  }));
}

function showFacts(work) {
  const facts = [
    ['Date', dateOf(work)], ['Medium', work.medium], ['Culture', work.culture], ['Kind', work.classification],
    ['Department', work.department], ['Depicts', work.tags.join(', ')],
    [work.id.startsWith('own:') ? 'Added' : 'Object', work.id.startsWith('own:') ? 'by you, in this browser' : work.id],
  ];
  $('work-facts').replaceChildren(...facts.filter(([, value]) => value).map(([name, value]) => {
    const row = document.createElement('div');
    const term = document.createElement('dt');
    const detail = document.createElement('dd');
    term.textContent = name;
    detail.textContent = value;
    row.append(term, detail);
    return row;
  }));
}

async function showNearest(work) {
  const question = ++asked;
  $('latency').textContent = 'Searching';
  $('nearest').replaceChildren();
  const started = performance.now();
  try {
    const { hits, queryMs, zero, records } = await client.call('nearest', work.id, NEAREST);
    if (question !== asked) return;
    const tripMs = performance.now() - started;
    const known = hits.filter((hit) => works.has(hit.id));
    showCards($('nearest'), known.map((hit) => works.get(hit.id)), known.map((hit) => hit.score));
    $('latency').textContent = zero
      ? 'This work has no image vector, so nothing can be said to resemble it.'
      : `${known.length} nearest of ${grouped(records)}, found in ${queryMs.toFixed(1)} ms ` +
        `(${tripMs.toFixed(0)} ms to the page and back). The score is the cosine of the two vectors.`;
  } catch (error) {
    if (question === asked) $('latency').textContent = `${error.code ?? 'ERROR'}: ${error.message}`;
  }
}

function showWork(work) {
  $('work').dataset.id = work.id;
  $('work-title').textContent = work.title;
  $('work-artist').textContent = work.artist || 'Unknown';
  showFingerprint($('work-print'), work.print);
  showTrail(work);
  showFacts(work);
  showNearest(work);
}

// ---- Routes ------------------------------------------------------------------------------------------------------

function workInAddress() {
  const match = location.hash.match(/^#\/artwork\/(.+)$/);
  return match && works.get(decodeURIComponent(match[1]));
}

/** Shows what the address names. `focus` moves the keyboard there too, as after any step the visitor made. */
function showRoute({ focus }) {
  const work = workInAddress();
  const wasOpen = !$('work').hidden;
  $('work').hidden = !work;
  $('collection').hidden = Boolean(work);
  document.title = work ? `${work.title} · Resemblance` : 'Resemblance · vecstore';
  if (work) {
    showWork(work);
    if (focus) $('work-title').focus({ preventScroll: true });
    window.scrollTo(0, 0);
  } else if (wasOpen && focus) {
    const card = [...$('grid').children].find((c) => c.dataset.id === leftCard);
    (card?.querySelector('a') ?? $('collection-title')).focus();
  }
}

function go(href, trail) {
  history.pushState({ trail, within: true }, '', href);
  showRoute({ focus: true });
}

function followLink(event) {
  const link = event.target.closest('a[href^="#/"]');
  if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  const current = workInAddress();
  if (!current) leftCard = link.closest('.card')?.dataset.id ?? null;
  const trail = link.dataset.trail ? JSON.parse(link.dataset.trail) : current && link.closest('.card') ? [...trailOf(), current.id] : [];
  go(link.getAttribute('href'), trail);
}

function goBack() {
  if (history.state?.within) history.back();
  else go('#/', []);
}

// ---- Changes -----------------------------------------------------------------------------------------------------

function showToast(text, undoable) {
  $('toast-text').textContent = text;
  $('undo').hidden = !undoable;
  $('toast').hidden = false;
}

function hideToast() {
  const hadFocus = $('toast').contains(document.activeElement);
  $('toast').hidden = true;
  if (hadFocus) $('main').focus({ preventScroll: true });
}

/** Runs a change; a refusal by the store is told in the store's own words and changes nothing on the page. */
async function attempt(change) {
  try {
    await change();
  } catch (error) {
    showToast(`${error.code ?? 'ERROR'}: ${error.message}`, false);
  }
  await showStatus();
}

const addWork = async (request) => {
  const work = await client.call('add', request);
  takeWorks([work]);
  go(hrefOf(work.id), []);
  showToast(`Added “${work.title}”.`, false);
  await showStatus();
};

const removeWork = () => attempt(async () => {
  const work = workInAddress();
  await client.call('remove', work.id);
  dropWork(work.id);
  go('#/', []);
  showToast(`Deleted “${work.title}”.`, true);
  $('undo').onclick = () => attempt(async () => {
    takeWorks([{ ...(await client.call('undoRemove')), rank: work.rank }]);
    hideToast();
    go(hrefOf(work.id), []);
  });
  $('undo').focus();
});

const clearAll = () => attempt(async () => {
  if (!(await confirmClear())) return;
  setReady(false);
  try {
    await client.call('clear');
    works.clear();
    ordered = [];
    $('filter').value = '';
  } finally {
    setReady(true);
  }
  hideToast();
  $('reload').focus();
});

// ---- Status ------------------------------------------------------------------------------------------------------

async function showStatus() {
  const { records, bytes, persistent, evictionSafe, engine, indexMs } = await client.call('status');
  $('status-records').textContent = grouped(records);
  $('status-storage').textContent = megabytes(bytes);
  $('status-persisted').textContent = !persistent ? 'no' : evictionSafe ? 'yes, protected' : 'yes';
  $('protect').hidden = !persistent || evictionSafe || !navigator.storage?.persist;
  $('status-engine').textContent = engineName(engine);
  $('status-index').textContent = indexMs === undefined ? '–' : seconds(indexMs);
}

function showProgress({ done, total, rate, secondsLeft }) {
  $('progress').max = total;
  $('progress').value = done;
  $('progress-text').textContent = `${grouped(done)} of ${grouped(total)} works · ` +
    `${grouped(Math.round(rate))} records/s · ${Math.ceil(secondsLeft)} s left`;
}

// ---- Beginning ---------------------------------------------------------------------------------------------------

function setReady(value) {
  ready = value;
  for (const id of ['open-add', 'open-clear', 'add-like', 'remove']) $(id).disabled = !value;
  $('open-clear').disabled ||= works.size === 0;
  $('open-add').disabled ||= works.size === 0;
  showCollection();
}

function fail(error) {
  showProblem(error);
  setReady(false);
}

async function loadCollection() {
  setReady(false);
  $('loading').hidden = false;
  try {
    await client.call('load');
    setReady(true);
  } catch (error) {
    fail(error);
  }
  $('loading').hidden = true;
  await showStatus();
}

function hear(event, message) {
  if (event === 'works') takeWorks(message.works);
  if (event === 'progress') showProgress(message);
  if (event === 'lost') fail(message.error);
}

/** Starts with a new worker, the old one and whatever it held open being gone. `erase` throws the stored copy away. */
async function begin({ erase = false } = {}) {
  hideProblem();
  client?.terminate();
  client = new StoreClient(WORKER, hear);
  try {
    if (erase) {
      await client.call('erase');
      works.clear();
    }
    const { openMs, phase, records } = await client.call('open');
    $('collection').hidden = false;
    if (phase === 'new' || phase === 'loading') {
      $('status-open').textContent = 'first visit';
      if (phase === 'loading') await client.call('list');
      await loadCollection();
    } else {
      await client.call('list');
      $('status-open').textContent = `opened ${grouped(records)} records in ${seconds(openMs)}`;
      setReady(true);
      await showStatus();
    }
    showRoute({ focus: false });
  } catch (error) {
    fail(error);
  }
}

let filterTimer = 0;
$('filter').addEventListener('input', () => {
  clearTimeout(filterTimer);
  filterTimer = setTimeout(() => {
    page = 0;
    showCollection();
  }, FILTER_DELAY_MS);
});
$('previous').addEventListener('click', () => turnPage(-1));
$('next').addEventListener('click', () => turnPage(1));
$('back').addEventListener('click', goBack);
$('remove').addEventListener('click', removeWork);
$('open-clear').addEventListener('click', clearAll);
$('reload').addEventListener('click', loadCollection);
$('dismiss').addEventListener('click', hideToast);
$('problem-retry').addEventListener('click', () => begin());
$('problem-erase').addEventListener('click', () => begin({ erase: true }));
$('protect').addEventListener('click', () => attempt(() => navigator.storage.persist()));
document.addEventListener('click', followLink);
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || event.defaultPrevented || document.querySelector('dialog[open]')) return;
  if (!$('toast').hidden) hideToast();
  else if (!$('work').hidden) go('#/', []);
});
addEventListener('popstate', () => showRoute({ focus: true }));
for (const grid of [$('grid'), $('nearest')]) enableArrowKeys(grid);

const addDialog = new AddDialog(works, addWork);
$('open-add').addEventListener('click', () => addDialog.open(null));
$('add-like').addEventListener('click', () => addDialog.open($('work').dataset.id));

begin();
