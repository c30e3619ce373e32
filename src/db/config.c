/* config.c - reading, merging and writing a collection's configuration (config.h). */
#include "config.h"

#include <string.h>

#define BLOB_VERSION 4

static const char *const type_names[] = {"auto", "hnsw", "flat"};

static const char *const quantization_names[] = {"auto", "none", "int8", "binary", "pq"};

const char *vs_quantization_name(vs_quantization quantization) { return quantization_names[quantization]; }

static const char *const layout_names[] = {"standard", "turbo"};

const char *vs_layout_name(vs_layout layout) { return layout_names[layout]; }

static bool slice_is(vs_slice s, const char *text) { return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0; }

static bool parse_type(const vs_value *v, vs_index_type *out) {
  for (uint32_t i = 0; i < 3; i++)
    if (v->tag == VS_VALUE_STRING && slice_is(v->bytes, type_names[i])) {
      *out = (vs_index_type)i;
      return true;
    }
  return false;
}

#define N_QUANTIZATIONS (sizeof quantization_names / sizeof *quantization_names)

static bool parse_quantization(const vs_value *v, vs_quantization *out) {
  for (uint32_t i = 0; i < N_QUANTIZATIONS; i++)
    if (v->tag == VS_VALUE_STRING && slice_is(v->bytes, quantization_names[i])) {
      *out = (vs_quantization)i;
      return true;
    }
  return false;
}

static bool parse_layout(const vs_value *v, vs_layout *out) {
  for (uint32_t i = 0; i < 2; i++)
    if (v->tag == VS_VALUE_STRING && slice_is(v->bytes, layout_names[i])) {
      *out = (vs_layout)i;
      return true;
    }
  return false;
}

static bool parse_metric(const vs_value *v, vs_metric *out) {
  if (v->tag != VS_VALUE_STRING) return false;
  *out = vs_metric_parse((const char *)v->bytes.p, v->bytes.n);
  return *out != VS_METRIC_COUNT;
}

/* An integer option in min..max; absent or null leaves *out and *has alone. */
static vs_status read_u32(const vs_value *options, const char *key, uint32_t min, uint32_t max, uint32_t *out,
                          bool *has, vs_err *err) {
  vs_value v;
  if (!vs_value_get(options, key, &v) || v.tag == VS_VALUE_NULL) return VS_OK;
  if (v.tag != VS_VALUE_INT || v.i < (int64_t)min || v.i > (int64_t)max)
    return vs_fail(err, VS_INVALID_ARGUMENT, "%s must be an integer from %u to %u", key, min, max);
  *out = (uint32_t)v.i;
  *has = true;
  return VS_OK;
}

/* A name, or an object {type, and for 'pq' options}. */
static vs_status read_quantization(const vs_value *v, vs_index_config *out, vs_err *err) {
  vs_value type = *v, residual;
  bool named = v->tag != VS_VALUE_OBJECT, given = false;
  if (!named && !vs_value_get(v, "type", &type)) type.tag = VS_VALUE_NULL;
  if (!parse_quantization(&type, &out->quantization)) return vs_fail(err, VS_INVALID_ARGUMENT, "unknown quantization");
  if (named || out->quantization != VS_QUANTIZE_PQ) return VS_OK;
  VS_TRY(read_u32(v, "subvectors", 1, VS_MAX_DIMENSION, &out->options.subvectors, &given, err));
  VS_TRY(read_u32(v, "centroids", 2, VS_PQ_CENTROIDS, &out->options.centroids, &given, err));
  if (!vs_value_get(v, "residual", &residual) || residual.tag == VS_VALUE_NULL) return VS_OK;
  if (residual.tag != VS_VALUE_FALSE && residual.tag != VS_VALUE_TRUE)
    return vs_fail(err, VS_INVALID_ARGUMENT, "residual must be true or false");
  out->options.residual = residual.tag == VS_VALUE_TRUE;
  return VS_OK;
}

static vs_status read_embedder(const vs_value *options, vs_config_request *out, vs_err *err) {
  vs_value v;
  if (!vs_value_get(options, "embedder", &v)) return VS_OK;
  if (v.tag != VS_VALUE_STRING || v.bytes.n == 0 || v.bytes.n >= VS_EMBEDDER_BYTES || memchr(v.bytes.p, 0, v.bytes.n))
    return vs_fail(err, VS_INVALID_ARGUMENT, "an embedder's name must be a string of 1 to %u bytes of UTF-8",
                   VS_EMBEDDER_BYTES - 1);
  memcpy(out->value.embedder, v.bytes.p, v.bytes.n);
  out->has_embedder = true;
  return VS_OK;
}

