/* stem_vm.c - the machine that runs stemmers (see lang.h).
 *
 * Layer: text (L2). Knows no language. The word is letters with a cursor; a program is instructions of a byte and their
 * operands. An instruction goes on to the next or fails; failing returns to the last choice, with the cursor, limit and
 * direction that were there, whatever has been done to the word since. Places before the cursor are counted from the
 * end while the machine goes backwards, as endings are taken off behind them. Stemmers of the Snowball family
 * (snowballstem.org) are sequences of such steps; wasm/tools/gen-lang.mjs makes them from rules.
 *
 *   CHOICE a     remembers the state and a, where failing goes     COMMIT a     forgets it, goes to a
 *   BACK a       forgets it too, but restores the state            FAIL_TWICE   forgets it and fails
 *   LONGEST d n  a tree of n bytes: nodes of a letter, a case (0 = none), u16 bytes below, what is below. The longest
 *                way that ends in a case, else d; 0 fails          SWITCH n     goes on at the case's address
 *
 * BOUNDS. Every operand is checked where it is read. An instruction and a tree's node take one of a supply that grows
 * with the word, so every program ends in O(letters); what ends otherwise than by STOP leaves the word as it was.
 */
#include <string.h>

#include "../base/utf8.h"
#include "lang.h"
#include "unicode.h"

#define LETTERS 272u
#define FRAMES 48u
#define MARKS 4u
#define OTHER_LETTER 127u

/* The generator has the same order. */
enum {
  STOP,
  FAIL,
  CHOICE,
  COMMIT,
  BACK,
  FAIL_TWICE,
  JUMP,
  CALL,
  RETURN,
  LITERAL,
  IN,
  NOT_IN,
  ANY,
  OPEN,
  CLOSE,
  PUT,
  MARK,
  MARK_END,
  SINCE,
  AT_LEAST,
  SET,
  UNSET,
  IF,
  LONGEST,
  SWITCH,
  LIMIT,
  UNLIMIT,
  BACKWARDS,
  FORWARDS,
  SAME
};

typedef enum { TO_CHOOSE, TO_RETURN, TO_LIMIT } frame_kind;

typedef struct {
  frame_kind kind;
  bool back;
  uint32_t pc, at, least;
} frame;

/* What an instruction did. */
typedef enum { WENT_ON, FAILED, STOPPED, BROKEN } outcome;

typedef struct {
  const vs_lang *lang;
  const uint8_t *code;
  uint32_t n_code, pc, supply;
  uint32_t letter[LETTERS]; /* code points */
  uint8_t byte[LETTERS];    /* the same as the program knows them */
  uint32_t n, at, least;    /* letters, the cursor, where going backwards ends */
  uint32_t from, to;        /* the slice */
  uint32_t mark[MARKS];
  uint8_t flags, found;
  bool back, bad;
  uint32_t depth;
  frame stack[FRAMES];
} machine;

static uint8_t fetch(machine *m) {
  if (m->pc < m->n_code) return m->code[m->pc++];
  m->bad = true;
  return 0;
}

static uint32_t fetch_address(machine *m) {
  uint32_t low = fetch(m);
  return low | (uint32_t)fetch(m) << 8;
}

/* Room for n bytes of operands; NULL: they are not all there. */
static const uint8_t *fetch_bytes(machine *m, uint32_t n) {
  if (n > m->n_code - m->pc) {
    m->bad = true;
    return NULL;
  }
  m->pc += n;
  return m->code + m->pc - n;
}

static bool has_letter(const machine *m) { return m->back ? m->at > m->least : m->at < m->n; }
static uint32_t letter_at_hand(const machine *m) { return m->back ? m->at - 1 : m->at; }
static void move(machine *m) { m->at = m->back ? m->at - 1 : m->at + 1; }

static void push(machine *m, frame_kind kind, uint32_t pc) {
  if (m->depth == FRAMES) {
    m->bad = true;
    return;
  }
  m->stack[m->depth++] = (frame){kind, m->back, pc, m->back ? m->n - m->at : m->at, m->least};
}

/* The frame on top, which must be of this kind. */
static const frame *pop(machine *m, frame_kind kind) {
  if (m->depth > 0 && m->stack[m->depth - 1].kind == kind) return &m->stack[--m->depth];
  m->bad = true;
  return NULL;
}

/* The cursor and limit of a frame, as far as the word still reaches. */
static void restore(machine *m, const frame *f) {
  m->back = f->back;
  m->least = f->least < m->n ? f->least : m->n;
  uint32_t at = f->at < m->n ? f->at : m->n;
  m->at = f->back ? m->n - at : at;
  if (m->back && m->at < m->least) m->at = m->least;
}

