// mutate.mjs - mutation test of src/store: is each line's meaning held by some test?
//
//   node tests/long/mutate.mjs [--sample N] [--seed S] [--at LEAST_PERCENT] [--list]
//
// Each mutant changes one operator, condition, constant or call of one line. The changed file alone is compiled and
// linked with the rest (native, -O1, assertions on, no sanitizer); then the store's unit tests run, and the crash
// harness of the store with few states. A test that fails, crashes, or uses more than its processor time kills the
// mutant. One whose object file is the same as the original's is no mutant: it changes nothing. Results are appended
// to build/mutate/results.jsonl and not computed again while the line is as it was, so a run may be broken off and
// taken up. Without --sample all of them; with it the same N for the same seed. --list prints the survivors known so
// far and stops. A survivor is replayed by its key: --only KEY shows which test it passes, with its source line.
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

process.chdir(fileURLToPath(new URL('../..', import.meta.url)));
const { values: options } = parseArgs({ options: {
  sample: { type: 'string' }, seed: { type: 'string', default: '1' }, at: { type: 'string', default: '85' },
  only: { type: 'string' }, list: { type: 'boolean', default: false },
} });

const OUT = 'build/mutate', RESULTS = `${OUT}/results.jsonl`, SOURCES = 'src/store';
const CC = process.env.CC ?? ['clang-19', 'clang'].find((name) => spawnSync(name, ['--version']).status === 0);
const FLAGS = ['-std=c11', '-O1', '-w'];
const CPU_SECONDS = 20;
/** What the crash harness aims at beyond its failing calls and refused memory, whose number is given. */
const ENVIRONMENT = { ...process.env, VS_CRASH_STATES: '400' };

// ============ The mutants ============

/** The text with comments, strings and preprocessor lines blanked, of the same length. */
function codeOnly(text) {
  const blank = (part) => part.replace(/[^\n]/g, ' ');
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g, blank).replace(/^#(?:[^\n]*\\\n)*[^\n]*/gm, blank);
}

