"""Rules for what begins with a digit, a sign or a currency: dates, times, money, units, telephone numbers, fractions.

A rule is a pattern and a function from its match to spoken words: lower case, a capital for a letter said by its name,
and marks of `BREAK_MARKS` as words of their own. The function may return None to leave the text to the rules after it.
Rules are tried in the order of `RULES`, at every place where no earlier match covers the text.
"""

import re
from collections.abc import Callable

from tts.text.numbers import cardinal, decimal, digits, fraction, ordinal, pairs, plural, year
from tts.text.tables import (
    ATTACHED_UNITS,
    CURRENCIES,
    CURRENCY_CODES,
    CURRENCY_PLURALS,
    DOLLARS_OF,
    MAGNITUDES,
    MONTH_NUMBERS,
    MONTHS,
    UNITS,
)

Expand = Callable[[re.Match], "str | None"]
NUMBER = (
    r"(?:\d{1,3}(?:[\u00a0\u2009\u202f]\d{3})+(?!\d)|"
    r"\d{1,3}(?: \d{3}){2,}(?! ?\d)|\d{1,3}(?:,\d{3})+(?![\d])|\d+)(?:\.\d+)?|\.\d+"
)
DASH = r"\s?[-–—−]\s?"
_SIGN = r"(?:(?<![\w)\]])[-−+])?"
_MONTH = (
    r"(?:Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?\.?|July?\.?|Aug(?:ust|\.)?|"
    r"Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)"
)
_MERIDIEM = r"\s?(?P<half>[AaPp])(?:\.\s?[Mm]\.|[Mm]\b(?!\.\w))"
_UNIT = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))
_CURRENCY = "[" + "".join(CURRENCIES) + "]"
_PLURAL_NOUN = re.compile(
    r"\s+(?!(?:was|is|has|as|this|its|his|us|thus|yes|plus|does|always|across|less|unless)\b)[a-z]+s\b"
)


def _month_name(text: str) -> str:
    return MONTHS[MONTH_NUMBERS[text[:3].lower()] - 1]


def _full_year(text: str) -> str:
    """Words of a year of two or four digits; two digits are the century around 2000."""
    number = int(text)
    return year(number if len(text) > 2 else number + (2000 if number < 69 else 1900))


def _calendar(day: int, month: int, year_digits: str) -> str | None:
    if 1 <= month <= 12 and 1 <= day <= 31:
        return f"{MONTHS[month - 1]} {ordinal(day)} {_full_year(year_digits)}"
    return None


def _iso_date(match: re.Match) -> str | None:
    return _calendar(int(match["day"]), int(match["month"]), match["year"])


def _numeric_date(match: re.Match) -> str | None:
    """American order, month first, unless that is impossible; with full stops day first."""
    first, second = int(match["first"]), int(match["second"])
    if match["mark"] == "." or first > 12:
        first, second = second, first
    return _calendar(second, first, match["year"])


def _month_day(match: re.Match) -> str | None:
    if not 1 <= int(match["day"]) <= 31:
        return None
    words = f"{_month_name(match['month'])} {ordinal(int(match['day']))}"
    if match["last"]:
        words += f" to {ordinal(int(match['last']))}"
    if match["year"]:
        words += f" {', ' if match['comma'] else ''}{year(int(match['year']))}"
    return words


def _day_month(match: re.Match) -> str | None:
    if not 1 <= int(match["day"]) <= 31:
        return None
    words = f"{'' if match['the'] else 'the '}{match['the'] or ''}{ordinal(int(match['day']))} of "
    words += _month_name(match["month"])
    return words.lower() + (f" {year(int(match['year']))}" if match["year"] else "")


def _month_year(match: re.Match) -> str:
    return f"{_month_name(match['month'])} {year(int(match['year']))}"


def _time(match: re.Match) -> str | None:
    hour, minute = int(match["hour"]), int(match["minute"])
    if hour > 24 or minute > 59:
        return None
    if minute == 0 and not match["second"]:
        on_the_hour = "" if match["half"] else " o'clock" if 1 <= hour <= 12 else " hundred"
        words = cardinal(hour) + on_the_hour
    else:
        words = f"{cardinal(hour)} {'oh ' if 0 < minute < 10 else ''}{cardinal(minute)}"
    if match["second"]:
        seconds = int(match["second"])
        words += f" and {cardinal(seconds)} second{'' if seconds == 1 else 's'}"
    return words + _half(match)


def _half(match: re.Match) -> str:
    return f" {match['half'].upper()} M" if match["half"] else ""


def _hour(match: re.Match) -> str | None:
    if int(match["hour"]) > 12:
        return None
    first = f"{cardinal(int(match['from']))} to " if match["from"] else ""
    return f"{first}{cardinal(int(match['hour']))}{_half(match)}"


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


def _phone(match: re.Match) -> str:
    groups = re.findall(r"\d+", match[0])
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


_RANGE = rf"(?P<number>{_SIGN}(?:{NUMBER}))(?:{DASH}(?P<to>{NUMBER}))?"

