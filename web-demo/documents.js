// The page of documents: what is asked, what is found, what is on the shelf. The store is in a worker
// (documents-worker.js). The address says what is shown: #q=WORDS a search, #like=ID the passages like one, nothing a
// few passages to begin with.

import { StoreClient } from './client.js';
import { confirmClear } from './confirm.js';
import { early } from './early.js';
import { counted, engineName, grouped, megabytes, seconds } from './format.js';
import { enableIntake } from './intake.js';
import { enableDocuments, focusAt, positionOf, showDocuments } from './library.js';
import { stemsOf } from './marks.js';
import { hideProblem, showProblem } from './problem.js';
import { enableResults, showResults } from './results.js';

const WORKER = new URL('./documents-worker.js', import.meta.url);
const FOUND = 12;
const SETTLED_MS = 600; // After so long without a key the search is read aloud and put into the address.

const $ = (id) => document.getElementById(id);

let client = null;
let open = false;
let changes = 0; // How many are under way; meanwhile nothing can be deleted.
let adding = 0; // How many of them add files.

// ---- What is asked -----------------------------------------------------------------------------------------------

let samples = null; // Stay the same until the shelf changes.

/** `{ like }`, `{ text }`, or `{ text: '' }`. */
function asked() {
  const address = new URLSearchParams(location.hash.slice(1));
  return address.has('like') ? { like: address.get('like') } : { text: $('query').value.trim() };
}

async function findSamples() {
  samples ??= client.call('sample');
  const hits = await samples;
  if (hits.length > 0) return { title: 'From the shelf', hits, line: '' };
  return { title: 'Nothing to show yet', hits, line: 'Search your documents, add some, or index the corpus.' };
}

async function findText(text) {
  const started = performance.now();
  const { hits, unknown, embedMs, queryMs, records } = await client.call('search', text, FOUND);
  const tripMs = performance.now() - started;
  const line = unknown
    ? 'The model knows none of these words, so nothing can be said to resemble them.'
    : `${hits.length} of ${counted(records, 'passage')} · ${embedMs.toFixed(1)} ms to embed, ${queryMs.toFixed(1)} ms to ` +
      `search, ${tripMs.toFixed(0)} ms to the page and back`;
  return { title: 'Nearest in meaning', hits, line, stems: stemsOf(text) };
}

async function findLike(id) {
  const found = await client.call('similar', id, FOUND);
  if (found === null) return { title: 'That passage is gone', hits: [], line: 'It was deleted, or never here.' };
  const line = `${found.hits.length} of ${counted(found.records, 'passage')} · ${found.queryMs.toFixed(1)} ms to search`;
  return { title: `Like “${found.origin.title}”`, hits: found.hits, line };
}

function show({ title, hits, line, stems = new Set() }) {
  $('results-title').textContent = title;
  $('leave-similar').hidden = !asked().like;
  $('found').textContent = line;
  showResults($('results'), hits, stems);
}

let finding = false;
let askedAgain = false;

/** Shows what is asked. While an answer is on its way no further question is sent; the last one asked then is. */
async function find() {
  askedAgain = true;
  if (finding || !open) return;
  finding = true;
  while (askedAgain) {
    askedAgain = false;
    const { like, text } = asked();
    try {
      show(await (like ? findLike(like) : text ? findText(text) : findSamples()));
      if (like || text) performance.mark('found');
    } catch (error) {
      show({ title: 'Nothing could be found', hits: [], line: `${error.code ?? 'ERROR'}: ${error.message}` });
    }
  }
  finding = false;
}

let settling = 0;

function writeAddress() {
  const { like, text } = asked();
  if (like) return;
  history.replaceState(history.state, '', text ? `#${new URLSearchParams({ q: text })}` : location.pathname);
}

function settle() {
  clearTimeout(settling);
  settling = setTimeout(() => {
    const { text } = asked();
    if (text === undefined) return;
    writeAddress();
    const first = $('results').querySelector('.title');
    $('announce').textContent = text && first
      ? `${counted($('results').children.length, 'passage')} found, nearest: ${first.textContent}` : '';
  }, SETTLED_MS);
}

