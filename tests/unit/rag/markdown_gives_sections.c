/* Markdown: front matter, both kinds of headings, sections, titles, and what looks like them but is not. */
#include "collect.h"

static void front_matter(void) {
  passages all;
  read_text(&all, VS_DOC_MD,
            "---\ntitle: \"The: title\"\nyear: 2021\nprice: 1.50\ndraft: false\ntags: [a, 'b c', d]\nlist:\n  - one\n  "
            "- two\n"
            "nested:\n  key: value\n# note\n---\nText.\n");
  ok(all.n == 1 && all.sound, "one passage");
  is(title_of(&all, 0), "The: title");
  is(text_of(&all, 0), "Text.");
  is(field_of(&all, 0, "year"), "2021");
  is(field_of(&all, 0, "price"), "1.5");
  is(field_of(&all, 0, "draft"), "false");
  is(field_of(&all, 0, "tags"), "[3]");
  is(field_of(&all, 0, "list"), "[2]");
  is(field_of(&all, 0, "key"), "(none)");
  forget(&all);
  read_text(&all, VS_DOC_MD, "---\nnot: closed\n\nText.");
  ok(all.n == 1 && strstr(text_of(&all, 0), "not: closed") != NULL, "without an end it is text");
  forget(&all);
  read_text(&all, VS_DOC_MD, "\xef\xbb\xbf---\r\nsummary: What it is about.\r\n---\r\nText.\r\n");
  is(text_of(&all, 0), "What it is about.\n\nText.");
  ok(all.n == 1 && all.p[0].start == 17, "a BOM and CR LF are no hindrance; the offset counts them");
  forget(&all);
}

int main(void) {
  front_matter();
  passages all;
  read_text(
      &all, VS_DOC_MD,
      "Title of *it*\n=====\nA.\n\nSub\n---\nB.\n\n### Third ###\nC #\n####### seven\n#no\n\\# no\n    # code\n# \nD.");
  is(title_of(&all, 0), "Title of *it*");
  is(section_of(&all, 0), "Title of *it*");
  is(text_of(&all, 0), "Title of *it*\n=====\nA.");
  is(section_of(&all, 1), "Title of *it* > Sub");
  is(section_of(&all, 2), "Title of *it* > Sub > Third");
  is(text_of(&all, 2), "### Third ###\nC #\n####### seven\n#no\n\\# no\n    # code");
  is(section_of(&all, 3), "");
  forget(&all);

  read_text(&all, VS_DOC_MD, "# A\n## B\n## C\ntext\n# D\n");
  ok(all.n == 3, "a section without text is not lost: %u", all.n);
  is(text_of(&all, 0), "# A\n## B");
  is(text_of(&all, 1), "## C\ntext");
  is(section_of(&all, 1), "A > C");
  is(text_of(&all, 2), "# D");
  forget(&all);

  read_text(&all, VS_DOC_MD, "- item\n---\n> quote\n===\n| a | b |\n| --- | --- |\n| 1 | 2 |\n---\nend");
  ok(all.n == 1, "rules below lists, quotations and tables make no headings: %u", all.n);
  forget(&all);

  read_text(&all, VS_DOC_MD, "```\nnever closed\n# a\n\n# b\n");
  ok(all.n == 1, "a fence without an end goes to the end");
  is(title_of(&all, 0), "file.ext");
  forget(&all);

  char text[4000] = "# Long\n\n";
  for (int i = 0; i < 38; i++) strcat(text, "A sentence of the only paragraph. ");
  read_bytes(&all, VS_DOC_MD, "t", text, strlen(text), 999, 1290, 0);
  ok(all.n == 2 && strncmp(text_of(&all, 0), "# Long\n\nA sentence", 18) == 0,
     "a heading is not parted from a paragraph too long for both");
  forget(&all);

  read_text(&all, VS_DOC_TXT, "# no heading\n\n\n  second\n\t\nthird \xff\xc3 byte\r\nline\rend");
  is(text_of(&all, 0), "# no heading\n\n\n  second\n\t\nthird \xef\xbf\xbd\xef\xbf\xbd byte\nline\nend");
  is(section_of(&all, 0), "");
  is(title_of(&all, 0), "file.ext");
  forget(&all);
  read_text(&all, VS_DOC_TXT, " \n\n \xef\xbb\xbf \n");
  ok(all.n == 1, "a BOM within the text is text");
  forget(&all);
  read_bytes(&all, VS_DOC_TXT, "t", "a\0b", 3, 3, 100, 0);
  ok(all.status == VS_UNSUPPORTED, "a NUL byte is refused: %s", all.err.msg);
  forget(&all);
  read_bytes(&all, VS_DOC_MD, "t", "", 0, 1, 100, 0);
  ok(all.status == VS_OK && all.n == 0, "nothing of nothing");
  forget(&all);
  return tap_done();
}
