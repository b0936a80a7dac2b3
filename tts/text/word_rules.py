"""Rules for what begins with a letter and is no abbreviation: addresses, capitals, mixed names, single letters, words.

Rules have the form described in `tts.text.tokens`.
"""

import re
import unicodedata

from tts.text import abbreviation_rules
from tts.text.addresses import expand_address, expand_hashtag
from tts.text.number_patterns import many
from tts.text.numbers import decimal, digits, pairs
from tts.text.spelling import (
    ELEMENTS,
    LETTER,
    VOWEL,
    acronym,
    compound,
    dictionary_reading,
    fold,
    is_shouting,
    mixed,
    spell,
)
from tts.text.tables import AFTER_THE, BARE, CONTRACTED, ENDINGS, GREEK, INITIALISMS, SHOUTED_WORDS
from tts.text.tokens import Rule
from tts.text.units import UNITS


def _capitals(match: re.Match) -> str | None:
    text, suffix = match[1], match[2]
    if suffix and suffix[-1] == "S" and text in _CONTRACTING:
        return fold(text) + "'s"
    if text in AFTER_THE and re.search(r"(?i)\bthe\s$", match.string[: match.start()]):
        words = spell(text)
    elif re.search("[A-Z]", text) and re.search("[Α-Ωα-ω]", text):  # TΔS
        words = " ".join(GREEK.get(letter.lower(), letter) for letter in text)
    elif not text.isascii() or is_shouting(match.string) and _is_shouted_word(text):
        words = fold(text)
    else:
        words = acronym(text)
    if suffix and suffix[-1] == "d":
        words += " D"
    elif suffix:
        words += "'s" if words[-1].isupper() else suffix.lower().replace("’", "'")
    return words


#: Words to which "is" or "us" is joined: IT'S TIME.
_CONTRACTING = frozenset("IT HE SHE THAT WHAT WHO HERE THERE WHERE HOW LET".split())


def _is_shouted_word(text: str) -> bool:
    """Whether capitals in a sentence of capitals are a word."""
    if text in INITIALISMS or text in SHOUTED_WORDS:
        return text in SHOUTED_WORDS
    reading = dictionary_reading(text)
    return reading == "word" or reading == "unknown" and len(text) > 3 and not set(text).isdisjoint("AEIOU")


def _absolute_end(match: re.Match) -> str | None:
    """The bar after an absolute value."""
    before = match.string[max(0, match.start() - 24) : match.start()]
    return "," if re.search(r"(?:^|[\s(=+−-])\|[\w−][^|\n]{0,20}$", before) else None


#: Units that are told without a number too: in mg/dL.
_MEASURED = "[kmnµμ]?mol|[mnkµμ]?g|mcg|mEq|IU|U|m[lL]|[kmc]?m|kWh|[GM][Bb]|kcal"


def _units(match: re.Match) -> str | None:
    """A unit per another, without a number."""
    first, second = match.groups()
    if match[0] in UNITS:  # m/s
        return many(UNITS[match[0]])
    if len(match[0]) < 4:
        return None
    return f"{many(UNITS.get(first, 'unit'))} per {UNITS.get(second, second)}"


def _letter_s(match: re.Match) -> str:
    return f"{match[1].upper()}'s"


def _spelt(match: re.Match) -> str:
    return spell(match[0])


def _alphanumeric(match: re.Match) -> str:
    return mixed(match[1]) + ("'s" if match[2] else "")


def _single(match: re.Match) -> str | None:
    """A letter alone: "I" and the article are words, in a formula and elsewhere it is said by its name."""
    letter, text = match[0], match.string
    if not letter.isascii():
        return GREEK.get(letter.lower())
    if re.search(r"[\dA-Z)]\($|\d$", text[max(0, match.start() - 2) : match.start()]) or re.match(
        r"-\d", text[match.end() :]
    ):
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


def _barred(match: re.Match) -> str | None:
    """A variable with a bar or a hat over it: x̄, ŷ; vowels alone may be words of other languages."""
    letter, *marks = list(unicodedata.normalize("NFD", match[0]))
    if len(marks) != 1 or marks[0] not in _OVER or letter in "aeiouAEIOU":
        return None
    return f"{GREEK.get(letter.lower()) or letter.upper()} {_OVER[marks[0]]}"


#: Marks over a variable.
_OVER = {"\u0302": "hat", "\u0304": "bar"}


