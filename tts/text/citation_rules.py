"""Rules for citations: of the Bible by chapter and verse, of courts' decisions and rules by volume and page.

Rules have the form described in `tts.text.tokens`.
"""

import re

from tts.text.number_patterns import DASH
from tts.text.numbers import cardinal, ordinal, roman
from tts.text.tokens import Rule

#: Books of the Bible and how they are shortened, with or without a full stop.
_SHORT = {
    "genesis": "gen gn", "exodus": "exod ex", "leviticus": "lev lv", "numbers": "num", "deuteronomy": "deut dt",
    "joshua": "josh", "judges": "judg", "samuel": "sam", "kings": "kgs", "chronicles": "chron chr", "nehemiah": "neh",
    "psalm": "ps pss", "proverbs": "prov prv", "ecclesiastes": "eccl eccles", "isaiah": "isa", "jeremiah": "jer",
    "lamentations": "lam", "ezekiel": "ezek", "daniel": "dan dn", "hosea": "hos", "micah": "mic", "habakkuk": "hab",
    "zechariah": "zech", "malachi": "mal", "matthew": "matt mt", "mark": "mk", "luke": "lk", "john": "jn",
    "romans": "rom", "corinthians": "cor", "galatians": "gal", "ephesians": "eph", "philippians": "phil",
    "colossians": "col", "thessalonians": "thess", "timothy": "tim", "titus": "tit", "hebrews": "heb",
    "james": "jas", "peter": "pet", "revelation": "rev",
}  # fmt: skip
_WHOLE = (
    "ezra esther ruth job psalms amos joel obadiah jonah nahum zephaniah haggai sirach tobit judith baruch maccabees "
    "acts philemon jude"
).split()
BOOK_NAMES = {short: name for name, shorts in _SHORT.items() for short in shorts.split()}
BOOK_NAMES |= {name: name for name in (*_SHORT, *_WHOLE)}
#: Books of which there are several: 1 Corinthians.
_NUMBERED = "samuel kings chronicles corinthians thessalonians timothy peter john".split()

_ANY = "|".join(sorted((name.capitalize() for name in BOOK_NAMES), key=len, reverse=True))
_ONE_OF = "|".join(
    sorted((short.capitalize() for short, name in BOOK_NAMES.items() if name in _NUMBERED), key=len, reverse=True)
)
#: Books that are told by their chapter alone, where they are shortened: Ps. 23.
CHAPTERED = "Rev Ps Prov Matt Rom Exod Deut Isa Jer Ezek Gal Heb".split()
_ORDER = r"(?P<order>[1-3]|I{1,3})\s"


def _verse(match: re.Match) -> str:
    words = [BOOK_NAMES[match["book"].lower()], cardinal(int(match["chapter"])), cardinal(int(match["verse"]))]
    if match["last"]:
        words += ["to", *(cardinal(int(part)) for part in match["last"].split(":"))]
    return " ".join([*_order(match), *words])


def _song(match: re.Match) -> str:
    return f"song of {match['of'].lower()} {cardinal(int(match['chapter']))} {cardinal(int(match['verse']))}"


def _chapter(match: re.Match) -> str:
    return " ".join([*_order(match), BOOK_NAMES[match["book"].lower()], cardinal(int(match["chapter"]))])


def _order(match: re.Match) -> list[str]:
    order = match["order"]
    return [ordinal(roman(order) or int(order))] if order else []


#: Reports of courts' decisions, their series, and the rules of courts.
_REPORTS = {"F.": "F", "S.": "supreme", "Ct.": "court", "Supp.": "supplement", "L.": "lawyers", "Ed.": "edition"}
_REPORTS |= {
    "App.": "appeals",
    "Cal.": "california",
    "N.": "N",
    "E.": "E",
    "W.": "W",
    "P.": "P",
    "A.": "A",
    "So.": "southern",
}
_SERIES = {"2d": "second", "3d": "third", "4th": "fourth", "5th": "fifth"}
_RULE_PARTS = {
    "R": "rules of",
    "Civ": "civil",
    "Crim": "criminal",
    "App": "appellate",
    "P": "procedure",
    "Evid": "evidence",
}


def _report(match: re.Match) -> str:
    """Volume, report and page: 123 F.3d 456."""
    names = re.findall(r"[A-Z][a-z]*\.|\d\w+", match["report"])
    words = [cardinal(int(match["volume"])), *(_REPORTS.get(name) or _SERIES[name] for name in names)]
    return " ".join([*words, cardinal(int(match["page"]))])


