"""How runs of letters and digits are read: as words, letter by letter, in parts."""

import functools
import re
from typing import TYPE_CHECKING, Literal

from speech.text import normalize_text
from tts.text.numbers import digits, pairs, plural
from tts.text.tables import INITIALISMS, SAID_AS_WORDS, SHORT_WORDS

if TYPE_CHECKING:
    from speech.lexicon import Lexicon

VOWEL = re.compile("[aeiouy]")
#: A letter, no raised or lowered one, vulgar fraction or circled digit, which Python also counts as word characters.
LETTER = r"[^\W\d_²³¹⁰-₟¼-¾⅐-↋①-⓿ʰ-ʸˠ-ˤᴬ-ᶿ]"
#: Symbols of the chemical elements of two letters that compounds are made of, and all of one.
ELEMENTS = (
    "Li|Be|Ne|Na|Mg|Al|Si|Cl|Ar|Ca|Sc|Ti|Cr|Mn|Fe|Co|Ni|Cu|Zn|Ga|Ge|As|Se|Br|Kr|Rb|Sr|Zr|Mo|Ag|Cd|In|Sn|Sb|Te|Xe|Cs|Ba|"
    "Pt|Au|Hg|Pb|Bi|Ra|He|[HBCNOFPSKVYIWU]"
)
#: Several elements, one of them with a small letter: NaCl, KBr.
_FORMULA = re.compile(rf"(?=[A-Z]*[A-Z][a-z])(?=.*[A-Z].*[A-Z])(?:{ELEMENTS}){{2,6}}")
#: Names whose prefix keeps the capital after it: McTaggart, DeShawn.
_FAMILY_NAME = re.compile(r"(?:Ma?c|De|Di|Da|Du|La|Le|Van|Fitz)[A-Z][a-z]+")


def spell(text: str) -> str:
    """Letters by their names, digits one by one.

    >>> spell("at4")
    'A T four'
    """
    return " ".join(" ".join(c.upper()) if c.isalpha() else digits(c) for c in text if c.isalnum())


def mixed(text: str) -> str:
    """A name of letters and digits: capitals and short runs are spelt, longer ones are words.

    >>> mixed("MP3"), mixed("covid19"), mixed("A380")
    ('M P three', 'covid nineteen', 'A three eighty')
    """
    words = []
    if re.search(r"[A-Z]\d+s$", text):
        head, _, last = mixed(text[:-1]).rpartition(" ")
        return f"{head} {plural(last)}"
    for part in re.findall(r"\d+|[A-Za-z]*[a-z][A-Z][A-Za-z]*|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+", text):
        if part.isdigit():
            words.append(pairs(part))
        elif re.search("[a-z][A-Z]", part):
            words.append(compound(part))
        elif len(part) < 3 or part.isupper():
            words.append(acronym(part) if len(part) > 2 else spell(part))
        else:
            words.append(fold(part))
    return " ".join(words)


def fold(word: str) -> str:
    """A word in a-z and apostrophes; other characters stay and are for the engine to refuse."""
    if word.isascii():
        return word.lower()
    return normalize_text(word)


def camel(text: str) -> list[str]:
    """Words of a compound written with inner capitals.

    >>> camel("MachineLearning")
    ['machine', 'learning']
    """
    return [fold(part) for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+", text)]


def compound(text: str) -> str:
    """A name with capitals within it: a formula by its letters, a word of the dictionary, or its parts.

    >>> compound("NaCl"), compound("macOS"), compound("mRNA"), compound("iPhone"), compound("McTaggart")
    ('N A C L', 'mac O S', 'M R N A', 'iphone', 'mctaggart')
    """
    if (
        _FORMULA.fullmatch(text)
        and text not in ("NaN", "CoV")
        or len(text) == 2
        or re.fullmatch("[a-z]{1,3}[RD]NA", text)
    ):
        return text.lower() if text.upper() in SHORT_WORDS and text[0].islower() else spell(text)
    if (
        not text.isascii()
        or text.lower() in _lexicon()
        or text.upper() in SAID_AS_WORDS
        or _FAMILY_NAME.fullmatch(text)
    ):
        return fold(text)
    if (
        len(text) == 3 or not VOWEL.search(text.lower()) or len(text) == 4 and sum(map(str.isupper, text)) == 3
    ):  # IoT, DDoS
        return spell(text)
    return " ".join(_part(part) for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", text))


def _part(text: str) -> str:
    if text.isupper() and len(text) > 1:
        return acronym(text)
    return text.lower() if len(text) > 1 and VOWEL.search(text.lower()) else spell(text)


def acronym(text: str) -> str:
    """A run of capitals, as a word or letter by letter.

    >>> acronym("NASA"), acronym("FBI"), acronym("EXIT"), acronym("UNESCO"), acronym("LED")
    ('nasa', 'F B I', 'exit', 'unesco', 'L E D')
    """
    if text in SAID_AS_WORDS or text in SHORT_WORDS or (text not in INITIALISMS and dictionary_reading(text) == "word"):
        return text.lower()
    return text.lower() if len(text) > 5 and VOWEL.search(text.lower()) else spell(text)


@functools.lru_cache(maxsize=1000)
def dictionary_reading(text: str) -> Literal["word", "letters", "unknown"]:
    """How the dictionary says a run of capitals.

    >>> dictionary_reading("DOG"), dictionary_reading("CEO"), dictionary_reading("XQZ")
    ('word', 'letters', 'unknown')
    """
    word = text.lower()
    if len(word) < 3 or not VOWEL.search(word) or not word.isascii() or word not in _lexicon():
        return "unknown"
    names = [phone for letter in text.upper() for phone in _lexicon().letter_name(letter)]
    phones = _lexicon().pronunciations(word)[0]
    return "letters" if [p.rstrip("012") for p in phones] == [p.rstrip("012") for p in names] else "word"


@functools.cache
def _lexicon() -> "Lexicon":
    """The dictionary, read when the first capitals come."""
    from speech.lexicon import Lexicon

    return Lexicon()


def is_shouting(text: str) -> bool:
    """Whether a sentence is written in capitals throughout.

    >>> is_shouting("STOP RIGHT THERE NOW"), is_shouting("The FBI and CIA")
    (True, False)
    """
    head = text[:400]
    if any(character.islower() for character in head):
        return False
    words = re.findall(r"[^\W\d_]{2,}", head)
    if all(word in INITIALISMS or len(word) < 5 and dictionary_reading(word) != "word" for word in words):
        return False  # a list of initialisms
    return len(words) >= 3 or len(words) == 2 and max(map(len, words)) >= 5