def _in_formula(text: str, match: re.Match) -> bool:
    before = re.search(r"[=+*/^<>×÷−≤≥≠≈±∈∉∪∩⊂⊆(|]\s?$", text[max(0, match.start() - 2) : match.start()])
    after = re.match(r"(?!\s[−+±]\d)\s?[=+*^<>×÷−²³≤≥≠≈∈∉∪∩⊂⊆]|\s?/\s?\w\b", text[match.end() :])
    return bool(after or before and text[match.start() - 1] != "(")


def _word(match: re.Match) -> str:
    text = match[0].replace("’", "'")
    name, mark, rest = text.partition("'")
    if re.search("[a-z][A-Z]|[A-Z][A-Z][a-z]", name):
        return f"{compound(name)}{mark}{rest.lower()}"
    if re.fullmatch("(?=.*[A-Za-z])(?=.*[Α-Ωα-ω])[A-Za-zΑ-Ωα-ω]{2,4}", text):  # iπ
        return " ".join(GREEK.get(letter.lower(), letter.upper()) for letter in text)
    text = fold(text)
    if len(text) == 1 and text not in "ai":
        return text.upper() if text.isascii() else text
    if text.isascii() and "'" not in text and len(text) > 1 and not VOWEL.search(text) and len(text) < 5:
        return text if text in _VOWELLESS else len(text) > 2 and ENDINGS.get(text) or spell(text)
    if text in _CHATTED:
        return spell(text)
    return CONTRACTED.get(text, text)


def is_plain(text: str) -> bool:
    """Whether a run of letters is an ordinary word, for which no other rule is needed."""
    return VOWEL.search(text.lower()) is not None and text not in _NOT_PLAIN and not set(text) <= set("ivxl")


#: Initials that are also written small.
_CHATTED = frozenset("doi idk idc imo imho afaik omg fyi diy iirc usa".split())
#: Words that begin a rule of more than one word or stand for an abbreviation.
_NOT_PLAIN = frozenset(name.capitalize() for name in BARE) | frozenset(
    "Song localhost doi Tel Attn tel attn Mob Ext Ave Pkwy Expy Ter Cir Lat Lon Long lat lon long Apt Ste etc acct war"
    " ii iii iv vi vii viii ix xi xii aka oz mi gal min sec yr yd Mon Tue Tues Wed Thu Thur Thurs Fri Sat Sun".split()
)
_NOT_PLAIN |= _CHATTED
_VOWELLESS = frozenset("hmm mmm mm shh pfft psst brr nth grr pst tsk shhh hmmm zzz hm cwm".split())


def _superscript_letter(match: re.Match) -> str:
    plain = unicodedata.normalize("NFKC", match[0])
    return digits(plain) if plain.isdigit() else plain.upper()


_SHORTHAND = {
    "w/o": "without", "w/": "with", "w/in": "within", "c/o": "care of", "n/a": "N A", "and/or": "and or",
    "b/c": "because", "w/v": "weight per volume", "v/v": "volume per volume",
    "y/o": "year old", "yo": "year old", "y/y": "year over year", "yoy": "year over year",
    "q/q": "quarter over quarter",
    "qoq": "quarter over quarter", "m/m": "month over month", "mom": "month over month", "w/w": "week over week",
    "km/h": "kilometers per hour", "ok'd": "okayed", "tl;dr": "T L D R", "c#": "C sharp", "f#": "F sharp",
    "wwi": "world war one", "wwii": "world war two",
    "ww1": "world war one", "ww2": "world war two", "ctrl": "control", "cmd": "command", "wi-fi": "wifi",
}  # fmt: skip


#: Emoticons with letters, which would be spelt; those of marks alone are silent as other marks.
_FACES = {"D": "laughing face", "P": "tongue out"}
#: Names of characters in HTML.
_ENTITIES = {"amp": "and", "lt": "less than", "gt": "greater than", "quot": '"', "apos": "'", "nbsp": "", "#39": "'"}
_ENTITIES |= {"copy": "copyright", "reg": "registered", "hellip": "…", "mdash": "—", "ndash": "—", "deg": "degrees"}
_ENTITIES |= {"euro": "euro", "pound": "pound", "cent": "cents", "times": "times"}
#: The rest of a web address; brackets belong to it in pairs.
_LINK = r"(?:[^\s<>\"“”()]|\([^\s()]*\))*(?:[\w/]|\([^\s()]*\))"
_EXTENSIONS = r"(?:JPE?G|PNG|GIF|PDF|TXT|DOCX?|XLSX?|PPTX?|ZIP|CSV|EXE|MP[34]|WAV)\b"


def _address_bracket(match: re.Match) -> str | None:
    """An angle bracket around an address is a bracket; elsewhere it compares."""
    if match[0] == "<":
        return "("
    return ")" if re.search(r"<(?:[\w.+-]+@|https?://)[^\s<>]+$", match.string[: match.start()]) else None