/* Back to the last choice; false: there is none. */
static bool backtrack(machine *m) {
  while (m->depth > 0) {
    const frame *f = &m->stack[--m->depth];
    if (f->kind != TO_CHOOSE) continue;
    restore(m, f);
    m->pc = f->pc;
    return true;
  }
  return false;
}

/* ============ Letters ============ */

static uint8_t byte_of(const vs_lang *lang, uint32_t code) {
  if (code < OTHER_LETTER) return (uint8_t)code;
  for (uint32_t i = 0; i < lang->n_beyond; i++)
    if ((lang->beyond[2 * i] | (uint32_t)lang->beyond[2 * i + 1] << 8) == code) return (uint8_t)(128 + i);
  return OTHER_LETTER;
}

static uint32_t code_of(const vs_lang *lang, uint8_t byte) {
  if (byte < 128) return byte;
  uint32_t i = byte - 128u;
  return i < lang->n_beyond ? lang->beyond[2 * i] | (uint32_t)lang->beyond[2 * i + 1] << 8 : 0xfffdu;
}

static outcome take_literal(machine *m) {
  uint32_t n = fetch(m);
  const uint8_t *letters = fetch_bytes(m, n);
  if (!letters) return BROKEN;
  if (n > (m->back ? m->at - m->least : m->n - m->at)) return FAILED;
  uint32_t from = m->back ? m->at - n : m->at;
  if (n > 0 && memcmp(m->byte + from, letters, n) != 0) return FAILED;
  m->at = m->back ? from : from + n;
  return WENT_ON;
}

static outcome take_of_set(machine *m, bool in) {
  uint32_t set = fetch(m);
  if (set >= m->lang->n_sets) return BROKEN;
  if (!has_letter(m)) return FAILED;
  uint8_t byte = m->byte[letter_at_hand(m)];
  if ((m->lang->sets[set * 32 + byte / 8] >> (byte & 7) & 1) != in) return FAILED;
  move(m);
  return WENT_ON;
}

static outcome take_any(machine *m) {
  if (!has_letter(m)) return FAILED;
  move(m);
  return WENT_ON;
}

/* The letter that was passed last once more. */
static outcome take_same(machine *m) {
  uint32_t passed = m->back ? m->at : m->at - 1;
  if (!has_letter(m) || passed >= m->n || m->letter[letter_at_hand(m)] != m->letter[passed]) return FAILED;
  move(m);
  return WENT_ON;
}

/* Walks down the tree as far as the word leads. */
static outcome take_longest(machine *m) {
  m->found = fetch(m);
  uint32_t size = fetch_address(m), length = 0, passed = 0;
  const uint8_t *tree = fetch_bytes(m, size);
  if (!tree) return BROKEN;
  uint32_t node = 0, end = size;
  uint32_t left = m->back ? m->at - m->least : m->n - m->at;
  while (passed < left && node < end) {
    if (m->supply == 0 || end - node < 4) return BROKEN;
    m->supply--;
    uint32_t below = tree[node + 2] | (uint32_t)tree[node + 3] << 8;
    if (below > end - node - 4) return BROKEN;
    if (m->byte[m->back ? m->at - 1 - passed : m->at + passed] != tree[node]) {
      node += 4 + below;
      continue;
    }
    passed++;
    if (tree[node + 1] != 0) {
      m->found = tree[node + 1];
      length = passed;
    }
    node += 4;
    end = node + below;
  }
  if (m->found == 0) return FAILED;
  m->at = m->back ? m->at - length : m->at + length;
  return WENT_ON;
}

/* The slice becomes these letters. */
static outcome put(machine *m) {
  uint32_t n = fetch(m);
  const uint8_t *letters = fetch_bytes(m, n);
  if (!letters || m->from > m->to || m->to > m->n || m->n - (m->to - m->from) + n > LETTERS) return BROKEN;
  uint32_t behind = m->n - m->to, end = m->from + n;
  memmove(m->letter + end, m->letter + m->to, behind * sizeof *m->letter);
  memmove(m->byte + end, m->byte + m->to, behind);
  for (uint32_t i = 0; i < n; i++) {
    m->byte[m->from + i] = letters[i];
    m->letter[m->from + i] = code_of(m->lang, letters[i]);
  }
  m->n = end + behind;
  if (m->at >= m->to)
    m->at = m->at - m->to + end;
  else if (m->at > m->from)
    m->at = m->from;
  if (m->least > m->at) m->least = m->at;
  return WENT_ON;
}

/* ============ Instructions ============ */

