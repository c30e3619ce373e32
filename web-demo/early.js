// Starts the worker of the documents before the page's other scripts have come: a visit's first search waits for it.

const worker = new Worker(new URL('./documents-worker.js', import.meta.url), { type: 'module' });

/** Until somebody listens to the worker, what it died of is kept here. */
export const early = { worker, failure: null };

worker.addEventListener('error', (event) => {
  event.preventDefault();
  early.failure ??= event;
});
