// Text search after reopening: the texts are found again, and the analyzer is the store's.
import { equal, fails } from './expect.mjs';

export const needsPersistence = true;

export const cases = {
  'texts are found after reopening, from segments and from the log': async ({ open }) => {
    let store = await open({ path: 'a', dimension: 0 });
    await store.upsert([{ id: 1, text: 'kept in a segment' }, { id: 2, text: { title: 'kept too' } }, { id: 3, text: 'not kept' }]);
    await store.checkpoint();
    await store.upsert({ id: 4, text: 'kept in the log' });
    await store.delete(3);
    const before = await store.textQuery({ text: 'kept' });
    await store.close();
    store = await open({ path: 'a' });
    equal(await store.textQuery({ text: 'kept' }), before);
    equal(before.map(({ id }) => id).sort(), [1, 2, 4]);
    equal((await store.verify()).ok, true);
  },

  'the analyzer stays, scoring may change': async ({ open, tryOpen }) => {
    let store = await open({ path: 'a', dimension: 0, text: { tokenizer: 'whitespace', stemmer: 'none', stopwords: ['x'], k1: 0.9, b: 0.4 } });
    await store.upsert([{ id: 1, text: 'foxes x' }, { id: 2, text: 'foxes foxes and more' }]);
    const score = async () => (await store.textQuery({ text: 'foxes' }))[0].score;
    const first = await score();
    await store.close();
    await fails('INVALID_ARGUMENT', tryOpen({ path: 'a', text: { tokenizer: 'standard' } }), 'whitespace', 'standard');
    await fails('INVALID_ARGUMENT', tryOpen({ path: 'a', text: { stemmer: 'porter' } }), 'none', 'porter');
    await fails('INVALID_ARGUMENT', tryOpen({ path: 'a', text: { stopwords: 'none' } }), 'stopwords');
    store = await open({ path: 'a' });
    equal(await score(), first);
    equal(await store.textQuery({ text: 'fox x' }), []);
    await store.close();
    store = await open({ path: 'a', text: { k1: 2, tokenizer: 'whitespace' } });
    equal(await score() !== first, true);
    await store.close();
    store = await open({ path: 'b', dimension: 0 });
    await store.close();
    await fails('INVALID_ARGUMENT', tryOpen({ path: 'b', text: { tokenizer: 'whitespace' } }), 'standard', 'whitespace');
  },

  'a restored snapshot is searched as it was': async ({ open }) => {
    const store = await open({ path: 'a', dimension: 0 });
    await store.upsert([{ id: 1, text: 'old words' }]);
    await store.createSnapshot('s');
    equal((await store.textQuery({ text: 'old' })).length, 1);
    await store.upsert([{ id: 1, text: 'new words' }, { id: 2, text: 'new again' }]);
    equal((await store.textQuery({ text: 'new' })).length, 2);
    await store.restoreSnapshot('s');
    equal((await store.textQuery({ text: 'old new' })).map(({ id }) => id), [1]);
  },
};
