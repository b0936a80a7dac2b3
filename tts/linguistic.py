"""What the acoustic model reads: a row of numbers for each phone and for each place where a pause may be.

A sentence is SIL, the phones of its words with an SP between any two words, and SIL. An SP stands there whether the
voice pauses or not; its duration may be nothing. So training and synthesis see the same rows.

Legend: P phones (pauses included), W words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import torch
from torch import Tensor

from speech.units import ARPABET, VOWELS
from tts.phonemes import Mark, SpokenWord

SILENCE, PAUSE = "SIL", "SP"
SYMBOLS = (SILENCE, PAUSE, *ARPABET)
MARKS: tuple[str, ...] = get_args(Mark)
_IDS = {symbol: index for index, symbol in enumerate(SYMBOLS)}
_MARK_IDS = {mark: index for index, mark in enumerate(MARKS)}
_MAX_WORDS = 6
_CONJUNCTIONS = frozenset("and or but nor yet so because although though while if when where which who that as".split())
_FUNCTION_WORDS = frozenset(
    "a an the this these those my your his her its our their of in on at by for from with into onto to upon over under "
    "i you he she it we they me him us them is am are was were be been being do does did have has had will would shall "
    "should can could may might must not than there then".split()
)
#: Sizes of the columns of `Rows.features`, in order.
FEATURE_SIZES = {
    "phone": len(SYMBOLS),
    "stress": 4,  # none, 0, 1, 2
    "place": 5,  # pause, alone in the word, first, inside, last
    "mark": len(MARKS),  # that ends the phrase
    "words_left": _MAX_WORDS,  # to the phrase's end
    "words_done": _MAX_WORDS,  # of the phrase
    "word_class": 6,  # other, function word, conjunction; of the next word + 3 in a pause
}


@dataclass(frozen=True)
class Rows:
    """A sentence as the model reads it.

    Attributes
    ----------
    phones : P symbols: ARPAbet with stress, "SIL" at the ends, "SP" between words
    word_index : P numbers of the word that a phone belongs to, of the word before in a pause; -1 in the first silence
    features : Tensor, int64, [P, len(FEATURE_SIZES)]
    """

    phones: tuple[str, ...]
    word_index: tuple[int, ...]
    features: Tensor

    @property
    def is_pause(self) -> Tensor:
        """Where a pause between words may be, bool [P]."""
        return self.features[:, 0] == _IDS[PAUSE]

    @property
    def is_silence(self) -> Tensor:
        """The two ends, bool [P]."""
        return self.features[:, 0] == _IDS[SILENCE]


def rows_of(words: Sequence[SpokenWord]) -> Rows:
    """Rows of a sentence.

    Examples
    --------
    >>> rows = rows_of([SpokenWord("hi", ("HH", "AY1"), 0, 2, ","), SpokenWord("Bo", ("B", "OW1"), 4, 6, "!")])
    >>> rows.phones, rows.features[:, 3].tolist()
    (('SIL', 'HH', 'AY1', 'SP', 'B', 'OW1', 'SIL'), [0, 1, 1, 1, 5, 5, 5])
    """
    ends = [bool(word.mark) and word.mark != '"' for word in words]
    ends[-1] = True
    last = words[-1].mark if words[-1].mark in (".", "?", "!", "-") else "."
    phones, index, features = [SILENCE], [-1], [[_IDS[SILENCE], 0, 0, 0, 0, 0, 0]]
    start = 0
    for number, word in enumerate(words):
        end = next(n for n in range(number, len(words)) if ends[n])
        mark = _MARK_IDS[last if end == len(words) - 1 else words[end].mark]
        left, done = min(end - number, _MAX_WORDS - 1), min(number - start, _MAX_WORDS - 1)
        for place, phone in enumerate(word.phones):
            phones.append(phone)
            index.append(number)
            features.append(
                [*_phone_ids(phone), _place(place, len(word.phones)), mark, left, done, _word_class(word.text)]
            )
        if number + 1 < len(words):
            own = _MARK_IDS[words[number].mark]
            phones.append(PAUSE)
            index.append(number)
            features.append([_IDS[PAUSE], 0, 0, own, left, done, 3 + _word_class(words[number + 1].text)])
        if ends[number]:
            start = number + 1
    phones.append(SILENCE)
    index.append(len(words) - 1)
    features.append([_IDS[SILENCE], 0, 0, _MARK_IDS[last], 0, 0, 0])
    return Rows(tuple(phones), tuple(index), torch.tensor(features))


def _phone_ids(phone: str) -> tuple[int, int]:
    """Numbers of phone and stress."""
    name = phone.rstrip("012")
    return _IDS[name], 1 + int(phone[-1]) if name in VOWELS and phone != name else 0


def _place(index: int, count: int) -> int:
    return 1 if count == 1 else 2 if index == 0 else 4 if index == count - 1 else 3


def _word_class(text: str) -> int:
    return 2 if text in _CONJUNCTIONS else 1 if text in _FUNCTION_WORDS else 0