static vs_status read_calibration(const vs_value *options, vs_calibration *out, vs_err *err) {
  vs_value v;
  if (!vs_value_get(options, "calibration", &v)) return VS_OK;
  bool sound = v.tag == VS_VALUE_ARRAY && v.count % 2 == 0 && v.count <= 2 + 2 * VS_CALIBRATION_POINTS;
  vs_rd items = vs_rd_of(v.bytes.p, v.bytes.n);
  for (uint32_t i = 0; sound && i < v.count; i++) {
    vs_value item = vs_value_read(&items);
    sound = item.tag == VS_VALUE_INT && item.i >= 0 && item.i <= UINT32_MAX;
    uint32_t number = (uint32_t)item.i, point = i / 2 - 1;
    if (i == 0) out->of = number;
    if (i == 1) out->walked = number;
    if (i < 2) continue;
    if (i % 2 == 0) out->ef[point] = number;
    if (i % 2 == 1) out->recall[point] = (float)number / 1e6f;
    sound = sound && (i % 2 == 0 ? number > 0 && number <= 100000 : number <= 1000000);
    out->n = point + 1;
  }
  return sound ? VS_OK : vs_fail(err, VS_INVALID_ARGUMENT, "calibration is malformed");
}

vs_status vs_config_request_read(const vs_value *options, vs_config_request *out, vs_err *err) {
  vs_value v;
  memset(out, 0, sizeof *out);
  vs_coll_config *c = &out->value;
  *c = (vs_coll_config){
      .dim = VS_DIM_UNSET,
      .ef_search = 50,
      .index = {.type = VS_INDEX_AUTO, .metric = VS_COSINE, .M = 16, .ef_construction = 200, .seed = 1}};
  VS_TRY(read_u32(options, "dimension", 0, VS_MAX_DIMENSION, &c->dim, &out->has_dim, err));
  VS_TRY(read_u32(options, "M", 2, 128, &c->index.M, &out->has_M, err));
  VS_TRY(read_u32(options, "efConstruction", 2, 10000, &c->index.ef_construction, &out->has_ef_construction, err));
  VS_TRY(read_u32(options, "efSearch", 1, 100000, &c->ef_search, &out->has_ef_search, err));
  VS_TRY(read_u32(options, "targetRecall", 500, 999, &c->target_recall, &out->has_target_recall, err));
  VS_TRY(read_calibration(options, &c->calibration, err));
  uint32_t seed = 1;
  VS_TRY(read_u32(options, "seed", 0, UINT32_MAX, &seed, &out->has_seed, err));
  c->index.seed = seed;
  VS_TRY(read_embedder(options, out, err));
  if (vs_value_get(options, "metric", &v)) {
    if (!parse_metric(&v, &c->index.metric)) return vs_fail(err, VS_INVALID_ARGUMENT, "unknown metric");
    out->has_metric = true;
  }
  if (vs_value_get(options, "indexType", &v)) {
    if (!parse_type(&v, &c->index.type)) return vs_fail(err, VS_INVALID_ARGUMENT, "unknown index type");
    out->has_type = true;
  }
  if (vs_value_get(options, "quantization", &v)) {
    VS_TRY(read_quantization(&v, &c->index, err));
    out->has_quantization = true;
  }
  if (vs_value_get(options, "layout", &v)) {
    if (!parse_layout(&v, &c->index.layout)) return vs_fail(err, VS_INVALID_ARGUMENT, "unknown layout");
    out->has_layout = true;
  }
  if (c->index.ef_construction < c->index.M) {
    if (out->has_ef_construction)
      return vs_fail(err, VS_INVALID_ARGUMENT, "efConstruction (%u) must be at least M (%u)", c->index.ef_construction,
                     c->index.M);
    c->index.ef_construction = c->index.M;
  }
  return VS_OK;
}

