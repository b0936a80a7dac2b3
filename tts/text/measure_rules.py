"""Rules for quantities: percentages, degrees, lengths, durations and other numbers with units, and ranges of them.

Rules have the form described in `tts.text.tokens`.
"""

import re

from tts.text.maths_rules import VULGAR
from tts.text.number_patterns import (
    DASH,
    INCHES,
    NUMBER,
    RANGE,
    UNIT,
    UNIT_PER,
    closes_quotation,
    is_one,
    many,
    noun_follows,
    ranged,
    span,
    unit_name,
)
from tts.text.numbers import cardinal, decimal, fraction
from tts.text.spelling import is_shouting
from tts.text.tables import COUNTED, MAGNITUDES
from tts.text.tokens import Rule
from tts.text.units import ATTACHED_UNITS, UNITS

_REPEATED = rf"(?:\s?(?P<repeated>{UNIT})(?={DASH}{NUMBER}\s?(?P=repeated)(?!\w)))?"
_SIDES = {"W": "wide", "D": "deep", "H": "high", "L": "long"}
#: Units of what is in a container.
_CONTENTS = frozenset("g kg oz oz. lb lb. ml mL cl l L".split())
_COMPASS = {"N": " north", "S": " south", "E": " east", "W": " west"}
_FONT = re.compile(r"(?i)\b(?:fonts?|types?|text|size|arial|helvetica|times|courier|calibri|georgia|roman|spacing)\b")
_YIELD = re.compile(r"(?i)\b(?:yields?|spreads?|rates?|bonds?)\b")
_ROUTE = re.compile(r"\b(?:[Rr]oute|Rte\.?|[Ee]xit|[Hh]ighway|Hwy\.?|[Ss]eat|[Gg]ate)\s$")
_LINE = re.compile(
    r"(?i)\b(?:modems?|baud|serial|links?|lines?|connections?|bit ?rates?|uploads?|downloads?|ports?|data)\b"
)
_ARTICLE = re.compile(r"(?i)\b(?:an?|the|this|that|my|your|his|her|its|our|their)\s$")
#: Before a letter that is part of a name: exit 14A.
_LABELLED = re.compile(r"(?:\b[A-Z]\w*\.?|\b(?:exit|gate|seat|row|apartment|unit|room|flat|part))\s$")


def _percent(match: re.Match) -> str:
    return f"{span(match)} {'per mille' if match['mark'] == '‰' else 'percent'}"


def _degrees(match: re.Match) -> str:
    scale = {"C": " celsius", "F": " fahrenheit", "K": " kelvin"}.get((match["scale"] or "").upper(), "")
    return f"{span(match)} degree{'' if is_one(match) else 's'}{scale}{_COMPASS.get(match['compass'] or '', '')}"


def _celsius(match: re.Match) -> str:
    return f"{span(match)} degrees {'celsius' if match['scale'] == '℃' else 'fahrenheit'}"


def _coordinate(match: re.Match) -> str:
    """Degrees, minutes and seconds of arc."""
    words = f"{cardinal(int(match['degrees']))} degrees {cardinal(int(match['minutes']))} minutes"
    if match["seconds"]:
        words += f" {decimal(match['seconds'])} seconds"
    return words + _COMPASS.get(match["compass"] or "", "")


def _points_or_pints(match: re.Match) -> str | None:
    """The size of letters where they are spoken of, a volume before "of"; None where the text does not tell."""
    around = match.string[max(0, match.start() - 30) : match.end() + 20]
    if re.match(r"\s+of\b", match.string[match.end() :]):
        return "pint"
    return "point" if _FONT.search(around) else None


def _is_bit_rate(match: re.Match) -> bool:
    """Whether bps is bits per second: there are more than of basis points, or the text is about a line for them."""
    clause = re.split("[,;:()]", match.string[max(0, match.start() - 30) : match.start()])[-1]
    if _YIELD.search(clause):
        return False
    clause += re.split("[,;:()]", match.string[match.end() : match.end() + 30])[0]
    return len(re.sub(r"\D", "", match["number"])) > 3 or _LINE.search(clause) is not None


def _is_label(match: re.Match) -> bool:
    """Whether a letter after digits is part of a name instead of a unit: form 10-K, exit 14A, 300K."""
    symbol, gap = match["unit"], match["gap"]
    if len(symbol) == 1 and not gap and _ROUTE.search(match.string[: match.start()][-12:]):
        return True
    if (
        symbol in ATTACHED_UNITS
        and gap.isspace()
        and not re.match(r"\s?[=≈]", match.string[match.end() :])
        or symbol == "K"
        and not gap
    ):
        return True
    if gap == "-":
        return len(symbol) == 1 and symbol not in "mgLlVW"
    return not gap and symbol in "AJLN" and _LABELLED.search(match.string[: match.start()]) is not None


