"""How far predicted timing is from a reading: durations of phones, and pauses between words.

Both sides are alignments: sequences of objects with `phone`, `start_s`, `end_s`, or `word`, `start_s`, `end_s`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Protocol

import numpy as np

from speech.text import normalize_text
from tts.prosody import is_pause

_LONG_PAUSE_S = 0.1
_SILENCES = frozenset({"SIL", "SP"})


class TimedPhone(Protocol):
    """A phone and its time."""

    phone: str
    start_s: float
    end_s: float


class TimedWord(Protocol):
    """A word and its time."""

    word: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class TimingErrors:
    """Sums over utterances, which add up.

    Attributes
    ----------
    phone_error_s : sum of absolute differences of duration over `num_phones`
    num_phones : phones that both sides have, silences left out
    pauses_right, pauses_missed, pauses_extra : of word ends
    long_right, long_missed, long_extra : the same of pauses of 0.1 s or more; shorter ones are silent indeed, but most
        of them are glottal closures before a vowel, which a reader makes in one take and not in the next
    pause_error_s : sum of absolute differences of length over `pauses_right`
    """

    phone_error_s: float = 0.0
    num_phones: int = 0
    pauses_right: int = 0
    pauses_missed: int = 0
    pauses_extra: int = 0
    pause_error_s: float = 0.0
    long_right: int = 0
    long_missed: int = 0
    long_extra: int = 0

    def __add__(self, other: "TimingErrors") -> "TimingErrors":
        return TimingErrors(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    @property
    def duration_mae_s(self) -> float:
        """Mean absolute error of a phone's duration, seconds."""
        return self.phone_error_s / self.num_phones if self.num_phones else float("nan")

    @property
    def pause_mae_s(self) -> float:
        """Mean absolute error of the length of pauses that both sides make, seconds."""
        return self.pause_error_s / self.pauses_right if self.pauses_right else float("nan")

    @property
    def pause_f1(self) -> float:
        """Harmonic mean of the precision and the recall of pauses at word ends; 1 where neither side pauses."""
        return _f1(self.pauses_right, self.pauses_missed + self.pauses_extra)

    @property
    def long_pause_f1(self) -> float:
        """The same of pauses of 0.1 s or more on either side."""
        return _f1(self.long_right, self.long_missed + self.long_extra)


def _f1(right: int, wrong: int) -> float:
    return 2 * right / (2 * right + wrong) if right + wrong else 1.0


def compare_durations(reference: Sequence[TimedPhone], predicted: Sequence[TimedPhone]) -> TimingErrors:
    """Differences of duration, phone by phone.

    Stress and silences are ignored. Where the pronunciations differ, the phones that match in order are compared.

    Parameters
    ----------
    reference, predicted : phones of the same sentence
    """
    sides = [[p for p in side if p.phone not in _SILENCES] for side in (reference, predicted)]
    names = [[p.phone.rstrip("012") for p in side] for side in sides]
    error, count = 0.0, 0
    for block in SequenceMatcher(a=names[0], b=names[1], autojunk=False).get_matching_blocks():
        for ours, theirs in zip(
            sides[0][block.a : block.a + block.size], sides[1][block.b : block.b + block.size], strict=True
        ):
            error += abs((ours.end_s - ours.start_s) - (theirs.end_s - theirs.start_s))
            count += 1
    return TimingErrors(phone_error_s=error, num_phones=count)


def compare_pauses(reference: Sequence[TimedWord], predicted: Sequence[TimedWord]) -> TimingErrors:
    """Pauses at the ends of words but the last, those of `tts.prosody.SHORTEST_PAUSE_S` or more.

    Parameters
    ----------
    reference, predicted : words of the same sentence

    Raises
    ------
    ValueError
        The words are not the same (names the first that differs).
    """
    spelt = [[normalize_text(word.word) for word in side] for side in (reference, predicted)]
    if spelt[0] != spelt[1]:
        at = next((i for i, (a, b) in enumerate(zip(*spelt, strict=False)) if a != b), min(map(len, spelt)))
        found = [side[at] if at < len(side) else "the end" for side in spelt]
        raise ValueError(f"word {at + 1} is {found[0]!r} in the reference and {found[1]!r} in the prediction")
    gaps = [_gaps(side) for side in (reference, predicted)]
    real, asked = (np.array([is_pause(gap) for gap in side], bool) for side in gaps)
    real_long, asked_long = (np.array([is_pause(gap, _LONG_PAUSE_S) for gap in side], bool) for side in gaps)
    return TimingErrors(
        pauses_right=int((real & asked).sum()),
        pauses_missed=int((real & ~asked).sum()),
        pauses_extra=int((~real & asked).sum()),
        pause_error_s=float(np.abs(gaps[0] - gaps[1])[real & asked].sum()),
        long_right=int((real_long & asked_long).sum()),
        long_missed=int((real_long & ~asked_long).sum()),
        long_extra=int((~real_long & asked_long).sum()),
    )


def _gaps(words: Sequence[TimedWord]) -> np.ndarray:
    """Seconds from each word's end to the next one's start, float64 [words - 1]."""
    return np.array([after.start_s - before.end_s for before, after in zip(words, words[1:], strict=False)])
