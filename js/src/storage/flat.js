// flat.js - a StorageHost over a flat set of files: directories are kept in memory, paths in one map.
//
// What a directory holds is read off the paths, so one that is empty is forgotten with the
// instance; the engine makes its directories anew each time.

import { VecStoreError } from '../errors.js';

/** @typedef {import('./storage-host.js').HostFile} HostFile */

/** @template {HostFile} F */
export class FlatFiles {
  /** @type {Map<string, F>} */
  files = new Map();
  #directories = new Set(['']);

  /** @param {string} path */
  open(path) {
    const file = this.files.get(path);
    if (!file) throw new VecStoreError('NOT_FOUND', `there is no file ${path}`);
    return file;
  }

  /** Throws where a new file cannot be. @param {string} path */
  checkNew(path) {
    if (this.files.has(path)) throw new VecStoreError('ALREADY_EXISTS', `there is a file ${path}`);
    if (!this.#isDirectory(parentOf(path))) throw new VecStoreError('NOT_FOUND', `there is no directory for ${path}`);
  }

  /** @param {string} path */
  mkdir(path) {
    this.#directories.add(path);
  }

  /** @param {string} directory */
  list(directory) {
    if (!this.#isDirectory(directory)) throw new VecStoreError('NOT_FOUND', `there is no directory ${directory}`);
    const prefix = directory === '' ? '' : `${directory}/`;
    const names = new Set();
    for (const path of this.files.keys()) if (path.startsWith(prefix)) names.add(firstPart(path.slice(prefix.length)));
    for (const path of this.#directories) {
      if (path.startsWith(prefix) && path.length > prefix.length) names.add(`${path.slice(prefix.length).split('/')[0]}/`);
    }
    return [...names];
  }

  /** @param {string} path */
  #isDirectory(path) {
    if (this.#directories.has(path)) return true;
    for (const file of this.files.keys()) if (file.startsWith(`${path}/`)) return true;
    return false;
  }
}

/** @param {string} path */
const parentOf = (path) => path.slice(0, Math.max(0, path.lastIndexOf('/')));

/** The name, with '/' when it is a directory's. @param {string} path */
function firstPart(path) {
  const slash = path.indexOf('/');
  return slash < 0 ? path : path.slice(0, slash + 1);
}
