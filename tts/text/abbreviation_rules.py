"""Rules for abbreviations and initials.

Rules have the form described in `tts.text.tokens`.
"""

import re

from tts.text import citation_rules, roman_rules
from tts.text.code_rules import STREET_FOLLOWS
from tts.text.date_rules import MONTH
from tts.text.number_patterns import many
from tts.text.spelling import LETTER, is_shouting, spell
from tts.text.tables import (
    BARE,
    BEFORE_NUMBERS,
    DIRECTIONS,
    ENDINGS,
    MONTHS,
    REGIONS,
    STARTERS,
    STATES,
    STATES_SHORT,
    TITLES,
    WEEKDAYS,
    WORDS_TOO,
)
from tts.text.tokens import Rule
from tts.text.units import UNITS

#: Abbreviations that need their full stop, longest first.
_STOPPED = "|".join(re.escape(name) for name in sorted(TITLES | ENDINGS, key=len, reverse=True))
_BARE = "|".join(sorted((re.escape(name.capitalize()) for name in BARE if "." not in name), key=len, reverse=True))
_NEXT_CAPITAL = re.compile(r"\s+[\"“'‘(]?[A-Z]")
_AFTER_TITLE = re.compile(r"\s+[A-Z\d]|[,–-]")
_AFTER_DAY = re.compile(
    r"\s+(?:[A-Z\d&]|(?:at|from|through|thru|to|and|or|until|till|between|before|after|by|morning|afternoon|evening|"
    r"night|noon|midnight|the(?=\s\d))\b)|[,–-]"
)
_DAYS = frozenset(name[:3] for name in WEEKDAYS + MONTHS)


def _abbreviation(match: re.Match) -> str | None:
    name = match[1].lower()
    if re.fullmatch("[A-Z]{2,}s", match[1]):  # HRs.
        return None
    rest = match.string[match.end() :]
    if match[1].isupper() and "." not in name and name not in BARE and not is_shouting(match.string):
        return None
    if name == "reps" and match[1].islower():  # of an exercise
        return None
    if name == "sec" and match[1][0] == "S" and re.match(r"\s(?:of\s)?[A-Z][a-z]", rest):
        return "secretary"
    if name == "fr" and re.search(r"\d\s?$", match.string[: match.start()]):
        dated = re.search(rf"\b{MONTH}\s\d\d?\s$", match.string[: match.start()])  # On May 5 Fr. Brown came
        return "father" if dated else "francs"
    if name == "est" and not re.match(r"\s?(?:in\s)?\d{4}", rest):
        return "estimated"
    follows = _AFTER_DAY if name in _DAYS else _AFTER_TITLE
    closes = name in _DAYS and not rest.strip() and _before(match).lower() not in ("", "the")
    if name in WORDS_TOO and not (match[1][0].isupper() and (closes or follows.match(rest))):
        if not (name in ("max", "min", "sec") and re.match(r"\s+[a-z\d]", rest)) and name != "al":
            return None
    if name == "co" and match[1].islower() and _before(match).lower() != "the":
        return None
    if name == "ft" and match[1].islower():
        return "foot" if _before(match) == "per" else "feet"
    return (TITLES.get(name) or ENDINGS[name]) + ("'s" if match["owner"] else "")


def _bare(match: re.Match) -> str | None:
    name, named = match[1].lower(), _NEXT_CAPITAL.match(match.string, match.end())
    if name in ("lt", "mt") and not named:
        return None
    return "drive" if name == "dr" and not named and _after_name(match) else BARE[name]


_SHORT_DAY = r"(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)"
_BEFORE_DAY = re.compile(
    rf"(?:(?<![Tt]he )\b{_SHORT_DAY}(?:\w*day)?\.?(?:,|,?\s(?:and|&|or))\s?|\b{_SHORT_DAY}(?:\w*day)?\.?/\s?)$"
)
_BEHIND_DAY = re.compile(rf"(?:,|,?\s(?:and|&|or)|/)\s?{_SHORT_DAY}(?:\w*day)?\b")


def _day_or_month(text: str) -> str:
    """The whole name of a day or month, by its first three letters."""
    return next(name for name in WEEKDAYS + MONTHS if name[:3] == text[:3].lower())


def _short_day(match: re.Match) -> str | None:
    """A day of the week without its full stop: those that are no words, others beside another day: Mon, Wed & Fri."""
    listed = _BEHIND_DAY.match(match.string, match.end()) or _BEFORE_DAY.search(match.string[: match.start()][-20:])
    newspaper = match[0] in ("Sat", "Sun") and _before(match).lower() == "the"
    if newspaper and match.string[match.end() : match.end() + 1] != "/":
        return None
    if not listed and match[0] in ("Mon", "Wed", "Sat", "Sun"):
        return None
    return _day_or_month(match[0])


