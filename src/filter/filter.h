/* filter.h - filters over metadata: text or object form in, a flat program out, and its evaluation.
 *
 * Layer: filter (L2, over base). Knows metadata as bytes of the value codec
 * (base/value.h) and nothing of records, slots, indexes or plans.
 *
 * THE LANGUAGE (keywords in any case; parsed to the end)
 *
 *   filter    := condition with NOT, AND, OR (binding in this order) and ( )
 *   condition := operand comparison value            = == != <> < <= > >=
 *              | operand [NOT] IN (value, ...)       also [value, ...] and $name; () is legal
 *              | operand [NOT] BETWEEN value AND value
 *              | operand [NOT] CONTAINS value        substring of a string, element of an array
 *              | operand [NOT] STARTSWITH value | ENDSWITH value
 *              | operand [NOT] LIKE value [ESCAPE value] | ILIKE ...     % any run, _ one code point
 *              | operand IS [NOT] NULL
 *              | EXISTS field | EXISTS(field)        present, be it with null
 *              | operand                             true or a number other than 0
 *              | GEO_RADIUS(field, lat, lon, metres)
 *              | GEO_BBOX(field, south, west, north, east)   west > east: across the antimeridian
 *              | TRUE | FALSE | NULL
 *   operand   := field
 *              | ANY(field) | ALL(field)             of the elements of an array, some / every one
 *              | LENGTH(field)                       elements of an array, code points of a string
 *   field     := key { .key | [number] }, a key being a letter or _ and then letters, digits, _,
 *                or anything in backticks (doubled for itself). Behind a dot any word is a key;
 *                elsewhere words of the language want backticks (ANY, ALL, LENGTH and GEO_... only
 *                when a parenthesis follows).
 *   value     := number | 'text' | "text" | TRUE | FALSE | NULL | $name | word
 *                A bare word is that text, as earlier versions had it. In quotes the quote is
 *                doubled for itself, \n \t \r \\ \' \" are escapes, any other backslash is itself;
 *                ESCAPE '\\' therefore wants two. Numbers have sign, point and exponent; integers
 *                are exact to 2^63, larger ones become floating point.
 *
 * VALUES AND TRUTH: at the top of eval.c. In short: a missing field is NULL; a
 * comparison with NULL is UNKNOWN; NOT UNKNOWN is UNKNOWN; only TRUE matches.
 * Two points differ from the first versions of the product: NOT over a missing
 * field does not match, and '10' and 10 are different values.
 *
 * A location is an object {lat, lon}, {lat, lng} or {latitude, longitude}, an
 * array [lon, lat] (the order of GeoJSON, not that of the arguments!), or a
 * GeoJSON point {coordinates: [lon, lat]}; in degrees, |lat| <= 90,
 * |lon| <= 360. Anything else is UNKNOWN.
 */
#ifndef VS_FILTER_H
#define VS_FILTER_H

#include "../base/value.h"

/* ============ Compiling ============ */

/* Parentheses inside one another; also levels of the object form. */
#define VS_FILTER_MAX_DEPTH 32u

/* What a filter may cost. Text, depth and list bound the compiler; pattern and
 * needle bound the evaluator, whose time is at most their product with the
 * length of the string looked at. */
typedef struct {
  uint32_t text_bytes;    /* of the filter */
  uint32_t depth;         /* at most VS_FILTER_MAX_DEPTH */
  uint32_t list_values;   /* of one IN; at least 4 */
  uint32_t pattern_bytes; /* of a LIKE or ILIKE pattern */
  uint32_t needle_bytes;  /* of what CONTAINS looks for */
  uint32_t program_bytes; /* of everything in the program */
} vs_filter_limits;

#define VS_FILTER_LIMITS ((vs_filter_limits){8192, VS_FILTER_MAX_DEPTH, 10000, 256, 1024, 1u << 20})

typedef struct vs_filter vs_filter;

