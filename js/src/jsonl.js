// jsonl.js - records as JSON Lines, one a line: { id, vector, text, metadata, sparse, multivector }; loaded when it is asked for.
//
// JSON.parse and JSON.stringify do the work. What JSON can say and a double
// cannot, integers beyond 2^53 and -0, is carried past them in strings that begin with a
// mark made anew for each call, so that no text can be taken for one.

import { VecStoreError, invalid } from './errors.js';
import { isPlainObject, show } from './engine/value.js';
import { PROGRESS, checkSignal, integer, oneOf, readOptions } from './options.js';
import { piecesOf } from './source.js';

/** @typedef {import('./types.js').StoredRecord<any>} StoredRecord */
/** @typedef {import('./types.js').RecordInput<any>} RecordInput */

/** A line is shorter than this. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;
/** Exported text is gathered up to about this length. */
const PIECE_CHARACTERS = 1 << 16;
const NEWLINE = 10;

const makeMark = () => `vecstore-integer:${Math.random().toString(36).slice(2)}${Math.random().toString(36).slice(2)}:`;

// ============ Writing ============

/** @param {Float32Array} vector */
function toBase64(vector) {
  // Little-endian is what the engine's memory has, so every host of it.
  const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
  let text = '';
  for (let at = 0; at < bytes.length; at += 0x2000) text += String.fromCharCode(...bytes.subarray(at, at + 0x2000));
  return btoa(text);
}

const rowsOf = (/** @type {readonly ArrayLike<number>[]} */ vectors) => vectors.map((vector) => Array.from(vector));

/** @param {boolean} asBase64 */
function lineWriter(asBase64) {
  const mark = makeMark();
  const quoted = new RegExp(`"${mark}(-?\\d+(?:\\.0)?)"`, 'g');
  const replacer = (/** @type {string} */ _, /** @type {unknown} */ value) => {
    if (typeof value === 'bigint') return mark + value;
    if (Object.is(value, -0)) return `${mark}-0`;
    // A double of that size is no integer: with a point it comes back as one.
    const isLarge = typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER && Math.abs(value) < 1e21;
    return isLarge ? `${mark}${value}.0` : value;
  };
  return (/** @type {StoredRecord} */ { id, vector, text, metadata, sparse, multivector }) => {
    const record = {
      id,
      vector: vector === undefined ? undefined : asBase64 ? toBase64(vector) : Array.from(vector),
      text,
      metadata,
      sparse: sparse && { indices: Array.from(sparse.indices), values: Array.from(sparse.values) },
      multivector: Array.isArray(multivector) ? rowsOf(multivector) : multivector && { ...multivector, vectors: rowsOf(multivector.vectors) },
    };
    const line = JSON.stringify(record, replacer);
    return `${line.includes(mark) ? line.replace(quoted, '$1') : line}\n`;
  };
}

/**
 * @param {(options: any) => AsyncIterable<StoredRecord>} scan
 * @param {unknown} given
 * @returns {ReadableStream<Uint8Array>}
 */
export function exportJsonl(scan, given) {
  const { vectors = 'array', ...selection } = readOptions('exportJsonl', given, {
    filter: (_, value) => value, params: (_, value) => value, vectors: oneOf(['array', 'base64', 'none']),
    signal: checkSignal,
  });
  const include = vectors === 'none' ? ['metadata', 'text'] : ['vector', 'metadata', 'text', 'sparse', 'multivector'];
  const records = scan({ ...selection, include })[Symbol.asyncIterator]();
  const write = lineWriter(vectors === 'base64');
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      let text = '';
      while (text.length < PIECE_CHARACTERS) {
        const { done, value } = await records.next();
        if (done) {
          if (text !== '') controller.enqueue(encoder.encode(text));
          controller.close();
          return;
        }
        text += write(value);
      }
      controller.enqueue(encoder.encode(text));
    },
    async cancel() {
      await records.return?.();
    },
  }, { highWaterMark: 0 });
}

// ============ Reading ============

/** @param {string} text @returns {Float32Array} */
function fromBase64(text) {
  let bytes;
  try {
    bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  } catch {
    throw invalid('vector is text, but not base64');
  }
  if (bytes.length === 0 || bytes.length % 4 !== 0) throw invalid(`vector has ${bytes.length} bytes of base64, no whole 32-bit floats`);
  return new Float32Array(bytes.buffer);
}

