// healing.js - what healing.test.mjs does in a page: a store that runs out of space, by the browser's quota or by
// refused writes, and goes on once there is some again, in the same instance.
import { VecStore } from '/js/src/index.js';

const TEXT_BYTES = 1 << 20;
const DIM = 8;
let store;
const acknowledged = [];
let refusing = false;

/** Bytes that no storage packs. */
function noise() {
  const bytes = crypto.getRandomValues(new Uint8Array(65_536));
  return Array.from(bytes, (byte) => String.fromCharCode(48 + (byte & 63))).join('').repeat(TEXT_BYTES / 65_536);
}
const record = (id, text) => ({ id, vector: Array.from({ length: DIM }, (_, i) => (id * 7 + i * 3) % 11), ...(text && { text }) });
const write = (id, text) => store.upsert(record(id, text)).then(() => (acknowledged.push(id), 'ok'), (error) => error.code);

/** Puts fail as they do when the quota is exceeded: the request's transaction aborts and says why. */
function injectRefusals() {
  const { put } = IDBObjectStore.prototype, { commit } = IDBTransaction.prototype;
  const full = () => new DOMException('The quota has been exceeded.', 'QuotaExceededError');
  IDBObjectStore.prototype.put = function refused(...args) {
    const request = put.apply(this, args);
    if (refusing) {
      Object.defineProperty(this.transaction, 'error', { get: full, configurable: true });
      const { transaction: aborting } = this;
      queueMicrotask(() => {
        try {
          aborting.abort();
        } catch {
          // Another request of it did.
        }
      });
    }
    return request;
  };
  IDBTransaction.prototype.commit = function refused() {
    if (refusing && this.mode === 'readwrite') this.abort();
    else commit.call(this);
  };
}

export async function begin(path, storage) {
  store = await VecStore.open({ path, storage });
  for (let id = 0; id < 5; id++) await write(id);
}

/** Writes a mebibyte at a time until one is refused; gives its code, or null after `most` of them. */
export async function fillUp(most) {
  for (let id = 100; id < 100 + most; id++) {
    const code = await write(id, noise());
    if (code !== 'ok') return code;
  }
  return null;
}

export function refuse() {
  injectRefusals();
  refusing = true;
  return write(50);
}
export const allow = () => void (refusing = false);

/** Everything acknowledged is read, by id and by search. */
export async function read() {
  const found = await store.get(acknowledged, { include: ['vector'] });
  const near = await store.query({ vector: record(3).vector, k: 1, exact: true });
  return [found.every(Boolean), near.length === 1];
}

/** A write while there is no room. */
export const tryWrite = (id) => write(id, noise());
/** A removal while there is no room. */
export const tryDelete = () => store.delete(4).then(({ deleted }) => deleted, (error) => error.code);

/** A write once there is room, in the same instance; then whether all is sound, here and after reopening. */
export async function goOn(path, storage) {
  const written = await write(60);
  const sound = [(await store.verify()).errors.length, (await store.get(acknowledged)).every(Boolean)];
  await store.close();
  store = await VecStore.open({ path, storage });
  const reopened = [(await store.verify()).errors.length, (await store.get(acknowledged)).every(Boolean)];
  await store.close();
  return { written, sound, reopened };
}
