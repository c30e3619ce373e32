/* A message is formatted from the few conversions, never overruns its buffer,
 * is cut between characters, and may quote the message it replaces. */
#include "../../../src/base/status.h"
#include "../../../src/base/utf8.h"

#include "../tap.h"

static void formats(void) {
  vs_err e;
  vs_status s = vs_fail(&e, VS_CORRUPT, "%s %d %d %u %zu %llu %x 100%%", "a", -5, INT32_MIN, UINT32_MAX, (size_t)7,
                        18446744073709551615ull, 0xbeefu);
  ok(s == VS_CORRUPT && e.status == VS_CORRUPT && e.index == VS_ERR_NO_INDEX, "the status comes back");
  ok(strcmp(e.msg, "a -5 -2147483648 4294967295 7 18446744073709551615 beef 100%") == 0, "all conversions: %s", e.msg);
  ok(e.file[0] == '\0', "no file is named");
  ok(vs_fail(NULL, VS_IO, "x") == VS_IO, "NULL is allowed");
  vs_fail_file(&e, VS_CORRUPT, "c/1/seg-2", "block %u", 3u);
  ok(strcmp(e.file, "c/1/seg-2") == 0 && strcmp(e.msg, "block 3") == 0, "a damaged file is named");
  vs_fail_file(&e, VS_CORRUPT, e.file, "again: %s", e.msg);
  ok(strcmp(e.file, "c/1/seg-2") == 0 && strcmp(e.msg, "again: block 3") == 0, "a message may quote itself");
  vs_err_clear(&e);
  ok(e.status == VS_OK && e.msg[0] == '\0' && e.file[0] == '\0', "clear clears");
}

static void cuts(void) {
  static const char *const characters[] = {"a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
  int bad = 0;
  for (size_t pad = 0; pad < 4; pad++) {
    for (size_t c = 0; c < 4; c++) {
      char text[2000] = "";
      for (size_t i = 0; i < pad; i++) strcat(text, "x");
      while (strlen(text) + 4 < sizeof text) strcat(text, characters[c]);
      vs_err e;
      vs_fail_file(&e, VS_IO, text, "%s%s", text, "tail");
      size_t n = strlen(e.msg), m = strlen(e.file);
      bad +=
          n >= VS_ERR_MSG_BYTES || n + 4 < VS_ERR_MSG_BYTES || !vs_utf8_valid(e.msg, n) || memcmp(text, e.msg, n) != 0;
      bad += m >= VS_ERR_FILE_BYTES || m + 4 < VS_ERR_FILE_BYTES || !vs_utf8_valid(e.file, m);
    }
  }
  ok(bad == 0, "long texts are cut at a character (%d wrong)", bad);
}

int main(void) {
  formats();
  cuts();
  ok(strcmp(vs_status_name(VS_OK), "OK") == 0 && strcmp(vs_status_name(VS_IO), "IO") == 0 &&
         strcmp(vs_status_name(VS_POISONED), "POISONED") == 0 && strcmp(vs_status_name(VS_NO_SPACE), "NO_SPACE") == 0,
     "statuses have their names");
  ok(strcmp(vs_status_name((vs_status)99), "UNKNOWN") == 0, "an unknown status has a name too");
  return tap_done();
}
