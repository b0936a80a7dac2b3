"""The engine: rules applied from left to right to one sentence after another; nothing is dropped silently."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

from tts.text import (
    citation_rules,
    code_rules,
    date_rules,
    length_rules,
    maths_rules,
    measure_rules,
    money_rules,
    notation_rules,
    number_rules,
    symbol_rules,
    word_rules,
)
from tts.text.number_patterns import UNIT
from tts.text.numbers import cardinal, digits, roman
from tts.text.sentences import split_sentences
from tts.text.spelling import spell
from tts.text.tables import GREEK, MARKS, SYMBOLS
from tts.text.tokens import BREAK_MARKS, Sentence, TextError, Token, token_kind

OnUnknown = Literal["error", "name", "skip"]

# A number does not begin within a word or another number; a word not within a word.
_NUMBER_EDGE = r"(?<![\w])(?<!\d[.,])"
_FREE = frozenset(("power", "minus", "fraction", "footnote", "factorial", "divided", "for", "to", "short_year"))
_NUMBER_RULES = [
    *notation_rules.NUMBERS,
    *number_rules.ROUND,
    *citation_rules.RULES,
    *date_rules.RULES,
    *code_rules.RULES,
    *number_rules.PLURALS,
    *length_rules.PARTS,
    *maths_rules.RULES,
    *money_rules.RULES,
    *measure_rules.RULES,
    *number_rules.RULES,
]
_RULES = [
    *(
        (pattern if name in _FREE else f"{_NUMBER_EDGE}(?:{pattern})", function)
        for name, pattern, function in _NUMBER_RULES
    ),
    *((pattern, function) for _, pattern, function in [*notation_rules.RULES, *word_rules.RULES, *symbol_rules.RULES]),
]
_COMPILED = [(re.compile(pattern), function) for pattern, function in _RULES]
#: A plain word between spaces or before a mark: most of any text, so tried first.
_PLAIN = re.compile(
    r"(?:[a-z]{2,}(?=[\s,;?!)]|:(?!//)|$)(?!\s(?!I\b(?!\.[A-Z\d]))[IVXLCDM]+\b)|[A-Z][a-z]{2,}(?=[\s,;:?!)]|$)(?!\s[IVXLCDM]+\b)|"
    r"(?<=[a-z,;]\s)[aI](?=\s[a-z]{2}))(?!,?\s+(?:[\d–-]|['’]\d|[ivxlc]+\b))"
)
_STRANGE = re.compile(r"[^\x00-\x7f“”‘’–—…é]")
_LONE_FACTORIAL = re.compile(r"\s*[0-9]{1,3}!\s*")
_APOSTROPHE = re.compile(r"(?<=[^\W\d_])[´`ʼ＇′](?=[^\W\d_])")
#: Letters and dashes for which others stand that the rules know.
_SAME = str.maketrans({"ſ": "s", "‑": "-", "‐": "-", "‒": "-"})
#: What one does not see within a word: soft hyphens, spaces and joiners without a width. Accents may stand apart too.
_UNSEEN = "\u00ad\u200b\u200c\u2060\ufeff"
_PARTED = re.compile(rf"\w+(?:[{_UNSEEN}]+\w+|[\u0300-\u036f]+\w*)+(?:['’]\w+)*")
#: Of an ordinal: 1ˢᵗ.
_RAISED_ENDING = re.compile(r"(?<=\d)(?:ˢᵗ|ⁿᵈ|ʳᵈ|ᵗʰ)")
#: The comma of a decimal before a unit (1,5 kg), alone, or after what a single number follows: pi is 3,14.
_DECIMAL_COMMA = re.compile(
    rf"(?<![\w.,])(\d{{1,3}}),(?=\d{{1,2}}\s?(?:[%°]|(?!in\b|[A-Z]\b|[ts]\b){UNIT}(?!\w)))|"
    r"(?:^|(?<=[=≈<>]\s)|(?<=[=≈])|(?<=\b(?:is|of|by) )|(?<=\bwas )|(?<=\babout )|(?<=\bequals ))"
    r"(\d{1,3}),(?=(?:\d\d|\d{4,})(?![\w,-]|\.\d|\s(?:and|or|&)\s\d))"
)
_INVISIBLE = ("Cf", "Cc", "Mn", "Me", "Sk")


def normalize(text: str, on_unknown: OnUnknown = "error") -> list[Token]:
    """All tokens of a text; see `sentences` for parameters and errors.

    Examples
    --------
    >>> " ".join(token.text for token in normalize("Dr. Smith paid $49.95 on 10/12/2026."))
    'doctor smith paid forty nine dollars and ninety five cents on october twelfth twenty twenty six .'
    """
    return [token for sentence in sentences(text, on_unknown) for token in sentence.tokens]


def sentences(text: str | Iterable[str], on_unknown: OnUnknown = "error") -> Iterator[Sentence]:
    """Sentences of speakable tokens, one at a time, in bounded memory.

    Parameters
    ----------
    text : a string, or its pieces in order (an open file)
    on_unknown : what to do with characters that have no English reading (emoji, other scripts)
        "error" raises, "name" says their Unicode name, "skip" leaves them out.

    Raises
    ------
    TextError
        A character cannot be spoken and `on_unknown` is "error"; the message names it and its place.
    ValueError
        `on_unknown` is none of the three.
    """
    if on_unknown not in ("error", "name", "skip"):
        raise ValueError(f'on_unknown must be "error", "name" or "skip", got {on_unknown!r}')
    return _sentences(text, on_unknown)


def check(text: str, on_unknown: OnUnknown = "error") -> None:
    """Refuse a text that `sentences` would refuse at some place, in a small part of its time.

    Raises
    ------
    TextError
        A character cannot be spoken and `on_unknown` is "error".
    """
    if on_unknown == "error" and not text.isascii():  # all of ASCII has a reading
        for start, sentence in split_sentences(text):
            if _STRANGE.search(sentence):
                for _ in _tokens(sentence, start, on_unknown):
                    pass


def _sentences(text: str | Iterable[str], on_unknown: OnUnknown) -> Iterator[Sentence]:
    is_factorial = isinstance(text, str) and _LONE_FACTORIAL.fullmatch(text)  # nothing tells that it is exclaimed
    for start, sentence in split_sentences(text):
        tokens = tuple(_tokens(sentence, start, on_unknown))
        if is_factorial:
            tokens = (*tokens[:-1], replace(tokens[-1], text="factorial", kind="word"))
        if tokens:
            yield Sentence(tokens, start, start + len(sentence))


def _tokens(text: str, offset: int, on_unknown: OnUnknown) -> Iterator[Token]:
    """Tokens of one sentence that begins at `offset` of the source."""
    position, text = 0, _APOSTROPHE.sub("’", text).translate(_SAME)
    text = _PARTED.sub(lambda word: _seen(word[0]).ljust(len(word[0]), _UNSEEN[0]), text)
    text = _RAISED_ENDING.sub(lambda ending: unicodedata.normalize("NFKC", ending[0]), text)
    text = _DECIMAL_COMMA.sub(lambda whole: f"{whole[1] or whole[2]}.", text)
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        words, end = _expand(text, position)
        for word in words.split():
            if word in BREAK_MARKS or word.isascii() and word.replace("'", "").isalpha():
                yield Token(word, token_kind(word), offset + position, offset + end)
            else:
                yield from _unknown(word, offset + position, offset + end, on_unknown)
        position = end


def _seen(word: str) -> str:
    """A word without what one does not see, its letters with their accents.

    >>> _seen("co\u00adoperate"), len(_seen("e\u0301te\u0301"))
    ('cooperate', 3)
    """
    return unicodedata.normalize("NFC", word.translate(dict.fromkeys(map(ord, _UNSEEN))))


def _expand(text: str, position: int) -> tuple[str, int]:
    """Spoken words of what stands at `position`, and where it ends."""
    plain = _PLAIN.match(text, position)
    if plain and word_rules.is_plain(plain[0]):
        return plain[0].lower(), plain.end()
    if text[position] in ",;":  # begin no rule
        return text[position], position + 1
    for pattern, function in _COMPILED:
        match = pattern.match(text, position)
        if match and match.end() > position:
            words = function(match)
            if words is not None:
                return words + _final_stop(match, words), match.end()
    return _symbol(text, position)


def _final_stop(match: re.Match, words: str) -> str:
    """The full stop of an abbreviation at the end of a sentence ends the sentence too."""
    ends = (
        match[0].endswith(".") and not words.endswith((".", "…")) and not match.string[match.end() :].strip("\"'”’)]")
    )
    return " ." if ends else ""


def _symbol(text: str, position: int) -> tuple[str, int]:
    """A character that no rule takes: a mark, a symbol by its name, an invisible one, or itself where it is unknown."""
    character = text[position]
    if character in MARKS:
        return MARKS[character], position + 1
    spoken = SYMBOLS.get(character) or GREEK.get(character.lower())
    if spoken:
        return spoken, position + 1
    if unicodedata.category(character) in _INVISIBLE or character in "\ufe0f\u20e3":
        return "", position + 1
    if character.isdigit() or character.isnumeric() and unicodedata.normalize("NFKC", character) != character:
        return _compatible(character), position + 1
    return character, position + 1


def _compatible(character: str) -> str:
    """Words of a digit of another script or a compatibility form (① ５), or the character where it has none."""
    plain = unicodedata.normalize("NFKC", character)
    if plain.isdecimal():
        return digits("".join(str(unicodedata.decimal(digit)) for digit in plain))
    value = roman(plain)
    return cardinal(value) if value else character


def _unknown(word: str, start: int, end: int, on_unknown: OnUnknown) -> Iterator[Token]:
    """What the policy makes of characters that have no reading; readable letters among them are kept."""
    if on_unknown == "error":
        strange = next((c for c in word if not (c.isascii() and c.isalpha()) and c != "'"), word[0])
        name = unicodedata.name(strange, f"U+{ord(strange):04X}")
        raise TextError(
            f'cannot speak "{strange}" ({name}) at character {start + 1}: it has no English reading; '
            'remove it, or choose on_unknown="name" or "skip" (speech say --unknown name)'
        )
    for part in re.findall(r"[a-z']+|[A-Z]|.", word):
        if part.isascii() and part.replace("'", "").isalpha():
            yield Token(part, token_kind(part), start, end)
        elif on_unknown == "name":
            for spoken in _name_words(part):
                yield Token(spoken, token_kind(spoken), start, end)


def _name_words(character: str) -> list[str]:
    """Unicode name of a character as tokens.

    >>> " ".join(_name_words("😀")), " ".join(_name_words("中"))
    ('grinning face', 'C J K unified ideograph four E two D')
    """
    name = unicodedata.name(character, f"character {ord(character):04X}")
    words = []
    for part in re.findall(r"[A-Za-z0-9]+", name):
        if any(c.isdigit() for c in part) or part == "CJK":
            words += spell(part).split()
        else:
            words.append(part.lower())
    return words
