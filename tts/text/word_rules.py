"""Rules for what begins with a letter: addresses, abbreviations, initials, Roman numerals, mixed names, words.

Rules have the form described in `tts.text.tokens`.
"""

import re
import unicodedata

from tts.text.addresses import expand_address, expand_hashtag
from tts.text.numbers import cardinal, digits, ordinal, roman
from tts.text.spelling import VOWEL, acronym, fold, mixed, spell
from tts.text.tables import (
    ALWAYS_SPELT,
    BARE,
    ENDINGS,
    GREEK,
    MONARCHS,
    STARTERS,
    TITLES,
    WEEKDAYS,
    WORDS_TOO,
)
from tts.text.tokens import Rule

#: A letter, no superscript, vulgar fraction or circled digit, which Python also counts as word characters.
LETTER = r"[^\W\d_²³¹⁰-₟¼-¾⅐-↋①-⓿]"
#: Abbreviations that need their full stop, longest first.
_STOPPED = "|".join(re.escape(name) for name in sorted(TITLES | ENDINGS, key=len, reverse=True))
_BARE = "|".join(sorted((re.escape(name.capitalize()) for name in BARE if "." not in name), key=len, reverse=True))
_NEXT_CAPITAL = re.compile(r"\s+[\"“'‘(]?[A-Z]")


def _abbreviation(match: re.Match) -> str | None:
    name = match[1].lower()
    rest = match.string[match.end() :]
    if name == "fig" and re.match(r"\s?\d", rest):
        return TITLES[name]
    if name in WORDS_TOO and not (match[1][0].isupper() and re.match(r"\s+[A-Z\d]|[,–-]", rest)):
        if not (name in ("max", "min", "sec") and re.match(r"\s+[a-z\d]", rest)) and name != "al":
            return None
    if name == "co" and match[1].islower():
        return None
    return TITLES.get(name) or ENDINGS[name]


def _bare(match: re.Match) -> str | None:
    if match[1].lower() == "dr" and not _NEXT_CAPITAL.match(match.string, match.end()):
        return "drive"
    return BARE[match[1].lower()]


def _before(match: re.Match) -> str:
    """The word before the match, with its mark."""
    words = match.string[max(0, match.start() - 30) : match.start()].split()
    return words[-1] if words else ""


def _after_name(match: re.Match) -> bool:
    """Whether a name of a street stands before: a capitalised word that does not open the sentence, or an ordinal."""
    before = _before(match)
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
    if _after_name(match) and not (follows and _before(match) in ("East", "West", "North", "South", "Mount", "Port")):
        return "street"
    return "saint" if follows else "street"


def _doctor_or_drive(match: re.Match) -> str:
    follows = _NEXT_CAPITAL.match(match.string, match.end())
    if follows and not (_after_name(match) and re.match(r"\d", match.string.lstrip())):
        return "doctor"
    return "drive" if _after_name(match) else "doctor"


def _avenue(match: re.Match) -> str | None:
    return "avenue" if _after_name(match) else None


def _number_abbreviation(match: re.Match) -> str:
    return "numbers" if match[1].lower() == "nos." else "number"


def _page(match: re.Match) -> str:
    return "page"


def _initials(match: re.Match) -> str:
    """U.S.A., J. R. R. Tolkien, a.m.: letters by their names."""
    words = spell(re.sub(r"['’]s$", "", match[0]))
    if match[0].endswith(("'s", "’s")):
        words += "'s"
    return words


def _joined_initials(match: re.Match) -> str:
    """AT&T, R&D, Q&A."""
    return " and ".join(acronym_letters(part) for part in re.split(r"\s?&\s?", match[1])) + (match[2] and "'s" or "")


def acronym_letters(text: str) -> str:
    """Letters of a run of capitals by their names.

    >>> acronym_letters("AT")
    'A T'
    """
    return spell(text)


def _capitals(match: re.Match) -> str | None:
    text, suffix = match[1], match[2]
    if is_shouting(match.string) and text not in ALWAYS_SPELT:
        return fold(text) + ("'s" if suffix and suffix != "s" else suffix or "")
    if not text.isascii():
        return fold(text)
    words = acronym(text)
    if suffix:
        words += "'s" if words[-1].isupper() else suffix.replace("’", "'")
    return words


def is_shouting(text: str) -> bool:
    """Whether a sentence is written in capitals throughout.

    >>> is_shouting("STOP RIGHT THERE NOW"), is_shouting("The FBI and CIA")
    (True, False)
    """
    head = text[:400]
    if any(character.islower() for character in head):
        return False
    words = re.findall(r"[^\W\d_]{2,}", head)
    return len(words) >= 3 or len(words) == 2 and max(map(len, words)) >= 5