function ask() {
  if (asked().like) history.pushState(null, '', location.pathname);
  find();
  settle();
}

function showSimilar(id) {
  clearTimeout(settling);
  writeAddress();
  history.pushState({ within: true }, '', `#${new URLSearchParams({ like: id })}`);
  find();
  $('results-title').focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

function takeAddress() {
  const address = new URLSearchParams(location.hash.slice(1));
  if (!address.has('like')) $('query').value = address.get('q') ?? '';
}

// ---- The shelf ---------------------------------------------------------------------------------------------------

function showToast(text) {
  $('toast-text').textContent = text;
  $('toast').hidden = false;
}

function hideToast() {
  const hadFocus = $('toast').contains(document.activeElement);
  $('toast').hidden = true;
  if (hadFocus) $('main').focus({ preventScroll: true });
}

async function showStatus() {
  const { records, bytes, persistent, evictionSafe, engine, indexMs, corpus, documents } = await client.call('status');
  const busy = changes > 0;
  $('status-records').textContent = grouped(records);
  $('status-storage').textContent = megabytes(bytes);
  $('status-persisted').textContent = !persistent ? 'no' : evictionSafe ? 'yes, protected' : 'yes';
  $('protect').hidden = !persistent || evictionSafe || !navigator.storage?.persist;
  $('status-engine').textContent = engineName(engine);
  $('status-index').textContent = indexMs === undefined ? '–' : seconds(indexMs);
  $('used').textContent = `${megabytes(bytes)} used`;
  $('no-corpus').hidden = busy || corpus === 'loaded';
  $('load-corpus').textContent = corpus === 'loading' ? 'Index the rest of the corpus' : 'Index the corpus';
  $('open-clear').disabled = busy || documents.length === 0;
  for (const id of ['choose-files', 'choose-folder']) $(id).disabled = !open;
  showDocuments(documents, busy);
}

/** Runs a change of the shelf; a refusal is told in the store's own words. Gives what the change gave. */
async function attempt(change) {
  changes++;
  let result;
  try {
    await showStatus();
    result = await change();
  } catch (error) {
    showToast(`${error.code ?? 'ERROR'}: ${error.message}`);
  }
  changes--;
  samples = null;
  await showStatus().catch(fail); // After a write that failed the store may have to be opened again.
  find();
  return result;
}

function showReport({ kept, passages, failed, skipped, stopped, ms }) {
  const added = `${counted(kept, 'document')}, ${counted(passages, 'passage')} in ${seconds(ms)}.`;
  const others = skipped > 0 ? ` ${counted(skipped, 'file')} of other kinds passed over.` : '';
  $('report-text').textContent = `${stopped ? 'Stopped. Added' : 'Added'} ${added}${others}`;
  $('report-list').replaceChildren(...failed.map(({ path, code, message }) => {
    const item = document.createElement('li');
    item.textContent = `${path}: ${code}, ${message}`;
    return item;
  }));
  $('report').hidden = false;
}

async function addFiles(files) {
  if (files.length === 0) return;
  adding++;
  $('adding').hidden = false;
  $('report').hidden = true;
  $('adding-title').textContent = `Adding ${counted(files.length, 'file')}`;
  $('adding-text').textContent = 'Reading';
  $('adding-progress').value = 0;
  const report = await attempt(() => client.call('add', files));
  adding--;
  $('adding').hidden = adding === 0;
  if (report) showReport(report);
}

async function removeDocument(id, name) {
  const position = positionOf(id);
  await attempt(async () => {
    await client.call('remove', id);
    showToast(`Deleted ${name}.`);
  });
  focusAt(position);
}

async function clearAll() {
  if (!(await confirmClear())) return;
  hideToast();
  $('report').hidden = true;
  await attempt(() => client.call('clear'));
  ($('no-corpus').hidden ? $('query') : $('load-corpus')).focus();
}

async function loadCorpus() {
  showLoading('corpus');
  await attempt(() => client.call('load'));
  $('loading').hidden = true;
}

/** What the loading section says of the work that it shows. */
const LOADING = {
  corpus: ['Reading the corpus',
    'A first visit: the passages are being embedded, indexed and kept in this browser. It happens once.'],
  model: ['Reading everything anew', 'This page has a new model since the last visit. It needs vectors of its own.'],
};

function showLoading(work) {
  [$('loading-title').textContent, $('loading-why').textContent] = LOADING[work];
  $('stop-loading').hidden = work === 'model'; // Old vectors and new ones cannot be compared.
  $('loading').hidden = false;
}

function showProgress({ work, done, total, passages, rate, secondsLeft }) {
  const left = secondsLeft === null ? '' : ` · ${Math.ceil(secondsLeft)} s left`;
  const speed = `${grouped(Math.round(rate))} passages/s${left}`;
  const [bar, line] = work === 'files' ? [$('adding-progress'), $('adding-text')] : [$('progress'), $('progress-text')];
  if (work === 'model') showLoading(work);
  bar.max = Math.max(1, total);
  bar.value = done;
  line.textContent = work === 'files'
    ? `${counted(passages, 'passage')} · ${speed}`
    : `${grouped(done)} of ${grouped(total)} passages · ${speed}`;
}

// ---- Beginning ---------------------------------------------------------------------------------------------------

function fail(error) {
  open = false;
  showProblem(error);
  document.querySelector('.desk').hidden = true;
}

function hear(event, message) {
  if (event === 'progress') showProgress(message);
  if (event === 'lost') fail(message.error);
}

/** Starts with a new worker, the old one and whatever it held open being gone. `erase` throws the stored copy away. */
async function begin({ erase = false } = {}) {
  hideProblem();
  client?.terminate();
  client = client ? new StoreClient(WORKER, hear) : new StoreClient(early.worker, hear, early.failure);
  try {
    if (erase) await client.call('erase');
    const { openMs, corpus, records } = await client.call('open');
    const unfinished = corpus === 'new' || corpus === 'loading';
    const opened = `opened ${counted(records, 'passage')} in ${seconds(openMs)}`;
    $('status-open').textContent = corpus === 'new' ? 'first visit' : opened;
    if (unfinished) showLoading('corpus');
    await client.call('prepare');
    $('loading').hidden = true;
    document.querySelector('.desk').hidden = false;
    open = true;
    find();
    if (unfinished) await loadCorpus();
    else await showStatus();
  } catch (error) {
    fail(error);
  }
}

$('query').addEventListener('input', ask);
$('search').addEventListener('submit', (event) => {
  event.preventDefault();
  ask();
});
$('suggestions').addEventListener('click', ({ target }) => {
  if (!target.closest('button')) return;
  $('query').value = target.textContent;
  ask();
});
$('to-library').addEventListener('click', () => {
  $('library-title').focus({ preventScroll: true });
  $('library').scrollIntoView();
});
$('leave-similar').addEventListener('click', () => {
  if (history.state?.within) history.back();
  else ask();
  $('query').focus();
});
$('stop-loading').addEventListener('click', () => client.call('cancel'));
$('stop-adding').addEventListener('click', () => client.call('cancel'));
$('load-corpus').addEventListener('click', loadCorpus);
$('open-clear').addEventListener('click', clearAll);
$('report-close').addEventListener('click', () => {
  $('report').hidden = true;
  $('choose-files').focus();
});
$('dismiss').addEventListener('click', hideToast);
$('problem-retry').addEventListener('click', () => begin());
$('problem-erase').addEventListener('click', () => begin({ erase: true }));
$('protect').addEventListener('click', async () => {
  await navigator.storage.persist();
  await showStatus();
});
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || event.defaultPrevented || document.querySelector('dialog[open]')) return;
  if (!$('toast').hidden) hideToast();
  else if (asked().like) $('leave-similar').click();
});
addEventListener('popstate', () => {
  takeAddress();
  find();
});
addEventListener('beforeunload', (event) => {
  if (adding > 0) event.preventDefault();
});
enableResults($('results'), $('query'), showSimilar);
enableDocuments(removeDocument);
enableIntake(() => open, addFiles);

takeAddress();
begin();
