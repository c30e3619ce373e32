/* The splitter this one replaces repeated the overlap at every level of cutting: with size 100 and overlap 20 passages
 * of sentences reached 142 characters, those of one long word 220, with text in them twice. It took '#' in fenced code
 * for headings, and named levels 1, 2, 3 whatever they were. */
#include "collect.h"

int main(void) {
  passages all;
  char text[4000] = "";
  for (int i = 0; i < 40; i++) sprintf(text + strlen(text), "Sentence number %d is this one. ", i);
  read_bytes(&all, VS_DOC_TXT, "t", text, strlen(text), 64, 100, 20);
  uint32_t longest = 0, overlapping = 0;
  for (uint32_t i = 0; i < all.n; i++) {
    longest = all.p[i].text_n > longest ? (uint32_t)all.p[i].text_n : longest;
    if (i > 0) overlapping += all.p[i].start < all.p[i - 1].end && all.p[i - 1].end - all.p[i].start <= 20;
  }
  ok(all.n > 10 && longest <= 100, "sentences: the longest of %u has %u characters", all.n, longest);
  ok(overlapping == all.n - 1, "each repeats at most 20 of the one before");
  forget(&all);

  memset(text, 'w', 1000);
  text[1000] = '\0';
  read_bytes(&all, VS_DOC_TXT, "t", text, 1000, 64, 100, 20);
  ok(all.n == 10, "a word of 1000 letters makes 10 passages");
  for (uint32_t i = 0; i < all.n; i++)
    ok(all.p[i].text_n == 100 && all.p[i].start == i * 100, "number %u is its own", i);
  forget(&all);

  read_text(&all, VS_DOC_MD,
            "# Guide\n\nIntro.\n\n```sh\n# not a heading\nmake\n```\n\n#### Deep\n\nBelow.\n\n~~~\n```\n# "
            "neither\n~~~\nAfter.\n");
  ok(all.n == 2, "two sections, not four: %u", all.n);
  is(section_of(&all, 0), "Guide");
  is(text_of(&all, 0), "# Guide\n\nIntro.\n\n```sh\n# not a heading\nmake\n```");
  is(section_of(&all, 1), "Guide > Deep");
  is(text_of(&all, 1), "#### Deep\n\nBelow.\n\n~~~\n```\n# neither\n~~~\nAfter.");
  forget(&all);
  return tap_done();
}
