"""Rules for what begins with a digit, a sign or a currency: money, units, telephone numbers, fractions, years.

Rules have the form described in `tts.text.tokens`.
"""

import re

from tts.text.date_rules import DASH
from tts.text.numbers import cardinal, decimal, digits, fraction, ordinal, pairs, plural, year
from tts.text.tables import (
    ATTACHED_UNITS,
    CURRENCIES,
    CURRENCY_CODES,
    CURRENCY_PLURALS,
    DOLLARS_OF,
    MAGNITUDES,
    STATES,
    UNITS,
)
from tts.text.tokens import Rule

NUMBER = (
    r"(?:\d{1,3}(?:[\u00a0\u2009\u202f]\d{3})+(?!\d)|"
    r"\d{1,3}(?: \d{3}){2,}(?! ?\d)|\d{1,3}(?:,\d{3})+(?![\d])|\d+)(?:\.\d+)?|\.\d+"
)
_SIGN = r"(?:(?<![\w)\]])[-−+])?"
_UNIT = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))
_AFTER_STATE = "|".join(rf"(?<=\b{state} )" for state in STATES)
_CURRENCY = "[" + "".join(CURRENCIES) + "]"
_PLURAL_NOUN = re.compile(
    r"\s+(?!(?:was|is|has|as|this|its|his|us|thus|yes|plus|does|always|across|less|unless)\b)[a-z]+s\b"
)


def _ratio(match: re.Match) -> str:
    return " to ".join(decimal(part) for part in match[0].split(":"))


def _amount(number: str, unit: str, cent: str | None) -> str:
    """Words of an amount in a currency with hundredths."""
    whole, _, hundredths = number.replace(",", "").partition(".")
    units = CURRENCY_PLURALS.get(unit) or plural(unit)
    if not cent or len(hundredths) != 2:
        name = unit if number == "1" else units
        return f"{decimal(number)} {name}"
    parts = []
    if int(whole or 0) or not int(hundredths):
        parts.append(f"{cardinal(int(whole or 0))} {unit if int(whole or 0) == 1 else units}")
    if int(hundredths):
        small = cent if int(hundredths) == 1 else CURRENCY_PLURALS.get(cent) or plural(cent)
        parts.append(f"{cardinal(int(hundredths))} {small}")
    return " and ".join(parts)


def _money(match: re.Match) -> str:
    number = match["number"]
    if re.fullmatch(r"\d+,\d\d", number):  # a decimal comma
        number = number.replace(",", ".")
    unit, cent = CURRENCIES[match["sign"]]
    country = DOLLARS_OF.get(match["country"] or "", "")
    magnitude = match["magnitude"] or ""
    magnitude = MAGNITUDES.get(magnitude, magnitude.lower())
    units = CURRENCY_PLURALS.get(unit) or plural(unit)
    prefix = "minus " if match["minus"] else ""
    if match["to"]:
        first = decimal(number)
        if not magnitude:
            return f"{prefix}{first} to {_amount(match['to'], unit, cent)}"
        return f"{prefix}{first} to {decimal(match['to'])} {magnitude} {units}"
    # "a $5 bill": before a noun the unit is singular
    if re.search(r"\b[Aa]n?\s$", match.string[: match.start()]) and re.match(
        r"[ -][a-z]+", match.string[match.end() :]
    ):
        units = unit
    if magnitude:
        words = f"{decimal(number)} {magnitude} {units}"
    elif units == unit:
        words = f"{decimal(number)} {unit}"
    else:
        words = _amount(number, unit, cent)
    if country:
        words = words.replace(unit, f"{country} {unit}", 1)
    return prefix + words


def _money_after(match: re.Match) -> str:
    sign = match["sign"]
    if sign == "¢":
        return f"{decimal(match['number'])} cent{'' if match['number'] == '1' else 's'}"
    if sign in CURRENCIES:
        return _amount(match["number"], *CURRENCIES[sign])
    return _amount(match["number"], CURRENCY_CODES[sign], None).replace("US ", "U S ")


def _money_code(match: re.Match) -> str:
    return _amount(match["number"], CURRENCY_CODES[match["code"]], None).replace("US ", "U S ")


def _scientific(match: re.Match) -> str:
    exponent = decimal(match["exponent"].translate(_SUPERSCRIPTS))
    return f"{decimal(match['number'])} times ten to the {exponent.removeprefix('plus ')}"


_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


def _power(match: re.Match) -> str:
    exponent = match[1].translate(_SUPERSCRIPTS)
    if exponent in ("2", "3"):
        return "squared" if exponent == "2" else "cubed"
    return f"to the {decimal(exponent)}" if exponent[-1].isdigit() else f"to the {exponent.upper()}"


