"""golden.py OUT.tsv - tricky strings and the token numbers that the reference tokenizer gives them.

One per line: the text, its UTF-8 with every byte outside printable ASCII, and the backslash, as \\xNN; a tab; the
numbers. The reference runs without its special tokens, so that "[CLS]" in a text is text. Code points that Unicode
got after version 8, the reference's, are left out: the reference does not know their kind.
"""
import json
import random
import sys
from pathlib import Path

from tokenizers import Tokenizer

from encoder import model_folder

SENTENCES = """The ferry left at dawn, and nobody waved.
Why is the kettle whistling? Turn it off!
She paid $4.50 for two (slightly bruised) pears.
e-mail me at someone@example.org, or don't; it's all the same.
Well... that's "progress", isn't it?
In 1998 the bridge was 1,204.7 metres long.
3.14159 x 2 = 6.28318; 10^-6 << 1e+6
UPPER lower MiXeD cAsE WORDS
under_score and hyphen-ated and slash/ed
C++ is not C#, and neither is F#.
~/notes/today.md && rm -rf ./build || true
<b>bold</b> &amp; <i>italic</i>
https://example.org/path?query=one&other=two#part
unhappiness antidisestablishmentarianism electroencephalographically
mitochondrial phosphorylation of glucosyltransferases
The p53-dependent G1/S checkpoint (cf. ref. 12)
[CLS] this is not special [SEP] [MASK] [PAD] [UNK]
## hash marks ##ing ##s # # ###
a an the of to in and or not no yes
rock'n'roll o'clock y'all'd've
naïve café résumé coöperate façade jalapeño
Ångström Øresund Łódź Čapek Dvořák Šibenik Żuraw
Größe straße weiß groß GROSSE STRASSE
İstanbul ısı IĞDIR ığdır
ΑΒΓ αβγ ΣΊΣΥΦΟΣ Σίσυφος ὀδός Ὕδωρ
Москва Ёлка йод Київ їжак ЩУКА
שָׁלוֹם עולם מַיִם
السَّلَامُ عَلَيْكُم كِتَاب
नमस्ते दुनिया हिन्दी में क्या है
வணக்கம் உலகம் கொடு
สวัสดีชาวโลก น้ำใจ
ภาษาไทย and English together
日本語の文章です。東京 タワー カタカナ ガギグ ぱぴぷ
中文句子,没有空格。繁體字與简体字
한국어 문장 각 값 닭 서울 특별시
Việt Nam phở bò Đà Nẵng
ﬁne ﬂow ﬃx oﬀ ﬅ
ＦＵＬＬ　ｗｉｄｔｈ　１２３　！？
½ ¼ ² ³ ¹ № ℃ ™ ℠ ℡
€ £ ¥ ¢ ₹ ₽ ₿ ƒ
« guillemets » „low high“ ‚single’ ‹angle›
dash – em — horizontal ― minus − hyphen ‐ bar ‖
ellipsis… bullet • section § pilcrow ¶ dagger † ‡
x̄ ŷ z̃ combining a\u0301 e\u0308\u0323 o\u0302\u0301
a\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308b
zero\u200bwidth\u200cjoin\u200ders\u2060word\ufeffmark
soft\u00adhyphen non\u00a0break thin\u2009space ideo\u3000graphic
tab\tnew\nline\rreturn\x0bvertical\x0cform
control\x01\x02\x7f\x80\x9fchars null-free
line\u2028separator paragraph\u2029separator next\u0085line
smile 😀 family 👨‍👩‍👧‍👦 flag 🇳🇱 heart ❤️ thumbs 👍🏽
math ∑ ∫ √ ∞ ≠ ≤ ≥ ∈ ∀ ∃ ⊂ ∂x/∂t
𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝕄𝕒𝕥𝕙 𝐛𝐨𝐥𝐝 𝟙𝟚𝟛
arrows → ← ↑ ↓ ⇒ ⇔ box ┌─┐ │ └─┘ ░▒▓
roman Ⅷ ⅷ circled ① Ⓐ ⓐ parenthesised ⑴ ⒜
private \ue000 \uf8ff use; replacement \ufffd here
greek question\u037e mark and ano teleia\u0387 oxia\u1ffd varia\u1fef
kelvin \u212a angstrom \u212b ohm \u2126
compatibility \uf900\uf901\ufa0e 豈更
old hangul \u1100\u1161\u11a8 jamo ㄱㄴㅏ
\U00020000\U0002a700\U0002b740 rare ideographs \U0002b820
ǅ ǈ ǋ ǲ Ǆ ǆ titlecase
Ȿ Ɀ Ⱥ Ⱦ Ꞑ ꞑ extended
ა ბ გ Ა Ბ Ⴀ Ⴁ georgian
ᏣᎳᎩ ꭰꭱ cherokee
Ա Բ Գ և armenian
አማርኛ ኢትዮጵያ
བོད་སྐད། ཡིག
ភាសាខ្មែរ ລາວ မြန်မာ
\u0915\u093c \u0958 \u09cb \u0b4b nukta and vowels""".split("\n")

POOL = "pebble Quartz zebra's CO2 naïve 42 – 東 ing un re- über ΩMEGA don't 7th x=y+1 \"q\" (r) a.b.c é ½ 👍 [x] #tag @me 100% ok?!".split(" ")


def code_points():
    """A stride through the planes, between letters and alone, over what Unicode 8 already had."""
    rng = random.Random(3)
    blocks = [(0x21, 0x250), (0x250, 0x600), (0x900, 0xe00), (0x1e00, 0x2000), (0x2000, 0x2400), (0x2460, 0x2c00),
              (0x3000, 0x3400), (0xa000, 0xa48c), (0xac00, 0xd7a4), (0xf900, 0xfa6e), (0xff01, 0xffbf), (0x1d400, 0x1d7cb)]
    for low, high in blocks:
        for _ in range(8):
            c = chr(rng.randrange(low, high))
            yield f"a{c}b {c}"


def texts():
    rng = random.Random(5)
    yield from ("", " ", "a", ".", "\u0301", "\U0001f600")
    yield from SENTENCES
    for n in (98, 99, 100, 101, 102, 200):
        yield "w" * n
        yield "é" * n + " after"
        yield "unbelievable" * (n // 12) + "x" * (n % 12)
    yield from code_points()
    for _ in range(120):
        words = [rng.choice(POOL) for _ in range(rng.randrange(2, 9))]
        yield rng.choice([" ", "", "  ", "-", "\t"]).join(words)


def escape(text):
    return "".join(chr(b) if 0x20 <= b < 0x7F and b != 0x5C else f"\\x{b:02x}" for b in text.encode("utf-8"))


def main(out):
    settings = json.loads((model_folder() / "tokenizer.json").read_text(encoding="utf-8"))
    settings.update(truncation=None, padding=None, added_tokens=[], post_processor=None)
    reference = Tokenizer.from_str(json.dumps(settings))
    lines = [f"{escape(text)}\t{' '.join(map(str, reference.encode(text).ids))}\n" for text in texts()]
    Path(out).write_text("".join(lines), encoding="ascii")
    print(f"{len(lines)} texts")


if __name__ == "__main__":
    main(sys.argv[1])
