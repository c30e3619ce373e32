/* indexed_matches_equal_evaluation.c - the set that indexes give is what evaluating every record
 * gives, whatever was written in between, whatever memory was refused.
 */
#include "world.h"

static uint32_t differences(world *w, vs_prepared *p) {
  uint32_t wrong = 0, n = 0;
  for (uint32_t slot = 0; slot < w->n_slots; slot++) {
    vs_slice metadata = {w->meta[slot].p, w->meta[slot].n};
    bool matches = w->live[slot] && vs_filter_match(p->filter, metadata);
    n += matches;
    wrong += matches != vs_bitset_test(&p->matches, slot);
  }
  return wrong + (n != p->matches.n_set);
}

static bool indexes_are_sound(const world *w) {
  for (uint32_t i = 0; i < w->index.n_fields; i++)
    if (w->index.field[i].kind == VS_META_RANGE && !vs_range_index_sound(&w->index.field[i].ranges)) return false;
  return true;
}

static void writes(world *w, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    if (below(w, 4) == 0)
      world_drop(w, below(w, w->n_slots + 1) % SLOTS);
    else
      world_put(w, w->n_slots < SLOTS && below(w, 3) ? w->n_slots : below(w, w->n_slots ? w->n_slots : 1));
  }
}

/* How often each way of finding the set was taken: all must have been. */
static uint32_t methods[4];

static uint32_t ask(world *w, uint32_t n_filters, bool twice) {
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < n_filters; i++) {
    char text[700];
    vs_match_stats stats;
    vs_match_estimate e;
    random_filter(w, text, sizeof text);
    vs_prepared p = world_compile(w, text);
    must(vs_meta_ready(&w->index) == VS_OK);
    must(vs_match_estimate_of(&w->index, &p, &e) == VS_OK);
    must(vs_match_find(&w->index, &p, &stats) == VS_OK);
    methods[stats.method]++;
    uint32_t d = differences(w, &p);
    if (e.exact && e.n != p.matches.n_set) d++;
    if (d) printf("# %u wrong (estimated %u%s): %s\n", d, e.n, e.exact ? " exactly" : "", text);
    wrong += d;
    if (twice) {
      writes(w, 1);
      must(vs_meta_ready(&w->index) == VS_OK && vs_match_find(&w->index, &p, &stats) == VS_OK);
      wrong += differences(w, &p);
      must(vs_match_find(&w->index, &p, &stats) == VS_OK);
      methods[stats.method]++;
    }
    vs_prepared_deinit(&p, &w->a);
  }
  return wrong;
}

static void configure(world *w, const char *const *pair, uint32_t n, vs_status wanted) {
  vs_wr o;
  vs_err err;
  vs_wr_init(&o, &w->own);
  size_t mark = vs_value_object_begin(&o);
  for (uint32_t i = 0; i < n; i++) {
    vs_value_key(&o, pair[2 * i]);
    if (strcmp(pair[2 * i + 1], "false") == 0)
      vs_value_bool(&o, false);
    else
      vs_value_cstring(&o, pair[2 * i + 1]);
  }
  vs_value_end(&o, mark, n);
  ok(vs_meta_configure(&w->index, (vs_slice){o.p, o.n}, &err) == wanted, "overrides: %s", pair[0]);
  vs_wr_deinit(&o);
}

static void random_runs(uint64_t seed, bool overrides) {
  static const char *const given[] = {"n", "value", "x", "range", "s", "range", "tags", "auto", "o.k", "false"};
  world *w = world_create(seed);
  uint32_t wrong = 0;
  if (overrides) configure(w, given, 5, VS_OK);
  for (uint32_t round = 0; round < 8; round++) {
    writes(w, 100 + round * 200);
    wrong += ask(w, 60, round % 2);
    wrong += !indexes_are_sound(w);
  }
  uint32_t kinds[4] = {0};
  for (uint32_t i = 0; i < w->index.n_fields; i++) kinds[w->index.field[i].kind]++;
  printf("# seed %llu, %u records, %zu bytes of indexes\n", (unsigned long long)seed, w->n_live,
         vs_meta_bytes(&w->index));
  ok(wrong == 0, "random filters and writes, %s overrides", overrides ? "with" : "without");
  ok(kinds[VS_META_VALUE] > 1 && kinds[VS_META_RANGE] > 0, "indexes of both kinds were there");
  world_destroy(w);
}

/* Every allocation of building, maintaining and asking fails once. */
static void refused_memory(void) {
  world *w = world_create(5);
  writes(w, 700);
  uint32_t wrong = 0, failed = 0;
  for (uint64_t at = 1;; at++) {
    vs_match_stats stats;
    vs_prepared p = world_compile(w, "n > 50 AND (s = 'tag3' OR s IN (tag4, tag5)) AND tags CONTAINS 'tag1'");
    w->a.fail_at = w->a.n_calls + at;
    vs_status status = vs_meta_ready(&w->index);
    if (status == VS_OK) writes(w, 3);
    if (status == VS_OK) status = vs_meta_ready(&w->index);
    if (status == VS_OK) status = vs_match_find(&w->index, &p, &stats);
    bool reached = w->a.n_calls >= w->a.fail_at;
    w->a.fail_at = 0;
    failed += status != VS_OK;
    if (status != VS_OK && status != VS_OUT_OF_MEMORY) wrong++;
    if (status == VS_OK) wrong += differences(w, &p);
    must(vs_meta_ready(&w->index) == VS_OK && vs_match_find(&w->index, &p, &stats) == VS_OK);
    wrong += differences(w, &p);
    vs_prepared_deinit(&p, &w->a);
    if (!reached || at > 3000) break;
    if (at % 3 == 0) configure(w, (const char *const[]){"s", "range"}, 1, VS_OK); /* builds all anew */
  }
  printf("# %u failures\n", failed);
  ok(wrong == 0 && failed > 8, "refused memory is a status or an index less, never a wrong set");
  world_destroy(w);
}

int main(void) {
  random_runs(1, false);
  random_runs(2, true);
  ok(methods[VS_MATCH_INDEX] && methods[VS_MATCH_MIXED] && methods[VS_MATCH_EVALUATE] && methods[VS_MATCH_CACHED],
     "by index %u, mixed %u, by metadata %u, remembered %u", methods[VS_MATCH_INDEX], methods[VS_MATCH_MIXED],
     methods[VS_MATCH_EVALUATE], methods[VS_MATCH_CACHED]);
  world *w = world_create(3);
  configure(w, (const char *const[]){"n", "btree"}, 1, VS_INVALID_ARGUMENT);
  configure(w, (const char *const[]){"n) OR (x", "value"}, 1, VS_INVALID_ARGUMENT);
  configure(w, (const char *const[]){"n", "value", "`n`", "range"}, 2, VS_INVALID_ARGUMENT);
  world_destroy(w);
  refused_memory();
  return tap_done();
}