vs_status vs_config_check(const vs_coll_config *config, vs_err *err) {
  bool turbo = config->index.layout == VS_LAYOUT_TURBO;
  if (turbo && config->dim != VS_DIM_UNSET && config->dim > VS_LAYOUT_TURBO_MAX_DIMENSION)
    return vs_fail(err, VS_UNSUPPORTED, "layout 'turbo' takes at most %u dimensions", VS_LAYOUT_TURBO_MAX_DIMENSION);
  if (vs_index_supports(&config->index)) return VS_OK;
  if (turbo)
    return vs_fail(err, VS_UNSUPPORTED,
                   "layout 'turbo' needs a graph, quantization 'auto' or 'int8', and metric cosine, dot or euclidean");
  return vs_fail(err, VS_UNSUPPORTED, "quantization '%s' needs a graph and metric cosine, dot or euclidean",
                 vs_quantization_name(config->index.quantization));
}

static vs_status clash_u32(vs_err *err, const char *what, uint32_t saved, uint32_t asked) {
  return vs_fail(err, VS_INVALID_ARGUMENT, "the store has %s %u, the options ask for %u", what, saved, asked);
}

vs_status vs_config_merge(vs_coll_config *saved, const vs_config_request *request, vs_err *err) {
  const vs_coll_config *asked = &request->value;
  if (request->has_embedder) {
    if (!saved->embedder[0]) memcpy(saved->embedder, asked->embedder, sizeof saved->embedder);
    if (strcmp(saved->embedder, asked->embedder) != 0)
      return vs_fail(err, VS_INVALID_ARGUMENT, "the store has embedder '%s', the options '%s'", saved->embedder,
                     asked->embedder);
  }
  if (request->has_dim) {
    if (saved->dim == VS_DIM_UNSET) saved->dim = asked->dim;
    if (saved->dim != asked->dim) return clash_u32(err, "dimension", saved->dim, asked->dim);
  }
  if (request->has_metric && asked->index.metric != saved->index.metric)
    return vs_fail(err, VS_INVALID_ARGUMENT, "the store has metric '%s', the options ask for '%s'",
                   vs_metric_name(saved->index.metric), vs_metric_name(asked->index.metric));
  if (request->has_type && asked->index.type != saved->index.type) {
    if (asked->index.type == VS_INDEX_FLAT || saved->index.type == VS_INDEX_FLAT)
      return vs_fail(err, VS_INVALID_ARGUMENT, "the store has index type '%s', the options ask for '%s'",
                     type_names[saved->index.type], type_names[asked->index.type]);
    saved->index.type = asked->index.type;
  }
  if (request->has_M && asked->index.M != saved->index.M)
    return clash_u32(err, "index M", saved->index.M, asked->index.M);
  if (request->has_ef_construction && asked->index.ef_construction != saved->index.ef_construction)
    return clash_u32(err, "efConstruction", saved->index.ef_construction, asked->index.ef_construction);
  if (request->has_ef_search) saved->ef_search = asked->ef_search;
  if (request->has_ef_search || request->has_target_recall) saved->target_recall = asked->target_recall;
  if (request->has_quantization) {
    saved->index.quantization = asked->index.quantization;
    saved->index.options = asked->index.options;
  }
  if (request->has_layout) saved->index.layout = asked->index.layout;
  return vs_config_check(saved, err);
}

static void pair_int(vs_wr *w, const char *key, uint64_t v) {
  vs_value_key(w, key);
  vs_value_int(w, (int64_t)v);
}

static void write_quantization(const vs_index_config *config, vs_wr *w) {
  const vs_quantization_options *o = &config->options;
  if (config->quantization != VS_QUANTIZE_PQ) {
    vs_value_cstring(w, vs_quantization_name(config->quantization));
    return;
  }
  size_t mark = vs_value_object_begin(w);
  vs_value_key(w, "type");
  vs_value_cstring(w, vs_quantization_name(config->quantization));
  if (o->subvectors) pair_int(w, "subvectors", o->subvectors);
  if (o->centroids) pair_int(w, "centroids", o->centroids);
  vs_value_key(w, "residual");
  vs_value_bool(w, o->residual);
  vs_value_end(w, mark, 2 + (o->subvectors > 0) + (o->centroids > 0));
}

