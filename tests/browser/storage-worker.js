// storage-worker.js - storage-cases.js in a module worker.
import * as cases from './storage-cases.js';

onmessage = async ({ data: { name, args } }) => {
  postMessage(await cases[name](...args).then((value) => ({ value }), (error) => ({ error: `${error?.code ?? error?.name}: ${error?.message}` })));
};
