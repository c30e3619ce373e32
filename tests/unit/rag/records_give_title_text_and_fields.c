/* JSON, JSON Lines and CSV: which members are title, text and fields; what is malformed. */
#include "collect.h"

static void json_shapes(void) {
  passages all;
  read_text(&all, VS_DOC_JSON,
            "[{\"id\": 7, \"title\": \"T\\u00e4\\n\\ud83d\\ude00\", \"text\": \"Some \\\"text\\\".\\n\\nMore.\", "
            "\"tags\": [\"a\", \"b\"], \"year\": 2020, "
            "\"score\": 1.5e-3, \"ok\": true, \"none\": null, \"author\": {\"name\": \"N\", \"age\": 5}},\n \"just a "
            "string\", {\"note\": \"three words here\"}, {\"x\": \"y\"}, {\"n\": 1}]");
  ok(all.status == VS_OK && all.sound && all.n == 4, "four records with text: %u %s", all.n, all.err.msg);
  is(title_of(&all, 0), "Tä 😀");
  is(text_of(&all, 0), "Tä\n😀\n\nSome \"text\".\n\nMore.");
  is(field_of(&all, 0, "id"), "7");
  is(field_of(&all, 0, "tags"), "[2]");
  is(field_of(&all, 0, "year"), "2020");
  is(field_of(&all, 0, "score"), "0.0015");
  is(field_of(&all, 0, "ok"), "true");
  is(field_of(&all, 0, "none"), "(none)");
  is(field_of(&all, 0, "author.name"), "N");
  is(field_of(&all, 0, "author.age"), "5");
  is(field_of(&all, 0, "text"), "(none)");
  is(text_of(&all, 1), "just a string");
  is(title_of(&all, 1), "file.ext #2");
  is(text_of(&all, 2), "three words here");
  is(text_of(&all, 3), "y");
  forget(&all);
  read_text(&all, VS_DOC_JSON,
            "{\"version\": 1, \"rows\": [{\"text\": \"one\"}, {\"text\": \"two\"}], \"skip\": {\"a\": [1, {}]}, "
            "\"empty\": []}");
  ok(all.n == 2, "an object that holds records: %u", all.n);
  is(text_of(&all, 1), "two");
  forget(&all);
  read_text(&all, VS_DOC_JSON, "{\"first\": {\"text\": \"one\"}, \"second\": {\"title\": \"own\", \"text\": \"two\"}}");
  ok(all.n == 2, "an object of records: %u", all.n);
  is(title_of(&all, 0), "first");
  is(title_of(&all, 1), "own");
  is(field_of(&all, 1, "key"), "second");
  forget(&all);
  read_text(&all, VS_DOC_JSON,
            "{\"title\": \"One\", \"parts\": [{\"text\": \"a b\"}, {\"text\": \"c\"}], \"authors\": [{\"name\": "
            "\"X\"}, {\"name\": \"Y\"}]}");
  ok(all.n == 1, "one record with parts: %u", all.n);
  is(text_of(&all, 0), "One\n\na b\n\nc");
  is(field_of(&all, 0, "authors.name"), "[2]");
  forget(&all);
}

static void malformed(vs_doc_kind kind, const char *text, const char *says) {
  passages all;
  read_text(&all, kind, text);
  ok(all.status == VS_CORRUPT && strstr(all.err.msg, says) != NULL, "%s: %s", text, all.err.msg);
  forget(&all);
}

static void csv_forms(void) {
  passages all;
  read_text(&all, VS_DOC_CSV,
            "id,title,text,year\r\n1,\"A \"\"q\"\"\",\"multi\nline, text\",1999\r\n2,B,plain ,0012\n\n3,C,,\n");
  ok(all.status == VS_OK && all.sound && all.n == 3, "three rows: %u", all.n);
  is(title_of(&all, 0), "A \"q\"");
  is(text_of(&all, 0), "A \"q\"\n\nmulti\nline, text");
  is(field_of(&all, 0, "year"), "1999");
  is(field_of(&all, 1, "year"), "0012");
  is(text_of(&all, 1), "B\n\nplain");
  is(text_of(&all, 2), "C");
  forget(&all);
  read_text(&all, VS_DOC_CSV, "name;note\nx, y;some words of text\nz;1,2 and 3 words");
  is(title_of(&all, 0), "x, y");
  is(text_of(&all, 1), "z\n\n1,2 and 3 words");
  forget(&all);
  read_text(&all, VS_DOC_CSV, "1\tno header in this\n2\t\"quoted\tcell\"\textra");
  ok(all.n == 2, "two rows: %u", all.n);
  is(text_of(&all, 0), "no header in this");
  is(field_of(&all, 0, "column1"), "1");
  is(text_of(&all, 1), "quoted\tcell\n\nextra");
  forget(&all);
  read_text(&all, VS_DOC_CSV, "text\n\"never closed,\na\n");
  ok(all.n == 1, "a quote without an end goes to the end");
  is(text_of(&all, 0), "never closed,\na");
  forget(&all);
  read_text(&all, VS_DOC_CSV, "text,n\n\"a\" b,1\nc \"d\",2\n");
  is(text_of(&all, 0), "\"a\" b");
  is(text_of(&all, 1), "c \"d\"");
  forget(&all);
}

