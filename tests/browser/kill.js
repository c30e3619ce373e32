// kill.js?path=…&storage=…&start=… - opens a store, tells the server what it holds, and writes until it is killed. Before
// each operation and after its acknowledgement the server is told, and its answer awaited, so that it knows of all that was issued.
import { openLane, writeLane } from './lane.js';

const params = new URL(import.meta.url).searchParams;

const tell = async (what, body) => (await fetch(`${what}/${params.get('start')}`, { method: 'POST', body })).json();

try {
  const opened = await openLane(params.get('path'), params.get('storage'));
  const { seed, first } = await tell('/opened', JSON.stringify(opened));
  if (seed !== undefined) writeLane(seed, first, (word) => tell('/said', word), (error) => tell('/failed', `${error?.code} ${error?.message} ${error?.stack}`));
} catch (error) {
  await tell('/failed', `${error?.code ?? ''} ${error?.message} ${error?.stack}`);
}
