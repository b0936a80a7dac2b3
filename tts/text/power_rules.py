"""Rules for powers, powers of ten, charges and isotopes, and the raised numbers of footnotes.

Rules have the form described in `tts.text.tokens`.
"""

import re
import unicodedata

from tts.text.number_patterns import NUMBER, SIGN, UNIT, UNIT_PER, many, unit_name
from tts.text.numbers import cardinal, decimal, pairs, plural
from tts.text.tables import MARKS
from tts.text.tokens import Rule
from tts.text.units import UNITS

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
#: Letters that stand raised, and such an exponent.
_SMALL_LETTERS = "ᵃ-ᵡᶛ-ᶿʰ-ʸˠ-ˤⁿⁱ"
_DIGITS = "⁰¹²³⁴-⁹"
_RAISED = f"⁻?[{_DIGITS}]?[{_SMALL_LETTERS}](?:[⁺⁻][{_DIGITS}{_SMALL_LETTERS}])?"
#: What the number of a footnote stands behind: a word, an ordinal, a mark.
_NOTED = (
    r"(?:(?<=[a-z]{3})|(?<=[’']s)|(?<=\d(?:st|nd|rd|th))|(?<=[a-z][,;…])|(?<=[a-z][,;][\"”’])|(?<=\.\.)|"
    r"(?:(?<=[a-z\"”’)])(?=[.:?\"”’])|(?<=[a-z]{2})(?=!)|(?<=\d)(?=\.))(?P<mark>[.:!?][\"”’)]?|[\"”’]))"
)
#: Words that have powers.
_POWERED = frozenset(
    "sin cos tan sec csc cot sinh cosh tanh log exp".split()
    + [form for unit in UNITS.values() if unit.isalpha() for form in (unit, plural(unit))]
    + "metre metres kilometre kilometres centimetre centimetres unit units".split()
    + "velocity speed radius distance length width height mass time".split()
)
_UNIT_AFTER = rf"(?:\s{UNIT_PER}|/(?P<each>{UNIT})(?!\w))?"
_FROM = rf"(?:(?P<from>{SIGN}{NUMBER})[-–])?"


def _scientific(match: re.Match) -> str:
    exponent = decimal(match["exponent"].translate(_SUPERSCRIPTS))
    unit = f" {many(unit_name(match))}" if match["unit"] else f" per {UNITS[match['each']]}" if match["each"] else ""
    first = f"{decimal(match['from'])} to " if match["from"] else ""
    return f"{first}{decimal(match['number'])} times ten to the {exponent.removeprefix('plus ')}{unit}"


def _power(match: re.Match) -> str:
    exponent = unicodedata.normalize("NFKC", match[1].translate(_SUPERSCRIPTS))
    if exponent in ("2", "3"):
        return "squared" if exponent == "2" else "cubed"
    signs = {"+": "plus", "-": "minus", "−": "minus"}
    parts = re.findall(r"\d+|\D", exponent)
    return (
        f"to the {' '.join(signs.get(part) or (decimal(part) if part.isdigit() else part.upper()) for part in parts)}"
    )


def _power_of_ten(match: re.Match) -> str:
    """A power of ten of a unit: 10⁻⁹ m."""
    exponent = decimal(match["exponent"].translate(_SUPERSCRIPTS))
    exponent = {"two": "squared", "three": "cubed"}.get(exponent, f"to the {exponent}")
    return f"ten {exponent} {many(unit_name(match))}"


def _footnote(match: re.Match) -> str | None:
    """The number of a footnote after a word or a mark; after functions and units, and in formulas, a power: sin²θ."""
    before = match.string[max(0, match.start() - 24) : match.start()]
    word = re.split("[^a-zA-Z'’]", before)[-1]
    formula = re.search(r"[=+*/×÷·−]\s?[a-z]+$", before) or re.match(r"\s?[=+*/×÷·−]", match.string[match.end() :])
    if word.lower() in _POWERED or word in UNITS or formula:
        return None
    note = f"footnote {decimal(match['note'].translate(_SUPERSCRIPTS))}"
    return f", {note} {' '.join(MARKS[mark] for mark in match['mark'])}" if match["mark"] else note


def _charge(match: re.Match) -> str:
    """The charge of an ion: Ca²⁺."""
    number = match[1].translate(_SUPERSCRIPTS)
    return f"{cardinal(int(number)) + ' ' if number else ''}{'plus' if match[2] == '⁺' else 'minus'}"


#: (name, pattern, function), tried in this order. A number must not continue one to its left.
RULES: list[Rule] = [
    (
        "scientific",
        rf"{_FROM}(?P<number>{SIGN}{NUMBER})(?:[eE](?P<exponent>[-+]?\d+)(?!\w)){_UNIT_AFTER}",
        _scientific,
    ),
    (
        "scientific",
        rf"{_FROM}(?P<number>{SIGN}{NUMBER})\s?[×x*]\s?10(?:\^(?=[-\d])|(?=[{_DIGITS}⁻]))"
        rf"(?P<exponent>[-−]?\d+|[⁻⁺]?[{_DIGITS}]+){_UNIT_AFTER}",
        _scientific,
    ),
    ("footnote", rf"{_NOTED}(?P<note>[{_DIGITS}]{{1,3}})(?![{_DIGITS}⁻⁺\w])", _footnote),
    (
        "scientific",
        rf"10(?:\^(?=[-−\d])|(?=[⁻{_DIGITS}]))(?P<exponent>[-−]?\d+|⁻?[{_DIGITS}]+)\s(?!in\b|[A-Z]\b(?![.,;)]|$|\s(?:of|per)\b)){UNIT_PER}",
        _power_of_ten,
    ),
    ("power", rf"(?<=[\w)])({_RAISED})(?![{_SMALL_LETTERS}])", _power),
    ("power", r"(?<=[\w)])\*\*(\d+|[a-z]\b)", _power),
    (
        "power",
        r"(?<=[\w)\]])\^(\d?)([-+−])(?!\w)",
        lambda m: f"{cardinal(int(m[1])) + ' ' if m[1] else ''}{'plus' if m[2] == '+' else 'minus'}",
    ),
    ("power", r"(?<=[\w)])\^(?=\()", lambda match: "to the"),
    ("power", r"(?<=[\w)])\^([-−]?\d+|[a-z]\b)", _power),
    ("power", rf"(?<=[\w)])([{_DIGITS}]*)([⁻⁺])(?![{_DIGITS}])", _charge),
    ("power", rf"(?<=[\w)])([⁻⁺]?[{_DIGITS}]+)", _power),
    ("isotope", rf"(?<![\w)])([{_DIGITS}]+)(?=[A-Z])", lambda match: pairs(match[1].translate(_SUPERSCRIPTS))),
]
