// Several tabs with one store (js/src/tabs): every interleaving that a seed chooses, with tabs dying at every step.
// VS_TAB_RUNS sets how many interleavings are run; VS_TIER=ci runs 10,000. A failure prints what replays it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Member } from '../../js/src/tabs/member.js';
import { SharedFiles, storeOf } from './tabs/engine.mjs';
import { Disk, World, openModel, settle } from './tabs/world.mjs';

const RUNS = Number(process.env.VS_TAB_RUNS ?? (process.env.VS_TIER === 'ci' ? 10_000 : 600));
const REPLAY = process.env.VS_TAB_REPLAY;
const TABS = 3;
const CALLS = 10;

/** One interleaving; `deaths` are the steps at which the tab that leads dies. Gives how many steps it took. */
async function run(seed, deaths) {
  const world = new World(seed);
  const disk = new Disk();
  const tabs = Array.from({ length: TABS }, (_, i) => world.tab('ABC'[i]));
  const wrong = (what) => new Error(`${what}; VS_TAB_REPLAY=${[seed, ...deaths].join(',')}\n${world.trace.slice(-60).join('\n')}`);
  const acknowledged = [];
  const failed = [];
  let unsettled = 0;
  for (const tab of tabs) {
    tab.calls = [];
    world.chores.push([tab, () => {
      tab.member = new Member({ ...tab.env, options: {}, check: () => null, open: () => openModel(world, disk, tab) });
      unsettled++;
      tab.member.ready.then(() => unsettled--, (error) => failed.push(['open', error]));
      for (let n = 0; n < CALLS; n++) world.chores.push([tab, () => issue(tab, n), `issues ${n}`]);
    }, 'opens']);
  }
  const issue = (tab, n) => {
    const token = `${tab.name}${n}`;
    const isRead = n % 4 === 3;
    const control = n % 7 === 5 ? new AbortController() : undefined;
    const options = control ? { signal: control.signal } : undefined;
    const mine = tab.calls.filter((one) => !one.read && !one.aborts).map((one) => one.token);
    const call = { token, read: isRead, aborts: control !== undefined, tab };
    tab.calls.push(call);
    tab.open = (tab.open ?? 0) + 1;
    const done = isRead ? tab.member.call('get', []) : tab.member.call('upsert', [{ token }, options]);
    if (control) world.chores.push([tab, () => control.abort(), `aborts ${n}`]);
    done.then((result) => {
      tab.open--;
      if (!isRead) {
        acknowledged.push({ token, result });
        const at = disk.log.findIndex((one) => one.token === token);
        if (at >= disk.durable) failed.push([token, wrong('acknowledged before it was durable')]);
      }
      if (isRead && mine.some((one) => !result.includes(one))) failed.push([token, wrong(`${token} does not see what was written before: ${result}`)]);
    }, (error) => {
      tab.open--;
      if (!(control && error.code === 'ABORTED')) failed.push([token, error]);
      else call.refused = true;
    });
  };
  const living = () => tabs.filter(({ alive }) => alive);
  const isOver = () => living().every((tab) => tab.calls.length === CALLS && tab.open === 0);
  for (let i = 0; i < 5000 && !isOver(); i++) {
    if (deaths.includes(i)) {
      const leader = world.holder('vecstore-tabs:shared') ?? tabs[i % TABS];
      if (leader.alive && living().length > 1) world.kill(leader);
    }
    if (!world.step()) break;
    await settle();
  }
  const steps = world.steps;
  if (!isOver()) throw wrong(`calls without an answer: ${living().map((tab) => `${tab.name} ${tab.open} of ${tab.calls.length}`)}`);
  if (failed.length > 0) throw wrong(`${failed[0][0]}: ${failed[0][1]?.stack}`);
  const tokens = disk.log.map(({ token }) => token);
  const twice = tokens.find((token, i) => tokens.indexOf(token) !== i);
  if (twice) throw wrong(`${twice} was written twice: ${tokens}`);
  for (const { token, result } of acknowledged) {
    const entry = disk.log.find((one) => one.token === token);
    if (!entry) throw wrong(`${token} was acknowledged and is lost: ${tokens}`);
    if (entry.result.inserted !== result.inserted) throw wrong(`${token} was told another's result`);
  }
  for (const tab of tabs) {
    const order = tokens.filter((token) => token[0] === tab.name).map((token) => Number(token.slice(1)));
    if (order.some((n, i) => i > 0 && n < order[i - 1])) throw wrong(`${tab.name}'s writes are out of order: ${tokens}`);
    for (const { token, refused } of tab.calls) if (refused && tokens.includes(token)) throw wrong(`${token} was refused and is there`);
  }
  // All leave.
  const closing = Promise.all(living().map(({ member }) => member.close()));
  let isClosed = false;
  closing.then(() => (isClosed = true));
  for (let i = 0; i < 500 && !isClosed; i++) {
    await settle();
    if (!isClosed && !world.step()) break;
    await settle();
  }
  if (!isClosed) throw wrong('close does not end');
  return steps;
}

