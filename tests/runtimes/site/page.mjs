// page.mjs - runs the suite in a page; the address says where: ?storages=memory,idbfs
import { runSuite } from './run.mjs';

const storages = new URL(location.href).searchParams.get('storages').split(',');
window.__result = runSuite(storages, (n) => `s${n}`).catch((error) => ({ error: String(error?.stack ?? error) }));
