"""Rules for quantities: percentages, degrees, lengths, durations and other numbers with units, and ranges of them.

Rules have the form described in `tts.text.tokens`.
"""

import re

from tts.text import length_rules
from tts.text.number_patterns import (
    DASH,
    FOOD,
    NUMBER,
    RANGE,
    UNIT,
    UNIT_PER,
    is_one,
    many,
    noun_follows,
    ranged,
    span,
    unit_name,
)
from tts.text.numbers import cardinal, decimal
from tts.text.spelling import is_shouting
from tts.text.tables import COUNTED, MAGNITUDES
from tts.text.tokens import Rule
from tts.text.units import ATTACHED_UNITS, UNITS

_REPEATED = rf"(?:\s?(?P<repeated>{UNIT})(?={DASH}{NUMBER}\s?(?P=repeated)(?!\w)))?"
_COMPASS = {"N": " north", "S": " south", "E": " east", "W": " west"}
_FONT = re.compile(
    r"(?i)\b(?:fonts?|types?|text|size|arial|helvetica|times|courier|calibri|georgia|roman|spacing|"
    r"shots?|range|arc|lead|plan|inspection)\b"
)
_WARMTH = re.compile(
    r"(?i)\b(?:temp(?:s|erature|eratures)?|thermometer|oven|bake|baked|roast|preheat|heat(?:ed)?|"
    r"highs?|lows?|fever|boil\w*|freez\w*|melt\w*|degrees|sunny|cloudy|incubat\w*|\d+\s?[CF]/\d+\s?[CF])\b"
)
_RISE = re.compile(
    r"(?i)\b(?:yields?|spreads?|rates?|bonds?|notes?|rose|fell|falls?|up|down|cut|cuts|hikes?|raised?|lowered|by|wider|"
    r"tighter|points?|inflation|margins?|basis)\b"
)
_GENES = re.compile(r"(?i)\b(?:dna|rna|primers?|fragments?|genes?|genomes?|plasmids?|amplicons?)\b")
_YIELD = re.compile(r"(?i)\b(?:yields?|spreads?|rates?|bonds?)\b")
_ROUTE = re.compile(r"\b(?:[Rr]oute|Rte\.?|[Ee]xit|[Hh]ighway|Hwy\.?|[Ss]eat|[Gg]ate)\s$")
_LINE = re.compile(
    r"(?i)\b(?:modems?|baud|serial|links?|lines?|connections?|bit ?rates?|uploads?|downloads?|ports?|data)\b"
)
_ARTICLE = re.compile(r"(?i)\b(?:an?|the|this|that|my|your|his|her|its|our|their)\s$")
#: What is told by one of its measures, so that the unit is singular: two 12V batteries, new 4 TB drives.
_THINGS = (
    "sprint race relay hurdle freestyle backstroke breaststroke butterfly "
    "adaptor adapter amplifier bag bottle bulb bullet camera cannon card charger circuit disk drive dumbbell engine "
    "film gun headphone heater jack jar lamp microwave motor nail outlet pack package panel pipe pistol "
    "plan plug resistor sack shell signal stick tank weight"
).split()
_MADE = re.compile(
    rf"\s(?:(?:{'|'.join(_THINGS)})s?|cans|dash(?:es)?|box(?:es)?|lens(?:es)?|memory|memories|batter(?:y|ies)|"
    r"(?:power\s)?suppl(?:y|ies))\b"
)
#: Before "can" and after an article, of the container: a 330ml can.
_CANNED = frozenset(("ml", "mL", "cl", "l", "L", "oz", "oz.", "g"))
#: Before a letter that is part of a name: exit 14A.
_LABELLED = re.compile(r"(?:\b[A-Z]\w*\.?|\b(?:exit|gate|seat|row|apartment|unit|room|flat|part))\s$")


def _percent(match: re.Match) -> str:
    return f"{span(match)} {'per mille' if match['mark'] == '‰' else 'percent'}"


def _degrees(match: re.Match) -> str:
    scale = {"C": " celsius", "F": " fahrenheit", "K": " kelvin"}.get((match["scale"] or "").upper(), "")
    turned = _ARTICLE.search(match.string[: match.start()][-8:]) and noun_follows(match)  # a 45° angle
    return (
        f"{span(match)} degree{'' if is_one(match) or turned else 's'}{scale}{_COMPASS.get(match['compass'] or '', '')}"
    )