#: Saints after whom towns and lakes are named, which stand behind other names: London St. Pancras.
_PLACES = re.compile(
    r"\s(?:Albans?|Andrews|Austell|Clair|Croix|Denis|Edmunds|Gallen|Germain|Helens|Ives|Kitts|Laurent|Lucia|Moritz|"
    r"Neots|Pancras|Petersburg|Tropez)\b"
)


def _before(match: re.Match) -> str:
    """The word before the match, with its mark."""
    words = match.string[max(0, match.start() - 30) : match.start()].split()
    return words[-1] if words else ""


def _after_name(match: re.Match) -> bool:
    """Whether a name of a street stands before: a capitalised word that does not open the sentence, or an ordinal."""
    before = re.sub(r"^([JS]r)\.$", r"\1", _before(match))
    if re.fullmatch(r"\d+(?:st|nd|rd|th)", before):
        return True
    if before in STARTERS:
        return False
    opens = not match.string[: match.start()].strip().removesuffix(before).strip()
    return (
        before[:1].isupper()
        and before[-1:].isalnum()
        and (not opens or not _NEXT_CAPITAL.match(match.string, match.end()))
    )


def _saint_or_street(match: re.Match) -> str:
    follows = _NEXT_CAPITAL.match(match.string, match.end())
    if _PLACES.match(match.string, match.end()):
        return "saint"
    if _after_name(match) and not (follows and _before(match) in ("East", "West", "North", "South", "Mount", "Port")):
        return "street"
    return "saint" if follows else "street"


def _doctor_or_drive(match: re.Match) -> str:
    follows = _NEXT_CAPITAL.match(match.string, match.end())
    if follows and not (_after_name(match) and re.match(r"\d", match.string.lstrip())):
        return "doctor"
    return "drive" if _after_name(match) else "doctor"


_STREET_ENDS = {
    "Ave": "avenue", "Pl": "place", "Ter": "terrace", "Cir": "circle", "Rd": "road", "Ln": "lane", "Ct": "court",
    "Sq": "square", "Pkwy": "parkway", "Expy": "expressway", "Fwy": "freeway", "Trl": "trail", "Xing": "crossing",
}  # fmt: skip


def _street_end(match: re.Match) -> str | None:
    return _STREET_ENDS[match[0].rstrip(".")] if _after_name(match) else None


def _before_number(match: re.Match) -> str | None:
    """What a number counts; "n." only behind a number, and no pint at the end of a sentence: a pt. 5 men."""
    before = match.string[: match.start()]
    if match[0] in ("art.", "P.", "N.", "rt.") or match[0] == "n." and not re.search(r"\d,?\s$", before):
        return None
    if match[0] == "pop." and before[-1:] != "(":  # a drink, unless of a town (pop. 200)
        return None
    if match[0] == "pt." and re.search(r"(?i)\ba\s$", before):
        return None
    if match[0] == "Fl.":
        return "floor"
    return BEFORE_NUMBERS[match[match.lastindex or 0].lower()]


def _initials(match: re.Match) -> str:
    """U.S.A., J. R. R. Tolkien, a.m.: letters by their names."""
    words = spell(re.sub(r"['’]?s$", "", match[0]))
    return f"{words}'s" if match[0].endswith("s") else words


def _joined_initials(match: re.Match) -> str:
    """AT&T, R&D, Q&A."""
    return " and ".join(spell(part) for part in re.split(r"\s?&(?:amp;)?\s?", match[1])) + (match[2] and "'s" or "")


def _versus(match: re.Match) -> str | None:
    """Between the names of two parties (Roe v. Wade), and between two things."""
    before = _before(match)
    named = before[:1].isupper() and match.string[match.end() + 1 : match.end() + 2].isupper()
    priced = re.search(r"[$£€][\d.,]+\w*$", before)
    return "versus" if named or priced or match[0] == "v." and len(before) > 3 and before.isalpha() else None


_LABELS = {"Tel": "telephone", "Attn": "attention", "Mob": "mobile", "Ext": "extension"}
_LIVED = {"b.": "born", "d.": "died", "r.": "reigned"}
_SIZES = {"l": "large", "s": "small", "m": "medium"}
_ROOMS = {"Apt": "apartment", "Ste": "suite", "Rm": "room", "Rm.": "room", "Bld": "building"}


def _state(match: re.Match) -> str:
    return spell(match[0])


def _direction(match: re.Match) -> str | None:
    """A letter of the compass in the name of a street, unless it is an initial in a person's."""
    before = _before(match)
    if before[:1].isupper() and before not in STARTERS or before.endswith(","):
        return None
    return DIRECTIONS[match[1]]


