// gen-lang.mjs OUT - dist/lang.bin, from the rules in src/text/lang/*.stem: each language's stemmer as a program of the
// machine in src/text/stem_vm.c, and its stop words. What the file holds is specified in src/text/lang.h.
//
// THE LANGUAGE OF RULES. A rule is a sequence of steps; each succeeds or fails, and a sequence fails with its first
// failing step. There is a cursor in the word; a step takes letters at it, onwards or (in `backwards`) before it.
//
//   'abc'  .  v  -v        these letters; any; one of `letters v = ...`; one that is not
//   ( a b )  a | b         a sequence; a, or from the same place b
//   ?a  !a  &a  ~a  *a     a or nothing; fails where a succeeds; a without moving; the same and failing is no matter; as
//                          often as it succeeds
//   >a  >>a                moves on to where a succeeds; behind it
//   [ a ]  = 'x'  del      a is the slice; it becomes x; nothing
//   any { 'a' 'b' }        the longest of these
//   ending { 'a' 'b': steps; 'c': steps; else: steps; }
//                          the longest is the slice, then its steps. `within p1` before the brace: it must lie behind the
//                          mark; (steps) before the brace: they come first in each case. `longest` leaves the slice alone
//   mark p  end p  in p    the mark is here; at the end; is the cursor behind it?
//   atleast p 3            moves a mark to the third letter if it is before
//   within p a             a without looking at what is before the mark
//   set f  unset f  if f   flags
//   same                   the letter that was taken last once more
//   fail  name             fails; another rule
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../src/text/lang/', import.meta.url);
const VERSION = 1;
const OPS = ['STOP', 'FAIL', 'CHOICE', 'COMMIT', 'BACK', 'FAIL_TWICE', 'JUMP', 'CALL', 'RETURN', 'LITERAL', 'IN', 'NOT_IN', 'ANY',
  'OPEN', 'CLOSE', 'PUT', 'MARK', 'MARK_END', 'SINCE', 'AT_LEAST', 'SET', 'UNSET', 'IF', 'LONGEST', 'SWITCH', 'LIMIT', 'UNLIMIT',
  'BACKWARDS', 'FORWARDS', 'SAME'];
const OP = Object.fromEntries(OPS.map((name, i) => [name, i]));

/** Splits a source into tokens, letters and stop words. @param {string} source */
function scan(source) {
  const [rules, stops = ''] = source.split(/^stops = /m);
  const letters = new Map();
  const text = rules.replace(/^#.*$|^\s+#.*$/gm, '').replace(/^letters (\S+) = (.+)$/gm, (_, set, members) => {
    letters.set(set, [...members.trim()]);
    return '';
  });
  const tokens = text.match(/'[^']*'|>>|[A-Za-z0-9](?:-?[A-Za-z0-9])*|\S/g);
  return { tokens, letters, stops: stops.split(/\s+/).filter((word) => word) };
}

// ============ From tokens to a tree ============

const PREFIXES = { '?': 'try', '!': 'not', '&': 'peek', '~': 'do', '*': 'repeat', '>': 'seek', '>>': 'pass', backwards: 'backwards' };
const NAMED = { mark: 'MARK', end: 'MARK_END', in: 'SINCE', set: 'SET', unset: 'UNSET', if: 'IF' };
const PLAIN = { '.': 'ANY', '[': 'OPEN', ']': 'CLOSE', same: 'SAME', fail: 'FAIL' };

function parse(name, { tokens, letters }) {
  let at = 0;
  const fail = (what) => {
    throw new Error(`${name}.stem, behind ${tokens.slice(Math.max(0, at - 8), at).join(' ')}: ${what}`);
  };
  const next = () => tokens[at++] ?? fail('the end is missing');
  const take = (token) => tokens[at] === token && ++at > 0;
  const need = (token) => take(token) || fail(`${token} expected`);
  const string = () => {
    const token = next();
    return token.startsWith("'") ? [...token.slice(1, -1)] : fail('a string expected');
  };
  const sequence = () => {
    const steps = [];
    while (![')', '|', ';', '}'].includes(tokens[at])) steps.push(step());
    const left = { is: 'sequence', steps };
    return take('|') ? { is: 'either', left, right: sequence() } : left;
  };
  const group = () => {
    const inner = sequence();
    need(')');
    return inner;
  };
  const cases = (slices) => {
    const limit = take('within') ? next() : null;
    const intro = take('(') ? group() : null;
    const found = { is: 'longest', slices, limit, intro, words: [], bodies: [], other: 0 };
    need('{');
    while (!take('}')) {
      const n = found.bodies.length + 1;
      if (take('else')) found.other = n;
      else while (tokens[at] !== ':') found.words.push([string(), n]);
      need(':');
      found.bodies.push(sequence());
      need(';');
    }
    return found;
  };
  const step = () => {
    const token = next();
    if (token.startsWith("'")) return { is: 'string', op: 'LITERAL', letters: [...token.slice(1, -1)] };
    if (token in PLAIN) return { is: 'plain', op: PLAIN[token] };
    if (token in NAMED) return { is: 'named', op: NAMED[token], name: next() };
    if (token in PREFIXES) return { is: PREFIXES[token], of: step() };
    switch (token) {
      case '(': return group();
      case '-': return { is: 'set', op: 'NOT_IN', name: next() };
      case '=': return { is: 'string', op: 'PUT', letters: string() };
      case 'del': return { is: 'string', op: 'PUT', letters: [] };
      case 'atleast': return { is: 'atleast', name: next(), least: Number(next()) };
      case 'within': return { is: 'within', name: next(), of: step() };
      case 'ending': return cases(true);
      case 'longest': return cases(false);
      case 'any': {
        const words = [];
        need('{');
        while (!take('}')) words.push([string(), 1]);
        return { is: 'any', words };
      }
      default: return letters.has(token) ? { is: 'set', op: 'IN', name: token } : { is: 'call', name: token };
    }
  };
  const rules = new Map();
  while (at < tokens.length) {
    const rule = take('main') ? 'main' : need('rule') && next();
    if (rules.has(rule)) fail(`${rule} is there twice`);
    need('{');
    rules.set(rule, sequence());
    need('}');
  }
  return rules;
}

