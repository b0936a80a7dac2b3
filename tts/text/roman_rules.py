"""Rules for Roman numerals: of monarchs, of generations of a family, of chapters and other things that are counted.

Rules have the form described in `tts.text.tokens`.
"""

import re

from tts.text.numbers import cardinal, ordinal, roman, year
from tts.text.spelling import acronym, fold
from tts.text.tables import BEFORE_NUMBERS, TITLES
from tts.text.tokens import Rule

#: Names numbered with ordinals: Henry VIII.
_MONARCHS = frozenset(
    "Abdullah Afonso Akihito Albert Alexander Alexius Alfonso Amenhotep Antiochus Artaxerxes Augustus "
    "Baldwin Baudouin Bayezid Benedict Boniface Callixtus Carlos Casimir Catherine Celestine Charles "
    "Christian Clement Constantine Cosimo Cyrus Darius Edmund Edward Elizabeth Eugene Felipe Ferdinand Fernando "
    "Francis Frederick George Gregory Gustav Gustavus Haakon Hadrian Harald Henry Hussein Innocent Isabella Ivan "
    "James John Joseph Julius Justinian Kenneth Ladislaus Leo Leopold Louis Margrethe Mary Maximilian "
    "Mehmed Mohammed Murad Napoleon Nebuchadnezzar Nicholas Olaf Otto Paul Pedro Peter Philip Pius Ptolemy Rainier "
    "Ramesses Ramses Richard Robert Rudolf Sancho Selassie Selim Seti Sigismund Sixtus Stanislaw Stephen Suleiman "
    "Theodosius Thutmose Umberto Urban Vajiralongkorn Valentinian Victor Wilhelm Willem William Xerxes".split()
)
#: First names before a family name and a numeral of the generation: John Smith III; those of monarchs are such too.
_GIVEN = _MONARCHS | frozenset(
    "Aaron Adam Adlai Alan Alfred Allen Andrew Anthony Arthur Barry Ben Benjamin Bernard Bill Bob Bradley Brian "
    "Bruce Calvin Carl Carlos Chris Christopher Clarence Clark Cornelius Craig Cyrus Dale Daniel David Davis Dennis "
    "Don Donald Douglas Earl Eric Ernest Ernie Eugene Frank Franklin Fred Gary Gerald Gilbert Glenn Grant Hank "
    "Harold Harry Harvey Herbert Herman Howard Hugh Isaac Jack Jackie Jacob Jason Jay Jeffrey Jerry Jim Joe Johnny "
    "Jonathan Jose Juan Justin Keith Ken Kevin Kyle Larry Lawrence Lee Leonard Leroy Lewis Lloyd Loudon Luis Mark "
    "Martin Marvin Matthew Melvin Michael Mike Milton Nathan Nelson Norman Oliver Oscar Patrick Percy Phil Phillip "
    "Ralph Ray Raymond Rick Robin Rodney Roger Roland Ron Ronald Roy Rufus Russell Ryan Sam Sammy Samuel Scott Sean "
    "Seth Sidney Simon Stanley Steve Steven Stewart Ted Terry Theodore Thomas Thurston Tim Timothy Tom Tony Travis "
    "Tyler Vance Vernon Vincent Wallace Walter Warren Wayne Wesley Willie Winston Zachary".split()
)
#: What is numbered with Roman numerals.
_NUMBERED = frozenset(
    "war chapter part act scene book volume section article type phase stage class title appendix level bowl unit "
    "figure table page grade rocky section division group mark version episode season olympiad "
    "schedule canto psalm saturn exhibit".split()
)
_ORDERED = (
    "(?:[Cc]entur(?:y|ies)|(?:Winter |Summer |Olympic )+Games|Olympiad|[Dd]ynasty|Congress|Corps|Legion|Amendment)"
)
_GENERATIONS = frozenset("II III IV V VI".split())
_PERSON = r"\b(?P<given>[A-Z][a-z]+)\s(?:(?P<initial>[A-Z]\.)\s|[A-Z][a-z]+\s)?[A-Z][\w'’-]+,?\s"


