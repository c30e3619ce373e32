// opfs.mjs - the commit of one vector on opfs against a bare append and flush of as many bytes, in the same run, in
// Chromium. Prints a JSON line per run; the two alternate, so that what else runs on the machine concerns both.
//
//   node tests/bench/opfs.mjs [runs]
import { launch, userData } from '../browser/chromium.mjs';
import { serve } from '../browser/server.mjs';

const RUNS = Number(process.argv[2] ?? 3);
const data = userData(), server = await serve(), context = await launch(data.dir);
try {
  for (let run = 0; run < RUNS; run++) {
    const page = await context.newPage();
    await page.goto(`${server.url}/tests/browser/page.html`);
    const { bytes, commit, bare } = await page.evaluate(() => new Promise((resolve, reject) => {
      const worker = new Worker('/tests/bench/opfs-worker.js', { type: 'module' });
      worker.onerror = (event) => reject(new Error(event.message));
      worker.onmessage = ({ data: { value, error } }) => (error ? reject(new Error(error)) : resolve(value));
    }));
    console.log(JSON.stringify({ what: 'opfs commit', bytes, commitMs: Number(commit.toFixed(3)), bareMs: Number(bare.toFixed(3)), ratio: Number((commit / bare).toFixed(2)) }));
    await page.close();
  }
} finally {
  await context.close();
  server.close();
  data.remove();
}
