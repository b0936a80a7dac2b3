"""Phones as units of alignment: ARPAbet with stress and a silence; graphs of what a transcript may sound like."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from speech.alignment import AlignmentGraph, build_graph
from speech.lexicon import Lexicon, PronunciationError
from speech.text import normalize_text
from speech.units import SILENCE_SYMBOL, STRESSED_ARPABET, VOWELS

#: Silence, then every phone, vowels with each degree of stress: the labels of stored alignments, in this order.
PHONES = (SILENCE_SYMBOL, *STRESSED_ARPABET)
PHONE_IDS = {phone: index for index, phone in enumerate(PHONES)}
GLIDES = ("L", "R", "W", "Y")  #: liquids too
PLOSIVES = ("B", "CH", "D", "G", "JH", "K", "P", "T")  #: begin with a closure; affricates too


def vocalic_phones(units: Sequence[str]) -> list[int]:
    """Ids of vowels and glides, between which sounds change gradually."""
    return [index for index, unit in enumerate(units) if unit.rstrip("012") in VOWELS or unit in GLIDES]


def plosive_phones(units: Sequence[str]) -> list[int]:
    """Ids of phones that begin with a closure."""
    return [index for index, unit in enumerate(units) if unit in PLOSIVES]


@dataclass(frozen=True)
class Transcript:
    """What was said, ready to be aligned.

    Attributes
    ----------
    words : as written, one for each of `pronunciations`
    pronunciations : for each word its pronunciations, ARPAbet with stress
    """

    words: tuple[str, ...]
    pronunciations: tuple[tuple[tuple[str, ...], ...], ...]

    def graph(self, units: Sequence[str], *, states_per_phone: int = 1, silence_states: int = 1) -> AlignmentGraph:
        """Graph over the units of a framewise head, the silence first; stress is dropped if they have none."""
        ids = {unit: index for index, unit in enumerate(units)}
        words = [
            [[ids[phone] if phone in ids else ids[phone.rstrip("012")] for phone in variant] for variant in variants]
            for variants in self.pronunciations
        ]
        return build_graph(words, silence=0, states_per_phone=states_per_phone, silence_states=silence_states)


def pronounce_transcript(text: str, lexicon: Lexicon) -> Transcript:
    """Pronunciations of each word of a text; an empty text is a silence.

    Raises
    ------
    PronunciationError
        A word has no pronunciation and cannot get one; the message names it.
    """
    words, pronunciations = [], []
    for written in text.split():
        for word in spoken_words(written):
            words.append(word)
            pronunciations.append(tuple(dict.fromkeys(tuple(p) for p in lexicon.pronunciations(word))))
    return Transcript(tuple(words), tuple(pronunciations))


def spoken_words(written: str) -> list[str]:
    """Words of a piece of text between spaces: without punctuation, of hyphenated ones the parts.

    Raises
    ------
    PronunciationError
        It holds a picture or digits.

    Examples
    --------
    >>> spoken_words("well-known,"), spoken_words("--"), spoken_words("It's")
    (['well', 'known'], [], ["it's"])
    """
    words = normalize_text(written).split()
    picture = next((c for c in written if unicodedata.category(c) == "So"), "")
    if picture:
        name = unicodedata.name(picture, f"U+{ord(picture):04X}").lower()
        raise PronunciationError(f'"{written}" has no pronunciation: write what is said for the {name}')
    digits = next((word for word in words if any(c.isdecimal() for c in word)), None)
    if digits is not None:
        raise PronunciationError(f'"{written}" has digits: write the number in words')
    return words
