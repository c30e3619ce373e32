// edge.mjs - Workers under miniflare and under bare workerd.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { tools } from './tools.mjs';

/**
 * A bundled Worker under miniflare. Of the options only the bindings differ between tests.
 * @param {string} folder where the bundle is
 * @param {string} file
 * @param {object} [bindings]
 */
export async function startMiniflare(folder, file, bindings = {}) {
  const { Miniflare } = await import('miniflare');
  const worker = new Miniflare({
    modulesRoot: folder,
    scriptPath: join(folder, file),
    modules: true,
    modulesRules: [
      { type: 'ESModule', include: ['**/*.js'] },
      { type: 'CompiledWasm', include: ['**/*.wasm'] },
      { type: 'Data', include: ['**/*.bin'] },
    ],
    compatibilityDate: '2026-07-01',
    host: '127.0.0.1', port: 0, cf: false, telemetry: { enabled: false },
    ...bindings,
  });
  try {
    await worker.ready;
  } catch (error) {
    // A worker that did not start would keep this process alive.
    await worker.dispose();
    throw error;
  }
  return worker;
}

/** Bare workerd with a config file. @param {string} dir @param {string} config */
export async function startWorkerd(dir, config) {
  const child = spawn(tools.workerd, ['serve', config, '--control-fd=3'], { cwd: dir, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
  const ended = new Promise((resolve) => {
    child.on('close', resolve);
  });
  let complaint = '';
  child.stderr.on('data', (chunk) => (complaint += chunk));
  const port = await new Promise((resolve, reject) => {
    let said = '';
    child.stdio[3].on('data', (chunk) => {
      said += chunk;
      const found = /"event":"listen".*"port":(\d+)/.exec(said);
      if (found) resolve(Number(found[1]));
    });
    ended.then(() => reject(new Error(`workerd ended: ${complaint}`)));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      child.kill();
      return ended;
    },
  };
}