def _roman(match: re.Match) -> str | None:
    """A numeral after a name: ordinal after a monarch's, else cardinal."""
    number = roman(match["numeral"])
    owner = "'s" if match["owner"] else ""
    if number is None or number > 3999:
        return None
    name, numeral = match["name"], match["numeral"]
    if name.lower() not in _NUMBERED and _is_family_name(match):
        return f"{fold(name)} the {ordinal(number)}{owner}"
    if name in _MONARCHS:
        return f"{name.lower()} the {ordinal(number)}{owner}" if _is_regnal(match) else None
    if name.lower() in _NUMBERED:
        is_letter = numeral in ("C", "D", "L", "M") or numeral == "I" and name.islower() and name != "war"
    else:
        is_letter = (
            name.islower() or len(numeral) < 2 or not set(numeral) <= set("IVX") or numeral in ("XX", "XXX", "IX")
        )
    return None if is_letter else f"{acronym(name) if name.isupper() else fold(name)} {cardinal(number)}{owner}"


def _of_two_countries(match: re.Match) -> str | None:
    """A monarch with the numerals of two countries, or two of one name: James VI and I, Henry V and VI."""
    first, also = roman(match["numeral"]), roman(match["also"])
    if match["name"] not in _MONARCHS or not first or not also or also == 1 and match["name"] != "James":
        return None
    owner = "'s" if match["owner"] else ""
    return f"{match['name'].lower()} the {ordinal(first)} and {ordinal(also)}{owner}"


def _is_family_name(match: re.Match) -> bool:
    """Whether a numeral counts the generations of a family: after a first name or an initial, and the family name."""
    name = re.search(rf"{_PERSON}$", match.string[max(0, match.start() - 40) : match.start("numeral")])
    if name is None or match["numeral"] not in _GENERATIONS:
        return False
    return name["initial"] is not None or name["given"] in _GIVEN


def _generation(match: re.Match) -> str | None:
    """A numeral after a name and a comma: John Smith, III."""
    return f"the {ordinal(roman(match['numeral']) or 0)}" if _is_family_name(match) else None


def _is_regnal(match: re.Match) -> bool:
    """Whether the numeral after a monarch's name is one, and not "I" or an initial."""
    if match["numeral"] != "I" or match["owner"]:
        return True
    before, rest = match.string[max(0, match.start() - 12) : match.start()], match.string[match.end() :]
    titled = re.search(r"\b(?:King|Queen|Pope|Tsar|Czar|Emperor|Empress|Kaiser|Duke|Prince)\s$", before)
    follows = r"\s*(?:$|[–—(])|\s+(?:of|was|ruled|reigned|died|became|and(?!\sI\b))\b"
    return re.match(rf"[.,;:!?)]|['’]s|{follows}{_TITLED if titled else ''}", rest) is not None


def _numbered(match: re.Match) -> str | None:
    """A numeral after an abbreviation (vol. III), or in lower case after what is numbered so (page xii)."""
    name = match[1].lower().removesuffix(".")
    numbers = [roman(part.upper()) for part in re.split(r"\s?[-–]\s?", match["numeral"])]
    if not all(numbers):
        return None
    word = {"pt": "part", "pts": "parts"}.get(name) or BEFORE_NUMBERS.get(name) or TITLES.get(name) or name
    return f"{word} {' to '.join(cardinal(number or 0) for number in numbers)}"


#: After a title, the name and "I": anything but what one says of oneself (King George I think you know).
_TITLED = (
    r"|(?!\s+(?:think|thought|believe|know|knew|guess|suppose|hope|mean|meant|met|saw|see|like|liked|love|loved|am|do|"
    r"don['’]t|wish|want|wanted|heard|hear|told|tell|said|say|read|admire|admired|remember)\b).*[a-z]"
)


def _outlined(match: re.Match) -> str:
    """A part of a part: Section II.B.3."""
    parts = [part if part.isalpha() else cardinal(int(part)) for part in match["parts"].split(".")[1:]]
    return " ".join([match["name"].lower(), cardinal(roman(match["numeral"]) or 0), *parts])


def _several(match: re.Match) -> str | None:
    """Several numerals after what is counted: World Wars I and II, Volumes I-III."""
    words = [fold(match["name"])]
    for part in re.findall(r"[IVXLC]+|[a-z]+|[,&–-]", match["numerals"]):
        number = roman(part)
        if number is None and part[0].isupper():
            return None
        words.append(cardinal(number) if number else {"&": "and", "–": "to", "-": "to"}.get(part, part))
    return " ".join(words)


def _ordinal(match: re.Match) -> str | None:
    """A numeral with the ending of an ordinal, or before what is counted so: the XXI century, the IXth hour."""
    number = roman(match["numeral"])
    is_initial = len(match["numeral"]) == 1 and not re.search(r"\b[Tt]he\s$", match.string[: match.start()])
    return ordinal(number) if number and not is_initial else None


