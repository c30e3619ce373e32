// kill-start.js - kill.js in this page, or in a worker of it where the storage needs one.
const { search } = location;
const fail = (error) => fetch(`/failed/${new URLSearchParams(search).get('start')}`, { method: 'POST', body: String(error?.stack ?? error?.message ?? error) });
if (new URLSearchParams(search).get('storage') === 'opfs') {
  const worker = new Worker(`./kill.js${search}`, { type: 'module' });
  worker.onerror = (event) => fail(`worker: ${event.message}`);
} else {
  import(`./kill.js${search}`).catch(fail);
}