def _bare_degrees(match: re.Match) -> str | None:
    """A temperature without its sign, where warmth is spoken of: temp 37.2 C, at 350F."""
    around = match.string[max(0, match.start() - 40) : match.end() + 24]
    if not _WARMTH.search(around):
        return None
    return f"{span(match)} degrees {'celsius' if match['scale'] == 'C' else 'fahrenheit'}"


def _celsius(match: re.Match) -> str:
    return f"{span(match)} degrees {'celsius' if match['scale'] == '℃' else 'fahrenheit'}"


def _coordinate(match: re.Match) -> str:
    """Degrees, minutes and seconds of arc."""
    words = f"{cardinal(int(match['degrees']))} degrees {cardinal(int(match['minutes']))} minutes"
    if match["seconds"]:
        words += f" {decimal(match['seconds'])} seconds"
    return words + _COMPASS.get(match["compass"] or "", "")


def _points_or_pints(match: re.Match) -> str | None:
    """A volume before "of" or what is drunk or cooked, else points or letters; None where the text does not tell."""
    rest = match.string[match.end() :].removeprefix(".")
    if re.match(rf"\sof\b|{FOOD}", rest):
        return "pint"
    if match["unit"].startswith("pts"):
        return "point"
    return "point" if _FONT.search(match.string[max(0, match.start() - 30) : match.end() + 20]) else None


def _spoon(match: re.Match) -> str | None:
    """A spoon by its capital or small letter, in a recipe: 1 T. butter, 1½ t. salt; more are tons: 30 t of milk."""
    before = match.string[max(0, match.start() - 6) : match.start()]
    is_of = match.string.startswith(" of", match.end())
    if re.search(r"\d(?:\d|[.,]\d+)\s?$", before) or is_of and not match[0].endswith("."):
        return None
    one = re.search(r"(?<!\d[\s-])(?<![\d.,/])(?:1|[½¼¾⅓⅔]|\d/\d)\s?$", before)
    return f"{'table' if match[0][0] == 'T' else 'tea'}spoon{'' if one else 's'}"


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
        and not (match["times"] or match["per"])
        and gap.isspace()
        and not re.match(r"\s?[=≈]", match.string[match.end() :])
        or symbol == "K"
        and not gap
    ):
        return True
    if gap == "-":
        return len(symbol) == 1 and symbol not in "mgLlVW"
    if symbol == "L" and re.match(r"\s(?:of\s)?[a-z]", match.string[match.end() :]):  # 1L oil
        return False
    return not gap and symbol in "AJLN" and _LABELLED.search(match.string[: match.start()]) is not None


def _measure(match: re.Match) -> str | None:
    symbol = match["unit"]
    if _is_label(match) or symbol == "HR" and not is_shouting(match.string):  # 34 HR: home runs
        return None
    if symbol == "m" and re.match(rf"\s(?:{'|'.join(COUNTED)})\b", match.string[match.end() :]):
        return f"{span(match)} million"
    unit = _points_or_pints(match) if symbol in ("pt", "pt.", "pts", "pts.") else UNITS[symbol]
    if symbol == "bps" and _is_bit_rate(match):
        unit = "bit per second"
    if symbol == "pp" and match["gap"] and match.string[match.end("unit") :][:1] == "." and "." not in match["number"]:
        unit = "page"
    if unit is None:
        return f"{span(match)} P T"
    name = unit_name(match, unit)
    if match["magnitude"]:
        return f"{span(match)} {MAGNITUDES.get(match['magnitude'], match['magnitude'])} {many(name)}"
    if match["more"]:
        return f"{span(match)} plus {many(name)}"
    head, rest = match.string[max(0, match.start() - 8) : match.start()], match.string[match.end() :]
    article = unit == "point" or _ARTICLE.search(head)
    can = symbol in _CANNED and re.match(r"\scans?\b(?!\s(?:be|not|only)\b)", rest)
    made = unit != "point" and (_MADE.match(rest) or symbol == "mm" and re.match(r"\srounds?\b", rest))
    aged = re.match(r"-olds?\b|\solds\b", rest)
    singular = match["gap"] == "-" or aged or is_one(match) or made or article and (can or noun_follows(match))
    return f"{span(match)} {name if singular else many(name)}"


