"""Rules for ratios, powers, fractions and the minus of formulas.

Rules have the form described in `tts.text.tokens`.
"""

import re

from tts.text.number_patterns import NUMBER, SIGN, UNIT, UNIT_PER, many, unit_name
from tts.text.numbers import cardinal, decimal, fraction
from tts.text.tables import UNITS
from tts.text.tokens import Rule

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
VULGAR = dict(
    zip("½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞", "1/2 1/3 2/3 1/4 3/4 1/5 2/5 3/5 4/5 1/6 5/6 1/8 3/8 5/8 7/8".split(), strict=True)
)


_UNIT_AFTER = rf"(?:\s{UNIT_PER})?"
_FROM = rf"(?:(?P<from>{SIGN}{NUMBER})[-–])?"


def _ratio(match: re.Match) -> str:
    return " to ".join(decimal(part) for part in match[0].split(":"))


def _scientific(match: re.Match) -> str:
    exponent = decimal(match["exponent"].translate(_SUPERSCRIPTS))
    unit = f" {many(unit_name(match))}" if match["unit"] else ""
    first = f"{decimal(match['from'])} to " if match["from"] else ""
    return f"{first}{decimal(match['number'])} times ten to the {exponent.removeprefix('plus ')}{unit}"


def _power(match: re.Match) -> str:
    exponent = match[1].translate(_SUPERSCRIPTS)
    if exponent in ("2", "3"):
        return "squared" if exponent == "2" else "cubed"
    return f"to the {decimal(exponent)}" if exponent[-1].isdigit() else f"to the {exponent.upper()}"


def _fraction(match: re.Match) -> str:
    text = VULGAR.get(match["glyph"] or "", match["plain"])
    above, below = (int(part) for part in re.split("[/⁄]", text))
    unit = "inch" if match["inch"] else UNITS.get(match["unit"] or "", "")
    if above > below:
        unit = many(unit) if unit else ""
    if above > below and re.match(r"\s?=", match.string[match.end() :]):
        return f"{cardinal(above)} divided by {cardinal(below)}"
    words = fraction(above, below) if match["whole"] else _simple_fraction(above, below)
    if match["whole"]:
        words = f"{cardinal(int(match['whole']))} and {'a half' if words == 'one half' else words}"
        unit = unit and (unit if match["inch"] else many(unit))
    return f"{'minus ' if match['minus'] else ''}{words}{unit and ' ' + unit}"


def _simple_fraction(above: int, below: int) -> str:
    """Words of a fraction without a whole number, or of what is only written as one."""
    if (above, below) in ((24, 7), (9, 11)):
        return {(24, 7): "twenty four seven", (9, 11): "nine eleven"}[above, below]
    if above > 1 and 20 < below != 100 and below not in (32, 64) and above < below:
        return f"{cardinal(above)} {'out of' if below % 5 == 0 else 'slash'} {cardinal(below)}"
    if above == below > 1:
        return f"{cardinal(above)} {cardinal(below)}"
    if below == 100 and above > 1:
        return f"{cardinal(above)} out of one hundred"
    if above > below > 12 or above > 99:  # blood pressure
        return f"{cardinal(above)} over {cardinal(below)}"
    return fraction(above, below)


def _charge(match: re.Match) -> str:
    """The charge of an ion: Ca²⁺."""
    number = match[1].translate(_SUPERSCRIPTS)
    return f"{cardinal(int(number)) + ' ' if number else ''}{'plus' if match[2] == '⁺' else 'minus'}"


def _rating(match: re.Match) -> str | None:
    """Points out of a greatest number of them."""
    before, after = match.string[max(0, match.start() - 16) : match.start()], match.string[match.end() :]
    rated = re.search(r"(?i)\b(?:rat(?:ed|ing)|scor(?:e|ed|ing)|gave|give|given|giving|got)\b[\w\s:]{0,8}$", before)
    if "." not in match["points"] and not rated and not re.match(r"\s(?:stars?|points?|rating|score)\b", after):
        return None
    return f"{decimal(match['points'])} out of {cardinal(int(match['most']))}"


def _times(match: re.Match) -> str:
    return "times"


def _minus(match: re.Match) -> str | None:
    """A hyphen between spaces is a minus in what looks like a formula."""
    if match[0] == "−":
        return "minus"
    around = match.string[max(0, match.start() - 12) : match.end() + 12]
    formula = "=" in around or re.search(r"\d\s-\s\d", around) or re.search(r"(?<!\w)\w\s-\s\w(?!\w)", around)
    return "minus" if formula else None


#: (name, pattern, function), tried in this order. A number must not continue one to its left.
RULES: list[Rule] = [
    ("ratio", rf"\d+(?:\.\d+)?(?::{NUMBER})+", _ratio),
    (
        "scientific",
        rf"{_FROM}(?P<number>{SIGN}{NUMBER})(?:[eE](?P<exponent>[-+]?\d+)(?!\w)){_UNIT_AFTER}",
        _scientific,
    ),
    (
        "scientific",
        rf"{_FROM}(?P<number>{SIGN}{NUMBER})\s?[×x*]\s?10(?:\^(?=[-\d])|(?=[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]))"
        rf"(?P<exponent>[-−]?\d+|[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+){_UNIT_AFTER}",
        _scientific,
    ),
    ("power", r"(?<=\d)\s?\*\s?(?=\d)|(?<=\d\s)\*\s?(?=\d)", _times),
    ("power", r"(?<=[\w)])\*\*(\d+|[a-z]\b)", _power),
    ("power", r"(?<=[\w)])\^(?=\()", lambda match: "to the"),
    ("power", r"(?<=[\w)])\^([-−]?\d+|[a-z]\b)", _power),
    ("power", r"(?<=[\w)])([⁰¹²³⁴⁵⁶⁷⁸⁹]*)([⁻⁺])(?![⁰¹²³⁴⁵⁶⁷⁸⁹])", _charge),
    ("power", r"(?<=[\w)])([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)", _power),
    ("isotope", r"(?<![\w)])([⁰¹²³⁴⁵⁶⁷⁸⁹]+)(?=[A-Z])", lambda match: cardinal(int(match[1].translate(_SUPERSCRIPTS)))),
    ("rating", r"(?P<points>\d+(?:\.\d+)?)/(?P<most>5|10|20|100)(?![\w/]|\.\d)", _rating),
    (
        "fraction",
        r"(?P<minus>(?<![\w)\]/.])[-−]|(?<![^\s(\[=])–)?(?:(?P<whole>\d+)(?:\s|-)?)?"
        r"(?:(?P<plain>(?<![/.\d])\d{1,3}[/⁄]\d{1,3})(?:(?:rd|th|nd)s?)?(?![\w/]|\.\d)|(?P<glyph>[½⅓⅔¼¾⅕-⅞]))"
        rf"(?:(?P<inch>[\"″])(?=\s[a-z])|[\s-]?(?P<unit>(?!in\s){UNIT})(?![\w/])(?:\.(?=\s[a-z]))?)?",
        _fraction,
    ),
    ("minus", r"(?<=[\w)]\s)[-−](?=\s(?:\d|[a-zA-Z]\b(?!')))", _minus),
    (
        "minus",
        r"(?:(?<=UTC)|(?<=GMT)|(?<=\^\d)|(?<=\^\d\d)|(?<=\^[a-z])|(?<=\b[nxyz]))[-−](?=\d)|(?<=[²³])[-−](?=\w)",
        lambda match: "minus",
    ),
]
