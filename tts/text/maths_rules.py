"""Rules for ratios, fractions and the minus of formulas.

Rules have the form described in `tts.text.tokens`.
"""

import re

from tts.text import power_rules
from tts.text.number_patterns import (
    FOOD,
    INCHES,
    NUMBER,
    RATED,
    UNIT,
    closes_quotation,
    many,
    noun_follows,
)
from tts.text.numbers import cardinal, decimal, fraction, ordinal, pairs
from tts.text.tokens import Rule
from tts.text.units import UNITS

VULGAR = dict(
    zip("½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞", "1/2 1/3 2/3 1/4 3/4 1/5 2/5 3/5 4/5 1/6 5/6 1/8 3/8 5/8 7/8".split(), strict=True)
)
_ODDS = re.compile(r"(?i)\b(?:odds|bets?|favou?rites?)\b[^.;]*$")
#: Before odds if they are above one, which parts of a whole are not: started at 11/8, but at 1/2 price.
_OFFERED = re.compile(
    r"(?i)\b(?:start(?:s|ed|ing)?|went off|backed|priced?|quoted|offered|available)\s(?:\w+\s)?(?:at|of|from)\s$"
)
#: What follows odds; shots do if those are above one: a 7/4 shot, but a 3/4 shot of whisky.
_FANCIED = re.compile(
    r"(?i)(?:\s(?:joint|second|hot|clear|\w+ing))*\s(?:fav(?:ou?rite)?s?|outsiders?|odds|(?P<above>shots?))\b"
)
_SPOKEN_PAIRS = {(24, 7): "twenty four seven", (9, 11): "nine eleven"}
_FRACTION = (
    r"(?P<minus>(?<![\w)\]/.])[-−]|(?<![^\s(\[=])–)?(?:(?P<whole>\d+)(?:\s|-)?)?"
    r"(?:(?P<plain>(?<![/.\d])\d{1,3}[/⁄]\d{1,3})(?:(?:rd|th|nd)s?|(?P<many>['’]?s))?(?![\w/]|\.\d)|"
    r"(?P<glyph>[½⅓⅔¼¾⅕-⅞]))"
)
_ENDS = (r"\d/\d", r"\d/\d\d", r"\d/\d[\"″”]", r"\d/\d\d[\"″”]", "[½⅓⅔¼¾⅕-⅞]")
_AFTER_FRACTION = "(?:" + "|".join(rf"(?<={end}{gap})" for end in _ENDS for gap in ("", r"\s")) + ")"


_TIMED = re.compile(
    r"(?i)\b(?:in|times?(?:\sof|:)?|clocked|ran|finished|at|lasts?|took|after|of)\s(?:about\s|only\s|just\s)?$"
)


def _ratio(match: re.Match) -> str:
    """A ratio, or minutes and seconds of more than a day's hours, told by the zero or the words before: in 41:02."""
    long = re.fullmatch(r"(\d{2,3}):([0-5]\d)", match[0])
    before = match.string[max(0, match.start() - 20) : match.start()]
    if long and (
        long[2][0] == "0" and long[2] != "00" or _TIMED.search(before) and not re.search(r"(?i)ratio|odds", before)
    ):
        return f"{cardinal(int(long[1]))} {'oh ' if long[2][0] == '0' else ''}{cardinal(int(long[2]))}"
    return " to ".join(decimal(part) for part in match[0].split(":"))


def _root_over(match: re.Match) -> str:
    """A root above a line: √2/2."""
    under = match[1]
    return f"square root of {decimal(under) if under.isdigit() else under.upper()} over"


def _fraction(match: re.Match) -> str | None:
    text = VULGAR.get(match["glyph"] or "", match["plain"])
    above, below = (int(part) for part in re.split("[/⁄]", text))
    found = match.groupdict()
    if found.get("inch"):
        return None if closes_quotation(match.string, match.start("inch")) else _inches(match, above, below)
    if found.get("many") and not match["whole"]:
        return _fractions(above, below, possessive=match["many"] != "s")
    unit = UNITS.get(found.get("unit") or "", "")
    if unit == "second" and above == 1 and not match["whole"] and below > 16:
        return _fractions(above, below, possessive=False)
    if above > below and re.match(r"\s?=", match.string[match.end() :]):
        return f"{cardinal(above)} divided by {cardinal(below)}"
    if unit and (match["whole"] or above > below):
        unit = many(unit)
    return " ".join(part for part in (_mixed_number(match, above, below), unit) if part)


