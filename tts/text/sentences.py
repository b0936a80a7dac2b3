"""Sentences of a text of any length, in bounded memory; full stops of abbreviations do not end one."""

import re
from collections.abc import Iterable, Iterator

from tts.text.citation_rules import BOOK_NAMES, CHAPTERED
from tts.text.tables import BEFORE_NUMBERS, ENDINGS, MONTHS, STARTERS, TITLES, WORDS_TOO
from tts.text.units import UNITS

#: Longer stretches without an end are cut at a mark or a space; about a minute and a half of speech.
MAX_SENTENCE_CHARACTERS = 1000
_LOOKAHEAD = 64
_READ_CHARACTERS = 4096
_CLOSERS = "\"'”’»)]}*_⁰¹²³⁴⁵⁶⁷⁸⁹"
_END = re.compile(rf"[.!?…。！？]+[{re.escape(_CLOSERS)}]*(?=\s|$)|[。！？]|\n[ \t\r]*\n\s*")
_LAST_WORD = re.compile(r"[\w.'’&-]*$")
_NEXT_WORD = re.compile(r"\s*[\"“'‘(\[]*(\w+)?")
_CUT = re.compile(r"(?:[,;:—–)\]]+|\s)(?=\s|\S)")
_NEVER_LAST = frozenset(TITLES) - WORDS_TOO | frozenset("dr st mrs v pt rs rt".split()) - frozenset(("al",))
#: A number with a unit, at the end of the text before a full stop.
_UNIT = f"(?:{'|'.join(re.escape(unit) for unit in UNITS if len(unit) > 1 and unit[-1].isalpha())})"
_QUANTITY = re.compile(rf"[\d½⅓⅔¼¾][MBk]?(-|\s?){_UNIT}$")
_QUANTITY_FOLLOWS = re.compile(rf"\s*[\d.]+\s?{_UNIT}\b|\s\([\d.]")
#: After a title: Dr. A. Smith.
_INITIAL_FOLLOWS = re.compile(r"\s[A-Z]\.")
#: After the mark of a factorial: 5! = 120.
_OPERATOR_FOLLOWS = re.compile(r"\s[=+*/×÷−^<>≈-]\s")
#: After an abbreviation of the law: an initial, a number, a section.
_CITED = re.compile(rf"\s(?:[A-Z]\.|\d|(?:{'|'.join(name[:3].capitalize() for name in MONTHS)})\b)")
#: After an abbreviation that a numeral is counted by; "I" is more often a person, unless what is cited goes on.
_NUMERAL_FOLLOWS = re.compile(r"\s(?:[XLC],|[IXLC][;:)]|I,\s(?:§|\d|pp?\.|(?:[Ss]ec|[Cc]l|[Aa]rt|[Pp]t|[Cc]h)\b))")
_VERSE_FOLLOWS = re.compile(r"\s\d{1,3}:\d")


def split_sentences(text: str | Iterable[str]) -> Iterator[tuple[int, str]]:
    """Cut a text into sentences.

    Parameters
    ----------
    text : a string, or its pieces in order (an open file)

    Yields
    ------
    (int, str)
        Where the sentence begins in the whole text, and the sentence without surrounding white space. At most
        `MAX_SENTENCE_CHARACTERS` long; a paragraph always ends a sentence.

    Examples
    --------
    >>> [sentence for _, sentence in split_sentences("Dr. Smith left at 3 p.m. He met J. R. Lee etc. The end!")]
    ['Dr. Smith left at 3 p.m.', 'He met J. R. Lee etc.', 'The end!']
    """
    pieces = _pieces(text)
    buffer, offset, ended = "", 0, False
    while not ended or buffer:
        while not ended and len(buffer) < MAX_SENTENCE_CHARACTERS + _LOOKAHEAD:
            piece = next(pieces, None)
            ended = piece is None
            buffer += piece or ""
        position = 0
        while position < len(buffer):
            if not ended and len(buffer) - position < MAX_SENTENCE_CHARACTERS + _LOOKAHEAD:
                break
            end = _find_end(buffer, position)
            sentence = buffer[position:end]
            stripped = sentence.strip()
            if stripped:
                yield offset + position + sentence.index(stripped[0]), stripped
            position = end
        buffer, offset = buffer[position:], offset + position