#: (name, pattern, function), tried in this order. A number must not continue one to its left.
RULES: list[tuple[str, str, Expand]] = [
    ("iso_date", r"(?P<year>\d{4})[-/](?P<month>\d\d?)[-/](?P<day>\d\d?)(?![\d/-])", _iso_date),
    (
        "numeric_date",
        r"(?P<first>\d\d?)(?P<mark>[/.-])(?P<second>\d\d?)(?P=mark)(?P<year>(?:1[5-9]|20)\d\d|(?<=/)\d\d)(?![\d/-]|\.\d)",
        _numeric_date,
    ),
    (
        "month_day",
        rf"(?P<month>{_MONTH})\s+(?P<day>\d\d?)(?:st|nd|rd|th)?(?:{DASH}(?P<last>\d\d?)(?:st|nd|rd|th)?)?"
        r"(?:(?P<comma>,)?\s+(?P<year>[12]\d{3})(?!\d))?(?![\d:]|,\d|\.\d)",
        _month_day,
    ),
    (
        "day_month",
        rf"(?P<the>[Tt]he\s+)?(?P<day>\d\d?)(?:st|nd|rd|th)?(?:\s+of)?\s+(?P<month>{_MONTH})(?!\w)(?:,?\s+(?P<year>[12]\d{{3}})(?!\d))?",
        _day_month,
    ),
    ("month_year", rf"(?P<month>{_MONTH}),?\s+(?P<year>[12]\d{{3}})(?![\d,])", _month_year),
    ("phone", r"\+\d{1,3}(?:[\s.-]?\(?\d{1,4}\)?){2,5}(?!\d)", _phone),
    ("phone", r"(?:1[\s.-])?(?:\(\d{3}\)\s?|\d{3}[\s.-])\d{3}[\s.-]\d{4}(?![\d-])", _phone),
    ("phone", r"\d{3}-\d{4}(?![\d-])", _phone),
    ("chain", r"\d+(?:-\d+){2,}(?!\d)", _chain),
    ("version", r"(?P<v>[vV])(?P<parts>\d+(?:\.\d+)*)(?![\w])", _dotted),
    ("version", r"(?P<v>)(?P<parts>\d+(?:\.\d+){2,})(?!\w)", _dotted),
    (
        "time",
        rf"(?P<hour>\d\d?):(?P<minute>\d\d)(?::(?P<second>\d\d))?(?:{_MERIDIEM})?(?![\d:])",
        _time,
    ),
    ("to", r"(?<=[\dmM.])\s?[-–—]\s?(?=\d\d?(?::\d\d|\s?[ap]\.?m))", lambda match: "to"),
    ("hour", rf"(?:(?P<from>\d\d?){DASH})?(?P<hour>\d\d?){_MERIDIEM}", _hour),
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
    ("degrees", rf"{_RANGE}\s?(?P<scale>℃|℉)(?P<compass>)", lambda match: _celsius(match)),
    ("feet", r"(?P<feet>\d+)['′’](?:\s?(?P<inches>\d+)(?:\"|″|”|''))?(?!\w)", _feet),
    ("decade", r"(?:['’](?=\d\ds))?(?P<decade>[12]\d\d0|\d0)['’]?s\b", _decade),
    (
        "measure",
        rf"{_RANGE}(?P<gap>[\s-]?)(?P<unit>{_UNIT})(?:/(?P<per>{_UNIT}|[a-z]{{3,}}))?(?![\w/²³]|-\d|\.\w)(?:\.(?=\s[a-z]))?",
        _measure,
    ),
    (
        "short_year",
        r"['’](?P<number>\d\d)(?![\d\w'’])",
        lambda match: year(1900 + int(match["number"])).split(" ", 1)[1],
    ),
    ("plural", r"(?P<number>\d+)['’]s\b", lambda match: _plural(match)),
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
        r"\b(?P<word>[Rr]oom|[Ff]light|[Hh]ighway|[Rr]oute|[Ii]nterstate|[Bb]oeing|[Aa]irbus|(?:[Cc]all|[Dd]ial)(?:ed|ing)?(?=\s\d{3}\b))"
        r"\s(?P<number>\d{1,4})\b(?![,.:-]?\d)",
        _room,
    ),
    ("magnitude", rf"{_RANGE}(?P<suffix>[kKM]|bn|mn|tn)\b", _magnitude),
    ("year_span", r"(?P<first>(?:1[1-9]|20)\d\d)[-–](?P<last>(?:1[1-9]|20)\d\d|\d\d)(?![\d,.-]\d|\w)", _year_span),
    ("year", r"(?:1[1-9]|20)\d\d(?![\d\w]|,\d|\.\d|[-–/]\d)", _year),
    ("number_sign", rf"[#№]\s?(?P<number>{NUMBER})(?:{DASH}(?P<to>{NUMBER}))?(?!\w)", _number_sign),
    ("minus", r"(?<=[\w)]\s)[-−](?=\s(?:\d|[a-zA-Z]\b(?!')))", lambda match: _minus(match)),
    ("number", rf"{_RANGE}(?![\d])", _span),
]


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
