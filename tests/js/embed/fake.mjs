// An embedder for tests: words hashed into a few dimensions, seeded by its name, so that two of them disagree.
const hash = (text) => {
  let h = 0x811c9dc5;
  for (const unit of text) h = Math.imul(h ^ unit.codePointAt(0), 0x01000193);
  return h >>> 0;
};

/** The vector that the embedder of this name makes of a text. */
export function vectorOf(name, dimension, text) {
  const vector = new Float32Array(dimension);
  for (const word of text.toLowerCase().match(/\p{L}+/gu) ?? []) {
    for (let i = 0; i < 4; i++) vector[hash(`${name} ${i} ${word}`) % dimension] += 1;
  }
  return vector;
}

/** Notes what it is asked in `calls`; `wait` may delay or break a call. */
export function fakeEmbedder({ name = 'fake', dimension = 16, wait = async () => {} } = {}) {
  const calls = [];
  return {
    name, dimension, calls,
    async embed(texts, options) {
      calls.push({ texts: [...texts], ...options });
      await wait(texts, options);
      return texts.map((text) => vectorOf(name, dimension, text));
    },
  };
}
