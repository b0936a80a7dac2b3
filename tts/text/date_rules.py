"""Rules for dates.

Rules have the form described in `tts.text.tokens`.
"""

import math
import re

from tts.text import time_rules
from tts.text.number_patterns import DASH, RATED
from tts.text.numbers import cardinal, ordinal, plural, year
from tts.text.tables import MONTH_NUMBERS, MONTHS
from tts.text.tokens import Rule

MONTH = (
    r"(?:Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?\.?|July?\.?|Aug(?:ust|\.)?|"
    r"Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?|"
    r"(?:JAN(?:UARY)?|FEB(?:RUARY)?|MAR(?:CH)?|APR(?:IL)?|MAY|JUNE?|JULY?|AUG(?:UST)?|SEPT?(?:EMBER)?|OCT(?:OBER)?|"
    r"NOV(?:EMBER)?|DEC(?:EMBER)?)\.?|january|february|april|june|july|august|september|october|november|december)"
)
_TH = "(?i:st|nd|rd|th)"


def _month_name(text: str) -> str:
    return MONTHS[MONTH_NUMBERS[text[:3].lower()] - 1]


def _full_year(text: str) -> str:
    """Words of a year of two or four digits; two digits are the century around 2000."""
    number = int(text)
    return year(number if len(text) > 2 else number + (2000 if number < 50 else 1900))


def _calendar(day: int, month: int, year_digits: str) -> str | None:
    if 1 <= month <= 12 and 1 <= day <= 31:
        return f"{MONTHS[month - 1]} {ordinal(day)} {_full_year(year_digits)}"
    return None


def _iso_date(match: re.Match) -> str | None:
    words = _calendar(int(match["day"]), int(match["month"]), match["year"])
    return words and words + (f" at {time_rules.spoken_time(match)}{_zone(match['zone'])}" if match["hour"] else "")


def _zone(zone: str | None) -> str:
    """Words of what follows the time in an ISO date: Z, or hours and minutes from Greenwich."""
    if not zone:
        return ""
    if zone == "Z":
        return " U T C"
    hours, minutes = int(zone[1:3]), int(zone[-2:]) if len(zone) > 3 else 0
    words = f" U T C {'plus' if zone[0] == '+' else 'minus'} {cardinal(hours)}"
    return f"{words} {cardinal(minutes)}" if minutes else words


def _numeric_date(match: re.Match) -> str | None:
    """American order, month first, unless that is impossible; with full stops day first."""
    first, second = int(match["first"]), int(match["second"])
    if match["mark"] == "." or first > 12:
        first, second = second, first
    words = _calendar(second, first, match["year"])
    if words or match["mark"] != "/":
        return words
    return " slash ".join(
        [*(cardinal(int(part)) for part in match.group("first", "second")), _full_year(match["year"])]
    )


#: A whole date in digits.
_DATE = r"\d{4}-\d\d-\d\d(?!\d)|\d\d?[/.]\d\d?[/.](?:\d{4}|\d\d)(?!\d)"


def _to_date(match: re.Match) -> str | None:
    """A dash between two dates, or a slash between two of which the year stands first."""
    after = re.match(_DATE, match.string[match.end() :])
    before = re.search(rf"(?<![\d/.-])(?:{_DATE})$", match.string[max(0, match.start() - 12) : match.start()].rstrip())
    return "to" if before and after and (match["mark"] != "/" or "-" in after[0]) else None


def _span_of_days(match: re.Match) -> str | None:
    """Two dates of which the first or both lack a year, unless both may be fractions: 1/4-1/2 cup."""
    first, last = ([int(part) for part in match[name].split("/")] for name in ("first", "last"))
    if not all(1 <= month <= 12 and 1 <= day <= 31 for month, day in (first, last)):
        return None
    if not match["year"] and all(_is_usual_fraction(above, below) for above, below in (first, last)):
        return None
    words = " to ".join(f"{MONTHS[month - 1]} {ordinal(day)}" for month, day in (first, last))
    return words + (f" {_full_year(match['year'])}" if match["year"] else "")


def _is_usual_fraction(above: int, below: int) -> bool:
    """Whether a fraction is in lowest terms and of a size that is measured with.

    >>> _is_usual_fraction(3, 4), _is_usual_fraction(10, 12), _is_usual_fraction(6, 7)
    (True, False, False)
    """
    return above < below and math.gcd(above, below) == 1 and below in (2, 3, 4, 5, 6, 8, 10, 12, 16, 32, 64)