def _measure(match: re.Match) -> str | None:
    symbol = match["unit"]
    if _is_label(match) or symbol == "HR" and not is_shouting(match.string):  # 34 HR: home runs
        return None
    if symbol == "m" and re.match(rf"\s(?:{'|'.join(COUNTED)})\b", match.string[match.end() :]):
        return f"{span(match)} million"
    unit = _points_or_pints(match) if symbol in ("pt", "pt.") else UNITS[symbol]
    if symbol == "bps" and _is_bit_rate(match):
        unit = "bit per second"
    if unit is None:
        return f"{span(match)} P T"
    name = unit_name(match, unit)
    if match["magnitude"]:
        return f"{span(match)} {MAGNITUDES.get(match['magnitude'], match['magnitude'])} {many(name)}"
    if match["more"]:
        return f"{span(match)} plus {many(name)}"
    article = unit == "point" or _ARTICLE.search(match.string[max(0, match.start() - 8) : match.start()])
    singular = match["gap"] == "-" or is_one(match) or article and noun_follows(match)
    return f"{span(match)} {name if singular else many(name)}"


def _stone(match: re.Match) -> str:
    """A weight in stone; after "on" or a direction, or too heavy for a person, a street without its "th": on 13 st."""
    before = match.string[max(0, match.start() - 8) : match.start()]
    is_street = int(match["stone"]) > 40 or re.search(
        r"(?i)\b(?:on|near|[ns]?[ew]\.?|[ns]\.?|east|west|north|south)\s$", before
    )
    return f"{cardinal(int(match['stone']))} {'street' if is_street else 'stone'}"


def _feet(match: re.Match) -> str | None:
    if not match["inches"] and re.search(r"(?<!\w)['‘]|\d['’]", match.string[: match.start()]):
        return None  # a closing quotation mark
    number = match["inches"] or ""
    whole = number.rstrip("".join(VULGAR))
    inches = f" {decimal(whole)}" if whole else ""
    if number != whole:
        above, below = VULGAR[number[-1]].split("/")
        inches += f" and {fraction(int(above), int(below))}"
    feet = "foot" if match["feet"] == "1" or inches else "feet"
    return f"{cardinal(int(match['feet']))} {feet}{inches}"


def _feet_and_inches(match: re.Match) -> str:
    feet, inches = int(match["feet"]), match["inches"]
    return (
        f"{cardinal(feet)} {'foot' if feet == 1 else 'feet'} {decimal(inches)} {'inch' if inches == '1' else 'inches'}"
    )


def _inches(match: re.Match) -> str | None:
    """Lengths with inch marks, one or several by each other."""
    if closes_quotation(match.string, match.end("first")):
        return None
    numbers = re.findall(NUMBER, match[0])
    unit = "inch" if numbers == ["1"] or noun_follows(match) else "inches"
    return f"{(' to ' if match['to'] else ' by ').join(map(decimal, numbers))} {unit}"


def _feet_by(match: re.Match) -> str:
    return f"{(' by ' if match['by'] else ' to ').join(map(decimal, re.findall(NUMBER, match[0])))} feet"


def _by(match: re.Match) -> str:
    if match["unit"] in _CONTENTS and noun_follows(match):  # 2 x 400g tins
        count, content = re.findall(NUMBER, match[0])[-2:]
        return f"{decimal(count)} {decimal(content)} {UNITS[match['unit']]}"
    formula = (
        match["unit"] in _CONTENTS
        or " × " in match[0]
        and not match["unit"]
        or re.match(r"\s?=", match.string[match.end() :])
    )
    words = (" times " if formula else " by ").join(map(decimal, re.findall(NUMBER, match[0])))
    return f"{words} {many(UNITS[match['unit']])}" if match["unit"] else words


def _between_lengths(match: re.Match) -> str | None:
    before = match.string[max(0, match.start() - 12) : match.start()]
    return "by" if re.search(rf"\d\s?(?:{UNIT}|[\"'″′”’])[WHDL]?\s?$", before) else None


def _duration(match: re.Match) -> str | None:
    """Two or more of days, hours, minutes and seconds."""
    parts = [(match[name], name.removesuffix("s")) for name in ("days", "hours", "minutes", "seconds") if match[name]]
    if len(parts) < 2:
        return None
    return " ".join(f"{cardinal(int(count))} {name if count == '1' else name + 's'}" for count, name in parts)


_QUANTITY = rf"(?:\d\s?(?:{UNIT}|[%°kKMB]|°[CF]|bn)|\d0['’]?s)"
_BEFORE_TO = re.compile(rf"{_QUANTITY}$|[$£€][\d.,]+[kKMBmb]n?$")


