"""Rules for numbers that are counted, for their plurals and ordinals, and for years.

Rules have the form described in `tts.text.tokens`.
"""

import re

from tts.text.number_patterns import DASH, NUMBER, RANGE, span
from tts.text.numbers import cardinal, decimal, digits, ordinal, pairs, plural, year
from tts.text.spelling import mixed
from tts.text.tables import MAGNITUDES
from tts.text.tokens import Rule

_YEAR = r"(?:1[1-9]|20)\d\d"
_PLURAL_NOUN = re.compile(
    r"\s+(?:(?!(?:was|is|has|as|this|its|his|us|thus|yes|plus|does|always|across|less|unless)\b)[a-z]+s|"
    r"(?P<irregular>people|men|women|children|feet))\b"
)
#: Before a year even if a plural noun follows: in 1992 sales doubled, the 1968 riots.
_WHEN = re.compile(r"(?:\b(?:[Ii]n|[Ss]ince|[Uu]ntil|[Bb]y|[Bb]efore|[Aa]fter)|\b(?:[Tt]he|[Dd]uring)(?:\s[a-z]+)?)\s$")
_MEASURED = re.compile(
    r"\s+(?:(?:kilo)?met(?:er|re)s?|miles?|feet|foot|kilos?|kilograms?|pounds?|tons?|tonnes?|dollars?|euros?|years?|days?|"
    r"hours?|minutes?|seconds?|words?|votes?|points?)\b"
)
_ATTENDED = re.compile(r"\s+(?:students|guests|cases|tests|books|people|members|seats|copies|tickets|pages|workers)\b")
#: The verb of a clause.
_CLAUSE = re.compile(
    r"\s(?:(?!(?:we|he|she|they|it|i|you)\b)\w+ed|were|are|have|had|rose|fell|came|went|took|became|began|grew|led|saw|met|"
    r"won|lost|made|said|could|would|did|kept|struck|stood|left|fled|built|held)\b"
)


def _ordinal(match: re.Match) -> str:
    return ordinal(int(match["number"].replace(",", "")))


def _ordinals(match: re.Match) -> str:
    return f"{ordinal(int(match['number']))} to {ordinal(int(match['to']))}"


def _fold(match: re.Match) -> str:
    """How often somebody has won something: a 3x MVP."""
    return f"{decimal(match['number'])} time"


def _lines(match: re.Match) -> str:
    """Lines of a picture: 1080p."""
    return f"{pairs(match['number'])} {match['scan'].upper()}"


def _year_span(match: re.Match) -> str | None:
    first, last = match["first"], match["last"]
    if match["mark"] == "/" and int(last[-2:]) != (int(first) + 1) % 100:
        return None
    if len(last) == 4 and int(last) < int(first) or len(last) == 2 and int(last) <= int(first[2:]):
        return None
    return f"{year(int(first))} to {year(int(last)) if len(last) == 4 else _two_digits(last)}"


def _two_digits(text: str) -> str:
    return f"{'oh ' if text[0] == '0' else ''}{cardinal(int(text))}"


def _year(match: re.Match) -> str | None:
    """A year unless a plural noun is counted or an equation stands before it."""
    before, text = match.string[max(0, match.start() - 24) : match.start()], match.string
    if re.search(r"[=<>+*/^×÷]\s?$", before):
        return None
    if noun := _PLURAL_NOUN.match(text, match.end()):
        is_round = match[0].endswith("00") or int(match[0]) < 1500
        if noun["irregular"] and is_round:  # fifteen hundred people
            return year(int(match[0]))
        when = _WHEN.search(before)
        # In 1992 sales doubled, the 1968 riots; but in 1650 cases, the 1650 students
        opens = when and when[0][0].isupper() and when[0][0] != "T" and int(match[0]) >= 1900
        told = when and when[0].lower().startswith(("the", "during")) and not _ATTENDED.match(text, match.end())
        dated = not is_round and (told or opens or when and _CLAUSE.match(text, noun.end()))
        if not dated or _MEASURED.match(text, match.end()):
            return None
    return year(int(match[0]))


