// fs.js - a store in a directory, on Node, Deno and Bun.
//
// The engine reads and writes through the WASI host, synchronously; only
// syncing, which waits for the disk, happens here and asynchronously.

import { loadEngine, wasiInstantiate } from '../engine/load.js';
import { VecStoreError, invalid } from '../errors.js';
import { GUEST_ROOT, WasiHost } from '../wasi/host.js';
import { takeLock } from './lock.js';

/** Under relaxed durability the disk is asked to catch up this long after a write. */
const SYNC_DELAY_MS = 50;

/**
 * @param {import('./backend.js').BackendRequest} request
 * @param {import('../platform/platform.js').Files} files
 * @returns {Promise<import('./backend.js').Backend>}
 */
export async function openFs({ platform, path }, files) {
  if (path === undefined) throw invalid("storage 'fs' needs a path");
  if (path === '' || path.includes('\0')) throw invalid(`path is no directory name: ${JSON.stringify(path)}`);

  const { fs } = files;
  const root = files.resolve(path);
  const release = await openDirectory(files, root, path);
  const host = new WasiHost({ fs, root });
  const { isWindows } = files.process();
  return {
    kind: 'fs',
    persistent: true,
    path,
    config: { storage: 'posix', root: GUEST_ROOT },
    load: (wasm) => loadEngine(platform, 'vecstore', wasm, wasiInstantiate(host)),
    async sync({ files, dirs }) {
      await Promise.all(files.map((name) => syncFile(fs, `${root}/${name}`)));
      // Windows cannot sync a directory; NTFS journals its entries.
      if (!isWindows) await Promise.all(dirs.map((name) => syncDirectory(fs, name === '' ? root : `${root}/${name}`)));
    },
    syncDelayMs: SYNC_DELAY_MS,
    stats: () => ({}),
    async close() {
      try {
        host.destroy();
      } finally {
        release();
      }
    },
  };
}

/** @param {import('../platform/platform.js').Files} files @param {string} root @param {string} path */
async function openDirectory(files, root, path) {
  try {
    await files.fs.promises.mkdir(root, { recursive: true });
    return takeLock(files, `${root}/lock`, path);
  } catch (/** @type {any} */ error) {
    if (error instanceof VecStoreError) throw error;
    const code = error?.code === 'EROFS' || error?.code === 'EACCES' ? 'READ_ONLY' : 'IO';
    throw new VecStoreError(code, `cannot open the directory '${path}': ${error?.message ?? error}`, { cause: error });
  }
}

/**
 * Only the flush waits for the disk and is left to another thread: opening and closing cost less than asking for one.
 * @param {import('node:fs')} fs @param {string} path
 * @returns {Promise<void>}
 */
function syncFile(fs, path) {
  return new Promise((resolve, reject) => {
    // Windows flushes only what may be written to.
    const fd = fs.openSync(path, 'r+');
    fs.fdatasync(fd, (failure) => {
      try {
        fs.closeSync(fd);
      } catch (error) {
        failure ??= /** @type {NodeJS.ErrnoException} */ (error);
      }
      if (failure) reject(failure);
      else resolve();
    });
  });
}

/** @param {import('node:fs')} fs @param {string} path */
async function syncDirectory(fs, path) {
  const directory = await fs.promises.open(path, 'r');
  try {
    await directory.sync();
  } catch (/** @type {any} */ error) {
    // File systems without the notion keep names by other means.
    if (error?.code !== 'EINVAL' && error?.code !== 'ENOTSUP') throw error;
  } finally {
    await directory.close();
  }
}