def _pieces(text: str | Iterable[str]) -> Iterator[str]:
    """The text in pieces of bounded length."""
    for piece in (text,) if isinstance(text, str) else text:
        for start in range(0, len(piece), _READ_CHARACTERS):
            yield piece[start : start + _READ_CHARACTERS]


def _find_end(text: str, start: int) -> int:
    """End of the sentence that begins at `start`, within the greatest length."""
    limit = start + MAX_SENTENCE_CHARACTERS
    for match in _END.finditer(text, start, min(len(text), limit)):
        if match[0].lstrip()[:1] in ("", "。", "！", "？") or _is_end(text, start, match):
            return match.end()
    if len(text) <= limit:
        return len(text)
    cuts = [match.end() for match in _CUT.finditer(text, start + MAX_SENTENCE_CHARACTERS // 2, limit)]
    return cuts[-1] if cuts else limit


def _last_word(text: str) -> str:
    match = _LAST_WORD.search(text)
    return match[0].lower().lstrip("'’") if match else ""


def _is_end(text: str, start: int, match: re.Match) -> bool:
    """Whether a mark ends the sentence, judged by the words around it."""
    following = _NEXT_WORD.match(text, match.end())
    word = (following and following[1]) or ""
    if not text[match.end() : match.end() + _LOOKAHEAD].strip():
        return True
    if match[0] == "!" and _OPERATOR_FOLLOWS.match(text, match.end()):
        return False
    if match[0].rstrip(_CLOSERS) != ".":
        return not word[:1].islower()
    return _ends_after_stop(text, start, match, word)


def _ends_after_stop(text: str, start: int, match: re.Match, word: str) -> bool:
    """Whether a single full stop ends the sentence, by what is before it and the word after it."""
    head = text[max(start, match.start() - 24) : match.start()]
    before, is_title = (
        re.sub(r"^(?:mid|early|late|pre|post|b\.c\.)-", "", _last_word(head)),
        head[-len(_last_word(head)) :][:1].isupper(),
    )
    if word[:1].islower() or not word and re.match(r"\s*[&+=,;]", text[match.end() : match.end() + 2]):
        return False
    if head.endswith("Pub. L"):
        return False
    if before in ("fed", "pub", "civ", "crim", "evid", "supp", "cir", "ed") and _CITED.match(text, match.end()):
        return False
    if before in ("lat", "lon", "long") and re.match(r"\s[-−–]?\d+\.\d", text[match.end() : match.end() + 8]):
        return False
    quantity = _QUANTITY.search(head)
    if quantity:
        return quantity[1] != "-" and not _QUANTITY_FOLLOWS.match(text[match.end() : match.end() + 16])
    if before in BOOK_NAMES and (_VERSE_FOLLOWS.match(text, match.end()) or re.search(r"\b[1-3]\s\w+$", head)):
        return False
    if before.capitalize() in CHAPTERED and is_title and word.isdigit():
        return False
    if is_title and before in ("art", "vol", "sec", "ch", "pt", "bk") and _NUMERAL_FOLLOWS.match(text, match.end()):
        return False
    if before == "art" and re.match(r"\s\d+\(", text[match.end() :]):
        return False
    if before in BEFORE_NUMBERS and re.fullmatch(r"\d\w*|V|[IVX]{2,}", word):
        return before == "art" and not is_title
    if before == "mar" and is_title and re.match(r"\s['’]\d\d\b", text[match.end() : match.end() + 5]):
        return False
    if before in _NEVER_LAST:
        starts = word in STARTERS and not _INITIAL_FOLLOWS.match(text, match.end())
        return before in ("st", "dr") and starts and f"{before} {word}" not in ("dr Who", "dr No")
    is_initial = re.fullmatch(r"(?:[^\W\d_]\.-?)*[^\W\d_]", before)
    if before in ENDINGS or before in ("al",) or is_initial:
        return word in STARTERS and not _INITIAL_FOLLOWS.match(text, match.end())
    if before in WORDS_TOO:
        if word[:1].isdigit():
            return not (is_title or before in ("sec", "fig", "max", "min"))
        return not (is_title and word not in STARTERS)
    return True
