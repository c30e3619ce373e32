// The WASI host (js/src/wasi/host.js), called as a guest would call it.
import assert from 'node:assert/strict';
import fs, { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { GUEST_ROOT, WasiExit, WasiHost } from '../../js/src/wasi/host.js';

const ENOENT = 44, EBADF = 8, EEXIST = 20, ENOSYS = 52, ENOTDIR = 54, ENOTCAPABLE = 76, ENOTEMPTY = 55, EINVAL = 28;
const READ = 2n, WRITE = 64n, CREAT = 1, DIRECTORY = 2, EXCL = 4, APPEND = 1;
const ROOT = 3;

const base = mkdtempSync(join(tmpdir(), 'vecstore-wasi-'));
after(() => rmSync(base, { recursive: true, force: true }));
let roots = 0;

/** A host with a guest's memory and helpers that call it. */
function guest(withFiles = true) {
  const root = join(base, `r${roots++}`);
  mkdirSync(root);
  const host = new WasiHost(withFiles ? { fs, root } : null);
  const memory = new WebAssembly.Memory({ initial: 1 });
  host.attach(memory);
  const view = () => new DataView(memory.buffer);
  const put = (at, text) => {
    const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
    new Uint8Array(memory.buffer).set(bytes, at);
    return bytes.length;
  };
  const call = (name, ...args) => host.import(name)(...args);
  const withPath = (name, path, ...rest) => call(name, ROOT, 1000, put(1000, path), ...rest);
  const open = (path, { oflags = 0, rights = READ, fdflags = 0 } = {}) => {
    const errno = call('path_open', ROOT, 0, 1000, put(1000, path), oflags, rights, 0n, fdflags, 500);
    return errno === 0 ? view().getUint32(500, true) : -errno;
  };
  const iovec = (...lengths) => {
    let at = 4000;
    lengths.forEach((length, i) => {
      view().setUint32(600 + 8 * i, at, true);
      view().setUint32(604 + 8 * i, length, true);
      at += length;
    });
    return [600, lengths.length];
  };
  const write = (fd, text) => {
    const errno = call('fd_write', fd, ...iovec(put(4000, text)), 500);
    return errno === 0 ? view().getUint32(500, true) : -errno;
  };
  const read = (fd, ...lengths) => {
    const errno = call('fd_read', fd, ...iovec(...lengths), 500);
    assert.equal(errno, 0);
    return Buffer.from(memory.buffer, 4000, view().getUint32(500, true)).toString();
  };
  return { root, host, memory, view, put, call, withPath, open, iovec, write, read };
}

test('the directory is preopened by its guest name', () => {
  const { call, view, memory } = guest();
  assert.equal(call('fd_prestat_get', ROOT, 0), 0);
  assert.equal(view().getUint32(4, true), GUEST_ROOT.length);
  assert.equal(call('fd_prestat_dir_name', ROOT, 100, GUEST_ROOT.length), 0);
  assert.equal(Buffer.from(memory.buffer, 100, GUEST_ROOT.length).toString(), GUEST_ROOT);
  assert.equal(call('fd_prestat_dir_name', ROOT, 100, 2), EINVAL);
  assert.equal(call('fd_prestat_get', 4, 0), EBADF);
});

test('create, append, read, seek, size, unlink', () => {
  const { root, call, view, open, write, read, withPath, iovec } = guest();
  const fd = open('a', { oflags: CREAT | EXCL, rights: READ | WRITE, fdflags: APPEND });
  assert.ok(fd > ROOT);
  assert.equal(write(fd, 'hello '), 6);
  assert.equal(write(fd, 'world'), 5);
  assert.equal(open('a', { oflags: CREAT | EXCL, rights: WRITE }), -EEXIST);
  assert.equal(readFileSync(join(root, 'a'), 'utf8'), 'hello world');
  const other = open('a');
  assert.equal(read(other, 3, 100), 'hello world');
  assert.equal(read(other, 10), '');
  assert.equal(call('fd_pread', other, ...iovec(5), 6n, 500), 0);
  assert.equal(view().getUint32(500, true), 5);
  assert.equal(call('fd_seek', other, -5n, 2, 500), 0);
  assert.equal(view().getBigUint64(500, true), 6n);
  assert.equal(read(other, 3), 'wor');
  assert.equal(call('fd_seek', other, -1n, 0, 500), EINVAL);
  assert.equal(call('fd_filestat_get', other, 800), 0);
  assert.equal(view().getBigUint64(832, true), 11n);
  assert.equal(view().getUint8(816), 4);
  assert.equal(call('fd_sync', fd), 0);
  assert.equal(call('fd_datasync', fd), 0);
  assert.equal(call('fd_close', fd), 0);
  assert.equal(call('fd_close', fd), EBADF);
  assert.equal(write(fd, 'x'), -EBADF);
  assert.equal(withPath('path_unlink_file', 'a'), 0);
  assert.equal(withPath('path_unlink_file', 'a'), ENOENT);
  assert.equal(open('a'), -ENOENT);
});

test('a file without append is written at its position', () => {
  const { root, call, open, write } = guest();
  const fd = open('p', { oflags: CREAT, rights: WRITE });
  write(fd, 'abcdef');
  assert.equal(call('fd_seek', fd, 2n, 0, 500), 0);
  write(fd, 'XY');
  assert.equal(readFileSync(join(root, 'p'), 'utf8'), 'abXYef');
});

test('directories: make, list in small buffers, remove', () => {
  const { root, call, view, open, withPath, memory } = guest();
  assert.equal(withPath('path_create_directory', 'd'), 0);
  assert.equal(withPath('path_create_directory', 'd'), EEXIST);
  assert.equal(withPath('path_create_directory', '.'), EEXIST);
  const names = Array.from({ length: 30 }, (_, i) => `file-${i}-${'ä'.repeat(i % 5)}`);
  for (const name of names) writeFileSync(join(root, 'd', name), '');
  mkdirSync(join(root, 'd', 'sub'));
  const fd = open('d', { oflags: DIRECTORY });
  const seen = new Map();
  for (let cookie = 0n, full = true; full;) {
    assert.equal(call('fd_readdir', fd, 8000, 200, cookie, 500), 0);
    const used = view().getUint32(500, true);
    full = used === 200;
    for (let at = 8000; at + 24 <= 8000 + used;) {
      const length = view().getUint32(at + 16, true);
      if (at + 24 + length > 8000 + used) break;
      seen.set(Buffer.from(memory.buffer, at + 24, length).toString(), view().getUint8(at + 20));
      cookie = view().getBigUint64(at, true);
      at += 24 + length;
    }
  }
  assert.deepEqual([...seen.keys()].sort(), readdirSync(join(root, 'd')).sort());
  assert.equal(seen.get('sub'), 3);
  assert.equal(seen.get(names[3]), 4);
  assert.equal(open('d/sub/none', { oflags: DIRECTORY }), -ENOENT);
  assert.equal(open(`d/${names[0]}`, { oflags: DIRECTORY }), -ENOTDIR);
  assert.equal(withPath('path_remove_directory', 'd'), ENOTEMPTY);
  assert.equal(withPath('path_remove_directory', 'd/sub'), 0);
});

test('links are followed when asked for; directories can be synced', () => {
  const { root, call, view, open, put } = guest();
  mkdirSync(join(root, 'real'));
  symlinkSync('real', join(root, 'link'));
  const typeOf = (path, flags) => {
    assert.equal(call('path_filestat_get', ROOT, flags, 1000, put(1000, path), 800), 0);
    return view().getUint8(816);
  };
  assert.equal(typeOf('link', 1), 3);
  assert.equal(typeOf('link', 0), 7);
  assert.equal(typeOf('real', 0), 3);
  const fd = open('real', { oflags: DIRECTORY });
  assert.equal(call('fd_sync', fd), 0);
  rmSync(join(root, 'real'), { recursive: true });
  assert.equal(call('fd_sync', fd), ENOENT);
  assert.equal(call('fd_sync', 99), EBADF);
});

test('nothing outside the directory can be reached', () => {
  const { open, withPath, call, put } = guest();
  writeFileSync(join(base, 'secret'), 'x');
  for (const path of ['../secret', 'a/../../secret', '..', './../secret']) {
    assert.equal(open(path), -ENOTCAPABLE);
    assert.equal(withPath('path_unlink_file', path), ENOTCAPABLE);
    assert.equal(call('path_filestat_get', ROOT, 0, 1000, put(1000, path), 800), ENOTCAPABLE);
  }
});

test('without files every path call is ENOTCAPABLE', () => {
  const { call, open, withPath } = guest(false);
  assert.equal(call('fd_prestat_get', ROOT, 0), EBADF);
  assert.equal(open('a'), -ENOTCAPABLE);
  for (const name of ['path_create_directory', 'path_unlink_file', 'path_remove_directory']) assert.equal(withPath(name, 'a'), ENOTCAPABLE);
});

test('the rest: clock, random, arguments, output, exit, unknown calls', () => {
  const { call, view, memory, iovec } = guest(false);
  assert.equal(call('clock_time_get', 0, 0n, 0), 0);
  assert.ok(Math.abs(Number(view().getBigUint64(0, true) / 1_000_000n) - Date.now()) < 5000);
  assert.equal(call('random_get', 0, 1000), 0);
  assert.ok(new Set(new Uint8Array(memory.buffer, 0, 1000)).size > 100);
  assert.equal(call('args_sizes_get', 0, 4), 0);
  assert.equal(view().getUint32(0, true), 0);
  assert.equal(call('fd_write', 2, ...iovec(10, 20), 500), 0);
  assert.equal(view().getUint32(500, true), 30);
  assert.throws(() => call('proc_exit', 3), WasiExit);
  assert.equal(call('sock_accept', 0, 0, 0), ENOSYS);
});

test('pointers above 2 GiB come as negative numbers', () => {
  const host = new WasiHost(null);
  host.attach(/** @type {any} */ ({ buffer: new ArrayBuffer(16) }));
  // Out of this small memory: an error, not a write at a negative index.
  assert.notEqual(host.import('args_sizes_get')(-16, -12), 0);
});