/* What is written only where it is set; how many members. */
static uint32_t encode_recall(const vs_collection *c, vs_wr *w) {
  const vs_calibration *k = c->has_index ? vs_index_calibration(c->index) : &c->config.calibration;
  if (c->config.target_recall > 0) pair_int(w, "targetRecall", c->config.target_recall);
  if (k->n > 0) {
    vs_value_key(w, "calibration");
    size_t mark = vs_value_array_begin(w);
    vs_value_int(w, k->of);
    vs_value_int(w, k->walked);
    for (uint32_t i = 0; i < k->n; i++) {
      vs_value_int(w, k->ef[i]);
      vs_value_int(w, (int64_t)(k->recall[i] * 1e6f + 0.5f));
    }
    vs_value_end(w, mark, 2 + 2 * k->n);
  }
  return (uint32_t)(c->config.target_recall > 0) + (uint32_t)(k->n > 0);
}

void vs_config_encode(const vs_collection *c, vs_wr *w) {
  size_t mark = vs_value_object_begin(w);
  pair_int(w, "version", BLOB_VERSION);
  vs_value_key(w, "dimension");
  if (c->config.dim == VS_DIM_UNSET)
    vs_value_null(w);
  else
    vs_value_int(w, c->config.dim);
  vs_value_key(w, "metric");
  vs_value_cstring(w, vs_metric_name(c->config.index.metric));
  vs_value_key(w, "indexType");
  vs_value_cstring(w, type_names[c->config.index.type]);
  pair_int(w, "M", c->config.index.M);
  pair_int(w, "efConstruction", c->config.index.ef_construction);
  pair_int(w, "efSearch", c->config.ef_search);
  pair_int(w, "seed", c->config.index.seed);
  vs_value_key(w, "quantization");
  write_quantization(&c->config.index, w);
  vs_value_key(w, "layout");
  vs_value_cstring(w, vs_layout_name(c->config.index.layout));
  pair_int(w, "nextSeq", c->next_seq);
  pair_int(w, "nextRev", c->next_rev);
  pair_int(w, "nSlots", c->n_slots);
  pair_int(w, "nLive", c->n_live);
  uint32_t n_recall = encode_recall(c, w);
  bool embeds = c->config.embedder[0] != 0;
  if (embeds) {
    vs_value_key(w, "embedder");
    vs_value_cstring(w, c->config.embedder);
  }
  vs_rd kept = vs_rd_of(c->kept.p, c->kept.n);
  vs_value members = vs_value_read(&kept);
  vs_wr_bytes(w, members.bytes.p, members.bytes.n);
  bool marked = c->marks.n > 0;
  if (marked) {
    vs_value_key(w, "marks");
    vs_marks_write(&c->marks, w);
  }
  vs_value_end(w, mark, 14 + n_recall + (embeds ? 1 : 0) + (marked ? 1 : 0) + members.count);
}

static bool get_counter(const vs_value *object, const char *key, uint64_t max, uint64_t *out) {
  vs_value v;
  if (!vs_value_get(object, key, &v) || v.tag != VS_VALUE_INT || v.i < 0 || (uint64_t)v.i > max) return false;
  *out = (uint64_t)v.i;
  return true;
}

vs_status vs_config_decode(vs_slice blob, vs_config_saved *out, vs_err *err) {
  vs_value object;
  vs_config_request request;
  uint64_t version, n_slots, n_live;
  vs_rd r = vs_rd_of(blob.p, blob.n);
  if (!vs_value_check(blob.p, blob.n) || (object = vs_value_read(&r)).tag != VS_VALUE_OBJECT)
    return vs_fail(err, VS_CORRUPT, "the manifest's configuration is malformed");
  if (!get_counter(&object, "version", UINT32_MAX, &version) || version == 0 || version > BLOB_VERSION)
    return vs_fail(err, VS_VERSION, "the collection's configuration has another version; this build reads up to %d",
                   BLOB_VERSION);
  vs_err inner;
  bool sound = get_counter(&object, "nextSeq", INT64_MAX, &out->next_seq) &&
               get_counter(&object, "nextRev", INT64_MAX, &out->next_rev) &&
               get_counter(&object, "nSlots", VS_MAX_SLOTS, &n_slots) &&
               get_counter(&object, "nLive", n_slots, &n_live);
  if (!sound || vs_config_request_read(&object, &request, &inner) != VS_OK ||
      vs_config_check(&request.value, &inner) != VS_OK)
    return vs_fail(err, VS_CORRUPT, "the manifest's configuration is malformed");
  out->config = request.value;
  out->n_slots = (uint32_t)n_slots;
  out->n_live = (uint32_t)n_live;
  return VS_OK;
}