def _mixed_number(match: re.Match, above: int, below: int) -> str:
    minus = "minus " if match["minus"] else ""
    if not match["whole"]:
        if (above, below) == (1, 2) and re.match(r"\s(?:an?|the)\s", match.string[match.end() :]):
            return f"{minus}half"
        if below == 1 or _are_odds(match, above > below):
            return f"{minus}{cardinal(above)} to {cardinal(below)}"
        if re.match(r"\sof\b", match.string[match.end() :]) and below < 100:
            return minus + fraction(above, below)
        return minus + _simple_fraction(above, below)
    part = fraction(above, below)
    return f"{minus}{cardinal(int(match['whole']))} and {'a half' if part == 'one half' else part}"


def _are_odds(match: re.Match, is_above_one: bool) -> bool:
    """Whether a fraction is the odds of a bet, by the words around it."""
    before = match.string[max(0, match.start() - 24) : match.start()]
    fancied = _FANCIED.match(match.string, match.end())
    if _ODDS.search(before) or fancied and not fancied["above"]:
        return True
    return is_above_one and bool(fancied or _OFFERED.search(before))


def _inches(match: re.Match, above: int, below: int) -> str:
    """A length in inches: three eighths of an inch, a three eighths inch bolt, one and a half inches."""
    words = _mixed_number(match, above, below)
    if match["whole"] or above > below:
        return f"{words} inch{'' if noun_follows(match) else 'es'}"
    return f"{words} {'inch' if noun_follows(match) else 'of an inch'}"


def _fractions(above: int, below: int, *, possessive: bool) -> str:
    """A fraction with an s: several (cut into 1/4s, 3/4s), the owner of something (9/11's), or seconds (1/60s)."""
    words = _simple_fraction(above, below)
    if (above, below) in _SPOKEN_PAIRS:
        return words + "'s" if possessive else words
    if below > 16:
        return f"{words if above > 1 else 'one ' + ordinal(below)} of a second"
    return fraction(2, below).removeprefix("two ") if above == 1 else words


def _simple_fraction(above: int, below: int) -> str:
    """Words of a fraction without a whole number, or of what is only written as one."""
    if (above, below) in _SPOKEN_PAIRS:
        return _SPOKEN_PAIRS[above, below]
    if above > 1 and 20 < below != 100 and below not in (32, 64) and above < below:
        return f"{cardinal(above)} {'out of' if below % 5 == 0 else 'slash'} {cardinal(below)}"
    if above == below > 1 or above + below == 100 and above > below:  # 50/50, 80/20
        return f"{cardinal(above)} {cardinal(below)}"
    if below == 100 and above > 1:
        return f"{cardinal(above)} out of one hundred"
    if above > below > 12 or above > 99:  # blood pressure
        return f"{cardinal(above)} over {cardinal(below)}"
    return fraction(above, below)


def _thousandth(match: re.Match) -> str:
    words = ordinal(int(match[1].replace(",", "")))
    return words if words.startswith("one ") else f"one {words}"


#: Things of which so many in so many are told: 9/10 dentists.
_OUT_OF = (
    r"\s(?!(?:miles|inches|seconds|hours|minutes|cups|was|is|plus|times|less)\b)"
    r"(?:star|point|rating|score|[a-z]{3,}s)\b"
)


_JUDGED = re.compile(r"\s(?:at best|overall|from me|for (?:me|effort|style)|highly)\b")


def _rating(match: re.Match) -> str | None:
    """Points out of a greatest number of them."""
    before, after = match.string[max(0, match.start() - 16) : match.start()], match.string[match.end() :]
    rated = RATED.search(before)
    follows = r"\s(?:stars?|points?|rating|score)\b" if match["points"] == "1" else _OUT_OF
    alone = not before.strip() or re.search(r"(?i)\b(?:an?|solid|perfect|easy)\s$", before)
    full = match["most"] == "10" and (
        _JUDGED.match(after) or match["points"] == "10" and (alone or re.match(r"\s(?:would|will|recommend)\b", after))
    )
    if "." not in match["points"] and not rated and not full and not re.match(follows, after):
        return None
    return f"{decimal(match['points'])} out of {cardinal(int(match['most']))}"


def _minus(match: re.Match) -> str | None:
    """A hyphen between spaces is a minus in what looks like a formula."""
    if match[0] == "−":
        return "minus"
    around = match.string[max(0, match.start() - 12) : match.end() + 12]
    if re.search(r"\d:\d\d\s-\s\d\d?:\d\d", around) and "=" not in around:  # 9:00 - 17:00
        return None
    formula = "=" in around or re.search(r"\d\s-\s\d", around) or re.search(r"(?<!\w)\w\s-\s\w(?!\w)", around)
    return "minus" if formula else None


_FACTORIAL_NUMBER = re.compile(
    r"(?:[*×÷^]\s?|(?i:\b(?:comput|calculat|evaluat)\w+\s|\b(?:what is|what['’]s|value of|factorial)\s))\d+$"
)
_CALCULATED = r"\s(?:is|are|equals?|ways|permutations|possible|possibilities|divided|times|plus|minus|over|has\s\d)\b"
_TERM = r"(?:\d+|\d*[a-z])"