#: The other of two dates: from 6/1 to 8/31.
_FROM_DATE = re.compile(r"\b[Ff]rom\s(\d\d?)/(\d\d?)\sto\s$")
_TO_DATE = re.compile(r"\sto\s(\d\d?)/(\d\d?)(?![\d/])")
_OF_WHOLE = re.compile(r"\s(?:shares?|parts?|portions?|interest|inch|cup|mile|drill|bolt|pipe|wrench|time)\b")
_BEFORE_DATE = re.compile(
    r"(?i)\b(?:on|week\sof|payable|effective|expir(?:es|ed|ing)|scheduled(?:\sfor)?|deadline:?|"
    r"dated?:?|posted|updated|published|"
    r"ships?|shipped|starts?|opens?|closes?|arrives?|moved\s(?:from|to)|from\s\d\d?/\d\d?\sto|thru|through|"
    r"until|till|since|due|dated|starting|ends?|(?P<by>by)|(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?)\s$"
)


_DEADLINE = re.compile(r"(?i)\b(?:rsvp|due|reply|respond|register|submit|apply|pay|finish|back|done|ready)\sby\s$")
_SHARE = re.compile(
    r"(?i)\b(?:chance|probability|ratio|share)\b|\b(?:about|roughly|only|almost|nearly|than|of|an?|equals)\s$"
)
_COUNTED = re.compile(r"\s(?:people|men|women|miles|times|minutes|hours|days|weeks|months|years)\b")
_AFTER_DATE = re.compile(
    r"\s*(?:$|[.,;:!?)])|\s@|\s(?:is|was|falls|fell)\b(?!\s(?:[\d.=]|about|less|more))|"
    r"\s(?:at|and|to|in|from|by|for|with|we|I|he|she|they|it|the)\b"
)
_AT_TIME = re.compile(r"(?i),?\s(?:at|@)\s?(?:\d\d?(?:[:.]\d\d)?\s?[ap]\.?m\b|\d\d?:\d\d|noon|midnight)")
_ARITHMETIC = re.compile(r"(?i)\b(?:simplif\w+|reduc\w+|fractions?|add|subtract|equals?)\s$")


def _month_slash_day(match: re.Match) -> str | None:
    """A month and a day without a year, where a word for a time stands before it: due on 6/5.

    Without such a word 12/25 is ambiguous. It is taken for a date, the more usual meaning, where no cook or carpenter
    writes such a fraction, nothing is measured by it and nobody is marked with it; other pairs are fractions.
    """
    month, day = int(match["month"]), int(match["day"])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    head, ends = match.string[max(0, match.start() - 24) : match.start()], _AFTER_DATE.match(match.string, match.end())
    if _AT_TIME.match(match.string, match.end()) and not (month < day < 5):  # but 1/2 at noon and 1/2 at night
        return f"{MONTHS[month - 1]} {ordinal(day)}"
    before = _BEFORE_DATE.search(head)
    if before:
        may_be_fraction = month < day <= 16 and (not ends or before["by"] and not _DEADLINE.search(head))
    elif (
        other := _FROM_DATE.search(head)
        or re.search(r"\b[Ff]rom\s$", head)
        and _TO_DATE.match(match.string, match.end())
    ):
        may_be_fraction = _is_usual_fraction(month, day) and _is_usual_fraction(int(other[1]), int(other[2]))
    elif re.search(r"(?i)\bthe\s$", head) and re.match(r"\s[a-z]{3,}", match.string[match.end() :]):
        may_be_fraction = day < 17 or day in (20, 32) or _OF_WHOLE.match(match.string, match.end())
    else:
        is_named = (
            (month, day) != (9, 11)
            and re.match(r"\s(?:is|was|falls|fell)\b", match.string[match.end() :])
            and not _is_usual_fraction(month, day)
        )
        reducible = math.gcd(month, day) > 1 and day > 10 and not _ARITHMETIC.search(head)
        may_be_fraction = (
            day <= 16 and not reducible and not is_named or not ends or RATED.search(head) or _SHARE.search(head)
        )
    return None if may_be_fraction else f"{MONTHS[month - 1]} {ordinal(day)}"


def _month_day(match: re.Match) -> str | None:
    before, after = match.string[max(0, match.start() - 4) : match.start()], match.string[match.end() :]
    counted = re.match(r"\s[a-z]", after) and re.search(r"\b[Ii]n\s$", before) or _COUNTED.match(after)
    if counted and not match["year"]:
        return None  # in May 5 people came
    day = int(match["day"])
    words = f"{_month_name(match['month'])} {ordinal(day) if 1 <= day <= 31 else cardinal(day)}"
    if match["last"]:
        words += f" to {ordinal(int(match['last']))}"
    if match["year"]:
        words += f" {', ' if match['comma'] else ''}{year(int(match['year']))}"
    return words


