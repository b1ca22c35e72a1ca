"""Does an answer read like language? Three tests that need no model, for answers of a few dozen words.

Owns the tests and their bounds. Pure, standard library only. An answer is bad when any of these holds:

- **empty**: it has no word (a run of letters);
- **repetition**: it has at least 12 words and less than half of its word trigrams are different, or one word is more
  than a quarter of them ("the" is a tenth of English prose), or one character makes up a run of 12;
- **entropy**: it has at least 40 characters and fewer than 2.8 or more than 5.2 bits a character. English prose lies
  at 4.0 to 4.4 with spaces and punctuation, one repeated syllable below 2.5, printable characters drawn at random
  above 5.5;
- **words**: it has at least 6 words of ASCII letters and less than 60 % of them are in the lexicon, or their mean
  length exceeds 12 letters (glued-together fragments).

A small model may ramble once: `verdict` passes when at most a quarter of the answers are bad. The fourth test, whether
the float32 reference finds the answer likely, needs a model and is made by the worker.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

LEAST_DISTINCT_TRIGRAMS = 0.5
MOST_OF_ONE_WORD = 0.25
LONGEST_RUN = 12
ENTROPY_BITS = (2.8, 5.2)
LEAST_KNOWN_WORDS = 0.6
LONGEST_MEAN_WORD = 12.0
MOST_BAD_ANSWERS = 0.25
LARGEST_PERPLEXITY = 200.0
"""Of an answer under the float32 reference: a coherent greedy answer lies below 20, shuffled words above 1,000."""

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_ASCII_WORD = re.compile(r"[A-Za-z]+(?:['\u2019][a-z]+)?")
_RUN = re.compile(r"(\S)\1{" + str(LONGEST_RUN - 1) + ",}")


def faults(text: str, lexicon: Collection[str]) -> tuple[str, ...]:
    """Names of the tests that an answer fails; `lexicon` holds lower-case words."""
    found = []
    words = [word.lower() for word in _WORD.findall(text)]
    if not words:
        found.append("empty")
    if _is_repetitive(text, words):
        found.append("repetition")
    if len(text) >= 40 and not ENTROPY_BITS[0] <= entropy_bits(text) <= ENTROPY_BITS[1]:
        found.append("entropy")
    if _has_strange_words(text, lexicon):
        found.append("words")
    return tuple(found)


def verdict(answers: Sequence[Collection[str]]) -> bool:
    """Tell whether a set of answers passes; each is the collection of its faults. No answers do not pass."""
    bad = sum(1 for answer in answers if answer)
    return bool(answers) and bad <= MOST_BAD_ANSWERS * len(answers)


def entropy_bits(text: str) -> float:
    """Shannon entropy of the characters, bits a character."""
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())


def lexicon_of(texts: Iterable[str], vocabulary: Iterable[str]) -> frozenset[str]:
    """Words of the evaluation text, and those entries of a tokenizer's vocabulary that begin a word.

    Byte-level BPE marks the beginning of a word by `Ġ`, SentencePiece by `▁`; WordPiece marks the other pieces by `##`.
    """
    entries = list(vocabulary)
    words = {word.lower() for text in texts for word in _WORD.findall(text)}
    marked = [entry[1:] for entry in entries if entry[:1] in "Ġ▁"] or [entry for entry in entries if entry[:2] != "##"]
    words.update(entry.lower() for entry in marked if entry.isalpha() and (len(entry) > 2 or entry.lower() in _SHORT))
    return frozenset(words)


_SHORT_WORDS = "a i am an as at be by do go he if in is it me my no of oh ok on or so to up us we"
_SHORT = frozenset(_SHORT_WORDS.split(" "))


def _is_repetitive(text: str, words: Sequence[str]) -> bool:
    if _RUN.search(text):
        return True
    if len(words) < 12:
        return False
    if Counter(words).most_common(1)[0][1] > MOST_OF_ONE_WORD * len(words):
        return True
    trigrams = list(zip(words, words[1:], words[2:], strict=False))
    return len(set(trigrams)) < LEAST_DISTINCT_TRIGRAMS * len(trigrams)


def _has_strange_words(text: str, lexicon: Collection[str]) -> bool:
    words = [word.lower() for word in _ASCII_WORD.findall(text)]
    if len(words) < 6:
        return False
    if sum(map(len, words)) / len(words) > LONGEST_MEAN_WORD:
        return True
    known = sum(1 for word in words if _is_known(word, lexicon))
    return known < LEAST_KNOWN_WORDS * len(words)


def _is_known(word: str, lexicon: Collection[str]) -> bool:
    """In the lexicon as it is, without what follows an apostrophe, or without a regular ending (-s, -ed, -ing, -ly)."""
    stems = [word, re.split(r"['\u2019]", word)[0]]
    stems += [word.removesuffix(ending) for ending in ("s", "es", "ed", "d", "ing", "ly")]
    return any(stem in lexicon for stem in stems)
