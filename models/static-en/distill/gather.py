"""gather.py OUT.tsv FOLDER... - plain English passages to learn from, one per line: source, tab, text.

Each folder is one source and holds what its package or repository holds; by file name it is read as
  data.noun, data.verb, ...   WordNet: the words of a synset with its gloss
  *.obo, *.owl                ontologies: names and definitions
  *.html                      documentation: paragraphs
  *.txt                       articles: paragraphs
Passages are cut at sentence ends to 60 words at most; of each source at most MAX_PASSAGES are kept (documentation: MAX_PASSAGES_HTML), drawn and shuffled
with a fixed seed, each once.
"""
import html
import random
import re
import sys
from pathlib import Path

MAX_WORDS = 60
MAX_PASSAGES = 20000
MAX_PASSAGES_HTML = 4000
WORDNET = ("data.noun", "data.verb", "data.adj", "data.adv")


def wordnet(path):
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        if "|" not in line or line.startswith("  "):
            continue
        fields, gloss = line.split("|", 1)
        parts = fields.split()
        words = [parts[4 + 2 * i].replace("_", " ").split("(")[0] for i in range(int(parts[3], 16))]
        yield ", ".join(words) + ": " + gloss.strip()


def ontology(path):
    text = path.read_text(encoding="utf-8", errors="replace")
    name = ""
    for line in text.split("\n"):
        if line.startswith("name: "):
            name = line[6:]
            yield name
        found = re.match(r'def: "((?:[^"\\]|\\.)*)"', line) or re.search(r"IAO_0000115[^>]*>([^<]+)<", line)
        if found:
            definition = html.unescape(found[1].replace('\\"', '"').replace("\\n", " "))
            yield definition
            if name and line.startswith("def"):
                yield f"{name}. {definition}"


def paragraphs_html(path):
    text = path.read_text(encoding="utf-8", errors="replace")
    for body in re.findall(r"<(?:p|dd|h[1-3])\b[^>]*>(.*?)</(?:p|dd|h[1-3])>", text, re.S | re.I):
        yield html.unescape(re.sub(r"<[^>]+>", "", body)).replace("¶", "")


def paragraphs_text(path):
    yield from path.read_text(encoding="utf-8", errors="replace").split("\n")


READERS = {".obo": ontology, ".owl": ontology, ".html": paragraphs_html, ".txt": paragraphs_text}


def passages(text):
    """The text in pieces of whole sentences, each of at most MAX_WORDS words where sentences allow."""
    piece = []
    for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z(])", " ".join(text.split())):
        words = sentence.split()
        if piece and len(piece) + len(words) > MAX_WORDS:
            yield " ".join(piece)
            piece = []
        piece += words[:MAX_WORDS]
    if piece:
        yield " ".join(piece)


def is_prose(text):
    letters = sum(c.isalpha() or c == " " for c in text)
    return 12 <= len(text) <= 600 and letters >= 0.8 * len(text)


def main(out, folders):
    rows, seen, rng = [], set(), random.Random(7)
    for folder in map(Path, folders):
        found, reader = [], None
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            read = wordnet if path.name in WORDNET else READERS.get(path.suffix)
            reader = read or reader
            for text in read(path) if read else ():
                for passage in passages(text):
                    if is_prose(passage) and passage not in seen:
                        seen.add(passage)
                        found.append(passage)
        limit = MAX_PASSAGES_HTML if reader is paragraphs_html else MAX_PASSAGES
        kept = rng.sample(found, min(len(found), limit))
        rows += [(folder.name, passage) for passage in kept]
        print(f"{folder.name}: {len(kept)} of {len(found)} passages")
    rng.shuffle(rows)
    Path(out).write_text("".join(f"{source}\t{text}\n" for source, text in rows), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
