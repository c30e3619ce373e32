// page-of-worker.mjs - runs the suite in a worker of the page.
window.__result = new Promise((resolve) => {
  const worker = new Worker(new URL('./page-worker.js', import.meta.url), { type: 'module' });
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = (event) => resolve({ error: event.message ?? 'the worker did not start' });
  worker.postMessage(new URL(location.href).searchParams.get('storages').split(','));
});