/* Compiles text. `params` is an encoded object with a member per $name, or
 * no bytes; a parameter is a scalar, or behind IN an array of scalars; those
 * not used are ignored. `limits` NULL: VS_FILTER_LIMITS. *out is one
 * allocation owned by the caller; nothing else stays allocated and nothing of
 * the inputs is kept.
 *
 * VS_FILTER_SYNTAX: err->index is the byte offset of what is wrong (n for the
 * end), the message says what was expected, then shows the surroundings with a
 * caret line. VS_INVALID_ARGUMENT: params is no well-formed object.
 * VS_OUT_OF_MEMORY. On failure *out is NULL. */
VS_MUST_USE vs_status vs_filter_compile_text(vs_alloc *a, const char *text, size_t n, vs_slice params,
                                             const vs_filter_limits *limits, vs_filter **out, vs_err *err);

/* Compiles the tree form, an encoded value (js/src/filter.js makes it from objects):
 *
 *   node := true | false | null
 *         | ["and", node...]   no nodes: true
 *         | ["or", node...]    no nodes: false
 *         | ["not", node]
 *         | [op, of, [key or index...], value...]
 *   of   := "" | "any" | "all" | "length"
 *   op   := "=" "!=" "<" "<=" ">" ">=" "contains" "startswith" "endswith"   one value
 *         | "between"                                    two values
 *         | "in"                                         one array
 *         | "like" "ilike"                               pattern, or pattern and escape
 *         | "null" "exists" "truth"                      no value
 *         | "geo_radius" "geo_bbox"                      as in text
 *         | any of these but the comparisons behind "not "
 *
 * Statuses as above; err->index is VS_ERR_NO_INDEX, and malformed bytes are
 * VS_INVALID_ARGUMENT. limits.text_bytes does not count. */
VS_MUST_USE vs_status vs_filter_compile_tree(vs_alloc *a, vs_slice tree, const vs_filter_limits *limits,
                                             vs_filter **out, vs_err *err);

/* Frees a program; NULL is allowed. `a` is the allocator it was compiled with. */
void vs_filter_destroy(vs_alloc *a, vs_filter *f);

/* ============ The program ============
 *
 * Postfix code over terms: what one condition says about one field. A reader
 * (the planner) may walk it; it does not change after compiling. */

typedef enum { VS_FALSE = 0, VS_UNKNOWN = 1, VS_TRUE = 2 } vs_truth; /* AND is min, OR max, NOT 2 - t */

typedef enum {
  VS_FILTER_EQ,         /* constants: 1; != is EQ negated */
  VS_FILTER_LT,         /* 1; these four are never negated, their opposites stand for that */
  VS_FILTER_LE,         /* 1 */
  VS_FILTER_GT,         /* 1 */
  VS_FILTER_GE,         /* 1 */
  VS_FILTER_IN,         /* any number, none NULL (see has_null), ascending in vs_filter_compare, none twice */
  VS_FILTER_BETWEEN,    /* 2: low, high, inclusive */
  VS_FILTER_CONTAINS,   /* 1 */
  VS_FILTER_STARTSWITH, /* 1: a string or NULL */
  VS_FILTER_ENDSWITH,   /* 1: a string or NULL */
  VS_FILTER_LIKE,       /* 2 or 3: pattern as given, the same compiled (like.h), escape if given; or 1: NULL */
  VS_FILTER_ILIKE,      /* the same */
  VS_FILTER_IS_NULL,    /* 0 */
  VS_FILTER_EXISTS,     /* 0 */
  VS_FILTER_TRUTH,      /* 0: the value itself as a condition */
  VS_FILTER_GEO_RADIUS, /* 3 as given, then 4 for geo.h */
  VS_FILTER_GEO_BBOX,   /* 4 as given */
  VS_FILTER_OP_COUNT
} vs_filter_op;

/* What of the field is looked at. */
typedef enum { VS_FILTER_VALUE, VS_FILTER_ANY, VS_FILTER_ALL, VS_FILTER_LENGTH, VS_FILTER_OF_COUNT } vs_filter_of;

