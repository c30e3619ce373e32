"""distill.py WORK TEXTS.tsv MODEL.bin - from the encoder to a table of token vectors.

WORK keeps what takes long, the encoder's vectors, so that a run can go on; TEXTS.tsv is gather.py's. Steps:

1. Every token of the vocabulary goes through the encoder by itself (Model2Vec: van Dongen and Tulkens 2024), and so do
   the first TEXTS passages of at most MAX_TOKENS tokens.
2. PCA of the passages' vectors keeps DIMENSION of their 384 components.
3. START: the tokens' vectors in that space, each scaled by the SIF weight a / (a + p) of its frequency p (Arora et al.
   2017), p being the geometric mean of its share of the passages and of Zipf's law over the vocabulary's order.
4. FIT: token vectors E such that the sum over a passage's tokens has the direction of the encoder's vector:
   least squares of X E = T by conjugate gradients, the rows of X rescaled between rounds so that each sum has length 1,
   with a pull towards where E started.
5. SHARE: most tokens are in few passages or none. What is learned for tokens that are in many is carried to all: a
   linear map from what the encoder has of a token (its own vector and its input embedding, SIF-weighted) to the fitted
   vectors. Then FIT again, from there, and SHARE once more: the shared vectors are the table. Mixing the fitted ones in
   gains on SciFact and loses on CACM; on the Cystic Fibrosis collection, which is in no reported figure, it does not help.
6. The table is written as signed bytes with a weight per token (model_file.py), and in float to WORK/table.npy.
"""
import sys
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from safetensors.numpy import load_file

import model_file
from encoder import Encoder, model_folder

TEXTS = 36_000
HELD_OUT = 2_000  # the first of them are not learned from, only measured on
MAX_TOKENS = {"craft": 40}
MAX_TOKENS_OTHERS = 26
DIMENSION = 256
FIRST_WORD = 999  # the vocabulary's earlier entries are reserved


def cached(path, make):
    if not path.exists():
        np.save(path, make())
    return np.load(path)


def teacher_vectors(work, texts_file):
    encoder = Encoder()
    rows = [line.split("\t", 1) for line in Path(texts_file).read_text(encoding="utf-8").splitlines()]
    tokens = encoder.tokens([text for _, text in rows])
    fits = [4 <= len(ids) <= MAX_TOKENS.get(source, MAX_TOKENS_OTHERS) for (source, _), ids in zip(rows, tokens)]
    chosen = [ids for ids, fit in zip(tokens, fits) if fit][:TEXTS]
    size = len(encoder.vocabulary)
    own = cached(work / "vocabulary.npy", lambda: encoder.embed_tokens([[i] for i in range(size)]))
    targets = cached(work / "passages.npy", lambda: encoder.embed_tokens(chosen))
    share = np.bincount(np.concatenate(tokens), minlength=size) + 1.0
    return encoder.vocabulary, own, chosen, targets, share / share.sum()


def principal_axes(vectors):
    _, axes = np.linalg.eigh(vectors.T @ vectors)
    return axes[:, ::-1][:, :DIMENSION]


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def token_counts(passages, size):
    rows = np.repeat(np.arange(len(passages)), [len(ids) for ids in passages])
    ones = np.ones(len(rows), np.float32)
    return sp.csr_matrix((ones, (rows, np.concatenate(passages))), shape=(len(passages), size))


def fit(counts, targets, start, pull, rounds, steps):
    """Least squares with a pull towards `start`: conjugate gradients, each dimension by itself."""
    table = start
    for _ in range(rounds):
        a = (sp.diags(1 / (np.linalg.norm(counts @ table, axis=1) + 1e-6)) @ counts).tocsr().astype(np.float32)
        residual = a.T @ (targets - a @ table) - pull * (table - start)
        direction, square = residual, (residual**2).sum(0)
        for _ in range(steps):
            image = a.T @ (a @ direction) + pull * direction
            step = square / np.maximum((direction * image).sum(0), 1e-12)
            table, residual = table + direction * step, residual - image * step
            before, square = square, (residual**2).sum(0)
            direction = residual + direction * (square / np.maximum(before, 1e-12))
    return table.astype(np.float32)


def share_with_all(features, table, occurrences, least=12, ridge=3.0):
    """The linear map from features to fitted vectors, found on frequent tokens, applied to every token."""
    known = occurrences >= least
    weight = np.sqrt(np.minimum(occurrences[known], 400))[:, None]
    a = features[known] * weight
    solution = np.linalg.solve(a.T @ a + ridge * np.eye(features.shape[1]), a.T @ (table[known] * weight))
    return (features @ solution).astype(np.float32)


def main(work, texts_file, out):
    work = Path(work)
    work.mkdir(exist_ok=True)
    vocabulary, own, passages, targets, share = teacher_vectors(work, texts_file)
    size = len(vocabulary)
    axes = principal_axes(targets)
    all_targets, all_counts = unit(targets @ axes), token_counts(passages, size)
    targets, counts = all_targets[HELD_OUT:], all_counts[HELD_OUT:]
    zipf = 1 / np.maximum(np.arange(size) - FIRST_WORD + 1, 1)
    frequency = np.sqrt(share * zipf / zipf.sum())

    centred = own - own.mean(0)
    start = (centred @ axes * (1e-4 / (1e-4 + frequency))[:, None]).astype(np.float32)
    sums = counts @ start
    start *= (sums * targets).sum() / (sums**2).sum()
    table = fit(counts, targets, start, pull=6.0, rounds=2, steps=10)
    pull = 1 / np.median(np.linalg.norm(counts @ table, axis=1)) ** 2

    inputs = load_file(model_folder() / "model.safetensors")["embeddings.word_embeddings.weight"]
    inputs = inputs - inputs.mean(0)
    features = np.concatenate([centred, inputs / (20 * inputs.std()), np.full((size, 1), 0.05)], 1)
    features *= (1e-3 / (1e-3 + frequency))[:, None]
    occurrences = np.asarray(counts.sum(0)).ravel()
    shared = share_with_all(features, table, occurrences)
    table = fit(counts, targets, shared, pull, rounds=2, steps=8)
    table = share_with_all(features, table, occurrences)
    cosines = (unit(all_counts[:HELD_OUT] @ table) * all_targets[:HELD_OUT]).sum(1)
    print(f"mean cosine with the encoder on passages held out: {cosines.mean():.4f}")

    special = [i for i, token in enumerate(vocabulary) if token.startswith("[") and token.endswith("]")]
    table[special] = 0
    np.save(work / "table.npy", table)
    model_file.write(out, vocabulary, table, vocabulary.index("[UNK]"))


if __name__ == "__main__":
    main(*sys.argv[1:])