// ============ From the tree to bytes ============

/** An instruction's bytes; a label stands for its address. */
class Program {
  constructor(name, { letters }, rules) {
    Object.assign(this, { name, letters, rules, code: [], extra: [], marks: [], flags: [], made: new Map(), due: [], back: false });
    this.emitRule('main', false);
    while (this.due.length > 0) this.emitRule(...this.due.shift());
    for (const [i, byte] of this.code.entries()) {
      if (typeof byte !== 'object') continue;
      this.code[i] = byte.at & 255;
      this.code[i + 1] = byte.at >> 8;
    }
  }

  emitRule(rule, back) {
    const tree = this.rules.get(rule);
    if (!tree) throw new Error(`${this.name}.stem: no rule ${rule}`);
    this.back = back;
    this.land(this.label(rule, back));
    this.emit(tree);
    this.put(rule === 'main' ? 'STOP' : 'RETURN');
  }

  /** A rule is compiled for each direction that it is used in. */
  label(rule, back) {
    const key = `${rule} ${back}`;
    if (!this.made.has(key)) {
      this.made.set(key, { at: -1 });
      if (rule !== 'main') this.due.push([rule, back]);
    }
    return this.made.get(key);
  }

  land(label) {
    label.at = this.code.length;
  }

  put(op, ...bytes) {
    this.code.push(OP[op], ...bytes);
  }

  jump(op, label) {
    this.code.push(OP[op], label, 0);
  }

  /** A letter's byte: ASCII is itself, others are numbered from 128 on. */
  symbol(letter) {
    const code = letter.codePointAt(0);
    return code < 127 ? code : 128 + this.number(this.extra, code, 127);
  }

  number(list, one, most) {
    if (!list.includes(one)) list.push(one);
    if (list.length > most) throw new Error(`${this.name}.stem: too many marks, flags, letters or sets`);
    return list.indexOf(one);
  }

  mark(name) {
    return this.number(this.marks, name, 4);
  }

  /** CHOICE, the body, how it ends well; what is behind the jump is where it goes when it fails. */
  over(op, of, to = { at: -1 }) {
    const failed = { at: -1 };
    this.jump('CHOICE', failed);
    this.emit(of);
    this.jump(op, to);
    this.land(failed);
    return to;
  }

  emit(tree) {
    const { is } = tree;
    if (is === 'sequence') for (const one of tree.steps) this.emit(one);
    else if (is === 'either') {
      const end = this.over('COMMIT', tree.left);
      this.emit(tree.right);
      this.land(end);
    } else if (is === 'string') this.put(tree.op, tree.letters.length, ...tree.letters.map((letter) => this.symbol(letter)));
    else if (is === 'plain') this.put(tree.op);
    else if (is === 'set') this.put(tree.op, this.setOf(tree.name));
    else if (is === 'named') {
      const isFlag = ['SET', 'UNSET', 'IF'].includes(tree.op);
      this.put(tree.op, isFlag ? this.number(this.flags, tree.name, 8) : this.mark(tree.name));
    } else if (is === 'atleast') this.put('AT_LEAST', this.mark(tree.name), tree.least);
    else if (is === 'call') this.jump('CALL', this.label(tree.name, this.back));
    else if (is === 'any') this.table(tree.words, 0);
    else if (is === 'longest') this.emitCases(tree);
    else if (is === 'within') {
      this.put('LIMIT', this.mark(tree.name));
      this.emit(tree.of);
      this.put('UNLIMIT');
    } else if (is === 'backwards') {
      this.put('BACKWARDS');
      this.back = true;
      this.emit(tree.of);
      this.back = false;
      this.put('FORWARDS');
    } else this.emitPrefix(is, tree.of);
  }