def _inverse(match: re.Match) -> str:
    """So many per unit, or per its square or cube: 5 s⁻¹."""
    power = {"¹": "", "²": "square ", "³": "cubic "}[match["order"]]
    return f"{span(match)} per {power}{UNITS[match['unit']]}"


def _basis_points(match: re.Match) -> str | None:
    """Hundredths of a percent, where a rate is spoken of or rises or falls; else pairs of bases, letter by letter."""
    sentence = (
        re.split(r"[.!?]\s", match.string[: match.start()])[-1] + re.split(r"[.!?]\s", match.string[match.end() :])[0]
    )
    if re.search(r"(?i)\b(?:dna|rna|primers?|fragments?|genes?|genomes?|plasmids?|amplicons?)\b", sentence):
        return None
    if not _RISE.search(re.split("[;:()]", match.string[max(0, match.start() - 40) : match.start()])[-1]):
        return None
    return f"{span(match)} basis point{'' if is_one(match) or match['gap'] == '-' else 's'}"


def _molar(match: re.Match) -> str:
    return f"{span(match)} molar"


#: What is counted by ordinals: 11st place, a slip for 11th.
_RANKED = re.compile(r"\s(?:place|floor|century|time|day|birthday|anniversary|grade|edition|round|street|hour)\b")


def _stone(match: re.Match) -> str | None:
    """A weight in stone; after "on" or a direction, or too heavy for a person, a street without its "th": on 13 st."""
    before = match.string[max(0, match.start() - 8) : match.start()]
    if "1st" in match[0] and (_RANKED.match(match.string, match.end()) or re.search(r"\bthe\s$", before)):
        return None
    is_street = int(match["stone"]) > 40 or re.search(
        r"(?i)\b(?:on|near|[ns]?[ew]\.?|[ns]\.?|east|west|north|south)\s$", before
    )
    return f"{cardinal(int(match['stone']))} {'street' if is_street else 'stone'}"


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
    ("degrees", rf"{RANGE}\s?(?P<scale>[CF])\b(?![-+#.]\w|['’])", _bare_degrees),
    ("degrees", rf"{RANGE}\s?(?P<scale>℃|℉)(?P<compass>)", _celsius),
    *length_rules.MARKED,
    ("points", rf"{RANGE}(?P<gap>[\s-]?)bp\b", _basis_points),
    ("molar", rf"{RANGE}\sM(?=\s(?:solution|(?:[A-Z][a-z]?\d?){{2,}}\b(?<![A-Z]{{4}})))", _molar),
    ("for", rf"(?:(?<=[\d½¼¾⅓⅔])|(?<=[\d½¼¾⅓⅔]\s))[Tt](?:\b|\.)(?={FOOD})", _spoon),
    ("stone", r"(?<=[½¼¾]\s)st\b(?:\.(?!\w))?", lambda match: "stone"),
    (
        "stone",
        r"(?P<stone>\d{1,3})(?:\s?(?<!1)|\s|(?<=11)|(?<=\d1)(?=st\s(?:\d|1[0-3])\s?lbs?\b))st\b(?:\.(?!\w))?",
        _stone,
    ),
    (
        "duration",
        r"(?=\d)(?:(?P<days>\d+)\s?d\s?)?(?:(?P<hours>\d+)\s?h(?:rs?)?\s?)?"
        r"(?:(?P<minutes>(?<=\dh)\d\d(?!\d)|\d+(?=\s?m))(?:\s?m(?:ins?)?\s?)?)?"
        r"(?:(?P<seconds>\d+)\s?s(?:ecs?)?)?(?<!\s)(?![\w/])",
        _duration,
    ),
    ("per", rf"{RANGE}\s?(?P<unit>{UNIT})⁻(?P<order>[¹²³])(?![\w⁻])", _inverse),
    (
        "measure",
        rf"{ranged(_REPEATED)}(?P<more>\+)?"
        rf"(?:\s?(?P<magnitude>(?<=\s)(?:thousand|million|billion|trillion|mn|bn|tn)|(?<=\d)[MB])(?=\s))?"
        rf"(?P<gap>[\s-]?){UNIT_PER}(?!-(?!{NUMBER}\s?{UNIT}(?!\w))\d|\.\w)(?:\.(?=\s[a-z&]|[,;)–-]))?",
        _measure,
    ),
    *length_rules.BY,
]
