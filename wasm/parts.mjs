// parts.mjs - which functions of the engine are loaded at once and which when they are first needed.
//
// The core opens stores, writes, gets and deletes records, finds the nearest vectors without a filter, saves, recovers
// and closes. Everything else is in the other part: what is not named here goes there by itself, so that a new feature
// costs nobody who does not use it. tools/split.mjs divides by these lists; a function of the core that calls one of the
// other part does so through the function table, and must not be on the way of what the core does
// (tests/js/parts.test.mjs runs all that with a second part that cannot be loaded).

const files = (folder, names) => names.split(/\s+/).map((name) => `${folder}/${name}`);
const functions = (file, names) => names.split(/\s+/).map((name) => `${file}:${name}`);

/** Object files whose functions are in the core, as far as the core reaches them. */
export const CORE_FILES = [
  ...files('base', 'alloc bitset blocks bytes clock crc32c hashmap heap io io_host io_mem io_posix status utf8 value'),
  ...files('kernels', 'kernels'),
  ...files('index', 'coding flat hnsw hnsw_check hnsw_image hnsw_links hnsw_refine hnsw_remove hnsw_search hnsw_select index space vectors'),
  ...files('store', 'blockfile checkpoint format manifest recover replay store sync wal wal_read window'),
  ...files('db', 'catalog collection compaction config db extra image_load image_meta image_write marks op op_checkpoint op_commit op_heal op_open record tx'),
  ...files('query', 'exec_plain'),
];

/** Functions of other files that are in the core too: what each instance is made of, and what each write asks. */
export const CORE_FUNCTIONS = [
  ...functions('api/vs_abi', `vs_abi_version vs_selftest vs_db_new vs_db_free vs_db_error vs_db_part vs_buf_alloc vs_buf_free
    vs_db_set_budget vs_test_fail_alloc vs_op_open vs_op_commit vs_op_flush vs_op_checkpoint vs_op_optimize vs_op_close
    vs_op_step vs_op_resume vs_op_progress vs_op_result vs_op_result_bytes vs_op_free vs_sync_begin vs_sync_end vs_sync_self
    vs_tx_begin vs_tx_mark vs_mark vs_tx_add vs_tx_abort vs_query vs_query_hits vs_query_distances vs_query_facets
    vs_query_plan check_query request_of vs_body_extra vs_find vs_record vs_count vs_stats vs_next_sequence tell`),
  ...functions('query/meta', 'vs_meta_init vs_meta_deinit vs_meta_added vs_meta_removing vs_meta_describe vs_meta_bytes vs_meta_take vs_meta_offer note_change drop_fields forget_saved'),
  ...functions('text/textindex', `vs_textindex_init vs_textindex_deinit vs_textindex_added vs_textindex_removing vs_textindex_describe vs_textindex_bytes vs_textindex_give_up note_change
    vs_text_saved_in vs_blocks_at`),
  ...functions('text/lang', 'vs_lang_deinit'),
  ...functions('text/sparse', 'vs_sparse_init vs_sparse_deinit vs_sparse_added vs_sparse_removing vs_sparse_bytes give_up'),
  ...functions('text/sparse_search', 'vs_sparse_found_init vs_sparse_found_deinit'),
  ...functions('query/fuse', 'vs_fuse_init vs_fuse_deinit'),
  ...functions('text/textsearch', 'vs_textsearch_init vs_textsearch_deinit'),
  ...functions('text/analyze', 'vs_analyzer_init vs_analyzer_deinit'),
  ...functions('db/filters', 'vs_filters_init vs_filters_deinit vs_filters_get'),
  ...functions('index/turbo', 'vs_turbo_destroy'),
  ...functions('db/reembed', 'vs_reembed_destroy vs_reembed_forget'),
  ...functions('db/salvage', 'vs_repair_report_init vs_repair_report_deinit'),
  ...functions('db/pack', 'vs_import_destroy'),
];

/** Functions of the core's files that the core does not need. */
export const MORE_FUNCTIONS = [
  ...functions('index/index', 'vs_index_scan_among vs_index_search_among'),
];