/** What is changed into what: a pattern whose match is replaced. */
const OPERATORS = [
  [/(?<![<>=-])<(?![<=])/g, '<='], [/<=/g, '<'], [/(?<![->])>(?![>=])/g, '>='], [/(?<!>)>=/g, '>'],
  [/==/g, '!='], [/!=/g, '=='], [/&&/g, '||'], [/\|\|/g, '&&'],
  [/ \+ /g, ' - '], [/ - /g, ' + '], [/\+=/g, '-='], [/(?<!-)-=/g, '+='], [/\+\+/g, '--'], [/(?<!-)--(?!-)/g, '++'],
  [/\btrue\b/g, 'false'], [/\bfalse\b/g, 'true'], [/(?<![\w!])!(?=[\w(*])/g, ''],
  [/\bif \(/g, 'if (!'], [/\bVS_TRY\(/g, '(void)('], [/\bcontinue;/g, 'break;'], [/\bbreak;/g, ';'],
  [/(?<![\w.])(\d+)u?(?![\w.])/g, (number) => String(Number(number.replace('u', '')) + 1)],
];
/** A statement that is one call whose result nobody looks at. */
const CALL = /^(\s+)((?:vs_|mem|[a-z]+_)[a-z_0-9]+\([^;{}]*\));$/;

/** `if (x)` becomes `if (!(x))`: the end of its condition. */
function closing(code, open) {
  for (let depth = 0, at = open; at < code.length; at++) {
    if (code[at] === '(') depth++;
    if (code[at] === ')' && --depth === 0) return at;
  }
  return -1;
}

function mutantsOf(file) {
  const text = readFileSync(file, 'utf8'), code = codeOnly(text), found = [];
  const lineOf = (at) => text.slice(0, at).split('\n').length;
  const lines = text.split('\n');
  const add = (at, was, becomes, mutated) => {
    const line = lineOf(at), source = lines[line - 1];
    if (/\bassert\(|_Static_assert/.test(source)) return;
    const hash = createHash('sha1').update(`${file}\0${source}\0${was}\0${becomes}\0${at - text.lastIndexOf('\n', at)}`).digest('hex').slice(0, 10);
    found.push({ key: `${hash}-${line}`, file, line, was: was.trim(), becomes: becomes.trim(), source: source.trim(), mutated });
  };
  for (const [pattern, replacement] of OPERATORS) {
    for (const { 0: was, index: at } of code.matchAll(pattern)) {
      if (was === 'if (') {
        const end = closing(code, at + 3);
        if (end > 0) add(at, was, 'if (!', `${text.slice(0, at)}if (!(${text.slice(at + 4, end)}))${text.slice(end + 1)}`);
        continue;
      }
      const becomes = typeof replacement === 'string' ? replacement : replacement(was);
      add(at, was, becomes, text.slice(0, at) + becomes + text.slice(at + was.length));
    }
  }
  let at = 0;
  for (const line of code.split('\n')) {
    const call = CALL.exec(line);
    if (call) add(at + call[1].length, call[2], '(nothing)', `${text.slice(0, at + call[1].length)};${text.slice(at + line.length)}`);
    at += line.length + 1;
  }
  return found;
}

/** The first n of a seeded order. */
function sample(all, n, seed) {
  const rank = (key) => createHash('sha1').update(`${seed}\0${key}`).digest('hex');
  return all.map((one) => [rank(one.key), one]).sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, n).map(([, one]) => one);
}

// ============ Building and running ============

const run = (program, args) => spawnSync(program, args, { encoding: 'utf8' });
function compile(source, object, extra = []) {
  if (existsSync(object) && statSync(object).mtimeMs > statSync(source).mtimeMs && extra.length === 0) return true;
  return run(CC, [...FLAGS, ...extra, '-c', source, '-o', object]).status === 0;
}

const objectOf = (source) => `${OUT}/${source.replaceAll('/', '-').replace(/\.c$/, '.o')}`;
const TESTS = readdirSync('tests/unit/store').filter((name) => name.endsWith('.c')).map((name) => `tests/unit/store/${name}`).concat('tests/crash/store_crash.c');

function prepare() {
  mkdirSync(OUT, { recursive: true });
  const sources = ['src/base', SOURCES].flatMap((dir) => readdirSync(dir).filter((name) => name.endsWith('.c') && name !== 'io_host.c').map((name) => `${dir}/${name}`));
  const newest = Math.max(...['src/base', SOURCES, 'tests/unit', 'tests/unit/store', 'tests/crash'].flatMap((dir) => (
    readdirSync(dir).filter((name) => name.endsWith('.h')).map((name) => statSync(`${dir}/${name}`).mtimeMs))));
  for (const source of [...sources, ...TESTS]) {
    const object = objectOf(source);
    const stale = existsSync(object) && statSync(object).mtimeMs < newest;
    if (!compile(source, object, stale ? ['-DVS_AGAIN'] : [])) throw new Error(`${source} does not compile`);
  }
  return sources.map(objectOf);
}

/** A test within its processor time; null = passed, else how it failed. */
function failure(program) {
  const { status, signal, stdout } = spawnSync('sh', ['-c', `ulimit -t ${CPU_SECONDS} -v 8388608; exec ${program}`],
    { encoding: 'utf8', env: ENVIRONMENT, maxBuffer: 1 << 28 });
  if (signal) return signal;
  if (status !== 0) return /^not ok.*/m.exec(stdout)?.[0].slice(0, 80) ?? `exit ${status}`;
  return null;
}

/** Links the programs with `object` in the place of the file's own, and runs them until one fails. */
function verdict(objects, file, object) {
  const rest = objects.filter((name) => name !== objectOf(file));
  for (const test of TESTS) {
    const program = `${OUT}/mutant`;
    if (run(CC, [objectOf(test), object, ...rest, '-lm', '-o', program]).status !== 0) return { result: 'does not link' };
    const how = failure(program);
    if (how) return { result: 'killed', by: test.replace(/^tests\/|\.c$/g, ''), how };
  }
  return { result: 'survived' };
}

function judge(objects, { file, mutated }) {
  const source = `${OUT}/mutant.c`, object = `${OUT}/mutant.o`;
  writeFileSync(source, mutated);
  if (run(CC, [...FLAGS, '-iquote', SOURCES, '-c', source, '-o', object]).status !== 0) return { result: 'does not compile' };
  // The same file compiled under the same name: equal bytes are an equal program.
  if (!originals.has(file)) {
    writeFileSync(source, readFileSync(file));
    run(CC, [...FLAGS, '-iquote', SOURCES, '-c', source, '-o', `${OUT}/original.o`]);
    originals.set(file, readFileSync(`${OUT}/original.o`));
  }
  return readFileSync(object).equals(originals.get(file)) ? { result: 'equivalent' } : verdict(objects, file, object);
}
const originals = new Map();

// ============ The run ============

const known = new Map(existsSync(RESULTS) ? readFileSync(RESULTS, 'utf8').trim().split('\n').map((line) => JSON.parse(line)).map((one) => [one.key, one]) : []);
const all = readdirSync(SOURCES).filter((name) => name.endsWith('.c')).flatMap((name) => mutantsOf(`${SOURCES}/${name}`));
const chosen = options.only ? all.filter(({ key }) => key === options.only)
  : options.sample ? sample(all, Number(options.sample), options.seed) : all;

if (!options.list) {
  const objects = prepare();
  for (const test of TESTS) {
    if (run(CC, [objectOf(test), ...objects, '-lm', '-o', `${OUT}/mutant`]).status !== 0 || failure(`${OUT}/mutant`)) throw new Error(`${test} fails without any mutant`);
  }
  for (const mutant of chosen) {
    if (known.has(mutant.key) && !options.only) continue;
    const { mutated, ...about } = mutant;
    const one = { ...about, ...judge(objects, mutant) };
    known.set(one.key, one);
    appendFileSync(RESULTS, `${JSON.stringify(one)}\n`);
    if (options.only) console.log(one);
  }
}

const judged = chosen.map(({ key }) => known.get(key)).filter(Boolean);
const of = (result) => judged.filter((one) => one.result === result);
const killed = of('killed').length, survived = of('survived');
const percent = (100 * killed) / (killed + survived.length || 1);
for (const { key, file, line, was, becomes, source } of survived) console.log(`survived ${key} ${file}:${line} '${was}' -> '${becomes}' in: ${source}`);
console.log(`# mutants: ${killed + survived.length} of ${all.length}, killed: ${killed} (${percent.toFixed(1)} %), equal to the original: ${
  of('equivalent').length}, not compiling: ${of('does not compile').length + of('does not link').length}`);
process.exitCode = !options.list && percent < Number(options.at) ? 1 : 0;