def _shorthand(match: re.Match) -> str:
    return _SHORTHAND[match[0].strip().lower()]


#: Before a number sign and a letter: what is so numbered.
_LABELLED = (
    "(?:"
    + "|".join(
        rf"(?<=\b[{name[0]}{name[0].lower()}]{name[1:]}\s)"
        for name in "Order Unit Apt Apt. Suite Ste. Room Item Part Case Model Ticket Lot Invoice Gate Badge".split()
    )
    + ")"
)
#: (name, pattern, function), tried in this order after those for numbers; none begins inside a word.
RULES: list[Rule] = [
    ("entity", rf"&(?:{'|'.join(_ENTITIES)});", lambda match: _ENTITIES[match[0][1:-1]]),
    ("address", rf"(?:\b(?:[a-z][a-z0-9]{{1,8}}|[A-Z]{{3,6}})://|www\.){_LINK}", expand_address),
    ("address", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", expand_address),
    ("bracket", r"<(?=(?:[\w.+-]+@|https?://)[^\s<>]+>)|(?<=[\w/])>", _address_bracket),
    ("path", r"[A-Za-z]:\\(?:[\w.$()\\-]*[\w$)\\])?", expand_address),
    ("path", r"(?<![\w<>/.])(?:~|\.{1,2})/(?:[\w.@+/-]*[\w@+/-])?", expand_address),
    ("path", r"(?<![\w<>/.])~?(?:/[\w.@+-]*[\w@+-]){2,}/?(?:\?[\w=&%.-]*\w)?", expand_address),
    ("number", rf"{_LABELLED}#(?=(?![0-9A-F]{{6}}\b)[A-Z]{{1,3}}\d)|#(?=[A-Z]{{1,3}}-\d)", lambda match: "number"),
    ("hash", r"#(?=\w*\d)([0-9A-Fa-f]{6})\b", lambda match: f"hash {spell(match[1])}"),
    ("prime", r"(?<=\b[a-zA-Z])['’′](?=\()", lambda match: "prime"),
    ("heart", r"(?:(?<=[a-z!.]{2}\s)|(?<=:[DP)]\s)|(?<=<3\s)|(?<=<3))<3(?![\d.])", lambda match: "heart"),
    ("emoticon", r"(?:^|(?<=\s))(?:[:;]-?[DP]|[xX]D)(?=[\s!.,]|$)", lambda match: _FACES[match[0][-1]]),
    ("hashtag", r"(?<![\w&])[#@]((?:\w*[^\W\d]\w*))", expand_hashtag),
    (
        "shorthand",
        r"(?<!/)[wW]/(?:o\b|O\b|(?=\s))|v/v\b|w/(?:[wv]\b|in\b|(?=[\w,;)]))|"
        r"(?i:w/w\b|c/o\b|n/a\b|and/or\b|b/c\b|km/h\b|y/[oy]\b|"
        r"(?<=\d)\s?yo\b|q/q\b|m/m\b|wi-fi\b)|[CF]#(?!\w)|"
        r"OK'd\b|YoY\b|QoQ\b|MoM\b|TL;DR\b|WW(?:II?|[12])\b|(?:Ctrl|Cmd)\b",
        _shorthand,
    ),
    *abbreviation_rules.RULES,
    (
        "address",
        rf"(?:[A-Za-z0-9-]+\.)+(?:[a-z]{{2,}}|{_EXTENSIONS})(?::\d{{2,5}})?(?:/[^\s<>\"“”,;]*[\w/])?(?![\w])",
        expand_address,
    ),
    ("address", r"(?i:doi):\s?10\.[^\s,;]*\w", expand_address),
    ("address", r"localhost:\d{2,5}(?:/[\w./-]*\w)?", expand_address),
    ("derivative", r"d([a-z]?)/d([a-z])\b", lambda match: " ".join(f"D{match[1]}D{match[2]}".upper())),
    *abbreviation_rules.JOINED,
    (
        "element",
        rf"(?:{ELEMENTS})+(?=[₀-₉]|\((?:{ELEMENTS})+\)[₀-₉]|(?<=\([A-Z])\)[₀-₉]|(?<=\([A-Z]{{2}})\)[₀-₉])|"
        rf"(?<=[₀-₉])(?:{ELEMENTS})+(?!{LETTER})",
        _spelt,
    ),
    (
        "element",
        r"(?<=\d)(?:Li|Na|Mg|Al|Si|Cl|Ca|Ti|Cr|Mn|Fe|Ni|Cu|Zn|Br|Ag|Sn|Ba|Pt|Au|Hg|Pb|He|Ne|Ar)(?![A-Za-z])",
        _spelt,
    ),
    (
        "ion",
        r"(?:(?:Li|Na|Mg|Al|Ca|Fe|Cu|Zn|Ag|Pb)(?=[²³]?[⁺+](?![\w+]|\s?\d))|OH(?=[⁻-](?!\w)))",
        _spelt,
    ),
    ("absolute", r"(?:^|(?<=[\s(=+−-]))\|(?=[\w−][^|\n]{0,20}(?<=[\w)²³])\|(?!\w))", lambda match: "absolute value of"),
    ("absolute", r"(?<=[\w)²³])\|(?!\w)", _absolute_end),
    ("given", r"(?<=\bP\([A-Z])\s?\|\s?(?=[A-Z]\))", lambda match: "given"),
    (
        "days",
        r"(?<!\d\s)[x×](?=\s\d+\s(?:days?|weeks?|months?|min(?:ute)?s?|h(?:ou)?rs?|secs?|seconds)\b)",
        lambda match: "for",
    ),
    ("times", r"(?<=[a-z]{2}\s)x(?=\s\d)", lambda match: "times"),
    ("letter", r"\b([A-Za-z])(?:['’]s)\b", _letter_s),
    ("letter", r"(?:(?<=\b\d\s)|(?<=\btwo\s)|(?<=\bthree\s)|(?<=\b[Ss]traight\s))([A-Z])s\b(?!['’])", _letter_s),
    ("units", rf"(?<![\w/])({_MEASURED})/(d?L|dl|m[lL]|kg|m²|m³|min|h|hr|s|day)(?![\w/²³])", _units),
    ("units", r"[µμ](?:g|m|s|[lL]|mol)(?!\w)", lambda match: many(UNITS[match[0]])),
    ("micro", r"[µμ](?=[A-Za-z])", lambda match: "micro"),
    ("barred", rf"({LETTER})[\u0302\u0304]?(?!{LETTER}|[\u0300-\u036f])", _barred),
    ("greek", r"[Α-Ωα-ω](?![Ͱ-Ͽ])(?<![Ͱ-Ͽ].)", lambda match: GREEK.get(match[0].lower())),
    (
        "outlined",
        r"(?:(?<=ppendix )|(?<=nnex )|(?<=able )|(?<=igure ))([A-Z])\.(\d{1,3}(?:\.\d{1,3})*)(?!\w)",
        lambda match: " point ".join([match[1], *(decimal(part) for part in match[2].split("."))]),
    ),
    ("alphanumeric", r"([A-Z])\.(\d{3})(?![\w.])", lambda match: f"{match[1]} {pairs(match[2])}"),
    (
        "alphanumeric",
        r"([A-Za-z]{1,6})(\d+\.\d+)(?![\w.])",
        lambda match: f"{mixed(match[1])} {decimal(match[2])}",
    ),
    ("alphanumeric", rf"(?=\w*\d)(?=\w*{LETTER})([A-Za-z0-9]+)(['’]s\b)?(?![A-Za-z0-9])", _alphanumeric),
    (
        "capitals",
        rf"((?=[^\Wa-z\d_]{{2}})(?:(?![a-zß-öø-ÿ]){LETTER})+)(['’]?s|['’]S|['’]d)?(?![^\W₀-₉]|['’](?!\d\d\b)\w)",
        _capitals,
    ),
    ("nth", r"([ijkmnr])-?th\b(?!['’])", lambda match: f"{match[1]}th"),
    ("clock", r"o['’]\sclock\b", lambda match: "o'clock"),
    ("sharp", r"(?<=\b[A-G])#(?=m|maj|min|dim|sus|\d)", lambda match: "sharp"),
    (
        "flat",
        r"([A-G])b(?=(?:-|\s)(?:major|minor|maj|min|chord|scale|trumpet|clarinet|sharp|flat)\b)",
        lambda match: f"{match[1]} flat",
    ),
    ("and", r"(?<=\w\s)['’]n['’]?(?=\s)", lambda match: "and"),
    ("single", rf"(?<!['’]){LETTER}(?!{LETTER}|[\d_]|['’]{LETTER})", _single),
    (
        "word",
        rf"(?:(?<!\w)['’](?=(?i:tis|twas|em|bout|cause|til)\b))?{LETTER}(?:{LETTER}|[\u0300-\u036f])*(?:['’]{LETTER}+)*",
        _word,
    ),
    ("small", r"[₀-₉ₐ-ₜᵢ-ᵪᴬ-ᶿʰ-ʸˠ-ˤⁿⁱ]", _superscript_letter),
]