def _number_sign(match: re.Match) -> str:
    if (
        max(len(match["number"]), len(match["to"] or "")) > (3 if match["to"] else 4)
        and match[0][1:].replace("-", "").isdigit()
    ):
        return "number " + " , ".join(digits(part) for part in match[0][1:].split("-"))
    return f"number {span(match)}"


def _magnitude(match: re.Match) -> str | None:
    suffix = match["suffix"].strip()
    if suffix == "B":
        return f"{span(match)} billion" if "." in match["number"] else None
    if suffix in ("M", "bn", "mn", "tn", "trn"):
        return f"{span(match)} {MAGNITUDES[suffix]}"
    return f"{span(match)} K"


def _short_year(match: re.Match) -> str:
    number = int(match["number"])
    return year(1900 + number).split(" ", 1)[1] if number else year(2000)


def _plural_words(words: str) -> str:
    head, _, last = words.rpartition(" ")
    return f"{head} {plural(last)}"


def _possessive(match: re.Match) -> str:
    """Of a year, or of a number in a name, as Apollo 11's; else the plural of a number."""
    number = match["number"]
    if re.fullmatch(_YEAR, number):
        return f"{year(int(number))}'s"
    if re.search(r"\b\w{0,20}[A-Z]\w{0,20}\s$", match.string[: match.start()]):
        return f"{decimal(number)}'s"
    return _plural_words(decimal(number))


def _round_plural(match: re.Match) -> str:
    """Tens, hundreds, tens of thousands of something."""
    thousands, rest = divmod(match["number"].count("0"), 3)
    words = [("", "tens", "hundreds")[rest], ("", "thousands", "millions", "billions")[thousands]]
    return " of ".join(word for word in words if word)


_SEVERAL = re.compile(
    r"(?i)\b(?:two|three|four|five|six|seven|eight|nine|ten|twelve|dozen|hundred|several|few|"
    r"(?:pack|dozens?|fleet|group|pair|couple|lots|hundreds|thousands|box|boxes|one)\sof)\s$"
)
#: Aircraft (A320s is a name), calibres, forms and cars that are called by their number.
_NAMED = re.compile(r"(?:7[0-8]7|911|1099|1040|401)s|\.(?:22|357|38|40|44|45|50)s")
#: Before seconds.
_LASTING = re.compile(
    r"(?i)(?:\b(?:an?|at|by|of|to|about|around|only|just|than|until|least|most|last(?:s|ed)?|takes?|took|wait(?:ed)?|"
    r"another|first|next)|[=<>≤≥~+])\s?$"
)
#: What lasts so many seconds or is beside them.
_TIMES = re.compile(
    r"(?i)\b(?:time\w*|delays?|intervals?|durations?|latency|exposures?|laps?|clips?|videos?|seconds?|secs?|runs?|ran|"
    r"records?|ttl|sleep\w*|slept|refresh|elapsed|paused?|faster|slower|longer|later|quicker|ahead|behind|\d+\s?(?:ms|m|min|mins|h))\b"
)


def _plural(match: re.Match) -> str | None:
    """Plurals of digits: two joined, those behind a word for several, names that are numbers; else seconds."""
    number = match["number"]
    before, after = match.string[max(0, match.start() - 20) : match.start()], match.string[match.end() :]
    joined = re.search(r"\d\w*s,?\s(?:(?:and|or)\s)?$", before) or re.match(r",?\s(?:(?:and|or)\s)?\d+s\b", after)
    several = (
        before.endswith("-")
        and before[-2:-1].isalpha()
        or re.search(r"(?i)\b(?:(?:the|these|those|all|both|some|many|no)\s|(?:under|over)[-\s])$", before)
    )
    timed = re.search(r"(?i)\b(?:between|from|in|after|for|within|every)\s(?:\d\w*s\s\w+\s)?$", before)
    counted = _SEVERAL.search(before) and (len(number) > 2 or not re.match(r"\s(?!and\b|or\b)[a-z]", after))
    lasting = _LASTING.search(before) or _TIMES.search(match.string[max(0, match.start() - 40) : match.end() + 40])
    named = _NAMED.fullmatch(match[0]) and not lasting
    words = pairs(number) if 1 < len(number) < 5 else decimal(number)
    long = len(number) > 2 or match["point"]
    plural_meant = several or counted or (named or joined and not (long and lasting)) and not timed
    return _plural_words(words) if plural_meant else None


