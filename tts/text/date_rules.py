"""Rules for dates and times of day.

Rules have the form described in `tts.text.tokens`.
"""

import re

from tts.text.numbers import cardinal, ordinal, year
from tts.text.tables import MONTH_NUMBERS, MONTHS
from tts.text.tokens import Rule

DASH = r"\s?[-–—−]\s?"
_MONTH = (
    r"(?:Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?\.?|July?\.?|Aug(?:ust|\.)?|"
    r"Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)"
)
_MERIDIEM = r"\s?(?P<half>[AaPp])(?:\.\s?[Mm]\.|[Mm]\b(?!\.\w))"


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


RULES: list[Rule] = [
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
    (
        "time",
        rf"(?P<hour>\d\d?):(?P<minute>\d\d)(?::(?P<second>\d\d))?(?:{_MERIDIEM})?(?![\d:])",
        _time,
    ),
    ("to", r"(?<=[\dmM.])\s?[-–—]\s?(?=\d\d?(?::\d\d|\s?[ap]\.?m))", lambda match: "to"),
    ("hour", rf"(?:(?P<from>\d\d?){DASH})?(?P<hour>\d\d?){_MERIDIEM}", _hour),
]
