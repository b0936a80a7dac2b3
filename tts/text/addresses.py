"""Web and mail addresses, hashtags and names of accounts: words, with the marks between them named."""

import re

from tts.text.numbers import digits, pairs
from tts.text.spelling import LETTER, VOWEL, acronym, camel, dictionary_reading, fold, spell
from tts.text.tables import INITIALISMS, SHORT_WORDS, SYMBOLS

_ADDRESS_MARKS = {
    ".": "dot", "-": "dash", "_": "underscore", "/": "slash", ":": "colon", "@": "at", "?": "question mark",
    "=": "equals", "&": "and", "#": "hash", "%": "percent", "~": "tilde", "+": "plus", ",": "comma", ";": "semicolon",
    "!": "exclamation mark", "*": "asterisk", "(": "parenthesis", ")": "parenthesis", "'": "apostrophe", "$": "dollar",
}  # fmt: skip
#: Words of two or three letters that are said as such at the end of an address too, or that the dictionary lacks.
_DOMAIN_WORDS = frozenset(
    "com org net gov edu info app dev bin the and get art pay map web doc new blog txt pip git biz log".split()
)


#: An address of the Internet.
_NUMBERS = r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])"
#: Initialisms that are names or words where they stand in small letters.
_NAMES = frozenset("ada ana asa doe ira isa mia led era sat pow rip sap ego ado".split())
_SPELT = frozenset("etc tel".split())


def expand_address(match: re.Match) -> str:
    """Web and mail addresses and paths: words, with the marks between them named."""
    words = []
    for part in re.finditer(rf"{_NUMBERS}|[A-Za-z]+|\d+|{LETTER}+|.", match[0]):
        text = part[0]
        if "." in text[1:]:
            words.append(" dot ".join(map(digits, text.split("."))))
        elif text.isdecimal():
            words.append(pairs(text) if len(text) < 5 else digits(text))
        elif text.isalpha():
            ends = match[0][part.start() - 1 : part.start()] == "." and match[0][part.end() :][:1] in (
                "",
                "/",
                ":",
                "?",
            )
            us = text == "us" and re.search(r"[a-z]{3}[-_]$", match[0][: part.start()])  # contact-us, but en-us
            is_word = us or _is_word(text.lower(), ends=ends)
            words.append(" ".join(camel(text)) if is_word else spell(text) if text.isascii() else fold(text))
        else:
            words.append(_ADDRESS_MARKS.get(text) or SYMBOLS.get(text) or text)
    return " ".join(words)


def _is_word(text: str, *, ends: bool) -> bool:
    """Whether letters in an address are a word; at its end, short ones are those of a country or of a kind of file.

    >>> _is_word("bob", ends=False), _is_word("me", ends=False), _is_word("me", ends=True), _is_word("ibm", ends=False)
    (True, True, False, False)
    """
    if len(text) > 3:
        return VOWEL.search(text) is not None
    if text in _DOMAIN_WORDS or ends or text in _SPELT or len(text) < 2:
        return text in _DOMAIN_WORDS
    if len(text) == 2:
        return text.upper() in SHORT_WORDS or text == "ed"
    return text in _NAMES or text.upper() not in INITIALISMS and dictionary_reading(text.upper()) == "word"


def expand_hashtag(match: re.Match) -> str | None:
    """Hashtags and names of accounts, cut at inner capitals and underscores; letters and common digits only."""
    if not all(character.isalpha() or character.isdecimal() or character == "_" for character in match[1]):
        return None
    head = "hashtag" if match[0][0] == "#" else "at"
    words = []
    for part in match[1].split("_"):
        for piece in re.findall(r"\d+|[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+", part):
            is_acronym = piece.isascii() and piece.isupper()
            if is_acronym and len(piece) == 1 and re.search(rf"{piece}\d", part):
                words.append(piece)
                continue
            words.append(pairs(piece) if piece.isdecimal() else acronym(piece) if is_acronym else fold(piece))
    return f"{head} {' '.join(words)}"