def _span(match: re.Match) -> str:
    """A number or a range of two."""
    if not match["to"]:
        return decimal(match["number"])
    first, last, text, end = match["number"], match["to"], match.string, match.end("to")
    if re.fullmatch(r"0\d+", first) or re.fullmatch(r"0\d+", last):
        return f"{digits(first)} , {digits(last)}"
    if first == last:  # a 50-50 chance
        return f"{decimal(first)} {decimal(last)}"
    formula = re.match(r"\s?[=+*/×÷]", text[end:]) or re.search(r"=\s?$", text[: match.start()])
    return f"{decimal(first)} {'minus' if formula else 'to'} {decimal(last)}"


def _percent(match: re.Match) -> str:
    return f"{_span(match)} {'per mille' if match['mark'] == '‰' else 'percent'}"


def _degrees(match: re.Match) -> str:
    scale = {"C": " celsius", "F": " fahrenheit", "K": " kelvin"}.get((match["scale"] or "").upper(), "")
    compass = {"N": " north", "S": " south", "E": " east", "W": " west"}.get(match["compass"] or "", "")
    name = "degree" if match["number"] == "1" and not match["to"] else "degrees"
    return f"{_span(match)} {name}{scale}{compass}"


def _measure(match: re.Match) -> str | None:
    symbol = match["unit"]
    if symbol in ATTACHED_UNITS and match["gap"].isspace() or symbol == "K" and not match["gap"]:
        return None
    name = UNITS[symbol]
    if match["per"]:
        name += f" per {UNITS.get(match['per']) or match['per']}"
    if match["gap"] == "-" or (match["number"] == "1" and not match["to"]):
        return f"{_span(match)} {name}"
    head, per, rest = name.partition(" per ")
    head = "feet" if head == "foot" else "square feet" if head == "square foot" else plural(head)
    return f"{_span(match)} {head}{per}{rest}"


def _feet(match: re.Match) -> str | None:
    if not match["inches"] and re.search(r"(?<!\w)['‘]|\d['’]", match.string[: match.start()]):
        return None  # a closing quotation mark
    inches = f" {decimal(match['inches'])}" if match["inches"] else ""
    feet = "foot" if match["feet"] == "1" or inches else "feet"
    return f"{cardinal(int(match['feet']))} {feet}{inches}"


def _feet_and_inches(match: re.Match) -> str:
    feet, inches = int(match["feet"]), match["inches"]
    return (
        f"{cardinal(feet)} {'foot' if feet == 1 else 'feet'} {decimal(inches)} {'inch' if inches == '1' else 'inches'}"
    )


def _by(match: re.Match) -> str:
    formula = " × " in match[0] or re.match(r"\s?=", match.string[match.end() :])
    return (" times " if formula else " by ").join(decimal(part) for part in re.split(r"\s?[x×]\s?", match[0]))


_VULGAR = dict(
    zip("½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞", "1/2 1/3 2/3 1/4 3/4 1/5 2/5 3/5 4/5 1/6 5/6 1/8 3/8 5/8 7/8".split(), strict=True)
)


def _fraction(match: re.Match) -> str | None:
    text = _VULGAR.get(match["glyph"] or "", match["plain"])
    above, below = (int(part) for part in re.split("[/⁄]", text))
    unit = f" {UNITS[match['unit']]}" if match["unit"] else ""
    if match["whole"]:
        words = fraction(above, below)
        unit = unit and f" {plural(unit[1:])}"
        return f"{cardinal(int(match['whole']))} and {'a half' if words == 'one half' else words}{unit}"
    if above == below > 1:
        return f"{cardinal(above)} {cardinal(below)}"
    if below == 100 and above > 1:
        return f"{cardinal(above)} out of one hundred"
    if (above, below) in ((24, 7), (9, 11)) or (above > below and below > 12):
        return {(24, 7): "twenty four seven", (9, 11): "nine eleven"}.get((above, below))
    return fraction(above, below) + unit


def _phone(match: re.Match) -> str | None:
    groups = re.findall(r"\d+", match[0])
    if match[0][0] == "+" and sum(map(len, groups)) < 8:  # +1.25 and +250 are numbers
        return None
    return ("plus " if match[0][0] == "+" else "") + " , ".join(digits(group) for group in groups)


def _dotted(match: re.Match) -> str:
    repeated = re.search(r"\b[Vv]ersion\s$", match.string[: match.start()])
    word = "version " if match["v"] and not repeated else ""
    parts = match["parts"].split(".")
    if not word and len(parts) == 4:  # an address of the Internet
        return " dot ".join(digits(part) for part in parts)
    return word + " point ".join(cardinal(int(part)) for part in parts)


def _ordinal(match: re.Match) -> str:
    return ordinal(int(match["number"].replace(",", "")))


def _ordinals(match: re.Match) -> str:
    return f"{ordinal(int(match['number']))} to {ordinal(int(match['to']))}"