def _power_of_length(match: re.Match) -> str:
    """Square and cubic units without a number: per sq. ft."""
    unit = UNITS[re.sub(r"[.\s]+", " ", match[0]).strip()]
    return unit if _before(match) in ("per", "a", "each", "every") else many(unit)


_EACH = "lbs? oz kg mg km mi gal hr yr sec min ml mL cm mm yd ft kWh MWh GB MB TB".split()


def _each(match: re.Match) -> str:
    """A unit without a number: five dollars per lb."""
    return UNITS[match[0].rstrip(".").removesuffix("s")]


_DAY = rf"(?:(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)(?:day)?\.?|{MONTH})"


def _short_state(match: re.Match) -> str | None:
    """A state after its town, unless somebody is spoken to: Jackson, Miss., but Thank you, Miss."""
    if match[1] in ("Miss", "Pa", "La") and not re.search(
        r"(?:\([DRI]-|\b(?!(?:Yes|No|Oh|Well|Thanks|Please|Sorry|Hello|Hi|Bye|Ma)\b)[A-Z][a-z]+,\s)$",
        match.string[: match.start()],
    ):
        return None
    return STATES_SHORT[match[1]]


def _calendar_range(match: re.Match) -> str:
    return " to ".join(map(_day_or_month, match.groups()))


def _between_months(match: re.Match) -> str | None:
    """A slash between two months, which are read one after the other: Jan/Feb."""
    return "" if re.search(rf"\b{MONTH}$", match.string[max(0, match.start() - 10) : match.start()]) else None


def _sister(match: re.Match) -> str | None:
    before = _before(match).rstrip(",")
    return None if before[:1].isupper() and before[-1:].isalnum() else "sister"


