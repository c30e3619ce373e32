"""evaluate.py WORK MODEL.bin DATA OUT.json - nDCG@10 of the encoder, of the float table and of the shipped model.

DATA holds the judged collections as folders (corpus.jsonl, queries.jsonl, qrels/test.tsv) and, one level up,
baselines.json with the published BM25 figures. Documents are "title text"; the encoder cuts them at its own 256 tokens,
the tables at the model's 256. Exact search by inner product of unit vectors, linear gains.
"""
import json
import sys
from pathlib import Path

import numpy as np

import model_file
from encoder import Encoder

COLLECTIONS = ("scifact", "cacm")


def passage(row):
    return f"{row.get('title') or ''} {row['text']}".strip()


def load(folder):
    rows = {name: [json.loads(line) for line in (folder / f"{name}.jsonl").open(encoding="utf-8")] for name in ("corpus", "queries")}
    judged = {}
    for line in (folder / "qrels/test.tsv").read_text().splitlines()[1:]:
        query, document, gain = line.split("\t")[:3]
        if float(gain) > 0:
            judged.setdefault(query, {})[document] = float(gain)
    return rows["corpus"], [query for query in rows["queries"] if query["id"] in judged], judged


def ndcg10(documents, queries, judged, document_vectors, query_vectors):
    discount = 1 / np.log2(np.arange(10) + 2)
    total = 0.0
    for query, vector in zip(queries, query_vectors):
        best = np.argsort(-(document_vectors @ vector), kind="stable")[:10]
        gains = judged[query["id"]]
        ideal = sorted(gains.values(), reverse=True)[:10]
        found = [gains.get(documents[i]["id"], 0.0) for i in best]
        total += np.dot(found, discount[: len(found)]) / np.dot(ideal, discount[: len(ideal)])
    return total / len(queries)


def pooled(table, token_lists):
    sums = np.stack([table[ids[: model_file.MAX_TOKENS]].sum(0) for ids in token_lists])
    return sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)


def main(work, model, data, out):
    encoder, work, data = Encoder(), Path(work), Path(data)
    published = json.loads((data.parent / "baselines.json").read_text())
    tables = {"float32": np.load(work / "table.npy"), "int8": model_file.read(model)}
    figures = {}
    for name in COLLECTIONS:
        documents, queries, judged = load(data / name)
        texts = [[passage(row) for row in rows] for rows in (documents, queries)]
        tokens = [encoder.tokens(part) for part in texts]
        figures[name] = {"bm25": published[name]["results"]["bm25 k1=0.9 b=0.4 lucene-byte-length"]["ndcg10"]}
        for kind, table in tables.items():
            figures[name][kind] = ndcg10(documents, queries, judged, *(pooled(table, part) for part in tokens))
        vectors = []
        for what, part in zip("dq", tokens):
            path = work / f"{name}.{what}.npy"
            if not path.exists():
                np.save(path, encoder.embed_tokens(part))
            vectors.append(np.load(path))
        figures[name]["encoder"] = ndcg10(documents, queries, judged, *vectors)
    how = "models/static-en/distill/evaluate.py: " + " ".join(__doc__.split("\n\n")[1].split())
    Path(out).write_text(json.dumps({"how": how, "ndcg10": figures}, indent=2) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
