/* HTML: what a reader of the page would read, in blocks, with its title and sections. */
#include "collect.h"

static void gives(const char *html, const char *text) {
  passages all;
  read_text(&all, VS_DOC_HTML, html);
  ok(all.status == VS_OK && all.sound && all.n == 1, "one passage of %s", html);
  is(text_of(&all, 0), text);
  forget(&all);
}

static void gives_nothing(const char *html) {
  passages all;
  read_text(&all, VS_DOC_HTML, html);
  ok(all.status == VS_OK && all.n == 0, "nothing of %s", html);
  forget(&all);
}

int main(void) {
  gives("<p>One\n  two</p><p>three <b>four</b>five</p>", "One two\n\nthree fourfive");
  gives("a<br>b<br/>c", "a\nb\nc");
  gives("<ul><li>x<li>y</ul>z", "x\n\ny\n\nz");
  gives("<pre>\n  a\n    b &lt;\n</pre>c", "  a\n    b <\n\n\nc");
  gives("<table><tr><th>k<th>v<tr><td>1</td><td>2 <p>3</td></table>", "k | v\n1 | 2 3");
  gives("&lt;&amp;&copy &eacute;&hellip;&#8364;&#x1F600;&#128;&nbsp;&nosuch; &amp;amp; AT&T &#0;&#xd800;x",
        "<&© é…€😀€ &nosuch; &amp; AT&T ��x");
  gives("soft&shy;hyphen a&nbsp;&nbsp;b", "softhyphen a b");
  gives("<script>if (a < b) '</p>'</script>a<style>p{}</style><SCRIPT>x</SCRIPT >b", "ab");
  gives("a<nav><p>menu<nav>inner</nav>more</nav>b<noscript>no</noscript><template><p>t</template><svg><title>s</"
        "title></svg>",
        "a\n\nb");
  gives("a<!-- <p>no --> b<!--> c<!---> d<!doctype html> e<?php x ?> f</ g> h<![CDATA[i]]>", "a b c d e f h");
  gives("1 < 2 <3 a<", "1 < 2 <3 a<");
  gives("<a title='x > y' href=\"a>b\" data-x=c>link</a>", "link");
  gives("<div hidden>no<div>no</div></div>a<span aria-hidden=true>no</span><p hidden>b", "a\n\nb");
  gives("<p>x</p>bytes \xff\xe2\x82", "x\n\nbytes \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
  gives("\xef\xbb\xbf<p>bom", "bom");
  gives_nothing("<title>only</title>");
  gives_nothing("<script>never closed <p>a");
  gives_nothing("<!-- never closed <p>a");
  gives_nothing("<p class='never closed>a</p>");
  gives_nothing("<nav>never closed <p>a");

  passages all;
  read_text(
      &all, VS_DOC_HTML,
      "<head><title>\n The &amp; <i>title </title></head><body><h1>Top<br>line</h1><p>a</p><h3>Third &#35;</h3><p>b</p>"
      "<h2><p>Sec</p>ond</h2>c");
  ok(all.n == 3 && all.sound, "three sections: %u", all.n);
  is(title_of(&all, 0), "The & <i>title");
  is(section_of(&all, 0), "Top line");
  is(text_of(&all, 0), "Top\nline\n\na");
  is(section_of(&all, 1), "Top line > Third #");
  is(section_of(&all, 2), "Top line > Sec ond");
  forget(&all);

  const char *page = "<h1>Head</h1>\n<p>caf&eacute;  <b>au</b> lait</p><p>end</p>";
  read_text(&all, VS_DOC_HTML, page);
  is(title_of(&all, 0), "Head");
  ok(all.n == 1 && all.p[0].start == 4 && all.p[0].end == strlen(page) - 4,
     "offsets are those of the first and last character");
  forget(&all);
  read_bytes(&all, VS_DOC_HTML, "t", page, strlen(page), 7, 16, 0);
  ok(all.n == 3, "cut small: %u", all.n);
  for (uint32_t i = 0; i < all.n; i++)
    printf("# %llu..%llu %s\n", (unsigned long long)all.p[i].start, (unsigned long long)all.p[i].end, all.p[i].text);
  ok(strncmp(page + all.p[1].start, "caf&eacute;", 11) == 0 && strncmp(page + all.p[1].end - 4, "lait", 4) == 0,
     "offsets hold across references");
  forget(&all);

  size_t n = 1 << 19;
  char *evil = malloc(n);
  const char *const patterns[] = {"<!--", "<script", "<a b='",           "&",       "<h1>", "<nav>",          "</",
                                  "<p>x", "<![",     "<script></script", "<title>", "&#1",  "<table><tr><td>"};
  for (size_t p = 0; p < sizeof patterns / sizeof patterns[0]; p++) {
    for (size_t i = 0; i < n; i++) evil[i] = patterns[p][i % strlen(patterns[p])];
    read_bytes(&all, VS_DOC_HTML, "t", evil, n, n, 1000, 100);
    ok(all.status == VS_OK && all.sound, "512 KiB of %s are read in one go", patterns[p]);
    forget(&all);
  }
  free(evil);
  return tap_done();
}