def _factorial(match: re.Match) -> str | None:
    """A factorial, after a letter that counts, after brackets with a formula, and after a number in a formula.

    A number alone is only exclaimed: 5!
    """
    before, after = match.string[max(0, match.start() - 24) : match.start()], match.string[match.end() :]
    if after[:1] == "=" and re.search(r"(?<![\w.])[a-jlor-z]$", before):  # x!=5 is an inequality, n!=120 is not
        return None
    letter = re.search(rf"(?<![\w'’])[kmnpq]$|\((?:{_TERM}(?:\s?[-+*/−]\s?{_TERM})+|\d+[a-z])\)$", before)
    operator = re.match(rf"\s?[=+*/×÷−^<>≈]|\s-\s(?:\d|[a-z]\b)|{_CALCULATED}", after) and re.search(
        r"(?<![\w.,])(?:\d+|[a-z])$", before
    )
    return "factorial" if letter or operator or _FACTORIAL_NUMBER.search(before) else None


#: (name, pattern, function), tried in this order. A number must not continue one to its left.
RULES: list[Rule] = [
    ("ratio", rf"\d+(?:\.\d+)?(?::{NUMBER})+(?![\w:])", _ratio),
    ("power", r"(?<=\d)\s?\*\s?(?=\d)|(?<=\d\s)\*\s?(?=\d)", lambda match: "times"),
    ("divided", r"√(\d+|[a-z])/(?=[\w√])", _root_over),
    *power_rules.RULES,
    ("always", r"24/7/365(?![\d/])", lambda match: "twenty four seven three sixty five"),
    (
        "beat",
        r"(\d{1,2})/(2|4|8|16)(?=\s(?:time|meter|beat|rhythm|signature)\b(?!-|\s(?:job|employ|work)))",
        lambda match: f"{cardinal(int(match[1]))} {cardinal(int(match[2]))}",
    ),
    ("thousandth", r"1/(1,?000|10,?000|100,?000|1,?000,?000)(?:th\b)?(?!\w|[/.,]\d)", _thousandth),
    ("sight", r"20/(\d{2,3})(?=\s(?:vision|eyesight)\b)", lambda match: f"twenty {pairs(match[1])}"),
    ("rating", r"(?P<points>\d+(?:\.\d+)?)/(?P<most>5|10|20|100)(?![\w/]|\.\d)", _rating),
    ("to", rf"{_AFTER_FRACTION}\s?[-–—]\s?(?=[½⅓⅔¼¾⅕-⅞]|\d{{1,3}}(?:[½⅓⅔¼¾⅕-⅞/]|\s(?!=)|[.,]?$))", lambda match: "to"),
    (
        "to",
        r"(\d{1,3})\s?[-–—]\s?(?=\d{1,3}(?:[½⅓⅔¼¾⅕-⅞]|[\s-]\d{1,2}[/⁄]\d))",
        lambda match: f"{cardinal(int(match[1]))} to",
    ),
    ("fraction", rf"{_FRACTION}(?P<inch>{INCHES})(?!\w)", _fraction),
    (
        "fraction",
        rf"{_FRACTION}(?:[\s-]?(?P<unit>(?!in\s|t\b(?:\.|(?!\sof\b)){FOOD}){UNIT})(?![\w/])(?:\.(?=\s[a-z]))?)?",
        _fraction,
    ),
    ("divided", r"(?<=\d\s)/(?=\s\d+(?:\.\d+)?\s?[=≈])", lambda match: "divided by"),
    ("divided", r"(?:(?<=[\w)]!)|(?<=[\w)]!\s))/(?=\s?[\w(])", lambda match: "divided by"),
    ("factorial", r"(?<=[\w)])!(?![!\w])", _factorial),
    (
        "minus",
        r"(?P<sign>[-+−])\s?(?P<number>\d{1,2})\)-?(?:th|st|nd|rd)\b",
        lambda match: f"{'plus' if match['sign'] == '+' else 'minus'} {ordinal(int(match['number']))} )",
    ),
    (
        "minus",
        r"(?:(?<=\([a-z\d])-(?=[a-z\d]\)\s?[!^*²³/=(])|(?<=[\w!*/^=]\([a-z\d])-(?=[a-z\d]\)))",
        lambda match: "minus",
    ),
    ("minus", r"(?<=[\w)]\s)(?:[-−](?=\s(?:\d|[a-zA-Z]\b(?!')))|–(?=\s\d+\s=))", _minus),
    (
        "minus",
        r"(?:(?<=UTC)|(?<=GMT)|(?<=\^\d)|(?<=\^\d\d)|(?<=\^[a-z])|(?<=\b[ntxyz]))[-−–](?=\d)|(?<=[²³])[-−](?=\w)",
        lambda match: "minus",
    ),
]
