"""Rules for marks and symbols that mean more by what stands around them.

Rules have the form described in `tts.text.tokens`.
"""

import re

from tts.text.spelling import LETTER
from tts.text.tables import LONG_SYMBOLS
from tts.text.tokens import Rule
from tts.text.units import PER_UNITS, UNITS

_PER = {
    **PER_UNITS,
    **{
        name: unit
        for name, unit in UNITS.items()
        if name[-1] in "²³" or name in ("km", "ft") or len(name) > 1 and name[1:].lower() != name[1:]
    },
}
_UNITS = f"(?:{'|'.join(map(re.escape, _PER))})"
_PERIODS = "(?:night|day|week|month|quarter|year|hour|minute|second|person|serving|unit|page|piece)"
_LONG = "|".join(map(re.escape, sorted(LONG_SYMBOLS, key=len, reverse=True)))


def _per(match: re.Match) -> str:
    name = match[0].strip("/.")
    return f"per {_PER.get(name, name)}"


def _between_letters(match: re.Match) -> str:
    """What is between two letters: a range, as (a-d), or a difference, as (n-k)."""
    return "to" if match.string[match.start() - 1] < match.string[match.end()] else "minus"


#: (name, pattern, function), tried in this order after all others.
RULES: list[Rule] = [
    ("to", r"(?<=\b[QH]\d)[-–](?=[QH]\d)|(?<=\b[A-Z]\d)–(?=[A-Z]\d)", lambda match: "to"),
    ("to", r"(?<=[\[(][a-z])-(?=[a-z][\])])", _between_letters),
    ("hyphen", r"(?:(?<=[^\W_])|(?<=[^\W_]\.))-(?=[^\W_]|['’]\d\ds|,?\s(?:and|or|to|\d))", lambda match: ""),
    ("hyphen", r"(?:(?<=\bsub)|(?<=\bnear)|(?<=\bover)|(?<=\bunder)|(?<=\bmulti))-(?=[$£€]\d)", lambda match: ""),
    ("grade", r"(?:(?<=\b[A-F])|(?<=\b[A-D]{2})|(?<=\b[A-D]{3}))-(?=[\s.,;]|$)", lambda match: "minus"),
    ("grade", r"(?<=[Tt]ype O)-(?!\w)", lambda match: "minus"),
    ("charge", r"(?:(?<=\bOH)|(?<=\bCl)|(?<=\bBr)|(?<=[A-Z]O[2-4]))-(?=[\s.,;)]|$)", lambda match: "minus"),
    ("not", r"(?:(?<=&&\s)|(?<=\|\|\s)|(?<=&&)|(?<=\|\|)|(?<=if\s\())!(?=[A-Za-z_(])", lambda match: "not"),
    ("scope", r"(?<=\w)::(?=[A-Za-z_])", lambda match: "colon colon"),
    ("long", _LONG, lambda match: LONG_SYMBOLS[match[0]]),
    ("bullet", r"(?:(?<![^\n])|(?<=\n )|(?<=\n  )|(?<=\n    ))\*(?=[ \t]+[^\W_])", lambda match: ";"),
    ("ellipsis", r"\.{3,}", lambda match: "…"),
    ("option", r"(?<=\s)(?:--(?=[a-z])|-(?=[a-zA-Z]\b))", lambda match: " ".join(["dash"] * len(match[0]))),
    ("dash", r"-{2,}", lambda match: "—"),
    ("to", r"(?<=\d)\s?[~∼]\s?(?=\d)|(?<=\d\s)[~∼]\s(?=\d)", lambda match: "to"),
    ("about", r"[~∼](?=\s?[\d$£€])", lambda match: "about"),
    (
        "per",
        rf"(?:(?:(?<=[\d%kKMB€£$])|(?<=°[CF])|(?<=\b[A-Z]{{3}})(?=/[a-z]{{3}}))/(?:{_UNITS}|{_PERIODS})|"
        rf"(?<=s)/(?:(?![dh]\b){_UNITS}|{_PERIODS}))"
        r"(?![\w²³]|\.\w)(?:\.(?=\s[a-z+&=]|,))?",
        _per,
    ),
    ("per", rf"(?<=\dx)/(?:{_PERIODS}|wk|mo|yr|hr)\b", _per),
    (
        "over",
        r"(?<=\d)/(?=[knxyz]\b)|(?<=[α-ω²³])/(?=\d)|(?<=eV)/(?=c)|(?<=[a-z0-9²³]\))/(?=[\da-z]\b)",
        lambda match: "over",
    ),
    ("to", r"(?<=\d[a-z])[-–](?=[a-z]\b)|(?<=\b[A-Z])–(?=[A-Z]\b)", lambda match: "to"),
    ("slash", r"(?<=[\dK])/(?=[A-Z]{1,4}-?\d)|(?<=[A-Z]-\d)/(?=[A-Z][a-z]{2})", lambda match: "slash"),
    ("per", r"(?:(?<=[\d%])|(?<=\d[kKMB]))/(?=[^\W\d_])", lambda match: "per"),
    ("release", r"(?:(?<=-rc)|(?<=-alpha)|(?<=-beta)|(?<=-preview)|(?<=-dev))\.(?=\d)", lambda match: ""),
    (
        "dot",
        rf"(?<=[^\W_])\.(?![A-Z])(?={LETTER})|(?<=[\s)])\.(?=[a-z]|[A-Z]{{3}})|^\.(?=[A-Z]{{3}})",
        lambda match: "dot",
    ),
    ("paragraph", r"¶{1,2}(?=\s?\d)", lambda match: "paragraphs" if len(match[0]) > 1 else "paragraph"),
]