def _letter_s(match: re.Match) -> str:
    return f"{match[1].upper()}'s"


def _roman(match: re.Match) -> str | None:
    """A numeral after a name: ordinal after a monarch's, else cardinal."""
    number = roman(match["numeral"])
    owner = "'s" if match["owner"] else ""
    if number is None or number > 3999:
        return None
    name = match["name"]
    if name in MONARCHS:
        if match["numeral"] == "I" and not re.match(
            r"[.,;:!?)]|\s*$|\s+(?:of|was|ruled|reigned|died)\b|['’]s", match.string[match.end() :]
        ):
            return None
        return f"{name.lower()} the {ordinal(number)}{owner}"
    if name.lower() in _NUMBERED:
        return f"{acronym(name) if name.isupper() and len(name) > 1 else name.lower()} {cardinal(number)}{owner}"
    if len(match["numeral"]) < 2 or set(match["numeral"]) - set("IVX") or match["numeral"] in ("XX", "XXX", "IX"):
        return None
    return f"{fold(name) if not name.isupper() else acronym(name)} {cardinal(number)}{owner}"


_NUMBERED = frozenset(
    "war chapter part act scene book volume section article type phase stage class title appendix level bowl unit "
    "figure table page grade rocky section division group mark version episode season olympiad".split()
)


def _numbered(match: re.Match) -> str | None:
    """A numeral after an abbreviation (vol. III), or in lower case after what is numbered so (scene iv)."""
    number = roman(match["numeral"].upper())
    name = match[1].lower()
    return f"{TITLES.get(name) or name} {cardinal(number)}" if number else None


_WEEKDAY = r"(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)\.?"


def _weekdays(match: re.Match) -> str:
    return " to ".join(next(day for day in WEEKDAYS if day[:3] == part[:3].lower()) for part in match.groups())


def _alphanumeric(match: re.Match) -> str:
    return mixed(match[0])


def _single(match: re.Match) -> str | None:
    """A letter alone: "I" and the article are words, in a formula and elsewhere it is said by its name."""
    letter, text = match[0], match.string
    if not letter.isascii():
        return GREEK.get(letter.lower())
    if text[match.start() - 1 : match.start()].isdigit() or re.match(r"-\d", text[match.end() :]):
        return letter.upper()
    if letter in "Ia":
        if not _in_formula(text, match):
            return letter.lower()
    elif letter == "A":
        before = text[: match.start()].rstrip()
        opens = not before or before[-1] in '.!?:"“(' or is_shouting(text)
        follows = re.match(r"\s+(?:[a-zA-Z]{2}|[\"“‘$£€\d])", text[match.end() :])
        if follows and (opens or re.match(r"\s+[A-Z][a-z]", text[match.end() :])):
            return "a"
    return letter.upper()


def _in_formula(text: str, match: re.Match) -> bool:
    before = re.search(r"[=+*/^<>×÷−≤≥≠≈±∈(]\s?$", text[max(0, match.start() - 2) : match.start()])
    after = re.match(r"\s?[=+*^<>×÷−²³≤≥≠≈∈]|\s?/\s?\w\b", text[match.end() :])
    return bool(after or before and text[match.start() - 1] != "(")


def _word(match: re.Match) -> str:
    text = fold(match[0].replace("’", "'"))
    if text.isascii() and "'" not in text and len(text) > 1 and not VOWEL.search(text) and len(text) < 5:
        return text if text in _VOWELLESS else spell(text)
    return text


def is_plain(text: str) -> bool:
    """Whether a run of letters is an ordinary word, for which no other rule is needed."""
    return VOWEL.search(text.lower()) is not None and text not in _NOT_PLAIN


#: Words that begin a rule of more than one word or stand for an abbreviation.
_NOT_PLAIN = frozenset(name.capitalize() for name in BARE) | {"St", "Ave"}
_VOWELLESS = frozenset("hmm mmm mm shh pfft psst brr nth grr pst tsk shhh hmmm zzz hm cwm".split())


def _superscript_letter(match: re.Match) -> str:
    plain = unicodedata.normalize("NFKC", match[0])
    return digits(plain) if plain.isdigit() else plain.upper()


_SHORTHAND = {"w/o": "without", "w/": "with", "c/o": "care of", "n/a": "N A", "and/or": "and or", "b/c": "because"}
_SHORTHAND |= {
    "km/h": "kilometers per hour",
    "c#": "C sharp",
    "f#": "F sharp",
    "wwi": "world war one",
    "wwii": "world war two",
    "ctrl": "control",
}