def _is_listed(match: re.Match) -> bool:
    """Whether another ordinal stands before, as in a list of days, of which only the first has an article."""
    return re.search(rf"\d{_TH},?\s(?:(?:and|or|&|to|through)\s)?$", match.string[: match.start()]) is not None


def _day_month(match: re.Match) -> str | None:
    if not 1 <= int(match["day"]) <= 31:
        return None
    words = f"{'' if match['the'] or _is_listed(match) else 'the '}{match['the'] or ''}{ordinal(int(match['day']))} of "
    words += _month_name(match["month"])
    return words.lower() + (f" {_full_year(match['year'])}" if match["year"] else "")


def _days_of_month(match: re.Match) -> str | None:
    """Two days of a month: 10-12 October."""
    first, last = int(match["day"]), int(match["last"])
    if not 1 <= first < last <= 31:
        return None
    joint = match["joint"].strip(" -–—−") or "to"
    article = "" if _is_listed(match) else "the "
    words = f"{article}{ordinal(first)} {joint} {ordinal(last)} of {_month_name(match['month'])}"
    return words + (f" {_full_year(match['year'])}" if match["year"] else "")


_AFTER_DAY = "|".join(rf"(?<=\d{end}{gap})" for end in ("", "th", "st", "nd", "rd") for gap in ("", r"\s"))


def _between_days(match: re.Match) -> str | None:
    """A dash between two days of which each has its month: 5 Nov.–9 Dec."""
    return "to" if re.search(rf"\d\s{MONTH}$", match.string[max(0, match.start() - 14) : match.start()]) else None


def _numeric_month(match: re.Match) -> str | None:
    """A year and a month in digits, unless they are rather two years: 2004-05."""
    month, number = int(match["month"]), int(match["year"])
    if match["mark"] == "-" and month > number % 100:
        return None
    return f"{MONTHS[month - 1]} {year(number)}"


def _month_year(match: re.Match) -> str:
    return f"{_month_name(match['month'])} {year(int(match['year']))}"


_TIMED = re.compile(
    r"(?i)\b(?:wait(?:ed|s)?|after|within|every|for|last(?:s|ed)?|takes?|took|another)\s$|[=<>≤≥~+]\s?$"
)


#: By how many seconds a race is won, and what follows those.
_WON_BY = re.compile(
    r"(?i)\b(?:w[io]ns?|le(?:d|ads?)|los[et]s?|lost|beat(?:s|en)?|ahead|behind|faster|slower|quicker|late|early|missed|"
    r"improved|cut)\s(?:(?!count)\w+\s){0,3}by\s$"
)
_NO_MORE = re.compile(
    r"\s?(?:[.,;:!?)–—]|$)|\s(?:in|on|at|to|and|but|or|from|after|over|this|last|when|because|compared|ahead)\b"
)
_APART = re.compile(r"\s(?:ahead|behind|faster|slower|quicker|later|earlier|adrift|clear\sof)\b")
_WHOSE = re.compile(r"(?i)\b(?:the|my|your|his|her|its|our|their|early|mid|late|low|high|upper)[\s-]$")


def _is_seconds(match: re.Match) -> bool:
    """Whether tens with an s are seconds: wait 30s, finished 10s ahead."""
    before = match.string[max(0, match.start() - 40) : match.start()]
    won_by = _WON_BY.search(before) and _NO_MORE.match(match.string, match.end())  # not: led by 90s bands
    apart = _APART.match(match.string, match.end()) and not _WHOSE.search(before)
    return bool(_TIMED.search(before) or won_by or apart)


def _decade(match: re.Match) -> str | None:
    text = match["decade"]
    if len(match[0]) == 3 and _is_seconds(match):
        return None
    words = cardinal(int(text)) if len(text) == 2 and text != "00" else year(int(text) or 2000)
    head, _, last = words.rpartition(" ")
    return f"{head} {plural(last)}"


def _until_era(match: re.Match) -> str | None:
    """The dash between years of two eras: 100 B.C.-A.D. 100."""
    return "to" if re.search(r"\bB\.?C\.?(?:E\.?)?\s?$", match.string[: match.start()]) else None