/* What every passage repeats stays short, however long the record has it. */
static void repeated_parts(void) {
  size_t n = 100000;
  char *text = malloc(3 * n + 200);
  passages all;
  int at = sprintf(text, "{\"title\": \"");
  memset(text + at, 'T', n);
  at += (int)n + sprintf(text + at + n, "\", \"text\": \"x y\", \"k\": 5, \"n\": ");
  memset(text + at, '7', n);
  at += (int)n + sprintf(text + at + n, ", \"");
  memset(text + at, 'k', n);
  sprintf(text + at + n, "\": 1}");
  read_text(&all, VS_DOC_JSON, text);
  ok(all.status == VS_OK && all.sound && all.n > 100, "%u passages of a long title", all.n);
  ok(strlen(title_of(&all, 0)) == VS_DOC_TITLE_BYTES && all.p[0].fields.n < 300,
     "it is cut where it is repeated; long numbers are left out, long names cut");
  is(field_of(&all, 0, "k"), "5");
  forget(&all);
  for (size_t i = 0; i < n; i += 2) memcpy(text + i, "\xc3\xa4", 2);
  memcpy(text, "<title>x", 8);
  text[n] = '\0';
  read_text(&all, VS_DOC_HTML, text);
  ok(all.status == VS_OK && all.n == 0, "a title without an end");
  forget(&all);
  at = sprintf(text, "{\"");
  memset(text + at, 'k', n / 2);
  at += (int)(n / 2) + sprintf(text + at + n / 2, "\": [");
  while ((size_t)at < n) at += sprintf(text + at, "{\"a\": 1}, ");
  sprintf(text + at, "\"some text\"]}");
  read_text(&all, VS_DOC_JSON, text);
  ok(all.status == VS_OK && all.n > 0, "a long name is not copied for each member below it: %s", all.err.msg);
  forget(&all);
  free(text);
}

/* A record longer than a window is read whole, whatever the pieces. */
static void long_records(void) {
  size_t n = 900 * 1024;
  char *text = malloc(n + 100);
  passages all;
  int head = sprintf(text, "title,text\nshort,\"x y\"\nlong,\"");
  for (size_t i = (size_t)head; i < n; i++) text[i] = i % 7 == 0 ? '\n' : 'a';
  size_t end = n + (size_t)sprintf(text + n, "\"\nlast,z\n");
  read_bytes(&all, VS_DOC_CSV, "t", text, end, 1000, 1000, 0);
  ok(all.status == VS_OK && all.n > 800, "a row of 900 KiB makes %u passages", all.n);
  is(title_of(&all, all.n - 1), "last");
  forget(&all);
  head = sprintf(text, "{\"text\":\"first\"}\n\n{\"text\":\"");
  for (size_t i = (size_t)head; i < n; i++) text[i] = i % 7 == 0 ? ' ' : 'a';
  end = n + (size_t)sprintf(text + n, "\"}\r\n{\"text\":\"last\"}");
  read_bytes(&all, VS_DOC_JSONL, "t", text, end, 4096, 1000, 0);
  ok(all.status == VS_OK && all.n > 800, "a line of 900 KiB makes %u passages: %s", all.n, all.err.msg);
  is(text_of(&all, all.n - 1), "last");
  forget(&all);
  free(text);
}

int main(void) {
  json_shapes();
  csv_forms();
  long_records();
  repeated_parts();
  malformed(VS_DOC_JSON, "{\"a\": 1,}", "no name");
  malformed(VS_DOC_JSON, "[1 2]", "comma");
  malformed(VS_DOC_JSON, "[1, 2", "too early");
  malformed(VS_DOC_JSON, "{\"a\" 1}", "colon");
  malformed(VS_DOC_JSON, "[\"a", "without an end");
  malformed(VS_DOC_JSON, "[01]", "number");
  malformed(VS_DOC_JSON, "[tru]", "value");
  malformed(VS_DOC_JSON, "[] x", "behind");
  malformed(VS_DOC_JSON, "[\"a\nb\"]", "control");
  malformed(VS_DOC_JSONL, "{\"text\": \"fine\"}\n{\"text\": }\n", "byte 26");
  char deep[200] = "";
  for (int i = 0; i < 65; i++) strcat(deep, "[");
  malformed(VS_DOC_JSON, deep, "64");
  const char *const names[] = {"a.txt", "b/c.MD", "x.html", "d.jsonl", "e.tsv", "f.json"};
  const vs_doc_kind kinds[] = {VS_DOC_TXT, VS_DOC_MD, VS_DOC_HTML, VS_DOC_JSONL, VS_DOC_CSV, VS_DOC_JSON};
  for (int i = 0; i < 6; i++)
    ok(vs_doc_kind_of_name((vs_slice){(const uint8_t *)names[i], strlen(names[i])}) == kinds[i], "the kind of %s",
       names[i]);
  ok(vs_doc_kind_of_name((vs_slice){(const uint8_t *)"a.md/x", 6}) == VS_DOC_NONE,
     "a folder's ending is not the file's");
  return tap_done();
}
