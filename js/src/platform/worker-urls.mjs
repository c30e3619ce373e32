// worker-urls.mjs - where the script of workers is. Generated into dist/, as the address is relative to the files there.
export { browserWorker, nodeWorker } from '../../../dist/worker-urls.mjs';
