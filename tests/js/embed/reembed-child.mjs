// Re-embeds the store at argv[2] with a slow embedder; tells each batch on stdout. Killed by the test, or ends with "done".
import { VecStore } from '../../../js/src/index.node.js';
import { fakeEmbedder } from './fake.mjs';

const [path, name, dimension] = process.argv.slice(2);
const embedder = fakeEmbedder({ name, dimension: Number(dimension), wait: () => new Promise((done) => setTimeout(done, 3)) });
const store = await VecStore.open({ path });
process.stdout.write('open\n');
const result = await store.reembed(embedder, { batchSize: 20, onProgress: ({ done }) => process.stdout.write(`${done}\n`) });
process.stdout.write(`done ${JSON.stringify(result)}\n`);
await store.close();
