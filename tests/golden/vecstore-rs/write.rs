// write.rs - wrote the directories here: an example of the crate vecstore 0.0.1 (commit 0892359 of its repository), built
// with cargo 1.95 and run as `cargo run --example write DIRECTORY`. The graph files (hnsw.idx.*) were left out.
use std::collections::HashMap;
use vecstore::{Config, Distance, Metadata, VecStore};
fn meta(v: serde_json::Value) -> Metadata {
    let mut fields = HashMap::new();
    for (k, x) in v.as_object().unwrap() { fields.insert(k.clone(), x.clone()); }
    Metadata { fields }
}
fn main() {
    let root = std::path::PathBuf::from(std::env::args().nth(1).unwrap());
    // plain: cosine, all kinds of metadata, texts, soft-deleted, expiring, a snapshot
    let mut s = VecStore::open(root.join("cosine")).unwrap();
    for i in 0..40i64 {
        let v: Vec<f32> = (0..8).map(|j| ((i * 8 + j) as f32 * 0.37).sin()).collect();
        s.upsert(format!("doc-{i}"), v, meta(serde_json::json!({"i": i, "half": i as f64 / 2.0, "tag": if i % 2 == 0 {"even"} else {"odd"}, "nested": {"list": [1, "two", null, true, {"deep": -0.5}]}}))).unwrap();
        if i % 4 == 0 { s.index_text(&format!("doc-{i}"), format!("text of document number {i}, na\u{ef}ve \u{1F600} \"quoted\"\n")).unwrap(); }
    }
    s.upsert("big numbers".into(), vec![0.1, 1e-30, -3.5e37, 0.0, -0.0, 1.0, 16777217.0, 0.333333343], meta(serde_json::json!({"max": u64::MAX, "over": 9007199254740993i64, "min": i64::MIN, "float": 1e300}))).unwrap();
    s.upsert("__proto__".into(), vec![1.0; 8], meta(serde_json::json!({"__proto__": {"polluted": true}, "constructor": 1, "": "empty key"}))).unwrap();
    s.upsert("\u{e9}t\u{e9} \u{1F600} #?/\\\"".into(), vec![2.0; 8], meta(serde_json::json!({}))).unwrap();
    s.upsert("gone".into(), vec![3.0; 8], meta(serde_json::json!({"why": "soft"}))).unwrap();
    s.soft_delete("gone").unwrap();
    s.create_snapshot("before").unwrap();
    s.remove("doc-39").unwrap();
    s.upsert_with_ttl("expires".into(), vec![4.0; 8], meta(serde_json::json!({"ttl": 1})), 4102444800i64 - 1700000000).ok();
    s.upsert_with_ttl("expired".into(), vec![5.0; 8], meta(serde_json::json!({"ttl": 2})), -1000).ok();
    s.save().unwrap();
    for (name, d) in [("euclidean", Distance::Euclidean), ("dot", Distance::DotProduct)] {
        let mut s = VecStore::open_with_config(root.join(name), Config { distance: d, hnsw_m: 24, hnsw_ef_construction: 120 }).unwrap();
        for i in 0..12i64 { s.upsert(format!("{i}"), vec![i as f32 * 0.01, 0.2, 0.3], meta(serde_json::json!({"n": i}))).unwrap(); }
        s.save().unwrap();
    }
    let s = VecStore::open(root.join("empty")).unwrap();
    s.save().unwrap();
}
