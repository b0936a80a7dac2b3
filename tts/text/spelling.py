"""How runs of letters and digits are read: as words, letter by letter, in parts."""

import re

from speech.text import normalize_text
from tts.text.numbers import digits, pairs, plural
from tts.text.tables import SAID_AS_WORDS, STRESSED

VOWEL = re.compile("[aeiouy]")


def spell(text: str) -> str:
    """Letters by their names, digits one by one.

    >>> spell("at4")
    'A T four'
    """
    return " ".join(c.upper() if c.isalpha() else digits(c) for c in text if c.isalnum())


def mixed(text: str) -> str:
    """A name of letters and digits: capitals and short runs are spelt, longer ones are words.

    >>> mixed("MP3"), mixed("covid19"), mixed("A380")
    ('M P three', 'covid nineteen', 'A three eighty')
    """
    words = []
    if re.search(r"[A-Z]\d+s$", text):
        head, _, last = mixed(text[:-1]).rpartition(" ")
        return f"{head} {plural(last)}"
    for part in re.findall(r"\d+|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+", text):
        if part.isdigit():
            words.append(pairs(part))
        elif len(part) < 3 or (part.isupper() and part not in SAID_AS_WORDS):
            words.append(spell(part))
        else:
            words.append(fold(part))
    return " ".join(words)


def fold(word: str) -> str:
    """A word in a-z and apostrophes; other characters stay and are for the engine to refuse."""
    if word.isascii():
        return word.lower()
    return normalize_text(word)


def camel(text: str) -> list[str]:
    """Words of a compound written with inner capitals.

    >>> camel("MachineLearning")
    ['machine', 'learning']
    """
    return [fold(part) for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+", text)]


def acronym(text: str) -> str:
    """A run of capitals, as a word or letter by letter.

    >>> acronym("NASA"), acronym("FBI"), acronym("NOT"), acronym("UNESCO")
    ('nasa', 'F B I', 'not', 'unesco')
    """
    if text in SAID_AS_WORDS or text in STRESSED:
        return text.lower()
    return text.lower() if len(text) > 5 and VOWEL.search(text.lower()) else spell(text)