#: Names of nuns, after "Sr.".
_SISTERS = (
    "Anna Mary Maria Teresa Theresa Agnes Anne Bernadette Catherine Margaret Joan Helen Elizabeth Clare Rose Monica "
    "Marie Frances Lucy Angela Cecilia Benedicta Josephine"
).split()
#: (name, pattern, function), tried in this order after those for numbers; none begins inside a word.
RULES: list[Rule] = [
    *citation_rules.ABBREVIATIONS,
    ("saint", r"[Ss]t\.(?!\w)|St(?=\s[A-Z])|(?<=[a-z]\s)St\b", _saint_or_street),
    ("doctor", r"[Dd]r\.(?!\w)", _doctor_or_drive),
    ("street", r"(?:Ave|Rd|Ln|Ct|Pkwy|Expy|Fwy|Trl|Xing)(?![.\w])|(?:Pl|Ter|Cir|Expy|Fwy|Trl)\.(?!\w)", _street_end),
    ("street", r"(?:Pl|Ter|Cir|Sq)(?=,|$|\s(?:#|Apt|Suite|Unit|NW|NE|SW|SE)\b)", _street_end),
    ("floor", r"(?<=\d(?:st|nd|rd|th)\s)[Ff]l\.(?!\w)|(?<=\d(?:st|nd|rd|th)\s)Fl\b", lambda match: "floor"),
    ("minute", r"(?<=\d(?:st|nd|rd|th)\s)min\b\.?", lambda match: "minute"),
    ("apartment", r"(?:Apt|Ste|Rm|Bldg)\.?(?=\s#?(?:\d|[A-Z]\b))", lambda match: _ROOMS[match[0][:3]]),
    ("place", r"(?:Ste|Pt)\.(?=\s[A-Z][a-z])", lambda match: "point" if match[0] == "Pt." else "saint"),
    ("right", r"[Rr]t\.\s(Hon|Rev)\b\.?", lambda match: f"right {TITLES[match[1].lower()]}"),
    ("sister", rf"Sr\.?(?=\s(?:{'|'.join(_SISTERS)})\b)", _sister),
    ("edited", r"ed\.(?=\sby\b)", lambda match: "edited"),
    ("edition", r"(?:(?<=\d(?:st|nd|rd|th)\s)|(?<=[Rr]ev\.\s))ed\.", lambda match: "edition"),
    ("revised", r"[Rr]ev\.(?=\sed\.)", lambda match: "revised"),
    ("number", rf"((?i:{'|'.join(BEFORE_NUMBERS)}))\.(?=\s?\d)", _before_number),
    ("number", r"((?i:no|nos))\.(?=\s(?:of|is|was)\b)|(?<=\w\s)(No|Nos)(?=\s\d)", _before_number),
    ("size", r"(?<=\d\s)(?:lg|sm|med)\b\.?(?=\s[a-z])", lambda match: _SIZES[match[0][0]]),
    ("century", r"(?<=\d[a-z]{2}[\s-])c\.", lambda match: "century"),
    ("born", rf"[bdr]\.(?=\s(?:\d{{1,2}}\s{MONTH}\s)?\d{{3,4}}\b)", lambda match: _LIVED[match[0]]),
    ("article", r"[Aa]rt\.(?=\s\d+\()", lambda match: "article"),
    ("soon", r"a\.s\.a\.p\.?(?!\w)", lambda match: "A S A P"),
    (
        "state",
        rf"(?:(?<=\([DRI]-)|(?<=[a-z],\s))({'|'.join(STATES_SHORT)})\.(?!\w)",
        _short_state,
    ),
    ("state", rf"({'|'.join(STATES)})(?=\s\d{{5}}(?![\d,]))|(?<=[a-z],\s)(IN|OR|ME|OK|HI|OH)(?=[.,;)]|$)", _state),
    ("initials", r"(?:(?<=,\s)|(?<=\()|(?<=['’]s\s))[DHKRS]\.(?=\s\d{1,4}\b)", _initials),
    (
        "coordinate",
        r"(?:[Ll](?:at|on)\.?|Long\.?|long(?:\.|(?=:)))(?=:?\s[-−–]?\d{1,3}\.\d+\b(?!\s[a-z]))",
        lambda match: "latitude" if match[0][1] == "a" else "longitude",
    ),
    ("label", r"(?i:tel|attn)(?=:\s)|(?:Mob|Ext)(?=:\s[+(]?\d)", lambda match: _LABELS[match[0].capitalize()]),
    ("circa", r"c\.(?=\s?\d{3,4}\b)", lambda match: "circa"),
    *roman_rules.RULES,
    ("calendar", r"M[-–]F(?![\w-])", lambda match: "monday to friday"),
    ("day", rf"{_SHORT_DAY}\b(?![.'’\w])", _short_day),
    ("calendar", rf"({_DAY})\s?[-–]\s?({_DAY})(?!\w)", _calendar_range),
    ("month", rf"({MONTH})(?=\s['’]\d\d(?![\w'’])|/{MONTH}(?!\w))", _calendar_range),
    ("month", rf"(?:(?<=[a-z])|(?<=[a-z]\.))/(?={MONTH}(?!\w))", _between_months),
    ("day", rf"({_DAY})(?=,?\s(?:\d|{MONTH}\b))", _calendar_range),
    ("direction", rf"([NSEW])\.(?=\s(?:{'|'.join(REGIONS)})\b)", lambda match: DIRECTIONS[match[1]]),
    ("direction", rf"([NSEW]|[NS][EW]){STREET_FOLLOWS}\.?", _direction),
    (
        "direction",
        r"([NS][EW]|(?:(?<=km\s)|(?<=mi\s)|(?<=miles\s))[NSEW])(?=\sof\b)|[NS][EW](?=\scorner\b)",
        lambda match: DIRECTIONS[match[0]],
    ),
    ("versus", r"v\.?(?=\s[A-Za-z])|v\.(?=\s[$£€]\d)", _versus),
    ("length", r"(?:sq|cu)\.?\s(?:km|cm|mm|mi|yd|ft|in|m)\b\.?", _power_of_length),
    ("per", rf"(?<=\bper )(?:{'|'.join(_EACH)})\b\.?(?!\w)", _each),
    ("abbreviation", rf"(?i:({_STOPPED})\.)(?![\w])(?P<owner>['’]s\b)?", _abbreviation),
    ("initials", r"AM/FM\b|(?<=\b[Tt]he )AM\b|aka\b", lambda match: spell(match[0].replace("/", ""))),
    ("initials", r"Ph\.?D\.?['’]?s\b", lambda match: "P H D's"),
    ("bare", rf"({_BARE}|PhD|vs|etc|thx|pls|acct)\b(?!\.?\w)", _bare),
    (
        "initials",
        rf"(?:(?!v\.\s|s\.){LETTER}\.(?:\s|-(?=[A-Z]\.\s))?){{2,}}(?<!\s)(?:['’]?s\b)?(?!\w)|(?:[A-Z]\.\s?)+(?=\s?[A-Z][a-z])(?<!\s)",
        _initials,
    ),
    ("initials", r"[A-Z]\.(?=\s[A-Z]?[a-z]|,)", _initials),
]
#: After the rules for addresses.
JOINED: list[Rule] = [
    ("joined", r"((?:[A-Z]{1,3}\s?&(?:amp;)?\s?)+[A-Z]{1,3})(['’]?s)?\b", _joined_initials),
    *roman_rules.AFTER_NAMES,
]
