"""Rules for citations of the Bible by chapter and verse, with the abbreviations of its books.

Rules have the form described in `tts.text.tokens`.
"""

import re

from tts.text.number_patterns import DASH
from tts.text.numbers import cardinal, ordinal, roman
from tts.text.tokens import Rule

#: Books of the Bible and how they are shortened, with or without a full stop.
_SHORT = {
    "genesis": "gen gn", "exodus": "exod ex", "leviticus": "lev lv", "numbers": "num", "deuteronomy": "deut dt",
    "joshua": "josh", "judges": "judg", "samuel": "sam", "kings": "kgs", "chronicles": "chron chr", "nehemiah": "neh",
    "psalm": "ps pss", "proverbs": "prov prv", "ecclesiastes": "eccl eccles", "isaiah": "isa", "jeremiah": "jer",
    "lamentations": "lam", "ezekiel": "ezek", "daniel": "dan dn", "hosea": "hos", "micah": "mic", "habakkuk": "hab",
    "zechariah": "zech", "malachi": "mal", "matthew": "matt mt", "mark": "mk", "luke": "lk", "john": "jn",
    "romans": "rom", "corinthians": "cor", "galatians": "gal", "ephesians": "eph", "philippians": "phil",
    "colossians": "col", "thessalonians": "thess", "timothy": "tim", "titus": "tit", "hebrews": "heb",
    "james": "jas", "peter": "pet", "revelation": "rev",
}  # fmt: skip
_WHOLE = "ezra esther ruth job psalms amos joel obadiah jonah nahum zephaniah haggai acts philemon jude".split()
BOOK_NAMES = {short: name for name, shorts in _SHORT.items() for short in shorts.split()}
BOOK_NAMES |= {name: name for name in (*_SHORT, *_WHOLE)}
#: Books of which there are several: 1 Corinthians.
_NUMBERED = "samuel kings chronicles corinthians thessalonians timothy peter john".split()

_ANY = "|".join(sorted((name.capitalize() for name in BOOK_NAMES), key=len, reverse=True))
_ONE_OF = "|".join(
    sorted((short.capitalize() for short, name in BOOK_NAMES.items() if name in _NUMBERED), key=len, reverse=True)
)
_ORDER = r"(?P<order>[1-3]|I{1,3})\s"


def _verse(match: re.Match) -> str:
    words = [BOOK_NAMES[match["book"].lower()], cardinal(int(match["chapter"])), cardinal(int(match["verse"]))]
    if match["last"]:
        words += ["to", *(cardinal(int(part)) for part in match["last"].split(":"))]
    return " ".join([*_order(match), *words])


def _chapter(match: re.Match) -> str:
    return " ".join([*_order(match), BOOK_NAMES[match["book"].lower()], cardinal(int(match["chapter"]))])


def _order(match: re.Match) -> list[str]:
    order = match["order"]
    return [ordinal(roman(order) or int(order))] if order else []


#: (name, pattern, function), tried in this order.
RULES: list[Rule] = [
    (
        "verse",
        rf"\b(?:{_ORDER}(?={_ONE_OF}))?(?P<book>{_ANY})\.?\s(?P<chapter>\d{{1,3}}):(?P<verse>\d{{1,3}})"
        rf"(?:{DASH}(?P<last>(?:\d{{1,3}}:)?\d{{1,3}}))?(?![\d:])",
        _verse,
    ),
    ("chapter", rf"\b{_ORDER}(?P<book>{_ONE_OF})\.?\s(?P<chapter>\d{{1,3}})(?![\w:])", _chapter),
]
