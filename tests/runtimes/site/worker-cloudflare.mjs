// worker-cloudflare.mjs - runs the suite in a Worker's request.
import { runSuite } from './run.mjs';

export default {
  fetch: async () => Response.json(await runSuite(['memory'], (n) => `s${n}`)),
};