def _lines(match: re.Match) -> str:
    """Lines of a picture: 1080p."""
    return f"{pairs(match['number'])} {match['scan'].upper()}"


def _decade(match: re.Match) -> str | None:
    text = match["decade"]
    head, _, last = (cardinal(int(text)) if len(text) == 2 else year(int(text))).rpartition(" ")
    return f"{head} {plural(last)}"


def _year_span(match: re.Match) -> str | None:
    first, last = match["first"], match["last"]
    if len(last) == 4 and int(last) < int(first) or len(last) == 2 and int(last) <= int(first[2:]):
        return None
    return f"{year(int(first))} to {year(int(last)) if len(last) == 4 else cardinal(int(last))}"


def _year(match: re.Match) -> str | None:
    """A year unless a plural noun is counted or an equation stands before it."""
    before, text = match.string[max(0, match.start() - 3) : match.start()], match.string
    if _PLURAL_NOUN.match(text, match.end()) or re.search(r"[=<>+*/^×÷]\s?$", before):
        return None
    return year(int(match[0]))


def _number_sign(match: re.Match) -> str:
    return f"number {_span(match)}"


def _magnitude(match: re.Match) -> str | None:
    suffix = match["suffix"]
    if suffix == "B":
        return f"{_span(match)} billion" if "." in match["number"] else None
    if suffix in ("M", "bn", "mn", "tn"):
        return f"{_span(match)} {MAGNITUDES[suffix]}"
    return f"{_span(match)} K"


def _chain(match: re.Match) -> str:
    """Groups of digits joined by hyphens: codes, and counts such as 1-2-3."""
    groups = match[0].split("-")
    say = pairs if max(map(len, groups)) < 3 else digits
    return " , ".join(say(group) for group in groups)


def _room(match: re.Match) -> str:
    word = match["word"].lower()
    return f"{word} {digits(match['number']) if word[:4] in ('call', 'dial') else pairs(match['number'])}"


def _short_year(match: re.Match) -> str:
    return year(1900 + int(match["number"])).split(" ", 1)[1]


def _plural(match: re.Match) -> str:
    head, _, last = decimal(match["number"]).rpartition(" ")
    return f"{head} {plural(last)}"


def _celsius(match: re.Match) -> str:
    return f"{_span(match)} degrees {'celsius' if match['scale'] == '℃' else 'fahrenheit'}"


def _minus(match: re.Match) -> str | None:
    """A hyphen between spaces is a minus in what looks like a formula."""
    if match[0] == "−":
        return "minus"
    around = match.string[max(0, match.start() - 12) : match.end() + 12]
    formula = "=" in around or re.search(r"\d\s-\s\d", around) or re.search(r"(?<!\w)\w\s-\s\w(?!\w)", around)
    return "minus" if formula else None


_RANGE = rf"(?P<number>{_SIGN}(?:{NUMBER}))(?:{DASH}(?P<to>{NUMBER}))?"

