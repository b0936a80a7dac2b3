"""Web and mail addresses, hashtags and names of accounts: words, with the marks between them named."""

import re

from tts.text.numbers import digits, pairs
from tts.text.spelling import VOWEL, acronym, camel, fold, spell
from tts.text.tables import SYMBOLS

_ADDRESS_MARKS = {
    ".": "dot", "-": "dash", "_": "underscore", "/": "slash", ":": "colon", "@": "at", "?": "question mark",
    "=": "equals", "&": "and", "#": "hash", "%": "percent", "~": "tilde", "+": "plus", ",": "comma", ";": "semicolon",
    "!": "exclamation mark", "*": "asterisk", "(": "parenthesis", ")": "parenthesis", "'": "apostrophe", "$": "dollar",
}  # fmt: skip
_DOMAIN_WORDS = frozenset(
    "com org net gov edu info app dev bin the and get art pay map web doc new blog txt pip git".split()
)


def expand_address(match: re.Match) -> str:
    """Web and mail addresses: words, with the marks between them named."""
    words = []
    for part in re.findall(r"[A-Za-z]+|\d+|[^\W\d_]+|.", match[0]):
        if part.isdecimal():
            words.append(pairs(part) if len(part) < 5 else digits(part))
        elif part.isalpha():
            lower = part.lower()
            is_word = len(part) > 3 and VOWEL.search(lower) and lower not in ("https", "http") or lower in _DOMAIN_WORDS
            words.append(" ".join(camel(part)) if is_word else spell(part) if part.isascii() else fold(part))
        else:
            words.append(_ADDRESS_MARKS.get(part) or SYMBOLS.get(part) or part)
    return " ".join(words)


def expand_hashtag(match: re.Match) -> str | None:
    """Hashtags and names of accounts, cut at inner capitals and underscores; letters and common digits only."""
    if not all(character.isalpha() or character.isdecimal() or character == "_" for character in match[1]):
        return None
    head = "hashtag" if match[0][0] == "#" else "at"
    words = []
    for part in match[1].split("_"):
        for piece in re.findall(r"\d+|[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+", part):
            is_acronym = piece.isascii() and piece.isupper()
            words.append(pairs(piece) if piece.isdecimal() else acronym(piece) if is_acronym else fold(piece))
    return f"{head} {' '.join(words)}"