def _public_law(match: re.Match) -> str:
    return f"{cardinal(int(match['congress']))} dash {cardinal(int(match['law']))}"


def _court_rule(match: re.Match) -> str:
    return " ".join(["federal", *(_RULE_PARTS[part] for part in re.findall(r"[A-Z][a-z]*", match[0])[1:])])


#: What stands before a verse: a chapter, or a word that cites it; verses in front of it too.
_CITES = re.compile(
    rf"(?:(?:(?<!v\.\s)(?<!v\.\s\d)\d|\b[ivxlc]+),?|\b(?:In|in|[Ss]ee|[Cc]f\.|[Cc]ompare|[Aa]t|[Aa]s|[Oo]f|{_ANY})|"
    r"\bvv\.\s[\d–-]+(?:,|,?\s(?:and|or)))"
    r"(?:\sv\.\s\d+(?:,|,?\s(?:and|or|to)))*\s$"
)
#: What is spoken of where versions are: fixed in v. 3 of the app.
_PROGRAM = re.compile(r"(?i)\b(?:version|upgrad|updat|releas|install|software|apps?\b|bugs?\b|fixe[ds]\b|v\.\s\d+\.\d)")


def _verse_or_version(match: re.Match) -> str:
    """A verse where a chapter or a word that cites stands before: John 3, v. 16; else a version: Firefox v. 3."""
    cited = _CITES.search(match.string[max(0, match.start() - 40) : match.start()])
    around = match.string[max(0, match.start() - 60) : match.end() + 60]
    return "verse" if cited and not _PROGRAM.search(around) else "version"


#: For the rules about words.
ABBREVIATIONS: list[Rule] = [
    ("verse", r"v\.(?=\s\d)", _verse_or_version),
    ("court_rule", r"Fed\.\sR\.\s(?:(?:Civ|Crim|App)\.\sP\.|Evid\.)", _court_rule),
    ("law", r"Pub\.\sL\.", lambda match: "public law"),
    (
        "circuit",
        r"(?:(?<=\d(?:st|nd|rd|th)\s)|(?<=\b[23]d\s)|(?<=[A-Z]\.\s))Cir\.(?=\s(?:\d|[A-Z][a-z]{2}))",
        lambda match: "circuit",
    ),
    ("certiorari", r"cert\.(?=\s[a-z])", lambda match: "certiorari"),
    ("decided", r"(?:aff|rev)['’]d\b", lambda match: "affirmed" if match[0][0] == "a" else "reversed"),
]
#: (name, pattern, function), tried in this order.
RULES: list[Rule] = [
    ("circuit", r"[23]d(?=\sCir\.)", lambda match: _SERIES[match[0]]),
    (
        "report",
        r"(?P<volume>\d{1,4})\s(?P<report>(?:F|S\.\s?Ct|L\.\s?Ed|Cal|[NS]\.\s?[EW]|So|P|A)\."
        r"(?:\s?(?:Supp|App)\.)?(?:\s?(?:2d|3d|4th|5th))?)\s(?P<page>\d{1,4})\b",
        _report,
    ),
    ("public_law", r"(?<=Pub\. L\. )(?:No\.\s)?(?P<congress>\d{2,3})-(?P<law>\d{1,3})\b", _public_law),
    (
        "verse",
        rf"\b(?:{_ORDER}(?={_ONE_OF}))?(?P<book>{_ANY})\.?\s(?P<chapter>\d{{1,3}}):(?P<verse>\d{{1,3}})"
        rf"(?:{DASH}(?P<last>(?:\d{{1,3}}:)?\d{{1,3}}))?(?![\d:]|\s?[AaPp]\.?[Mm]\b)",
        _verse,
    ),
    (
        "verse",
        r"(?:(?<=\bQur['’]an )|(?<=\b[QK][uo]ran )|(?<=\bS[uū]rah ))(\d{1,3}):(\d{1,3})(?![\d:])",
        lambda match: f"{cardinal(int(match[1]))} {cardinal(int(match[2]))}",
    ),
    ("verse", r"Song\sof\s(?P<of>Songs|Solomon)\s(?P<chapter>\d):(?P<verse>\d{1,2})(?![\d:])", _song),
    (
        "chapter",
        rf"(?P<order>)(?P<book>{'|'.join(CHAPTERED)})\.\s(?P<chapter>\d{{1,3}})(?![\w:%])",
        _chapter,
    ),
    ("chapter", rf"\b{_ORDER}(?P<book>{_ONE_OF})\.?\s(?P<chapter>\d{{1,3}})(?![\w:])", _chapter),
]
