// What turns files into passages and passages into vectors: the two parts of the library that the documents worker needs
// beside the store. They are imported when asked for, so that their absence is an error one can show.

const MODEL = new URL('./models/static-en/static-en.bin', import.meta.url);

/** The built-in embedder: `{ name, dimension, embed(texts) }`. */
export async function loadEmbedder() {
  const model = fetch(MODEL).catch(() => MODEL); // Eight megabytes, on their way while the code comes.
  const { StaticEmbedder } = await import('../dist/browser.embed.mjs');
  return StaticEmbedder.load(await model);
}

/** `documentKind(name)` and `readDocument(name, file, options)`. */
export const loadReader = () => import('../dist/browser.rag.mjs');

/**
 * What of a passage is embedded: the words around it often say what the text takes for granted. A file's mere name does
 * not.
 */
export function wordsOf({ metadata: { title, category, section, tags }, text }, path) {
  const name = path?.replace(/^.*\//, '');
  const said = title === name || title === path ? '' : title;
  return [said, category, section, text, Array.isArray(tags) ? tags.join(', ') : ''].filter(Boolean).join('. ');
}