/* A step into a value: a key, or where key.p is NULL an index. */
typedef struct {
  vs_slice key;
  uint32_t index;
} vs_filter_segment;

typedef struct {
  uint8_t op;    /* vs_filter_op */
  uint8_t of;    /* vs_filter_of */
  bool negated;  /* the opposite; with ANY and ALL that of each element */
  bool has_null; /* IN: the list had a NULL */
  uint32_t n_path, n_constants;
  const vs_filter_segment *path; /* n_path >= 1 */
  const vs_value *constants;     /* NULL, FALSE, TRUE, INT, F64, STRING */
} vs_filter_term;

typedef enum {
  VS_FILTER_TERM,     /* push the truth of terms[arg] */
  VS_FILTER_CONSTANT, /* push arg, a vs_truth */
  VS_FILTER_NOT,      /* of the topmost; never right behind a TERM, whose negation says it */
  VS_FILTER_AND,      /* of the two topmost */
  VS_FILTER_OR,
  VS_FILTER_IF_FALSE, /* go to arg when the topmost is FALSE; stands between the operands of an AND */
  VS_FILTER_IF_TRUE   /* the same for OR */
} vs_filter_code;

typedef struct {
  uint8_t code; /* vs_filter_code */
  uint32_t arg;
  uint32_t first; /* where the code of this node begins: [first, here] is its subtree */
} vs_filter_instr;

struct vs_filter {
  const vs_filter_instr *code; /* n_code >= 1; the last one is the root */
  const vs_filter_term *terms;
  uint32_t n_code, n_terms;
  uint32_t n_conjuncts; /* what the root ANDs together, at any nesting of ANDs; >= 1 */
  size_t bytes;         /* of the allocation */
};

/* One of the parts all of which must be TRUE: a term by itself, or a subtree. */
typedef struct {
  uint32_t root;              /* index into code; [code[root].first, root] is all of it */
  const vs_filter_term *term; /* NULL unless the part is a single term */
} vs_filter_conjunct;

/* Fills out[0 .. n_conjuncts) in the order of the text. O(n_code). */
void vs_filter_conjuncts(const vs_filter *f, vs_filter_conjunct *out);

/* Appends the filter as normalised text, which compiles to the same program
 * (lists above 20 values are shortened, and then it does not). */
void vs_filter_explain(const vs_filter *f, vs_wr *w);
/* The same of one term. */
void vs_filter_explain_term(const vs_filter_term *term, vs_wr *w);

/* ============ Evaluation ============
 *
 * Over the encoded metadata of a record, or no bytes for {}. No allocation;
 * only the fields used are decoded. Malformed bytes never do harm: what cannot
 * be read is missing. */

/* Whether the filter is TRUE. */
bool vs_filter_match(const vs_filter *f, vs_slice metadata);

/* Its truth; and that of the subtree ending at `root` (see vs_filter_conjunct). */
vs_truth vs_filter_truth(const vs_filter *f, vs_slice metadata);
vs_truth vs_filter_truth_at(const vs_filter *f, uint32_t root, vs_slice metadata);

/* The truth of one term, so of every term: which ones matched. */
vs_truth vs_filter_term_truth(const vs_filter_term *term, vs_slice metadata);

/* The truth of one term for a value its field might have (NULL: missing),
 * for whoever holds values by themselves: columns, indexes. */
vs_truth vs_filter_term_test(const vs_filter_term *term, const vs_value *value);

/* Finds a field: false when it is missing. */
bool vs_filter_find(const vs_filter_segment *path, uint32_t n_path, vs_slice metadata, vs_value *out);

/* False when the two do not compare (NULL, arrays and objects with anything);
 * else *order is < 0, 0 or > 0. Booleans are 1 and 0, integers and floating
 * point compare exactly, numbers come before strings, strings go by bytes of
 * UTF-8, which is by code point. */
bool vs_filter_compare(const vs_value *a, const vs_value *b, int *order);

#endif