#: Before the rules for decades.
ROUND: list[Rule] = [("plural", r"(?P<number>1(?:0|00|(?:0|00)?(?:,?000){1,3}))['’]?s(?=\sof\b)", _round_plural)]
#: Before the rules for units, which would see seconds.
PLURALS: list[Rule] = [
    ("plural", r"(?P<point>\.)?(?P<number>\d+)s\b", _plural),
    ("possessive", r"(?P<number>\d+(?:\.\d+)?)['’]s\b", _possessive),
]
#: (name, pattern, function), tried in this order. A number must not continue one to its left.
RULES: list[Rule] = [
    ("short_year", r"['’](?P<number>\d\d)(?![\d\w'’])", _short_year),
    ("ordinals", rf"(?P<number>\d+)(?:st|nd|rd|th){DASH}(?P<to>\d+)(?:st|nd|rd|th)\b", _ordinals),
    ("lines", r"(?P<number>480|720|1080|1440|2160)(?P<scan>[pi])\b", _lines),
    ("ordinal", r"(?P<number>\d{1,3}(?:,\d{3})+|\d+)(?i:st|nd|rd|th)(?![^\W⁰¹²³⁴-⁹])", _ordinal),
    ("fold", r"(?P<number>\d+(?:\.\d+)?)x(?=\s(?:MVP|champ\w*|winner|All-Star|Olympian|world|Grand)\b)", _fold),
    (
        "fold",
        r"(?P<number>\d+(?:\.\d+)?)x(?=\s(?:his|her|their|my|your|our|its|the|as|more|less|larger|bigger|faster|slower|"
        r"higher|cheaper|better|longer)\b)",
        lambda match: f"{decimal(match['number'])} times",
    ),
    (
        "fold",
        r"(?P<number>\d+)x/(?P<each>hour|day|night|week|month|year)\b",
        lambda match: f"{decimal(match['number'])} times a{'n' if match['each'] == 'hour' else ''} {match['each']}",
    ),
    ("pages", r"(?P<number>\d{1,4})\s?ff\.(?!\w)", lambda match: f"{cardinal(int(match['number']))} and following"),
    ("pages", r"(?:(?<=\bp\. )|(?<=\bpp\. ))(\d{1,4})\s?f\.(?!\w)", lambda m: f"{cardinal(int(m[1]))} and following"),
    ("magnitude", rf"{RANGE}(?P<suffix>[kKMB]|\s?(?:bn|mn|trn|tn))\b", _magnitude),
    (
        "year_span",
        rf"(?P<first>{_YEAR})(?P<mark>[-–/]|\s[-–]\s(?={_YEAR}(?!\s?[=+*/×÷<>])))(?P<last>{_YEAR}|\d\d)(?![\d,.-]\d|\w)",
        _year_span,
    ),
    ("year", r"(?:(?<=\b[Tt]he year )|(?<=\bYear ))[2-9]\d\d\d(?![\w%]|[,.]\d)", lambda match: year(int(match[0]))),
    ("year", r"10\d\d(?=\s(?:A\.?D|C\.?E|B\.?C)\b)", _year),
    ("year", r"(?:(?:(?<=\b[Ii]n )|(?<=\bAD )|(?<=\bA\.D\. ))10|1[1-9]|20)\d\d(?![\d\w]|,\d|\.\d|[-–/]\d)", _year),
    ("number_sign", r"[#№](?P<label>\d{1,4}[A-Z])(?!\w)", lambda match: f"number {mixed(match['label'])}"),
    ("number_sign", rf"[#№]\s?(?P<number>{NUMBER})(?:{DASH}(?P<to>{NUMBER}))?(?!\w)", _number_sign),
    ("number", rf"{RANGE}(?![\d])", span),
]
