/* flow.h - a document's plain text on its way from an extractor to the splitter.
 *
 * Layer: rag (L2), internal to it. Knows base only.
 * A flow is well-formed UTF-8 text, blocks over it (paragraphs, headings, runs
 * of lines), and runs that say where in the source every byte of the text
 * came from. Text that is verbatim in the source and follows on costs no
 * further run, so a plain file has one; an entity, an escape or a collapsed
 * space has one of its own.
 *
 * INVARIANTS
 *   F1  the text is well-formed UTF-8; an ill-formed byte became U+FFFD.
 *   F2  blocks are in order, do not overlap, are not empty, and neither begin nor end with white space (a
 *       block of lines may begin with blanks: indentation is meaning there).
 *   F3  runs are in order of text and of source and do not overlap in either.
 */
#ifndef VS_RAG_FLOW_H
#define VS_RAG_FLOW_H

#include "../base/bytes.h"

typedef enum {
  VS_BLOCK_PROSE = 0,  /* a paragraph: may be cut after sentences */
  VS_BLOCK_LINES = 1,  /* code or a table: may be cut after lines */
  VS_BLOCK_HEADING = 2 /* begins a section */
} vs_block_type;

typedef struct {
  uint32_t start, end;           /* of the block in the text */
  uint32_t name_start, name_end; /* HEADING: the part without marks */
  uint32_t type;                 /* vs_block_type */
  uint32_t level;                /* HEADING: 1..6 */
} vs_block;

typedef struct {
  uint64_t src_at;
  uint32_t src_n;
  uint32_t text_at, text_n; /* src_n == text_n: verbatim, byte for byte */
} vs_run;

typedef struct {
  vs_wr text, blocks, runs; /* bytes, vs_block, vs_run */
  bool failed;              /* memory was refused or the text is too long; the flow is incomplete */
} vs_flow;

/* A flow's text is shorter than this, so that 32 bits count it. */
#define VS_FLOW_MAX_BYTES ((size_t)1 << 30)

void vs_flow_init(vs_flow *f, vs_alloc *a);
void vs_flow_deinit(vs_flow *f);
/* Forgets everything, keeps the memory. */
void vs_flow_reset(vs_flow *f);

/* Appends source bytes as they are, but for ill-formed UTF-8 and for CR LF and CR, which become LF. */
void vs_flow_verbatim(vs_flow *f, uint64_t src_at, const uint8_t *p, size_t n);
/* Appends text (well-formed) that src_n other bytes of the source stand for. */
void vs_flow_decoded(vs_flow *f, uint64_t src_at, uint32_t src_n, const void *p, size_t n);
/* Appends one code point so. */
void vs_flow_decoded_char(vs_flow *f, uint64_t src_at, uint32_t src_n, uint32_t code);
/* Appends text that is not in the source: what parts blocks. */
void vs_flow_glue(vs_flow *f, const char *text);
/* Appends [start, end) of another flow's text with its runs. */
void vs_flow_copy(vs_flow *f, const vs_flow *from, uint32_t start, uint32_t end);

/* Makes [start, end) a block, without the white space around it; none when nothing is left. */
void vs_flow_block(vs_flow *f, vs_block_type type, uint32_t start, uint32_t end);
/* The same for a heading whose name is [name_start, name_end). */
void vs_flow_heading(vs_flow *f, uint32_t level, uint32_t start, uint32_t end, uint32_t name_start, uint32_t name_end);
/* Makes [start, end) paragraphs, parted where lines are blank. */
void vs_flow_paragraphs(vs_flow *f, uint32_t start, uint32_t end);

static inline uint32_t vs_flow_at(const vs_flow *f) { return (uint32_t)f->text.n; }
/* [start, end) of the text, borrowed until the next append. */
static inline vs_slice vs_flow_slice(const vs_flow *f, uint32_t start, uint32_t end) {
  return start < end ? (vs_slice){f->text.p + start, end - start} : (vs_slice){(const uint8_t *)"", 0};
}
static inline uint32_t vs_flow_n_blocks(const vs_flow *f) { return (uint32_t)(f->blocks.n / sizeof(vs_block)); }
static inline vs_block vs_flow_block_at(const vs_flow *f, uint32_t i) {
  return ((const vs_block *)(const void *)f->blocks.p)[i];
}

/* Where in the source the character at text place `at` begins. O(log runs). */
uint64_t vs_flow_source_start(const vs_flow *f, uint32_t at);
/* Where in the source the character that ends at text place `at` ends. */
uint64_t vs_flow_source_end(const vs_flow *f, uint32_t at);

static inline bool vs_is_blank(uint8_t c) { return c == ' ' || c == '\t' || c == '\f' || c == '\v' || c == '\r'; }
static inline bool vs_is_space(uint8_t c) { return c == '\n' || vs_is_blank(c); }
static inline bool vs_is_digit(uint8_t c) { return c >= '0' && c <= '9'; }
static inline bool vs_is_letter(uint8_t c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; }
static inline uint8_t vs_to_lower(uint8_t c) { return c >= 'A' && c <= 'Z' ? c | 32 : c; }
/* The bytes are the lower-case word, whatever their own case. */
bool vs_is_word(const uint8_t *p, size_t n, const char *word);

#endif