/** Strings, and numbers of 16 digits or more without point or exponent. */
const TOKENS = /"(?:[^"\\]|\\.)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** @param {string} line @param {string} mark */
function parse(line, mark) {
  if (!/\d{16}/.test(line)) return JSON.parse(line);
  const marked = line.replace(TOKENS, (token) => {
    const isLong = token[0] !== '"' && /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token));
    return isLong ? `"${mark}${token}"` : token;
  });
  return JSON.parse(marked, (_, value) =>
    (typeof value === 'string' && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value));
}

/** @param {string} line @param {string} mark @returns {RecordInput} */
function readLine(line, mark) {
  let record;
  try {
    record = parse(line, mark);
  } catch (error) {
    throw invalid(`not valid JSON: ${/** @type {any} */ (error).message}`);
  }
  if (typeof record !== 'object' || record === null || !isPlainObject(record)) {
    throw invalid(`a record must be an object, not ${show(record)}`);
  }
  if (typeof record.vector === 'string') record.vector = fromBase64(record.vector);
  // Other writers say null for what is not there.
  for (const part of ['vector', 'text', 'metadata', 'sparse', 'multivector']) if (record[part] === null) delete record[part];
  return record;
}

/** Lines without their ends, as bytes. @param {unknown} source */
async function* linesOf(source) {
  /** @type {Uint8Array[]} */
  let held = [];
  let heldBytes = 0;
  const take = (/** @type {Uint8Array} */ last) => {
    if (held.length === 0) return last;
    const line = new Uint8Array(heldBytes + last.length);
    let at = 0;
    for (const piece of [...held, last]) {
      line.set(piece, at);
      at += piece.length;
    }
    held = [];
    heldBytes = 0;
    return line;
  };
  for await (const piece of piecesOf('importJsonl', source)) {
    let from = 0;
    for (let at = piece.indexOf(NEWLINE); at >= 0; at = piece.indexOf(NEWLINE, from)) {
      yield take(piece.subarray(from, at));
      from = at + 1;
    }
    if (from === piece.length) continue;
    // The caller may use its buffer again.
    held.push(piece.slice(from));
    heldBytes += piece.length - from;
    if (heldBytes > MAX_LINE_BYTES) yield take(new Uint8Array(0));
  }
  if (heldBytes > 0) yield take(new Uint8Array(0));
}

/** The error says which line it was. @param {unknown} error @param {number} line */
function atLine(error, line) {
  if (error instanceof VecStoreError && error.inputLine === undefined) {
    error.message = `line ${line}: ${error.message}`;
    error.inputLine = line;
    delete error.index;
  }
  return error;
}

/**
 * @param {unknown} source
 * @param {unknown} given
 * @param {(records: AsyncIterable<RecordInput>, options: any) => Promise<{ inserted: number, updated: number }>} upsertMany
 */
export async function importJsonl(source, given, upsertMany) {
  const options = { batchSize: 1000, ...readOptions('importJsonl', given, { ...PROGRESS, batchSize: integer(1) }) };
  const mark = makeMark();
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = 0;
  // The lines of the last records: a batch that fails says which record it was.
  let first = 0;
  /** @type {number[]} */
  const lines = [];
  const decode = (/** @type {Uint8Array} */ bytes) => {
    if (bytes.length > MAX_LINE_BYTES) throw invalid(`longer than ${MAX_LINE_BYTES} bytes`);
    try {
      return decoder.decode(bytes);
    } catch {
      throw invalid('not valid UTF-8');
    }
  };
  const records = async function* () {
    for await (const bytes of linesOf(source)) {
      line++;
      let record;
      try {
        const text = decode(bytes);
        if (/^[ \t\r]*$/.test(text)) continue;
        record = readLine(text, mark);
      } catch (error) {
        throw atLine(error, line);
      }
      lines.push(line);
      if (lines.length > 2 * options.batchSize) {
        lines.splice(0, options.batchSize);
        first += options.batchSize;
      }
      yield record;
    }
  };
  try {
    return await upsertMany(records(), options);
  } catch (error) {
    const index = /** @type {any} */ (error)?.index;
    throw index === undefined ? error : atLine(error, lines[index - first]);
  }
}
