// lane-worker.js - lane.js in a module worker.
import { openLane, writeLane } from './lane.js';

onmessage = async ({ data: { path, storage, seed, first } }) => {
  if (path === undefined) writeLane(seed, first, (said) => postMessage({ said }));
  else postMessage(await openLane(path, storage).then((opened) => ({ opened }), (error) => ({ error: String(error) })));
};
