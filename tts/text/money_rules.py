"""Rules for amounts of money.

Rules have the form described in `tts.text.tokens`.
"""

import re

from tts.text.number_patterns import DASH, NUMBER
from tts.text.numbers import cardinal, decimal, plain, plural
from tts.text.tables import CURRENCIES, CURRENCY_CODES, CURRENCY_PLURALS, DOLLARS_OF, HUNDREDTHS, MAGNITUDES
from tts.text.tokens import Rule

_CODE = f"(?:{'|'.join(map(re.escape, CURRENCY_CODES))})"
_SIGN = f"(?:{'|'.join(map(re.escape, sorted(CURRENCIES, key=len, reverse=True)))})"
#: A number, also with a decimal comma: 1.500,00.
_AMOUNT = rf"(?:\d+,\d\d(?!\d|,\d)|{NUMBER})"
_MAGNITUDE = r"(?:(?i:thousand|million|billion|trillion|lakh crore|lakh|crore)|[kKmMbBT]|mn|mm|MM|bn|trn|tn)"
#: With the space or hyphen before it: $3 million, $3-million.
_SCALE = rf"(?:(?:\s|-(?=[a-z]))?(?P<magnitude>{_MAGNITUDE})\b)?"
_COUNTRY = rf"(?:(?:{'|'.join(DOLLARS_OF)})|(?:US|AU|NZ|HK)\s)(?=\$)"
_HEAD = rf"(?P<minus>(?<!\w)[-−–])?(?P<country>\b{_COUNTRY})?(?P<sign>{_SIGN})\s?"
#: What is no name of a thing that has a price: the $5 he owes.
_NO_THING = (
    r"(?!(?:he|she|we|they|you|it|i|in|of|for|on|to|from|and|or|but|nor|per|an?|the|is|was|are|were|be|been|at|by|with|"
    r"as|this|these|those|my|your|his|her|its|our|their|some|most|many|people|someone|somebody|everyone|everybody|nobody|"
    r"had|has|have|will|would|can|could|may|might|must|should|did|does|do|that|which|who|when|where|if|than|then|so|"
    r"more|less|each|apiece|every|into|onto|over|under|about|after|before|because|until|while|through|towards?|off|"
    r"out|up|down|not|only|also|now|still|already|just|back|again|away|here|there|today|yesterday|spent|paid|won|lost|"
    r"given|made|left|goes|went|came|comes|got|gets|sent|buys|costs?|worth|short|plus|minus|going|coming|above|below|"
    r"rose|fell|gave|owes?|around|between|within|[a-z]+ed|[a-z]+ly)\b)"
)
_ADJECTIVES = rf"(?:{_NO_THING}(?![a-z]+[a-rt-z]s\s)[a-z.]+\s){{0,2}}"
#: Words that say which, at most two others between them and the amount.
_WHICH_ONE = re.compile(
    r"(?i)\b(?:an?|the|this|that|these|those|my|your|his|her|its|our|their|another|"
    rf"(?!(?:it|that|he|she|what|there|here|let|who|where|how)['’])[a-z]+['’]s?|[a-z]+s['’])\s{_ADJECTIVES}$|"
    r"\b(?:sub|near|over|under|multi)-$"
)
_HOW_MANY = re.compile(rf"(?i)\b(?:one|two|three|four|five|six|seven|eight|nine|ten|each|every)\s{_ADJECTIVES}$")
_PRICED = re.compile(rf"[ -]{_NO_THING}[a-z]{{2,}}")
_PIECES = re.compile(r"[ -](?:bill|note|coin|fee|fine|ticket|prize|bet|chip|stamp|voucher|card|item)s?\b")

_MONEY_PIECES = re.compile(r"[ -](?:bill|note|coin|stamp|chip)s\b")


def _units(unit: str) -> str:
    return CURRENCY_PLURALS.get(unit) or plural(unit)


def _english(number: str) -> str:
    """An amount with a decimal comma, written as in English; others without the marks of thousands.

    >>> _english("1.500,00"), _english("1,500"), _english("5,00")
    ('1500.00', '1500', '5.00')
    """
    return plain(re.sub(r"^(\d+),(\d\d)$", r"\1.\2", number))


