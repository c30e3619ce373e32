/* textoptions.c - merging text options (see textoptions.h). */
#include "textoptions.h"

#include <string.h>

typedef struct {
  const char *name, *fallback; /* what an absent one is saved as; NULL: nothing */
  bool stays;
} option;

static const option options[] = {{"tokenizer", "standard", true},
                                 {"stemmer", "english", true},
                                 {"stopwords", "lucene", true},
                                 {"possessives", NULL, true},
                                 {"ngram", NULL, true},
                                 {"k1", NULL, false},
                                 {"b", NULL, false},
                                 {"weights", NULL, false}};

static vs_value read_object(vs_slice bytes) {
  vs_rd r = vs_rd_of(bytes.p, bytes.n);
  return bytes.n ? vs_value_read(&r) : (vs_value){VS_VALUE_OBJECT, 0, 0, {NULL, 0}, 0};
}

/* How an option's value is named in a message. */
static const char *shown(vs_slice bytes, char *out, size_t cap) {
  vs_rd r = vs_rd_of(bytes.p, bytes.n);
  vs_value v = vs_value_read(&r);
  if (v.tag == VS_VALUE_TRUE) return "true";
  if (v.tag == VS_VALUE_FALSE) return "false";
  if (v.tag != VS_VALUE_STRING) return "a list";
  size_t n = v.bytes.n < cap - 1 ? v.bytes.n : cap - 1;
  if (n) memcpy(out, v.bytes.p, n);
  out[n] = 0;
  return out;
}

static bool is_string(vs_slice encoded, const char *text) {
  vs_rd r = vs_rd_of(encoded.p, encoded.n);
  vs_value v = vs_value_read(&r);
  return v.tag == VS_VALUE_STRING && v.bytes.n == strlen(text) && memcmp(v.bytes.p, text, v.bytes.n) == 0;
}

vs_status vs_text_options_merge(vs_slice saved, vs_slice given, vs_wr *out, vs_err *err) {
  vs_value old = read_object(saved), now = read_object(given);
  if (now.tag != VS_VALUE_OBJECT) return vs_fail(err, VS_INVALID_ARGUMENT, "text must be an object");
  size_t mark = vs_value_object_begin(out);
  uint32_t n = 0;
  for (uint32_t i = 0; i < sizeof options / sizeof *options; i++) {
    vs_slice was = vs_value_member(&old, options[i].name), is = vs_value_member(&now, options[i].name);
    bool differs = was.n > 0 && is.n > 0 && (was.n != is.n || memcmp(was.p, is.p, is.n) != 0);
    if (differs && options[i].stays) {
      char a[32], b[32];
      return vs_fail(err, VS_INVALID_ARGUMENT, "the store has text.%s '%s', the options ask for '%s'", options[i].name,
                     shown(was, a, sizeof a), shown(is, b, sizeof b));
    }
    /* An empty object was saved for the defaults. */
    const char *fallback = options[i].fallback;
    if (saved.n > 0 && was.n == 0 && is.n > 0 && fallback && options[i].stays && !is_string(is, fallback)) {
      char b[32];
      return vs_fail(err, VS_INVALID_ARGUMENT, "the store has text.%s '%s', the options ask for '%s'", options[i].name,
                     fallback, shown(is, b, sizeof b));
    }
    vs_slice bytes = is.n ? is : was;
    if (bytes.n == 0 && !options[i].fallback) continue;
    vs_value_key(out, options[i].name);
    if (bytes.n)
      vs_wr_bytes(out, bytes.p, bytes.n);
    else
      vs_value_cstring(out, options[i].fallback);
    n++;
  }
  vs_value_end(out, mark, n);
  return out->failed ? vs_fail(err, VS_OUT_OF_MEMORY, "no memory for the text options") : VS_OK;
}