def _to(match: re.Match) -> str | None:
    """A dash between two quantities of which each has its unit, or between two times."""
    before, after = match.string[max(0, match.start() - 20) : match.start()].rstrip(), match.string[match.end() :]
    is_time = re.match(r"\d\d?(?::\d\d|(?:\.\d\d)?\s?[AaPp]\.?[Mm]\b)", after) and re.search(r"[\dmM.]$", before)
    if is_time or re.search(r"\d:\d\d$", before) and re.match(r"\d\d?(?![\d:])", after):
        return "to"
    if not _BEFORE_TO.search(before):
        return None
    if after[0] in "$£€":
        return "to" if match[0] == "-" else None
    return "to" if re.match(rf"['’]?[\d.,]*{_QUANTITY}(?!\w)", after) else None


#: (name, pattern, function), tried in this order. A number must not continue one to its left.
RULES: list[Rule] = [
    ("to", r"(?:(?<=[\w.%°'’])\s?|(?<=[\w.%°'’]\s))[-–—]\s?(?=['’$£€]?\d)", _to),
    ("to", r"(?<=\d\))[-–](?=\(\d)", lambda match: "to"),
    ("percent", rf"{ranged(r'(?: ?%)?')}\s?(?P<mark>[%‰])", _percent),
    (
        "degrees",
        r"(?P<degrees>\d+)°\s?(?P<minutes>\d+)['′’]\s?(?:(?P<seconds>\d+(?:\.\d+)?)[\"″”])?"
        r"\s?(?:(?P<compass>[NSEW])\b)?",
        _coordinate,
    ),
    (
        "degrees",
        rf"{ranged(r'(?: ?[°º](?: ?[CFK])?)?')}\s?(?:°|º|deg\b\.?|degrees?(?=\s[CFK]\b))"
        r"(?:\s?(?P<scale>[CFK])\b|\s?(?P<compass>[NSEW])\b)?",
        _degrees,
    ),
    ("degrees", rf"{RANGE}\s?(?P<scale>℃|℉)(?P<compass>)", _celsius),
    ("feet", r"\d+['′’](?:\s?(?P<by>[x×])\s?|\s?[-–]\s?)\d+['′’](?![\s\w]?\d)", _feet_by),
    ("feet", rf"(?P<feet>\d+)['′’](?:\s?(?P<inches>\d+[{''.join(VULGAR)}]?){INCHES})?(?!\w)", _feet),
    ("feet", r"(?P<feet>[3-7])['’](?P<inches>1[01]|\d)(?![\w\"”″'’])", _feet),
    (
        "feet",
        r"(?P<feet>\d+)\s?(?:ft|feet|foot)\.?,?\s?(?P<inches>\d+(?:\.\d+)?)\s?in(?:\.(?!\w)|(?![\w.]))",
        _feet_and_inches,
    ),
    (
        "inches",
        rf"(?P<first>{NUMBER}){INCHES}?(?:(?:\s?[x×]\s?{NUMBER}{INCHES})+|{DASH}(?P<to>{NUMBER}){INCHES})?"
        rf"(?<=[\"″”'])(?!(?![WHDL]\b)\w)",
        _inches,
    ),
    ("stone", r"(?P<stone>\d{1,3})(?:\s?(?<!1)|\s)st\b(?:\.(?!\w))?", _stone),
    (
        "duration",
        r"(?=\d)(?:(?P<days>\d+)\s?d\s?)?(?:(?P<hours>\d+)\s?h(?:rs?)?\s?)?"
        r"(?:(?P<minutes>(?<=\dh)\d\d(?!\d)|\d+(?=\s?m))(?:\s?m(?:ins?)?\s?)?)?"
        r"(?:(?P<seconds>\d+)\s?s(?:ecs?)?)?(?<!\s)(?![\w/])",
        _duration,
    ),
    (
        "measure",
        rf"{ranged(_REPEATED)}(?P<more>\+)?"
        rf"(?:\s?(?P<magnitude>(?<=\s)(?:thousand|million|billion|trillion|mn|bn|tn)|(?<=\d)[MB])(?=\s))?"
        rf"(?P<gap>[\s-]?){UNIT_PER}(?!-(?!{NUMBER}\s?{UNIT}(?!\w))\d|\.\w)(?:\.(?=\s[a-z&]|[,;)–-]))?",
        _measure,
    ),
    ("by", rf"\d+(?:\.\d+)?(?:\s?[x×]\s?\d+(?:\.\d+)?)+(?:\s?(?P<unit>{UNIT})(?![\w/]))?(?!\w)", _by),
    ("by", r"[x×](?=\s?\d)", _between_lengths),
    ("dimension", r"(?<=\d[\"″”])[WDHL]\b", lambda match: _SIDES[match[0]]),
]