#: (name, pattern, function), tried in this order. A number must not continue one to its left.
RULES: list[Rule] = [
    ("phone", r"\+\d{1,3}(?:[\s.-]?\(?\d{1,4}\)?){2,5}(?!\d)", _phone),
    ("phone", r"(?:1[\s.-])?(?:\(\d{3}\)\s?|\d{3}[\s.-])\d{3}[\s.-]\d{4}(?![\d-])", _phone),
    ("phone", r"\d{3}-\d{4}(?![\d-])", _phone),
    ("phone", r"0\d{2,4}(?:[\s-]\d{3,4}){2}(?![\d-])", _phone),
    ("zip", rf"(?:{_AFTER_STATE})\d{{5}}(?:-\d{{4}})?(?![\w-]|[,.]\d)", _phone),
    ("chain", r"\d+(?:-\d+){2,}(?!\d)", _chain),
    ("version", r"(?P<v>[vV])(?P<parts>\d+(?:\.\d+)*)(?![\w])", _dotted),
    ("version", r"(?P<v>)(?P<parts>\d+(?:\.\d+){2,})(?!\w)", _dotted),
    ("ratio", r"\d+(?:\.\d+)?(?::\d+(?:\.\d+)?)+", _ratio),
    (
        "money",
        rf"(?P<minus>(?<!\w)[-−])?(?P<country>\b(?:US|AU?|CA?|NZ))?(?P<sign>{_CURRENCY})\s?(?P<number>(?<=€)\d+,\d\d(?!\d)|{NUMBER})"
        rf"(?:{DASH}{_CURRENCY}?(?P<to>{NUMBER}))?"
        r"(?:\s?(?P<magnitude>(?i:thousand|million|billion|trillion)|[kKmMbBT]|mn|mm|bn|tn)\b)?",
        _money,
    ),
    ("money", rf"(?P<number>{NUMBER})\s?(?P<sign>[¢€£]|(?:{'|'.join(CURRENCY_CODES)})\b)", _money_after),
    ("money", rf"\b(?P<code>{'|'.join(CURRENCY_CODES)})\s?(?P<number>{NUMBER})", _money_code),
    (
        "scientific",
        rf"(?P<number>{_SIGN}(?:{NUMBER}))(?:[eE](?P<exponent>[-+]?\d+)(?!\w))",
        _scientific,
    ),
    (
        "scientific",
        rf"(?P<number>{_SIGN}(?:{NUMBER}))\s?[×x*]\s?10(?:\^(?=[-\d])|(?=[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]))(?P<exponent>[-−]?\d+|[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)",
        _scientific,
    ),
    ("power", r"(?<=[\w)])\^([-−]?\d+|[a-z]\b)", _power),
    ("power", r"(?<=[\w)])([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)", _power),
    ("percent", rf"{_RANGE}\s?(?P<mark>[%‰])", _percent),
    ("degrees", rf"{_RANGE}\s?(?:°|º)(?:\s?(?P<scale>[CFK])\b|(?P<compass>[NSEW])\b)?", _degrees),
    ("degrees", rf"{_RANGE}\s?(?P<scale>℃|℉)(?P<compass>)", _celsius),
    ("feet", r"(?P<feet>\d+)['′’](?:\s?(?P<inches>\d+)(?:\"|″|”|''))?(?!\w)", _feet),
    (
        "feet",
        r"(?P<feet>\d+)\s?(?:ft|feet|foot)\.?,?\s?(?P<inches>\d+(?:\.\d+)?)\s?in(?:\.(?!\w)|(?![\w.]))",
        _feet_and_inches,
    ),
    ("decade", r"(?:['’](?=\d\ds))?(?P<decade>[12]\d\d0|\d0)['’]?s\b", _decade),
    (
        "measure",
        rf"{_RANGE}(?P<gap>[\s-]?)(?P<unit>{_UNIT})(?:/(?P<per>{_UNIT}|[a-z]{{3,}}))?(?![\w/²³]|-\d|\.\w)(?:\.(?=\s[a-z]))?",
        _measure,
    ),
    (
        "short_year",
        r"['’](?P<number>\d\d)(?![\d\w'’])",
        _short_year,
    ),
    ("plural", r"(?P<number>\d+)['’]s\b", _plural),
    ("ordinals", rf"(?P<number>\d+)(?:st|nd|rd|th){DASH}(?P<to>\d+)(?:st|nd|rd|th)\b", _ordinals),
    ("lines", r"(?P<number>480|720|1080|1440|2160)(?P<scan>[pi])\b", _lines),
    ("ordinal", r"(?P<number>\d{1,3}(?:,\d{3})+|\d+)(?:st|nd|rd|th)\b", _ordinal),
    ("by", r"\d+(?:\.\d+)?(?:\s?[x×]\s?\d+(?:\.\d+)?)+(?!\w)", _by),
    (
        "fraction",
        r"(?:(?P<whole>\d+)(?:\s|-)?)?(?:(?P<plain>(?<![/.\d])\d{1,3}[/⁄]\d{1,3})(?![\w/]|\.\d)|"
        rf"(?P<glyph>[½⅓⅔¼¾⅕-⅞]))(?:[\s-]?(?P<unit>{_UNIT})(?![\w/])(?:\.(?=\s[a-z]))?)?",
        _fraction,
    ),
    (
        "room",
        r"\b(?P<word>[Rr]oom|[Ff]light|[Hh]ighway|[Rr]oute|[Ii]nterstate|[Bb]oeing|[Aa]irbus|"
        r"(?:[Cc]all|[Dd]ial)(?:ed|ing)?(?=\s\d{3}\b))"
        r"\s(?P<number>\d{1,4})\b(?![,.:-]?\d)",
        _room,
    ),
    ("magnitude", rf"{_RANGE}(?P<suffix>[kKMB]|bn|mn|tn)\b", _magnitude),
    ("year_span", r"(?P<first>(?:1[1-9]|20)\d\d)[-–](?P<last>(?:1[1-9]|20)\d\d|\d\d)(?![\d,.-]\d|\w)", _year_span),
    ("year", r"(?:(?<=\b[Ii]n )10|1[1-9]|20)\d\d(?![\d\w]|,\d|\.\d|[-–/]\d)", _year),
    ("number_sign", rf"[#№]\s?(?P<number>{NUMBER})(?:{DASH}(?P<to>{NUMBER}))?(?!\w)", _number_sign),
    ("minus", r"(?<=[\w)]\s)[-−](?=\s(?:\d|[a-zA-Z]\b(?!')))", _minus),
    ("number", rf"{_RANGE}(?![\d])", _span),
]