static outcome control(machine *m, uint8_t op) {
  uint32_t to = op == CHOICE || op == COMMIT || op == BACK || op == JUMP || op == CALL ? fetch_address(m) : 0;
  const frame *f = NULL;
  switch (op) {
  case CHOICE: push(m, TO_CHOOSE, to); return WENT_ON;
  case CALL: push(m, TO_RETURN, m->pc); break;
  case RETURN:
    f = pop(m, TO_RETURN);
    to = f ? f->pc : 0;
    break;
  case COMMIT:
  case FAIL_TWICE: (void)pop(m, TO_CHOOSE); break;
  case BACK:
    f = pop(m, TO_CHOOSE);
    if (f) restore(m, f);
    break;
  case SWITCH: {
    uint32_t n = fetch(m);
    const uint8_t *list = fetch_bytes(m, 2 * n);
    if (!list || m->found == 0 || m->found > n) return BROKEN;
    to = list[2 * m->found - 2] | (uint32_t)list[2 * m->found - 1] << 8;
    break;
  }
  default: break;
  }
  m->pc = to;
  return op == FAIL_TWICE ? FAILED : WENT_ON;
}

static outcome mark(machine *m, uint8_t op) {
  uint32_t i = fetch(m);
  if (i >= MARKS) return BROKEN;
  switch (op) {
  case MARK: m->mark[i] = m->at; break;
  case MARK_END: m->mark[i] = m->n; break;
  case SINCE: return m->mark[i] <= m->at ? WENT_ON : FAILED;
  case AT_LEAST: {
    uint32_t least = fetch(m);
    if (m->mark[i] < least) m->mark[i] = least;
    break;
  }
  default: /* LIMIT */
    if (m->at < m->mark[i]) return FAILED;
    push(m, TO_LIMIT, 0);
    m->least = m->mark[i];
  }
  return WENT_ON;
}

static outcome flag(machine *m, uint8_t op) {
  uint8_t bit = (uint8_t)(1u << (fetch(m) & 7));
  if (op == IF) return m->flags & bit ? WENT_ON : FAILED;
  m->flags = (uint8_t)(op == SET ? m->flags | bit : m->flags & ~bit);
  return WENT_ON;
}

static outcome state(machine *m, uint8_t op) {
  switch (op) {
  case OPEN: *(m->back ? &m->to : &m->from) = m->at; return WENT_ON;
  case CLOSE: *(m->back ? &m->from : &m->to) = m->at; return WENT_ON;
  case UNLIMIT: {
    const frame *f = pop(m, TO_LIMIT);
    if (f) m->least = f->least < m->at ? f->least : m->at;
    return WENT_ON;
  }
  case BACKWARDS:
    m->back = true;
    m->least = m->at;
    m->at = m->n;
    return WENT_ON;
  case FORWARDS:
    m->back = false;
    m->at = m->least;
    return WENT_ON;
  default: return BROKEN;
  }
}

static outcome step(machine *m) {
  uint8_t op = fetch(m);
  switch (op) {
  case STOP: return STOPPED;
  case FAIL: return FAILED;
  case LITERAL: return take_literal(m);
  case IN:
  case NOT_IN: return take_of_set(m, op == IN);
  case ANY: return take_any(m);
  case SAME: return take_same(m);
  case LONGEST: return take_longest(m);
  case PUT: return put(m);
  case MARK:
  case MARK_END:
  case SINCE:
  case AT_LEAST:
  case LIMIT: return mark(m, op);
  case SET:
  case UNSET:
  case IF: return flag(m, op);
  case CHOICE:
  case COMMIT:
  case BACK:
  case FAIL_TWICE:
  case JUMP:
  case CALL:
  case RETURN:
  case SWITCH: return control(m, op);
  default: return state(m, op);
  }
}

static bool run(machine *m) {
  for (; m->supply > 0; m->supply--) {
    outcome what = step(m);
    if (m->bad || what == BROKEN) return false;
    if (what == STOPPED) return true;
    if (what == FAILED && !backtrack(m)) return false;
  }
  return false;
}

uint32_t vs_lang_stem(const vs_lang *lang, uint8_t *word, uint32_t n, uint32_t cap) {
  machine m;
  m.lang = lang;
  m.code = lang->program.p;
  m.n_code = (uint32_t)lang->program.n;
  m.pc = m.n = m.at = m.least = m.from = m.to = m.depth = 0;
  m.flags = m.found = 0;
  m.back = m.bad = false;
  memset(m.mark, 0, sizeof m.mark);
  for (uint32_t at = 0, length; at < n; at += length) {
    if (m.n == LETTERS) return n;
    uint32_t code = vs_utf8_next(word + at, n - at, &length);
    if (code > 0x10ffff) return n;
    m.byte[m.n] = byte_of(lang, code);
    m.letter[m.n++] = code;
  }
  m.supply = 2000 + 400 * m.n;
  if (!run(&m)) return n;
  uint32_t size = 0;
  for (uint32_t i = 0; i < m.n; i++) {
    uint32_t code = m.letter[i];
    size += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  if (size > cap) return n;
  uint32_t end = 0;
  for (uint32_t i = 0; i < m.n; i++) end += vs_utf8_put(word + end, m.letter[i]);
  return end;
}