def _of_monarch(match: re.Match) -> str | None:
    """A numeral behind a monarch's name with its article: Henry the VIII."""
    name = re.search(r"\b([A-Z][a-z]+) the $", match.string[: match.start()])
    number = roman(match["numeral"])
    return ordinal(number) if number and name and name[1] in _MONARCHS else None


def _alone(match: re.Match) -> str | None:
    """A numeral that is no word and stands alone: LXXXVIII; from 1100 to 2099 the year on a monument: MDCCXCIII."""
    number = roman(match["numeral"])
    if not number:
        return None
    return year(number) if 1100 <= number < 2100 else cardinal(number)


def _small(match: re.Match) -> str | None:
    """A numeral in lower case that stands alone: xvii."""
    number = roman(match["numeral"].upper())
    return cardinal(number) if number else None


#: (name, pattern, function), tried in this order; none begins inside a word.
RULES: list[Rule] = [
    (
        "numeral",
        r"(?<=\()(ii|iii|iv|vi|vii|viii|ix|xi|xii)(?=\))",
        lambda match: cardinal(roman(match[0].upper()) or 0),
    ),
    ("numbered", r"(?i:(vol|ch|sec|fig|art|cl|sc|op|mk|ep|no|pts?)\.)\s(?P<numeral>[IVXLC]+|[ivx]{2,})\b", _numbered),
    (
        "numbered",
        r"((?i:act|scene|chapters?|parts?|book|sections?|volumes?|pages?|pp?\.|article|title|figure|table|appendix"
        r"|phase|stage))"
        r"\s(?P<numeral>(?![ilc]\b(?![-–][ivx]))[ivxlc]+(?:\s?[-–]\s?[ivxlc]+)?)\b(?!['’]|\.\s[a-z])",
        _numbered,
    ),
    (
        "numbered",
        r"(?P<name>(?i:section|article|part|chapter|title|appendix))\s"
        r"(?P<numeral>I{1,3}|IV|VI{0,3}|IX|X[IVX]*)(?P<parts>(?:\.(?:[A-Z]|\d{1,3}))+)(?!\w)",
        _outlined,
    ),
    (
        "several",
        rf"(?P<name>(?i:{'|'.join(_NUMBERED)}|appendice)(?:s|es)?)\s"
        r"(?P<numerals>[IVXLC]+(?:(?:,|,?\s(?:and|or|to|through|&)|\s?[–-])\s?(?!I(?:['’]|\s[a-z]))[IVXLC]+)+)\b(?!['’])",
        _several,
    ),
    (
        "part",
        r"(?:(?<=[Tt]ype\s)|(?<=[Ss]tage\s)|(?<=[Cc]lass\s)|(?<=[Pp]hase\s))"
        r"(?P<numeral>I{1,3}|IV)-?(?P<part>[A-Ca-c])\b",
        lambda match: f"{cardinal(roman(match['numeral']) or 0)} {match['part'].upper()}",
    ),
    ("ordinal", r"(?P<numeral>[IVXLC]{2,}|V|X)(?:th|st|nd|rd)\b", _ordinal),
    ("ordinal", r"(?<=[a-z] the )(?P<numeral>[IVX]+)\b(?!['’-]|\s[A-Z])", _of_monarch),
    ("ordinal", rf"(?P<numeral>[IVXLC]+)(?=\s{_ORDERED}\b)", _ordinal),
    ("alone", r"(?P<numeral>[MDCLXVI]{4,})\b", _alone),
    ("numeral", r"(?P<numeral>(?!xxx\b)[ivxl]{3,})\b(?!['’-]\w)", _small),
    ("generation", r"(?<=[a-z],\s)(?P<numeral>II|III|IV)\b", _generation),
]
#: After the rules for addresses.
AFTER_NAMES: list[Rule] = [
    (
        "roman",
        r"(?P<name>[A-Z][a-z]+)\s(?P<numeral>I{1,3}|IV|VI{0,3}|IX)\s"
        r"and\s(?P<also>I{1,3}|IV|VI{0,3}|IX)\b(?P<owner>['’]s\b)?",
        _of_two_countries,
    ),
    (
        "roman",
        r"(?P<name>[A-Za-z][a-z]+|[A-Z]{2,})\s(?P<numeral>[IVXLCDM]+)\b(?P<owner>['’]s\b)?(?!['’]|\.\w|\.\s[A-Z]|&)"
        rf"(?!\s{_ORDERED}\b)",
        _roman,
    ),
]