def _amount(number: str, unit: str, cent: str | None, *, attribute: bool = False) -> str:
    """Words of an amount in a currency with hundredths; of an attribute, units are singular."""
    number = _english(number)
    if unit == "euro" and re.fullmatch(r"\d{2,3}\.\d{3}|\d\.000", number):  # a point between thousands: 12.500 €
        number = number.replace(".", "")
    whole, _, hundredths = number.partition(".")
    if not cent or len(hundredths) != 2:
        return f"{decimal(number)} {unit if number == '1' or attribute else _units(unit)}"
    parts = []
    if int(whole or 0) or not int(hundredths):
        parts.append(f"{cardinal(int(whole or 0))} {unit if int(whole or 0) == 1 or attribute else _units(unit)}")
    if int(hundredths):
        parts.append(f"{cardinal(int(hundredths))} {cent if int(hundredths) == 1 or attribute else _units(cent)}")
    return " and ".join(parts)


def _is_attribute(match: re.Match) -> bool:
    """Whether a noun follows that has a price, so that the unit is singular: a $5 bill, the $5 bill.

    After "a" any word is such a noun; after other words for which one, those that are no verbs or adverbs there: the $5
    he owes. Bills and coins are after any: in $5 bills.
    """
    before, after = match.string[max(0, match.start() - 40) : match.start()], match.string[match.end() :]
    if re.search(r"\b[Aa]n?\s$", before):
        return re.match(r"[ -][a-z]+", after) is not None
    if _HOW_MANY.search(before):
        return _PIECES.match(after) is not None
    if _MONEY_PIECES.match(after):
        return True
    return _WHICH_ONE.search(before) is not None and _PRICED.match(after) is not None


def _money(match: re.Match) -> str:
    """A sign before the amount, a magnitude or the code of the country after it."""
    found = match.groupdict()
    unit, cent = CURRENCIES[match["sign"]]
    country = DOLLARS_OF.get((match["country"] or "").strip(), "")
    whole_name = CURRENCY_CODES.get(found.get("code") or "") or f"{country} {unit}".strip()
    magnitude = match["magnitude"] or ""
    magnitude = MAGNITUDES.get(magnitude, magnitude.lower())
    number = match["to"] or match["number"]
    has_cents = cent and not magnitude and re.search(r"[.,]\d\d(?!\d)", match["number"] + " " + number)
    first = _amount(match["number"], unit, cent) if has_cents else decimal(_english(match["number"]))
    first = f"{first} {found.get('joint') or 'to'} " if match["to"] else ""
    if has_cents and not match["to"] and _is_attribute(match):
        words = _amount(number, unit, cent, attribute=True)
    elif magnitude or _is_attribute(match):
        # a $1 million-dollar home names the unit itself
        units = (
            ""
            if match.string.startswith(f"-{unit}", match.end())
            else whole_name
            if _is_attribute(match)
            else _units(whole_name)
        )
        words = " ".join(part for part in (decimal(_english(number)), magnitude, units) if part)
    else:
        words = _amount(number, unit, cent)
        words = re.sub(rf"\b{unit}", whole_name, words, count=1) if whole_name != unit else words
    return _letters(f"{'minus ' if match['minus'] or found.get('negative') else ''}{first}{words}")


def _money_of_two(match: re.Match) -> str | None:
    """Two amounts before what they are a price of: a $5 to $10 fee."""
    return _money(match) if _is_attribute(match) else None


def _letters(words: str) -> str:
    return words.replace("US ", "U S ")


def _money_after(match: re.Match) -> str:
    """A sign or a code after the amount: 5 €, 50 USD."""
    sign = match["sign"]
    unit, cent = ("cent", None) if sign == "¢" else CURRENCIES.get(sign) or _named(sign)
    first = f"{decimal(_english(match['from']))} to " if match["from"] else ""
    return _letters(first + _with_magnitude(match, unit, cent))


def _money_code(match: re.Match) -> str | None:
    if match["code"] == "INR" and re.fullmatch(r"\d\.\d", match["number"]):  # a measure of the blood
        return None
    first = f"{decimal(_english(match['from']))} to " if match["from"] else ""
    return first + _letters(_with_magnitude(match, *_named(match["code"])))


def _named(code: str) -> tuple[str, str | None]:
    """Name of a currency by its code, and of its hundredth.

    >>> _named("CAD"), _named("JPY")
    (('canadian dollar', 'cent'), ('yen', None))
    """
    name = CURRENCY_CODES[code]
    return name, HUNDREDTHS.get(name.rpartition(" ")[2])


def _round(match: re.Match) -> str:
    """Tens or hundreds of a currency, named once: $100s of dollars, $10s of thousands."""
    unit = _units(CURRENCIES[match["sign"]][0])
    words = f"{'tens' if match['number'] == '10' else 'hundreds'} of {match['of']}"
    return words if match["of"] == unit else f"{words} of {unit}"


def _worth(match: re.Match) -> str:
    """An amount that something is worth: $50's worth of gas."""
    return _amount(match["number"], *CURRENCIES[match["sign"]])