RULES: list[Rule] = [
    ("to", r"[-–—](?=\s?(?:A\.?D\b|\d+\s?(?:A\.?D|B\.?C|C\.?E)))", _until_era),
    ("to", r"(?<=['’]\d\d)[-–](?=['’]\d\d(?!\w))", lambda match: "to"),
    ("to", r"(?:(?<=\d)|(?<=\d\s))(?P<mark>\s?[-–—]\s?|/)(?=\d{1,4}[-/.]\d\d?[-/.]\d)", _to_date),
    (
        "date_span",
        rf"(?P<first>\d\d?/\d\d?){DASH}(?P<last>\d\d?/\d\d?)(?:/(?P<year>\d{{4}}|\d\d))?(?![\w/]|\.\d|-\d)",
        _span_of_days,
    ),
    (
        "iso_date",
        r"(?P<year>\d{4}(?=[-/])|(?<![<>=~])(?<!ersion )(?<!elease )(?:19|20)\d\d(?=\.[01]\d\.[0-3]\d\b(?!\.\d)))"
        r"[-/.](?P<month>\d\d?)[-/.](?P<day>\d\d?)"
        r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)?(?P<zone>Z|[-+]\d\d(?::?\d\d)?)?(?!\w)|"
        r"(?![\d-]|/(?!\d{4}-)))",
        _iso_date,
    ),
    (
        "iso_date",
        r"(?P<year>(?:19|20)\d\d)(?P<month>\d\d)(?P<day>\d\d)T(?P<hour>\d\d):?(?P<minute>\d\d)"
        r"(?::?(?P<second>\d\d))?(?P<zone>Z|[-+]\d\d(?::?\d\d)?)?(?!\w)",
        _iso_date,
    ),
    (
        "numeric_date",
        r"(?P<first>\d\d?)(?P<mark>[/.-])(?P<second>\d\d?)(?P=mark)"
        r"(?P<year>(?:1[5-9]|20)\d\d|(?<=/)\d\d)(?!(?P=mark)?\d|/|\.\d)",
        _numeric_date,
    ),
    ("numeric_month", r"(?P<year>(?:19|20)\d\d)(?P<mark>-)(?P<month>0[1-9])(?![\w-])", _numeric_month),
    ("numeric_month", r"(?P<month>0?[1-9]|1[0-2])(?P<mark>/)(?P<year>(?:19|20)\d\d)(?![\w/])", _numeric_month),
    ("month_day", r"(?P<month>\d\d?)/(?P<day>\d\d?)(?![\w/]|\.\d|\s(?:of|inch|cup)|-\w)", _month_slash_day),
    (
        "month_day",
        rf"(?P<month>{MONTH})\s+(?P<day>\d\d?){_TH}?"
        rf"(?:(?:{DASH}|\s(?:to|through)\s(?=\d\d?(?:th|st|nd|rd)?(?:[.,;:)]|$|\s(?:at|in|on|for|and)\b)))"
        rf"(?P<last>\d\d?){_TH}?)?"
        r"(?:(?P<comma>,)?\s+(?P<year>[12]\d{3})(?!\d))?(?!\w|:\d|,\d|\.\d)",
        _month_day,
    ),
    (
        "day_month",
        rf"(?:[Tt]he\s+)?(?P<day>\d\d?){_TH}?"
        rf"(?P<joint>{DASH}|\s(?:to|and|or|through|until)\s)(?:the\s)?(?P<last>\d\d?){_TH}?"
        rf"(?:\sof)?\s(?P<month>{MONTH})(?!\w)(?:,?\s(?P<year>[12]\d{{3}})(?!\d))?",
        _days_of_month,
    ),
    (
        "day_month",
        rf"(?P<the>[Tt]he\s+)?(?P<day>\d\d?){_TH}?(?:\s+of)?\s+(?P<month>{MONTH})(?!\w)"
        rf"(?:,?\s+(?P<year>[12]\d{{3}})(?!\d))?",
        _day_month,
    ),
    ("to", rf"\s?[-–]\s?(?=\d\d?{_TH}?\s{MONTH})", _between_days),
    ("to", rf"(?:{_AFTER_DAY})[-–]\s?(?={MONTH}\s\d)", lambda match: "to"),
    ("day_month", rf"(?P<the>)(?P<day>\d\d?)-(?P<month>{MONTH})-(?P<year>\d{{4}}|\d\d)(?![\w-])", _day_month),
    ("month_year", rf"(?P<month>{MONTH}),?\s+(?P<year>[12]\d{{3}})(?![\d,])", _month_year),
    *time_rules.RULES,
    ("decade", r"(?:['’](?=\d\ds))?(?P<decade>[12]\d\d0|\d0)['’]?s\b", _decade),
]
