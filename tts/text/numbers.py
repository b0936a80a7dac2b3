"""Numbers in American English words, without hyphens and without "and"."""

import re

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
_TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
_SCALES = ("", *"thousand million billion trillion quadrillion quintillion".split())
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
#: Points between thousands: with a decimal comma, or two and more.
_CONTINENTAL = re.compile(r"\d{1,3}(?:(?:\.\d{3})+,\d+|(?:\.\d{3}){2,})")
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_ROMAN_FORM = re.compile(r"M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")


def cardinal(number: int) -> str:
    """Words of an integer; digit by digit from 10**21 on, where the names end.

    >>> cardinal(-1_200_034)
    'minus one million two hundred thousand thirty four'
    """
    if number < 0:
        return f"minus {cardinal(-number)}"
    if number >= 10 ** (3 * len(_SCALES)):
        return digits(str(number))
    if number == 0:
        return _ONES[0]
    parts = []
    for power in range(len(_SCALES) - 1, -1, -1):
        group = number // 1000**power % 1000
        if group:
            parts += [_below_thousand(group), _SCALES[power]]
    return " ".join(part for part in parts if part)


def _below_thousand(number: int) -> str:
    parts = [f"{_ONES[number // 100]} hundred"] if number >= 100 else []
    rest = number % 100
    if rest >= 20:
        parts.append(_TENS[rest // 10])
        rest %= 10
    if rest:
        parts.append(_ONES[rest])
    return " ".join(parts)


def ordinal(number: int) -> str:
    """Words of an ordinal number.

    >>> ordinal(21), ordinal(40), ordinal(112)
    ('twenty first', 'fortieth', 'one hundred twelfth')
    """
    *front, last = cardinal(number).split()
    if last in _ORDINALS:
        last = _ORDINALS[last]
    else:
        last = last[:-1] + "ieth" if last.endswith("y") else last + "th"
    return " ".join([*front, last])


def plural(word: str) -> str:
    """Plural of a number word or a unit's name.

    >>> plural("twenty"), plural("six"), plural("inch"), plural("square foot"), plural("hertz")
    ('twenties', 'sixes', 'inches', 'square feet', 'hertz')
    """
    if word.endswith("foot"):
        return word.removesuffix("foot") + "feet"
    if word.endswith(("hertz", "yen", "celsius", "fahrenheit", "horsepower", "percent", "molar", "lux", "torr")):
        return word
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")


def digits(text: str) -> str:
    """Digits one by one.

    >>> digits("007")
    'zero zero seven'
    """
    return " ".join(_ONES[int(character)] for character in text if character.isdigit())


def plain(text: str) -> str:
    """Digits without the marks of their thousands, and a point before decimals: 1.234,56 and 1'234.56 as 1234.56.

    >>> plain("1,234.5"), plain("1.234,5"), plain("1.000.000"), plain("1'000"), plain("1.234")
    ('1234.5', '1234.5', '1000000', '1000', '1.234')
    """
    if _CONTINENTAL.fullmatch(text):
        text = text.replace(".", "").replace(",", ".")
    return re.sub(r"[,\s'’]", "", text)


def decimal(text: str) -> str:
    """Words of digits with optional sign, marks of thousands and decimal point.

    >>> decimal("1,234.50"), decimal("-.5"), decimal("007")
    ('one thousand two hundred thirty four point five zero', 'minus point five', 'zero zero seven')
    """
    if text[0] in "-−–+":
        return f"{'plus' if text[0] == '+' else 'minus'} {decimal(text[1:])}"
    whole, _, fraction = plain(text).partition(".")
    words = []
    if whole:
        leading_zero = len(whole) > 1 and whole[0] == "0"
        words.append(digits(whole) if leading_zero or len(whole) > 21 else cardinal(int(whole)))
    if fraction:
        words += ["point", digits(fraction)]
    return " ".join(words)


def year(number: int) -> str:
    """Words of a year.

    >>> year(1984), year(1905), year(1900), year(2000), year(2007), year(2026), year(476)
    ('nineteen eighty four', 'nineteen oh five', 'nineteen hundred', 'two thousand', 'two thousand seven', \
'twenty twenty six', 'four hundred seventy six')
    """
    high, low = divmod(number, 100)
    if number < 1000 or number > 9999 or high % 10 == 0 and low < 10:
        return cardinal(number)
    if low == 0:
        return f"{cardinal(high)} hundred"
    return f"{cardinal(high)} {'oh ' if low < 10 else ''}{cardinal(low)}"


def pairs(text: str) -> str:
    """Digits as in names of models, rooms and flights: by twos from the end where that is usual.

    >>> pairs("747"), pairs("380"), pairs("101"), pairs("66"), pairs("90210")
    ('seven forty seven', 'three eighty', 'one oh one', 'sixty six', 'nine zero two one zero')
    """
    if text[0] == "0" or len(text) > 4:
        return digits(text)
    number = int(text)
    if len(text) < 3:
        return cardinal(number)
    if len(text) == 4:
        return year(number)
    high, low = divmod(number, 100)
    if low == 0:
        return cardinal(number)
    return f"{_ONES[high]} {'oh ' if low < 10 else ''}{cardinal(low)}"


def roman(text: str) -> int | None:
    """Value of a Roman numeral in capitals, or None.

    >>> roman("XIV"), roman("IIX"), roman("")
    (14, None, None)
    """
    if not text or not _ROMAN_FORM.fullmatch(text):
        return None
    values = [_ROMAN[letter] for letter in text]
    return sum(-v if v < following else v for v, following in zip(values, [*values[1:], 0], strict=True))


def fraction(numerator: int, denominator: int) -> str:
    """Words of a fraction.

    >>> fraction(1, 2), fraction(3, 4), fraction(5, 16), fraction(1, 3)
    ('one half', 'three quarters', 'five sixteenths', 'one third')
    """
    if denominator == 0 or denominator > 100:
        return f"{cardinal(numerator)} over {cardinal(denominator)}"
    name = {1: "whole", 2: "half", 4: "quarter"}.get(denominator) or ordinal(denominator)
    if numerator != 1:
        name = "halves" if denominator == 2 else plural(name)
    return f"{cardinal(numerator)} {name}"
