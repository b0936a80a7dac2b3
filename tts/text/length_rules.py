"""Rules for lengths in feet and inches, and for lengths by each other.

Rules have the form described in `tts.text.tokens`.
"""

import re

from tts.text.maths_rules import VULGAR
from tts.text.number_patterns import DASH, INCHES, NUMBER, UNIT, closes_quotation, many, noun_follows
from tts.text.numbers import cardinal, decimal, fraction, plural
from tts.text.tokens import Rule
from tts.text.units import UNITS

_SIDES = {"W": "wide", "D": "deep", "H": "high", "L": "long"}
#: Units of what is in a container.
_CONTENTS = frozenset("g kg mg oz oz. lb lb. ml mL cl l L".split())
#: A player's name in a list, before the minute of a goal: (Kane 45', Foden 78').
_SCORER = re.compile(
    r"(?:[(,;]\s?(?:[^\W\da-z_][\w’'-]+\s){1,2}|"
    r"\b(?!Tower|Building|Oak|Pine|Tree|Mount|Peak|Falls|Bridge|Hill|Rock|Dam)[A-Z][\w’-]+\s\((?:[\d+]+['′’],\s?)*)$"
)
_GLYPHS = "".join(VULGAR)
#: A whole number with or without a fraction.
_WITH_PART = rf"\d+(?:[\s-]\d/\d{{1,2}}|[{_GLYPHS}])?"
_SIZE = rf"(?:\d{{1,3}}(?:,\d{{3}})+|\d+(?:\.\d+)?(?:[\s-]\d/\d{{1,2}}(?!\d)|[{_GLYPHS}])?|[{_GLYPHS}])"


def _part(text: str) -> str:
    """Words of a number with or without a fraction.

    >>> _part("11"), _part("8½"), _part("2-1/4"), _part("¾")
    ('eleven', 'eight and a half', 'two and one quarter', 'three quarters')
    """
    whole, _, part = re.sub(r"^(?=\d/)|[\s-]", " ", _plain(text)).partition(" ")
    above, _, below = part.partition("/")
    if not above:
        return decimal(whole)
    words = fraction(int(above), int(below))
    return f"{decimal(whole)} and {'a half' if words == 'one half' else words}" if whole else words


def _plain(text: str) -> str:
    """Glyphs of fractions as digits."""
    return re.sub(f"[{_GLYPHS}]", lambda glyph: " " * (glyph.start() > 0) + VULGAR[glyph[0]], text)


def _feet(match: re.Match) -> str | None:
    if not match["inches"] and re.search(r"(?<!\w)['‘](?!\d\ds?\b)", match.string[: match.start()]):
        return None  # a closing quotation mark
    is_minute = match["feet"].isdigit() and 6 < int(match["feet"]) < 123
    if not match["inches"] and is_minute and _SCORER.search(match.string[max(0, match.start() - 40) : match.start()]):
        return f"{decimal(match['feet'])} minutes"
    inches = f" {_part(match['inches'])}" if match["inches"] else ""
    feet = "foot" if match["feet"] == "1" or inches or noun_follows(match) else "feet"
    return f"{decimal(match['feet'])} {feet}{inches}"


def _feet_and_inches(match: re.Match) -> str:
    feet, inches = int(match["feet"]), match["inches"]
    return f"{cardinal(feet)} {'foot' if feet == 1 else 'feet'} {_part(inches)} {'inch' if inches == '1' else 'inches'}"


def _inches(match: re.Match) -> str | None:
    """Lengths with inch marks, one or several by each other."""
    if closes_quotation(match.string, match.end("first")):
        return None
    numbers = re.findall(NUMBER, match[0])
    unit = "inch" if numbers == ["1"] or noun_follows(match) else "inches"
    return f"{(' to ' if match['to'] else ' by ').join(map(decimal, numbers))} {unit}"


def _sides(match: re.Match) -> str | None:
    """Lengths by each other before what is so large, each with its unit: a 5m x 3m room."""
    if not noun_follows(match):
        return None
    unit = UNITS[match["unit"]]
    return " by ".join(f"{decimal(number)} {unit}" for number in re.findall(NUMBER, match[0]))


