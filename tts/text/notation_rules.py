"""Rules for notations: chess moves, chords, electron shells, sizes of batteries, pairs joined by a slash.

Rules have the form described in `tts.text.tokens`.
"""

import re

from tts.text.numbers import cardinal, digits
from tts.text.spelling import spell
from tts.text.tokens import Rule

_QUALITIES = {"maj": "major", "min": "minor", "dim": "diminished", "aug": "augmented", "sus": "suspended"}
_CURRENCY = "(?:EUR|USD|GBP|JPY|CHF|AUD|CAD|NZD|CNY|SEK|NOK|INR|BTC)"
_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
#: Latin of citations, whose full stops end no sentence.
_CITED = {"ibid.": "ibid", "op. cit.": "op cit", "loc. cit.": "loc cit", "et seq.": "et seq"}


def _capture(match: re.Match) -> str:
    """A chess move that takes a piece: Qxe7#."""
    end = {"+": " check", "#": " mate"}.get(match["end"] or "", "")
    return f"{spell(match['piece'])} takes {spell(match['square'])}{end}"


def _chord(match: re.Match) -> str:
    accidental = {"#": " sharp", "♯": " sharp", "b": " flat", "♭": " flat"}.get(match["accidental"] or "", "")
    number = f" {cardinal(int(match['number']))}" if match["number"] else ""
    return f"{match['root']}{accidental} {_QUALITIES[match['quality']]}{number}"


def _shells(match: re.Match) -> str:
    """Electrons of each shell: 1s² 2s² 2p⁶."""
    return " , ".join(spell(shell.translate(_RAISED)) for shell in match[0].split())


_MOVE = "[KQRBN][a-h]?[1-8]?[a-h][1-8]"
#: Another move that is no ion, or the number of one.
_PLAYED = re.compile(r"(?<!\w)(?:\d{1,3}\.(?:\.\.)?\s?[KQRBNa-hO]|[KQR][a-h][1-8]|[KQRBNa-h]x[a-h][1-8]|O-O)")


def _move(match: re.Match) -> str | None:
    """A chess move among others, which tell it from an ion: Qh5+."""
    around = f"{match.string[: match.start()]} {match.string[match.end() :]}"
    if not _PLAYED.search(around):
        return None
    return spell(match["move"]) + {"+": " check", "#": " mate"}.get(match["end"] or "", "")


def _castles(match: re.Match) -> str | None:
    """Castling among other moves, which tell it from a bond of oxygen: O-O-O."""
    around = f"{match.string[: match.start()]} {match.string[match.end() :]}"
    if not _PLAYED.search(around) and "castl" not in around:
        return None
    return f"castles {'queen' if match['long'] else 'king'}side"


#: For numbers, tried first.
NUMBERS: list[Rule] = [
    ("shells", r"[1-7][spdf][¹²³⁴-⁹][⁰¹²³⁴-⁹]?(?:\s[1-7][spdf][¹²³⁴-⁹][⁰¹²³⁴-⁹]?)+(?!\w)", _shells),
    (
        "chess",
        rf"(\d{{1,3}})\.(?=(?:{_MOVE}|[a-h][1-8]|[KQRBNa-h]x[a-h][1-8])(?!\w))",
        lambda m: f"{cardinal(int(m[1]))} .",
    ),
    ("always", r"24x7(?:x365)?\b", lambda match: "twenty four seven" + " three sixty five" * ("365" in match[0])),
    ("even", r"50[:/]50(?![\w:/]|[.,]\d)", lambda match: "fifty fifty"),
]
#: For words; (name, pattern, function), tried in this order.
RULES: list[Rule] = [
    (
        "chess",
        r"(?<!\w)(?P<piece>[KQRBN][a-h]?[1-8]?|[a-h])x(?P<square>[a-h][1-8])(?P<end>[+#])?(?!\w)",
        _capture,
    ),
    ("chess", r"(?<!\w)([KQRBN][a-h][1-8])#(?!\w)", lambda match: f"{spell(match[1])} mate"),
    ("chess", rf"(?<!\w)(?P<move>{_MOVE})(?P<end>[+#])?(?![\w+#-])", _move),
    ("chess", r"(?<![\w-])O-O(?P<long>-O)?(?![\w-])", _castles),
    (
        "chord",
        r"(?<!\w)(?P<root>[A-G])(?P<accidental>[#♯b♭])?(?P<quality>maj(?=\d|\b)|min(?=\d)|dim(?=\d)|aug(?=\d)|sus(?=[24]))"
        r"(?P<number>\d{1,2})?(?!\w)",
        _chord,
    ),
    (
        "logarithm",
        r"(?<!\w)log(?P<base>[₀-₉]+)(?P<of>\s?(?=[\d(]|[a-z]\b))?",
        lambda m: f"log base {cardinal(int(m['base'].translate(_LOWERED)))}{' of' if m['of'] is not None else ''}",
    ),
    (
        "battery",
        r"(?<!\w)A{2,3}(?=[\s-](?:batter(?:y|ies)|cells?)\b)",
        lambda m: f"{'triple' if m[0][2:] else 'double'} A",
    ),
    ("share", r"(?<![\w.])([A-Z]{2,4})\.([AB])(?![\w.'’])", lambda match: f"{spell(match[1])} dot {match[2]}"),
    ("pair", rf"(?<![\w/])({_CURRENCY})/({_CURRENCY})(?![\w/])", lambda match: f"{spell(match[1])} {spell(match[2])}"),
    ("pair", r"(?<![\w/])(TCP/IP|I/O|P/E)(?![\w/])", lambda match: spell(match[1].replace("/", ""))),
    (
        "cited",
        r"(?<![\w.])(?:[Ii]bid\.|[Oo]p\. cit\.|[Ll]oc\. cit\.|et seq\.)(?!\w)",
        lambda match: _CITED[match[0].lower()],
    ),
    ("archive", r"(?<!\w)arXiv:(\d{4})\.(\d{4,5})(?!\w)", lambda m: f"archive {digits(m[1])} point {digits(m[2])}"),
    ("archive", r"(?<!\w)arXiv(['’]s)?(?!\w)", lambda match: "archive's" if match[1] else "archive"),
    ("board", r"(?<!\w)Bd\.(?=\sof\b)", lambda match: "board"),
]
