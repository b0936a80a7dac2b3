"""Rules for times of day and of races.

Rules have the form described in `tts.text.tokens`.
"""

import re

from tts.text.number_patterns import DASH
from tts.text.numbers import cardinal, decimal, digits, year
from tts.text.tokens import Rule

_MERIDIEM = r"\s?(?P<half>[AaPp])(?:\.\s?[Mm]\.|[Mm]\b(?!\.\w))"
#: Where a full stop stands for the colon of a time: 10.30 a.m., 9.30–10.15pm.
_BEFORE_HALF = rf"(?=[0-5]\d(?:{DASH}\d\d?(?:\.[0-5]\d)?)?\s?[AaPp]\.?\s?[Mm]\b)"

#: The other of two times, which has the half of the day of both: 7:00–8:30 p.m.
_UNTIL_HALF = re.compile(rf"{DASH}\d\d?(?::[0-5]\d)?\s?[AaPp]\.?\s?[Mm]\b")


def spoken_time(match: re.Match) -> str | None:
    """Words of hours, minutes and maybe seconds."""
    found = match.groupdict()
    hour, minute = int(match["hour"]), int(match["minute"])
    if hour > 24 or minute > 59:
        return None
    if re.search(r"(?i)\b(?:scale|ratio|odds)\s(?:is|was|of|at)\s$", match.string[: match.start()]):
        return None
    first = f"{cardinal(int(found['from']))} to " if found.get("from") else ""
    if minute == 0 and not match["second"]:
        is_first = _UNTIL_HALF.match(match.string, match.end())
        is_zone = re.search(r"(?:UTC|GMT)\s?[-+−]$", match.string[: match.start()])
        on_the_hour = "" if found.get("half") or is_zone or is_first else " o'clock" if 1 <= hour <= 12 else " hundred"
        if on_the_hour == " hundred" and found.get("hours"):
            on_the_hour = " hundred hours"
        words = first + cardinal(hour) + on_the_hour
    else:
        words = f"{first}{cardinal(hour)} {'oh ' if 0 < minute < 10 else ''}{cardinal(minute) if minute else 'oh oh'}"
    if match["second"]:
        seconds = int(match["second"])
        words += f" and {cardinal(seconds)} second{'' if seconds == 1 else 's'}"
    return words + _half(match)


def _half(match: re.Match) -> str:
    half = match.groupdict().get("half")
    return f" {half.upper()} M" if half else ""


def _hour(match: re.Match) -> str | None:
    if int(match["hour"]) > 12:
        return None
    first = f"{cardinal(int(match['from']))} to " if match["from"] else ""
    return f"{first}{cardinal(int(match['hour']))}{_half(match)}"


def _race_time(match: re.Match) -> str:
    """Minutes, seconds and parts of seconds as they are announced: 3:59.4."""
    whole, _, parts = match[0].partition(".")
    first, *others = whole.split(":")
    words = [cardinal(int(first)), *(("oh " if part[0] == "0" else "") + cardinal(int(part)) for part in others)]
    return f"{' '.join(words)} point {digits(parts)}"


def _iso_duration(match: re.Match) -> str:
    return " ".join(
        f"{decimal(count)} {name}{'' if count == '1' else 's'}" for name, count in match.groupdict().items() if count
    )


#: (name, pattern, function), tried in this order. A number must not continue one to its left.
RULES: list[Rule] = [
    (
        "iso_duration",
        r"P(?=\d{1,2}[YDW]|\d+MT?\d|T\d+[HMS])(?:(?P<year>\d+)Y)?(?:(?P<month>\d+)M)?(?:(?P<week>\d+)W)?(?:(?P<day>\d+)D)?"
        r"(?:T(?:(?P<hour>\d+)H)?(?:(?P<minute>\d+)M)?(?:(?P<second>\d+(?:\.\d+)?)S)?)?\b",
        _iso_duration,
    ),
    (
        "iso_week",
        r"(?P<year>\d{4})-W(?P<week>\d\d)(?:-(?P<day>[1-7]))?\b",
        lambda match: (
            f"week {cardinal(int(match['week']))} of {year(int(match['year']))}"
            + (f" day {cardinal(int(match['day']))}" if match["day"] else "")
        ),
    ),
    ("race_time", r"(?:\d\d?:)?\d\d?:\d\d\.\d{1,3}(?!\d)", _race_time),
    (
        "time",
        rf"(?:(?P<from>\d\d?){DASH})?(?P<hour>\d\d?)(?::|\.{_BEFORE_HALF})(?P<minute>\d\d)(?::(?P<second>\d\d))?"
        rf"(?:{_MERIDIEM})?(?:\s?o['’]clock)?(?P<hours>\s?h(?!\w))?"
        r"(?![\d:]|,\d{3}\b|\s(?:scale|ratio|odds|dilution|solution|mix|mixture|split|slope|gradient|chance)\b)",
        spoken_time,
    ),
    (
        "time",
        r"(?:(?=1[3-9]h|2\dh)|(?<=\b[Aa]t\s)|(?<=\b[Bb]y\s))(?P<hour>[01]?\d|2[0-3])h(?P<minute>[0-5]\d)(?P<second>)"
        r"(?!\w|\s?(?:m|min|mins)\b)",
        spoken_time,
    ),
    ("hour", rf"(?:(?P<from>\d\d?){DASH})?(?P<hour>\d\d?){_MERIDIEM}", _hour),
    (
        "to",
        r"(?:(?<=\b[Nn]oon)|(?<=\b[Mm]idnight))\s?[-–]\s?(?=\d)|(?<=[\dmM.])[-–](?=(?i:noon|midnight)\b)",
        lambda match: "to",
    ),
]