def _feet_by(match: re.Match) -> str:
    unit = "foot" if noun_follows(match) else "feet"
    return f"{(' by ' if match['by'] else ' to ').join(map(decimal, re.findall(NUMBER, match[0])))} {unit}"


def _by(match: re.Match) -> str:
    unit = match["unit"]
    numbers = re.findall(_SIZE, match[0])
    if unit in _CONTENTS and noun_follows(match):  # 2 x 400g tins
        count, content = numbers[-2:]
        return f"{_part(count)} {_part(content)} {UNITS[unit]}"
    formula = (
        unit in _CONTENTS
        or " × " in match[0]
        and not unit
        and not re.search(rf"\d[{_GLYPHS}]", match[0])
        or re.match(r"\s?=", match.string[match.end() :])
    )
    words = (" times " if formula else " by ").join(map(_part, numbers))
    if unit:
        return f"{words} {UNITS[unit] if match['gap'] == '-' or noun_follows(match) else many(UNITS[unit])}"
    if match["many"]:
        head, _, last = words.rpartition(" ")
        return f"{head} {plural(last)}"
    return words


def _between_lengths(match: re.Match) -> str | None:
    before = match.string[max(0, match.start() - 12) : match.start()]
    return "by" if re.search(rf"\d\s?(?:{UNIT}|[\"'″′”’])[WHDL]?\s?$", before) else None


_BY = rf"{_SIZE}(?:\s?[x×]\s?{_SIZE})+(?:(?P<many>['’]?s\b)|(?P<gap>[\s-]?)(?P<unit>{UNIT})(?![\w/]))?(?!\w)"
#: Before the rules for fractions: 8½ x 11.
PARTS: list[Rule] = [("by", rf"(?=[\d.]*[{_GLYPHS}]|\d+[\s-]\d/\d){_BY}", _by)]
#: (name, pattern, function), tried in this order. A number must not continue one to its left.
MARKED: list[Rule] = [
    (
        "minutes",
        r"(45|90|105|120)\+(\d{1,2})['′’](?![\w'’])",
        lambda match: f"{cardinal(int(match[1]))} plus {cardinal(int(match[2]))} minutes",
    ),
    ("to", r"(?<=\d[\"″”])\s?[-–]\s?(?=\d+['′’])", lambda match: "to"),
    ("feet", r"\d+['′’](?:(?P<by>\s?[x×]\s?|-by-|\sby\s)|\s?[-–]\s?)\d+['′’](?!['’]|[\s\w]?\d)", _feet_by),
    (
        "feet",
        rf"(?P<feet>\d{{1,3}}(?:,\d{{3}})+|\d+)['′’](?:\s?-?\s?(?P<inches>{_WITH_PART}){INCHES})?(?!\w|-\d+[\"″”])",
        _feet,
    ),
    ("feet", r"(?P<feet>[3-7])['’](?P<inches>1[01]|\d)(?![\w\"”″'’])", _feet),
    (
        "feet",
        rf"(?P<feet>\d+)[\s-]?(?:ft|feet|foot)\.?,?[\s-]?(?:and\s)?(?P<inches>{_WITH_PART}|\d+\.\d+)[\s-]?"
        r"in(?:ch(?:es)?\b|\.(?!\w)|(?![\w.]))",
        _feet_and_inches,
    ),
    (
        "inches",
        rf"(?P<first>{NUMBER}){INCHES}?(?:(?:\s?[x×]\s?{NUMBER}{INCHES})+|{DASH}(?P<to>{NUMBER}){INCHES})?"
        rf"(?<=[\"″”'])(?!(?![WHDL]\b)\w)",
        _inches,
    ),
    ("by", rf"{NUMBER}\s?(?P<unit>{UNIT})(?:\s?[x×]\s?{NUMBER}\s?(?P=unit))+(?!\w)", _sides),
]
#: After the rules for measures.
BY: list[Rule] = [
    ("by", _BY, _by),
    ("by", r"[x×](?=\s?[\d½¼¾])", _between_lengths),
    ("dimension", r"(?<=\d[\"″”])[WDHL]\b", lambda match: _SIDES[match[0]]),
]