def _about(match: re.Match) -> str:
    """An amount of which only the first part is told: $20-something, £30-odd."""
    return f"{decimal(match['number'])} {match['about']} {_units(CURRENCIES[match['sign']][0])}"


def _pieces(match: re.Match) -> str:
    """Bills, notes and coins, which are named by their worth: two $5s, £20s, a $10."""
    unit = CURRENCIES[match["sign"]][0]
    piece = "bill" if unit == "dollar" else "coin" if match["number"] in ("1", "2") else "note"
    return f"{cardinal(int(match['number']))} {unit} {piece}{'s' if match[0].endswith('s') else ''}"


def _decade(match: re.Match) -> str | None:
    """Amounts between tens, where notes of that worth are not meant: the low $50s, $30s."""
    behind = re.search(r"(?i)\b(?:the|low|mid|high|upper)[\s-]$", match.string[: match.start()])
    return plural(cardinal(int(match["number"]))) if behind or match["number"] not in ("20", "50") else None


def _cents(match: re.Match) -> str | None:
    """Cents by their letter, unless this is part of a name: 99c, but row 14c."""
    named = re.search(
        r"(?:\b[A-Z]\w*\.?|\b(?:row|seat|room|part|section|page|number|unit|fig|no|pp?)\.?)\s$",
        match.string[: match.start()],
    )
    return None if named else f"{decimal(match['number'])} cents"


def _with_magnitude(match: re.Match, unit: str, cent: str | None) -> str:
    magnitude = match["magnitude"]
    if not magnitude:
        return _amount(match["number"], unit, cent)
    return f"{decimal(match['number'])} {MAGNITUDES.get(magnitude, magnitude.lower())} {_units(unit)}"


RULES: list[Rule] = [
    (
        "money",
        r"(?P<sign>[$€£])(?P<number>100?)s\sof\s(?P<of>dollars|pounds|euros|thousands|millions|billions)\b",
        _round,
    ),
    ("money", r"(?P<sign>[$€£])(?P<number>\d{1,3}(?:,\d{3})+|\d+)['’]?s(?=\sworth\b)", _worth),
    (
        "money",
        r"(?P<sign>[$€£])(?P<number>\d{1,3}(?:,\d{3})+|\d+)-(?P<about>something|odd|plus)\b(?:\s(?:dollars|euros|pounds)\b)?",
        _about,
    ),
    ("money", r"[$€£](?P<number>[2-9]0)['’]?s\b", _decade),
    ("money", r"(?P<sign>[$€£])(?P<number>1|2|5|10|20|50|100|500)['’]?s\b", _pieces),
    (
        "money",
        r"(?<=\b[Aa]\s)(?P<sign>[$€£])(?P<number>1|2|5|10|20|50|100)"
        r"(?=$|[.;:!?)]+(?!\d)|,\s(?![$€£\d])|\sand\s(?!an?\s[$€£]|[$€£\d]|up\b|change\b|more\b))",
        _pieces,
    ),
    ("for", r"(?<=\d)/(?=\$\d)", lambda match: "for"),
    (
        "money",
        rf"{_HEAD}(?P<number>{NUMBER})\s?(?P<magnitude>{_MAGNITUDE})(?:\s?[-–]\s?(?P=sign)|{DASH})"
        rf"(?P<to>{NUMBER})\s?(?P=magnitude)\b",
        _money,
    ),
    (
        "money",
        rf"{_HEAD}(?P<number>{_AMOUNT})\s(?P<joint>to|or)\s(?P=sign)(?P<to>{_AMOUNT}){_SCALE}",
        _money_of_two,
    ),
    (
        "money",
        rf"{_HEAD}(?P<negative>[-−–])?(?P<number>{_AMOUNT})(?:{DASH}{_SIGN}?(?P<to>{_AMOUNT}))?"
        rf"{_SCALE}(?:\s(?P<code>{_CODE})\b)?",
        _money,
    ),
    (
        "money",
        rf"(?:(?P<from>{_AMOUNT})(?:\s?[€£])?{DASH})?(?P<number>{_AMOUNT})"
        rf"(?:\s?(?P<magnitude>{_MAGNITUDE}))?\s?(?P<sign>¢|{_SIGN}(?!\s?\d)|{_CODE}\b)(?:(?<=kr)\.(?=\s[a-z]|[,;)]))?",
        _money_after,
    ),
    ("money", r"(?P<number>\d\d(?:\.\d)?)c(?!\w)", _cents),
    ("money", rf"\b(?P<code>{_CODE})\s?(?:(?P<from>{_AMOUNT}){DASH})?(?P<number>{_AMOUNT}){_SCALE}", _money_code),
]
