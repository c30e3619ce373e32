// start-page.mjs - the measurements of first-result.mjs in a page.
import { firstResult, importStore } from './first-result.mjs';

window.__result = (async () => {
  const first = await firstResult();
  const image = await (await fetch('/index.bin')).arrayBuffer();
  const { ms } = await importStore(image, Number(new URL(location.href).searchParams.get('records')));
  return { first, ms };
})().catch((error) => ({ error: String(error.stack ?? error) }));
