"""Writes and reads the model file; the format is specified in src/embed/model.c."""
import struct

import numpy as np

NAME = "vecstore-static-en-1"
MAX_TOKENS = 256
MAX_WEIGHT = 32767


def crc32c_table():
    table = np.zeros(256, np.uint32)
    for i in range(256):
        c = i
        for _ in range(8):
            c = c >> 1 ^ (0x82F63B78 if c & 1 else 0)
        table[i] = c
    return table.tolist()


def crc32c(data):
    table, c = crc32c_table(), 0xFFFFFFFF
    for byte in data:
        c = table[(c ^ byte) & 0xFF] ^ c >> 8
    return c ^ 0xFFFFFFFF


def quantize(vectors):
    """Rows of signed bytes, and weights such that weight * row is the vector up to one common factor.

    The row's scale is the largest component over 127; a row too small for the smallest weight becomes zero.
    """
    scales = np.abs(vectors).max(1) / 127
    weights = np.round(scales / scales.max() * MAX_WEIGHT).astype(np.int64)
    exact = weights * (scales.max() / MAX_WEIGHT)
    rows = np.round(np.divide(vectors, exact[:, None], where=weights[:, None] > 0, out=np.zeros_like(vectors)))
    return np.clip(rows, -127, 127).astype(np.int8), weights.astype(np.uint16)


def write(path, vocabulary, vectors, unknown):
    rows, weights = quantize(vectors)
    spellings = [token.encode("utf-8") for token in vocabulary]
    name = NAME.encode("ascii").ljust(48, b"\0")
    body = struct.pack("<5I", vectors.shape[1], len(vocabulary), MAX_TOKENS, unknown, sum(map(len, spellings)))
    body += name + bytes(map(len, spellings)) + b"".join(spellings) + weights.tobytes() + rows.tobytes()
    head = b"VSEM" + struct.pack("<IQI", 1, 20 + len(body), crc32c(body))
    with open(path, "wb") as file:
        file.write(head + body)
    return rows.astype(np.float32) * weights[:, None].astype(np.float32)


def read(path):
    """The vectors of a model file, weight * row, up to a common factor."""
    data = open(path, "rb").read()
    dimension, size, _, _, spelling_bytes = struct.unpack_from("<5I", data, 20)
    at = 88 + size + spelling_bytes
    weights = np.frombuffer(data, "<u2", size, at).astype(np.float32)
    rows = np.frombuffer(data, np.int8, size * dimension, at + 2 * size).reshape(size, dimension)
    return rows * weights[:, None]