def _shorthand(match: re.Match) -> str:
    return _SHORTHAND[match[0].lower()]


#: (name, pattern, function), tried in this order after those for numbers; none begins inside a word.
RULES: list[Rule] = [
    ("address", r"(?:https?|ftp)://[^\s<>\"“”]*[\w/]|www\.[^\s<>\"“”]*[\w/]", expand_address),
    ("address", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", expand_address),
    ("hashtag", r"(?<![\w&])[#@]((?:\w*[^\W\d]\w*))", expand_hashtag),
    ("shorthand", r"(?i:w/o\b|w/(?=\s|\w)|c/o\b|n/a\b|and/or\b|b/c\b|km/h\b)|[CF]#(?!\w)|WWII?\b|Ctrl\b", _shorthand),
    ("saint", r"[Ss]t\.(?!\w)|St(?=\s[A-Z])|(?<=[a-z]\s)St\b", _saint_or_street),
    ("doctor", r"[Dd]r\.(?!\w)", _doctor_or_drive),
    ("avenue", r"Ave(?![.\w])", _avenue),
    ("number", r"((?:No|Nos|no|nos)\.)(?=\s?\d)", _number_abbreviation),
    ("page", r"p\.(?=\s?\d)", _page),
    ("circa", r"c\.(?=\s?\d{3,4}\b)", lambda match: "circa"),
    ("numbered", r"(?i:(vol|ch|sec|fig)\.)\s(?P<numeral>[IVXLC]+)\b", _numbered),
    (
        "numbered",
        r"(?i:(scene|act|chapter|part|book|section|volume|page|pages))\s(?P<numeral>(?!i\b)[ivxlc]+)\b(?!['’])",
        _numbered,
    ),
    ("weekdays", rf"({_WEEKDAY})\s?[-–]\s?({_WEEKDAY})(?!\w)", _weekdays),
    ("abbreviation", rf"(?i:({_STOPPED})\.)(?![\w])", _abbreviation),
    ("bare", rf"({_BARE}|PhD|vs|etc)\b(?!\.?\w)", _bare),
    (
        "initials",
        rf"(?:{LETTER}\.\s?){{2,}}(?<!\s)(?:['’]s\b)?(?!\w)|(?:[A-Z]\.\s?)+(?=\s?[A-Z][a-z])(?<!\s)",
        _initials,
    ),
    ("initials", r"[A-Z]\.(?=\s[A-Z][a-z])", _initials),
    (
        "address",
        r"(?:[A-Za-z0-9-]+\.)+(?:[a-z]{2,})(?:/[^\s<>\"“”,;]*[\w/])?(?![\w])",
        expand_address,
    ),
    ("joined", r"((?:[A-Z]{1,3}\s?&\s?)+[A-Z]{1,3})(['’]?s)?\b", _joined_initials),
    (
        "roman",
        r"(?P<name>[A-Z][a-z]+|[A-Z]{2,})\s(?P<numeral>[IVXLCDM]+)\b(?P<owner>['’]s\b)?(?!['’]|\.\w|\.\s[A-Z]|&)",
        _roman,
    ),
    ("letter", r"\b([A-Za-z])(?:['’]s)\b", _letter_s),
    ("alphanumeric", rf"(?=\w*\d)(?=\w*{LETTER})[A-Za-z0-9]+(?![A-Za-z0-9])", _alphanumeric),
    ("capitals", rf"((?=[^\Wa-z\d_]{{2}})(?:(?![a-zß-öø-ÿ]){LETTER})+)(['’]?s|['’]S)?(?![^\W₀-₉]|['’]\w)", _capitals),
    ("and", r"(?<=\w\s)['’]n['’]?(?=\s)", lambda match: "and"),
    ("greek", r"[Α-Ωα-ω](?![Ͱ-Ͽ])(?<![Ͱ-Ͽ].)", lambda match: GREEK.get(match[0].lower())),
    ("single", rf"(?<!['’]){LETTER}(?!{LETTER}|[\d_]|['’]{LETTER})", _single),
    (
        "word",
        rf"(?:(?<!\w)['’](?=(?:tis|twas|em|bout|cause|til)\b))?{LETTER}(?:{LETTER}|[\u0300-\u036f])*(?:['’]{LETTER}+)*",
        _word,
    ),
    ("small", r"[₀-₉ᵃ-ᶻⁿⁱ]", _superscript_letter),
]
