// engine.mjs - the package's own store in a simulated tab: its files on a disk that all tabs share, of which a dead
// tab leaves what was synced.
import { VecStore } from '../../../js/src/index.node.js';
import { hostBackend } from '../../../js/src/storage/host.js';
import { FlatFiles } from '../../../js/src/storage/flat.js';

/** Files by path: bytes, and how many of them are durable. */
export class SharedFiles {
  files = new Map();
  owner = null;
  /** So many syncs fail. */
  failing = 0;

  /** What a crash leaves. */
  reboot() {
    for (const [path, file] of this.files) {
      if (file.durable === 0) this.files.delete(path);
      else file.bytes = file.bytes.slice(0, file.durable);
    }
  }
}

class File {
  constructor(kept, tab) {
    this.kept = kept;
    this.tab = tab;
  }

  read(offset, into) {
    const part = this.kept.bytes.subarray(offset, offset + into.length);
    into.set(part);
    return part.length;
  }

  append(bytes) {
    if (!this.tab.alive) throw new Error('this tab is dead');
    const joined = new Uint8Array(this.kept.bytes.length + bytes.length);
    joined.set(this.kept.bytes);
    joined.set(bytes, this.kept.bytes.length);
    this.kept.bytes = joined;
  }

  size() {
    return this.kept.bytes.length;
  }
}

class Host extends FlatFiles {
  constructor(disk, world, tab) {
    super();
    Object.assign(this, { disk, world, tab });
    for (const [path, kept] of disk.files) this.files.set(path, new File(kept, tab));
  }

  create(path) {
    this.checkNew(path);
    const kept = { bytes: new Uint8Array(0), durable: 0 };
    this.disk.files.set(path, kept);
    const file = new File(kept, this.tab);
    this.files.set(path, file);
    return file;
  }

  remove(path) {
    this.open(path);
    this.files.delete(path);
    this.disk.files.delete(path);
  }

  sync() {
    return new Promise((resolve, reject) => {
      if (this.disk.failing-- > 0) return reject(new Error('the disk failed'));
      const sizes = [...this.disk.files.values()].map((kept) => [kept, kept.bytes.length]);
      this.world.chores.push([this.tab, () => {
        for (const [kept, length] of sizes) kept.durable = Math.max(kept.durable, length);
        resolve();
      }, 'sync']);
    });
  }

  close() {
    this.disk.owner = null;
  }
}

/** The class VecStore of a tab. */
export function storeOf(world, disk, tab) {
  return class TabStore extends VecStore {
    static platform = {
      ...VecStore.platform,
      tabs: () => tab.env,
      backends: {
        async idb(request) {
          if (disk.owner?.alive) throw new Error(`two tabs have it open: ${disk.owner.name} and ${tab.name}`);
          disk.reboot();
          disk.owner = tab;
          return hostBackend(request, 'idb', new Host(disk, world, tab), { syncDelayMs: 0 });
        },
      },
    };
  };
}
