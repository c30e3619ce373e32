// abi.mjs - reads src/api/vs_abi.def, the one description of the C ABI, and vs_text.def, that of the text module.
//
// The file is C macros, so this is a scanner for exactly that: calls of
// VS_STATUS_CODE(name, number, "JS"), VS_CONST(name, number) and
// VS_EXPORT(ret, name, (args), "doc" "more doc"), with C comments between.
import { readFileSync } from 'node:fs';

export const ABI_FILE = 'src/api/vs_abi.def';
export const TEXT_ABI_FILE = 'src/api/vs_text.def';

/** Splits the text between a macro's parentheses at its top-level commas. */
function splitArguments(text) {
  const parts = [];
  let depth = 0;
  let inString = false;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '"' && text[i - 1] !== '\\') inString = !inString;
    if (inString) continue;
    if (c === '(') depth++;
    if (c === ')') depth--;
    if (c === ',' && depth === 0) {
      parts.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  parts.push(text.slice(start).trim());
  return parts;
}

/** The text up to the parenthesis that closes the one before `from`. */
function upToClosing(text, from) {
  let depth = 1;
  let inString = false;
  for (let i = from; i < text.length; i++) {
    const c = text[i];
    if (c === '"' && text[i - 1] !== '\\') inString = !inString;
    if (inString) continue;
    if (c === '(') depth++;
    if (c === ')' && --depth === 0) return text.slice(from, i);
  }
  throw new Error(`a parenthesis is not closed`);
}

/** C string literals side by side, as one string. */
const unquote = (text) => [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((m) => JSON.parse(m[0])).join('');

/**
 * @returns {{ statuses: {name: string, number: number, js: string}[],
 *   constants: {name: string, number: number}[],
 *   exports: {ret: string, name: string, args: string[], doc: string}[] }}
 */
export function readAbi(file = ABI_FILE) {
  const text = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  const abi = { statuses: [], constants: [], exports: [] };
  for (const m of text.matchAll(/^(VS_STATUS_CODE|VS_CONST|VS_EXPORT)\(/gm)) {
    const [a, b, c, ...rest] = splitArguments(upToClosing(text, m.index + m[0].length));
    if (m[1] === 'VS_STATUS_CODE') abi.statuses.push({ name: a, number: Number(b), js: unquote(c) });
    else if (m[1] === 'VS_CONST') abi.constants.push({ name: a, number: Number(b) });
    else abi.exports.push({ ret: a, name: b, args: splitArguments(c.slice(1, -1)).filter((x) => x !== 'void' && x), doc: unquote(rest.join('')) });
  }
  const numbers = [...abi.statuses, ...abi.constants].map((x) => x.number);
  if (!abi.exports.length || !numbers.every(Number.isInteger)) throw new Error(`${file}: not understood`);
  return abi;
}