if (REPLAY) {
  test(`replay of ${REPLAY}`, async () => {
    const [seed, ...deaths] = REPLAY.split(',').map(Number);
    await run(seed, deaths);
  });
}

test(`${RUNS} interleavings of ${TABS} tabs; the leader dies at every step`, { timeout: 3_600_000 }, async (t) => {
  let runs = 0;
  let died = 0;
  for (let seed = 1; runs < RUNS; seed++) {
    const steps = await run(seed, []);
    runs++;
    // Once at each step of this interleaving; at most a fourth of all runs, so that there are several.
    const every = Math.max(1, Math.ceil(steps / (RUNS / 4)));
    for (let at = seed % every; at < steps && runs < RUNS; at += every) {
      // Sometimes the next leader dies, too.
      await run(seed, at % 3 === 0 ? [at, at + 7 + (seed % 20)] : [at]);
      runs++;
      died++;
    }
  }
  t.diagnostic(`${runs} interleavings, in ${died} of them a leader died`);
  assert.ok(died > 0);
});

const ENGINE_RUNS = Number(process.env.VS_TAB_ENGINE_RUNS ?? (process.env.VS_TIER === 'ci' ? 400 : 40));

/** One interleaving of two followers and a leader with the package's own engine; the leader dies at a step. */
async function runEngine(seed, death) {
  const world = new World(seed);
  const disk = new SharedFiles();
  const tabs = Array.from({ length: TABS }, (_, i) => world.tab('ABC'[i]));
  const wrong = (what) => new Error(`${what}; seed ${seed}, death at ${death}\n${world.trace.slice(-50).join('\n')}`);
  const failed = [];
  const results = [];
  for (const tab of tabs) {
    tab.open = 1;
    world.chores.push([tab, async () => {
      try {
        tab.store = await storeOf(world, disk, tab).open({ path: 'shared', storage: 'idb', multiTab: true, dimension: 2 });
        for (let n = 0; n < 6; n++) world.chores.push([tab, () => write(tab, n), `writes ${n}`]);
      } catch (error) {
        failed.push(error);
      }
      tab.open--;
    }, 'opens']);
  }
  // Each tab has a record of its own, which each write must find as the last one left it: inserted, changed, deleted in turn.
  const expected = [{ inserted: 1, updated: 0 }, { updated: 1 }, { deleted: 1 }];
  const write = (tab, n) => {
    const id = tab.name;
    tab.open++;
    const done = n % 3 === 0 ? tab.store.upsert({ id, vector: [1, n], metadata: { n } })
      : n % 3 === 1 ? tab.store.updateMetadata(id, { n }) : tab.store.delete(id);
    done.then((result) => results.push([tab.name, n, result]), (error) => failed.push(error)).finally(() => tab.open--);
  };
  const living = () => tabs.filter(({ alive }) => alive);
  const isOver = () => living().every((tab) => tab.open === 0 && tab.store) && world.chores.length === 0;
  for (let i = 0; i < 2000 && !isOver(); i++) {
    const leader = world.holder('vecstore-tabs:shared');
    if (i === death && leader) world.kill(leader);
    if (!world.step()) await settle(20);
    await settle(3);
  }
  if (!isOver()) throw wrong('calls without an answer');
  if (failed.length > 0) throw wrong(failed[0].stack);
  for (const [name, n, result] of results) {
    if (JSON.stringify(result) !== JSON.stringify(expected[n % 3])) throw wrong(`${name}${n} was told ${JSON.stringify(result)}`);
  }
  const steps = world.steps;
  let isClosed = false;
  const closing = Promise.all(living().map(({ store }) => store.close())).then(() => (isClosed = true));
  for (let i = 0; i < 500 && !isClosed; i++) {
    world.step();
    await settle(3);
  }
  await closing;
  return steps;
}