  emitPrefix(is, of) {
    if (is === 'try') this.land(this.over('COMMIT', of));
    else if (is === 'do') this.land(this.over('BACK', of));
    else if (is === 'peek') {
      const end = this.over('BACK', of);
      this.put('FAIL');
      this.land(end);
    } else if (is === 'not') {
      const failed = { at: -1 };
      this.jump('CHOICE', failed);
      this.emit(of);
      this.put('FAIL_TWICE');
      this.land(failed);
    } else {
      const start = { at: this.code.length };
      if (is === 'repeat') {
        this.over('COMMIT', of, start);
        return;
      }
      const end = this.over(is === 'seek' ? 'BACK' : 'COMMIT', of);
      this.put('ANY');
      this.jump('JUMP', start);
      this.land(end);
    }
  }

  setOf(name) {
    const i = [...this.letters.keys()].indexOf(name);
    if (i < 0) throw new Error(`${this.name}.stem: no letters ${name}`);
    return i;
  }

  emitCases({ slices, limit, intro, words, bodies, other }) {
    if (limit) this.put('LIMIT', this.mark(limit));
    if (slices) this.put('OPEN');
    this.table(words, other);
    if (slices) this.put('CLOSE');
    if (limit) this.put('UNLIMIT');
    if (intro) this.emit(intro);
    const places = bodies.map(() => ({ at: -1 }));
    const end = { at: -1 };
    this.put('SWITCH', bodies.length);
    for (const place of places) this.code.push(place, 0);
    for (const [i, body] of bodies.entries()) {
      this.land(places[i]);
      this.emit(body);
      if (i < bodies.length - 1) this.jump('JUMP', end);
    }
    this.land(end);
  }

  /** A tree of the words, from their last letter where the cursor moves backwards. */
  table(words, other) {
    const tree = new Map();
    for (const [letters, n] of words) {
      const way = letters.map((letter) => this.symbol(letter));
      if (this.back) way.reverse();
      let list = tree;
      let node;
      for (const letter of way) {
        if (!list.has(letter)) list.set(letter, { n: 0, below: new Map() });
        node = list.get(letter);
        list = node.below;
      }
      if (node.n) throw new Error(`${this.name}.stem: ${letters.join('')} is twice in a table`);
      node.n = n;
    }
    const bytes = [];
    const write = (list) => {
      for (const [letter, { n, below }] of list) {
        const at = bytes.push(letter, n, 0, 0);
        write(below);
        bytes[at - 2] = (bytes.length - at) & 255;
        bytes[at - 1] = (bytes.length - at) >> 8;
      }
    };
    write(tree);
    this.put('LONGEST', other, bytes.length & 255, bytes.length >> 8, ...bytes);
  }

  /** The sets of letters as 256 bits each. */
  sets() {
    return [...this.letters.values()].flatMap((members) => {
      const bits = new Array(32).fill(0);
      for (const symbol of members.map((letter) => this.symbol(letter))) bits[symbol >> 3] |= 1 << (symbol & 7);
      return bits;
    });
  }
}

// ============ The file ============

const u16 = (n) => {
  if (n > 0xffff) throw new Error('a language is too large');
  return [n & 255, n >> 8];
};
const u32 = (n) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, n >>> 24];

function crc32c(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

/** One language. @param {string} name @param {string} source @returns {number[]} */
export function compile(name, source) {
  const scanned = scan(source);
  const program = new Program(name, scanned, parse(name, scanned));
  const sets = program.sets();
  const stops = scanned.stops.flatMap((word) => {
    const bytes = [...new TextEncoder().encode(word)];
    return [bytes.length, ...bytes];
  });
  return [program.extra.length, program.letters.size, ...u16(program.code.length), ...u16(stops.length),
    ...program.extra.flatMap(u16), ...sets, ...program.code, ...stops];
}

/** The file's bytes. @param {Record<string, string>} sources by the languages' names */
export function pack(sources) {
  const languages = Object.entries(sources).map(([name, source]) => ({ name, bytes: compile(name, source) }));
  let at = 12 + languages.length * 20;
  const table = languages.flatMap(({ name, bytes }) => {
    const entry = [...new TextEncoder().encode(name.padEnd(12, '\0')), ...u32(at), ...u32(bytes.length)];
    at += bytes.length;
    return entry;
  });
  const rest = [...table, ...languages.flatMap(({ bytes }) => bytes)];
  return Uint8Array.from([...new TextEncoder().encode('VSLG'), VERSION, languages.length, 0, 0, ...u32(crc32c(rest)), ...rest]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const names = readdirSync(ROOT).filter((file) => file.endsWith('.stem')).sort();
  writeFileSync(process.argv[2],
    pack(Object.fromEntries(names.map((file) => [file.slice(0, -5), readFileSync(new URL(file, ROOT), 'utf8')]))));
}
