// A sentence encoder small enough to write down: an ONNX file of two nodes that looks a token's vector up, a tokenizer of
// a dozen words, in the layout in which transformers.js reads a model from a folder.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const WORDS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'red', 'green', 'blue', 'apple', 'sky', 'grass', 'the', 'is'];
export const DIMENSION = 4;
/** The table: the vector of token i. */
export const table = Float32Array.from({ length: WORDS.length * DIMENSION }, (_, i) => Math.sin(i * 1.7 + 1));

// ---- Protocol buffers, as far as ONNX needs them here
const varint = (n) => {
  const out = [];
  for (let v = BigInt(n); ; v >>= 7n) {
    if (v < 128n) return [...out, Number(v)];
    out.push(Number(v & 127n) | 128);
  }
};
const number = (field, n) => [...varint(field << 3), ...varint(n)];
const bytes = (field, b) => [...varint((field << 3) | 2), ...varint(b.length), ...b];
const string = (field, s) => bytes(field, Buffer.from(s));
const FLOAT = 1, INT64 = 7;

const dim = (d) => bytes(1, typeof d === 'string' ? string(2, d) : number(1, d));
const valueInfo = (name, type, dims) =>
  [...string(1, name), ...bytes(2, bytes(1, [...number(1, type), ...bytes(2, dims.flatMap(dim))]))];
const node = (op, inputs, outputs) => [...inputs.flatMap((name) => string(1, name)), ...outputs.flatMap((name) => string(2, name)), ...string(4, op)];

function onnx() {
  const tensor = [...number(1, WORDS.length), ...number(1, DIMENSION), ...number(2, FLOAT), ...string(8, 'table'), ...bytes(9, Buffer.from(table.buffer))];
  const graph = [
    ...bytes(1, node('Gather', ['table', 'input_ids'], ['looked_up'])), ...bytes(1, node('Identity', ['looked_up'], ['last_hidden_state'])),
    ...string(2, 'tiny'), ...bytes(5, tensor),
    ...['input_ids', 'attention_mask', 'token_type_ids'].flatMap((name) => bytes(11, valueInfo(name, INT64, ['batch', 'length']))),
    ...bytes(12, valueInfo('last_hidden_state', FLOAT, ['batch', 'length', DIMENSION])),
  ];
  return Buffer.from([...number(1, 8), ...bytes(7, graph), ...bytes(8, [...string(1, ''), ...number(2, 13)])]);
}

/** Writes the model below a folder; gives its name there. */
export function writeTinyModel(folder) {
  const at = join(folder, 'tiny');
  mkdirSync(join(at, 'onnx'), { recursive: true });
  const json = (name, value) => writeFileSync(join(at, name), JSON.stringify(value));
  writeFileSync(join(at, 'onnx/model.onnx'), onnx());
  json('config.json', { model_type: 'bert', architectures: ['BertModel'], hidden_size: DIMENSION, vocab_size: WORDS.length, num_attention_heads: 1, num_hidden_layers: 1 });
  const special = WORDS.slice(0, 4).map((content, id) => ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }));
  json('tokenizer.json', {
    version: '1.0', truncation: null, padding: null, added_tokens: special,
    normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing', single: [{ SpecialToken: { id: '[CLS]', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '[SEP]', type_id: 0 } }],
      pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
      special_tokens: { '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] }, '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] } },
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: { type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: '##', max_input_chars_per_word: 100, vocab: Object.fromEntries(WORDS.map((word, id) => [word, id])) },
  });
  json('tokenizer_config.json', { tokenizer_class: 'BertTokenizer', do_lower_case: true, unk_token: '[UNK]', sep_token: '[SEP]', pad_token: '[PAD]', cls_token: '[CLS]', model_max_length: 64 });
  return 'tiny';
}

/** What mean pooling and normalizing make of a text of known words. */
export function expected(text, normalize = true) {
  const ids = [2, ...text.toLowerCase().split(' ').map((word) => Math.max(1, WORDS.indexOf(word))), 3];
  const mean = Array.from({ length: DIMENSION }, (_, d) => ids.reduce((sum, id) => sum + table[id * DIMENSION + d], 0) / ids.length);
  const length = normalize ? Math.hypot(...mean) : 1;
  return mean.map((x) => x / length);
}