test(`${ENGINE_RUNS} interleavings with the engine: every write takes effect once, and its answer says what it did`, { timeout: 3_600_000 }, async (t) => {
  let runs = 0;
  for (let seed = 1; runs < ENGINE_RUNS; seed++) {
    const steps = await runEngine(seed, -1);
    runs++;
    const every = Math.max(1, Math.ceil(steps / (ENGINE_RUNS / 4)));
    for (let at = seed % every; at < steps && runs < ENGINE_RUNS; at += every, runs++) await runEngine(seed, at);
  }
  t.diagnostic(`${runs} interleavings`);
});

test('a leader that is silent: SUSPENDED after ten seconds, LOCKED for who opens; when it wakes all goes on', async () => {
  const world = new World(5);
  const disk = new Disk();
  const [a, b, c] = ['A', 'B', 'C'].map((name) => world.tab(name));
  const join = (tab) => (tab.member = new Member({ ...tab.env, options: {}, check: () => null, open: () => openModel(world, disk, tab) }));
  /** Until the promise is settled; what it gives, or the error's code. */
  const until = async (promise) => {
    let result;
    promise.then((value) => (result = { value }), (error) => (result = { code: error.code ?? String(error) }));
    for (let i = 0; i < 2000; i++) {
      await settle();
      if (result) return result.value ?? result.code;
      world.step();
    }
    throw new Error(`no end\n${world.trace.slice(-20).join('\n')}`);
  };
  await until(join(a).ready);
  await until(join(b).ready);
  assert.deepEqual(await until(b.member.call('upsert', [{ token: 'B1' }])), { inserted: 0, updated: 0 });
  a.frozen = true;
  const start = world.time;
  assert.equal(await until(b.member.call('get', [])), 'SUSPENDED');
  assert.ok(world.time - start >= 10_000 && world.time - start <= 12_000, `${world.time - start} ms`);
  assert.equal(await until(join(c).ready), 'LOCKED');
  a.frozen = false;
  assert.deepEqual(await until(b.member.call('get', [])), ['B1']);
  // Frozen and then thrown away by the browser: another takes over.
  a.frozen = true;
  const asked = b.member.call('get', []);
  world.kill(a);
  assert.deepEqual(await until(asked), ['B1']);
  assert.equal(b.member.role, 'leader');
  await until(b.member.close());
});

test('what can neither be repeated nor marked is WORKER_LOST when its leader dies', async () => {
  const world = new World(6);
  const disk = new Disk();
  const tabs = ['A', 'B'].map((name) => world.tab(name));
  for (const tab of tabs) {
    tab.member = new Member({ ...tab.env, options: {}, check: () => null, open: () => openModel(world, disk, tab) });
    let ready = false;
    tab.member.ready.then(() => (ready = true));
    while (!ready) {
      world.step();
      await settle();
    }
  }
  const code = tabs[1].member.call('createSnapshot', ['s']).then(() => 'ok', (error) => error.code);
  world.kill(tabs[0]);
  for (let i = 0; i < 50; i++) {
    world.step();
    await settle();
  }
  assert.equal(await code, 'WORKER_LOST');
});

test('a store that a failed sync poisoned is opened anew, and its followers go on', async () => {
  const world = new World(7);
  const disk = new SharedFiles();
  const until = async (promise) => {
    let result;
    promise.then((value) => (result = { value }), (error) => (result = { value: error.code ?? String(error) }));
    for (let i = 0; i < 3000 && !result; i++) {
      if (!world.step()) await settle(20);
      await settle(3);
    }
    assert.ok(result, world.trace.slice(-20).join('\n'));
    return result.value;
  };
  const stores = [];
  for (const name of 'AB') {
    stores.push(await until(storeOf(world, disk, world.tab(name)).open({ path: 'shared', storage: 'idb', multiTab: true })));
  }
  const [leader, follower] = stores;
  assert.deepEqual(await until(follower.upsert({ id: 1, vector: [1, 2] })), { inserted: 1, updated: 0 });
  disk.failing = 1;
  assert.equal(await until(follower.upsert({ id: 2, vector: [1, 2] })), 'IO');
  assert.deepEqual(await until(follower.upsert({ id: 3, vector: [1, 2] })), { inserted: 1, updated: 0 });
  assert.equal((await until(leader.get(3))).id, 3);
  // One that goes on failing is told, not tried for ever.
  disk.failing = 1e9;
  assert.match(await until(follower.upsert({ id: 4, vector: [1, 2] })), /^(IO|POISONED)$/);
  disk.failing = 0;
  await until(follower.upsert({ id: 5, vector: [1, 2] }));
  assert.deepEqual(await until(follower.upsert({ id: 6, vector: [1, 2] })), { inserted: 1, updated: 0 });
  await until(Promise.all(stores.map((store) => store.close())));
});
