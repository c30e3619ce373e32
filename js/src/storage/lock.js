// lock.js - the lock file of a store's directory: one process at a time, stale locks taken over.
//
// A lock says which process holds it: pid, boot id and start time of the
// process, as pids are used again. It is stale when that process is gone.
//
// ATOMICITY. A lock file appears complete, by link() of a file written under a
// unique name, which fails when the lock is there. Taking a stale lock over is
// the hard part: between reading it and removing it another process may have
// done both. So whoever wants to remove lock L must first hold a second lock,
// named after L's nonce, and then find L still in place; only one can, and
// nobody else removes L meanwhile, because its owner is dead. A claim left
// by a process that died in between is taken over in the same way.

import { VecStoreError } from '../errors.js';

/** @typedef {import('../platform/platform.js').Files} Files */

/**
 * @typedef {object} Holder
 * @property {number} pid
 * @property {string | null} boot
 * @property {string | null} start
 * @property {string} nonce
 * @property {string} [life] of the thread, where a store is in one of its own
 * @property {number} time when it was taken, in ms since 1970
 */

/**
 * Of threads that keep a store for another (worker/client.js): this one's name, and those of its predecessors, which
 * that other one has seen dead. Their process lives, but their locks are stale.
 * @type {{ mine: string | undefined, dead: string[] }}
 */
export const lives = { mine: undefined, dead: [] };

/** A claim on a claim on a claim: nobody gets here honestly. */
const MAX_CLAIMS = 4;
/** On file systems without links a lock is written after it appears; until then it is empty. */
const WRITING_MS = 10_000;

/**
 * Takes the lock, or throws LOCKED naming its holder.
 * @param {Files} files
 * @param {string} path of the lock file
 * @param {string} name of the store, for the message
 * @returns {() => void} releases it
 */
export function takeLock(files, path, name) {
  const { fs } = files;
  const { pid } = files.process();
  /** @type {Holder} */
  const mine = { pid, boot: bootId(fs), start: startTime(fs, pid), nonce: randomName(), life: lives.mine, time: Date.now() };
  acquire(files, path, name, mine, 0);
  return () => release(fs, path, mine);
}

/** @param {Files} files @param {string} path @param {string} name @param {Holder} mine @param {number} claims */
function acquire(files, path, name, mine, claims) {
  const { fs } = files;
  for (let attempt = 0; attempt < 100; attempt++) {
    if (create(fs, path, mine)) return;
    const holder = read(fs, path);
    if (holder === 'gone') continue;
    if (holder === 'unreadable' || isHeld(files, holder) || claims === MAX_CLAIMS) throw locked(name, holder);
    const claim = `${path}.${holder.nonce}`;
    acquire(files, claim, name, mine, claims + 1);
    try {
      const now = read(fs, path);
      if (typeof now === 'object' && now.nonce === holder.nonce) fs.unlinkSync(path);
    } finally {
      release(fs, claim, mine);
    }
  }
  throw locked(name, 'unreadable');
}

/** Makes the file appear with its content; false when it is there. @param {import('node:fs')} fs
 * @param {string} path @param {Holder} mine */
function create(fs, path, mine) {
  const content = JSON.stringify(mine);
  const draft = `${path}.${mine.nonce}.new`;
  fs.writeFileSync(draft, content);
  try {
    fs.linkSync(draft, path);
    return true;
  } catch (/** @type {any} */ error) {
    if (error?.code === 'EEXIST') return false;
    return createWithoutLink(fs, path, content);
  } finally {
    fs.unlinkSync(draft);
  }
}

/** @param {import('node:fs')} fs @param {string} path @param {string} content */
function createWithoutLink(fs, path, content) {
  try {
    fs.writeFileSync(path, content, { flag: 'wx' });
    return true;
  } catch (/** @type {any} */ error) {
    if (error?.code === 'EEXIST') return false;
    throw error;
  }
}

/** @param {import('node:fs')} fs @param {string} path @returns {Holder | 'gone' | 'unreadable'} */
function read(fs, path) {
  try {
    const { mtimeMs } = fs.statSync(path);
    try {
      const holder = JSON.parse(fs.readFileSync(path, 'utf8'));
      if (Number.isSafeInteger(holder.pid) && /^[0-9a-f]+$/.test(holder.nonce)) return holder;
    } catch (/** @type {any} */ error) {
      if (error?.code) throw error;
    }
    // Not ours, or cut short by a power failure: stale once nobody can still be writing it.
    if (Date.now() - mtimeMs < WRITING_MS) return 'unreadable';
    return { pid: 0, boot: null, start: null, nonce: Math.floor(mtimeMs).toString(16), time: mtimeMs };
  } catch (/** @type {any} */ error) {
    if (error?.code === 'ENOENT') return 'gone';
    throw error;
  }
}

/** @param {Files} files @param {Holder} holder */
function isHeld({ fs, process }, holder) {
  if (holder.pid === 0 || (holder.life && lives.dead.includes(holder.life))) return false;
  const boot = bootId(fs);
  if (holder.boot && boot && holder.boot !== boot) return false;
  if (!process().isAlive(holder.pid)) return false;
  const start = startTime(fs, holder.pid);
  return !(holder.start && start) || holder.start === start;
}

/** @param {import('node:fs')} fs @param {string} path @param {Holder} mine */
function release(fs, path, mine) {
  const holder = read(fs, path);
  if (typeof holder === 'object' && holder.nonce === mine.nonce) fs.unlinkSync(path);
}

/** @param {string} name @param {Holder | 'gone' | 'unreadable'} holder */
function locked(name, holder) {
  const who = typeof holder === 'object'
    ? `process ${holder.pid} since ${new Date(holder.time).toISOString()} (${age(holder.time)})`
    : 'another process';
  return new VecStoreError('LOCKED', `the store '${name}' is open already: held by ${who}`);
}

/** @param {number} time */
function age(time) {
  const seconds = Math.max(0, Math.round((Date.now() - time) / 1000));
  return seconds < 120 ? `${seconds} s` : seconds < 7200 ? `${Math.round(seconds / 60)} min` :
    `${Math.round(seconds / 3600)} h`;
}

function randomName() {
  return [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Changes with every start of the system; null where there is no /proc. @param {import('node:fs')} fs */
function bootId(fs) {
  return readProc(fs, '/proc/sys/kernel/random/boot_id');
}

/** When the process started, in clock ticks since boot. @param {import('node:fs')} fs @param {number} pid */
function startTime(fs, pid) {
  // The name in parentheses may hold spaces; field 22 is the 20th after it.
  const stat = readProc(fs, `/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

/** @param {import('node:fs')} fs @param {string} path */
function readProc(fs, path) {
  try {
    return fs.readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}
