"""How a text will be said: words and phones with durations, pitch, energy and pauses, to look at, change, and speak.

What the voice predicts is kept; changes are factors and shifts beside it, so each control moves its own
quantity and nothing else.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import get_args

from speech.units import ARPABET, VOWELS
from tts.controls import ENERGY_RANGE_DB, PITCH_RANGE_SEMITONES, RATE_RANGE, ProsodyError, check_range
from tts.phonemes import Mark

#: A gap between words is a pause from this length on, in targets, in speech and in measures alike; shorter ones are the
#: closures of stops, mostly.
SHORTEST_PAUSE_S = 0.05
_ROUNDING_S = 5e-4  # of a difference of two times; the aligner's come in steps of 5 ms, and 0.05 s is a common gap
_LONGEST_PAUSE_S, _LONGEST_PHONE_S = 600.0, 60.0  # what an edited plan may ask for
_MARKS = get_args(Mark)
_PHONE_RANGES = {
    "duration_s": (0.0, _LONGEST_PHONE_S),
    "pitch_hz": (1.0, 10_000.0),
    "energy_db": (-300.0, 100.0),
    "rate": RATE_RANGE,
    "pitch": PITCH_RANGE_SEMITONES,
    "energy": ENERGY_RANGE_DB,
}


def is_pause(gap_s: float, shortest_s: float = SHORTEST_PAUSE_S) -> bool:
    """Whether a gap between two words is a pause of at least `shortest_s`.

    >>> is_pause(1.23 - 1.18), is_pause(0.04)
    (True, False)
    """
    return gap_s >= shortest_s - _ROUNDING_S


@dataclass(slots=True)
class PhoneProsody:
    """One phone.

    Attributes
    ----------
    phone : ARPAbet with stress
    duration_s, pitch_hz, energy_db : as predicted; the pitch holds only as far as the phone is voiced
    rate, pitch, energy : changes: a factor, semitones, dB
    """

    phone: str
    duration_s: float
    pitch_hz: float
    energy_db: float
    rate: float = 1.0
    pitch: float = 0.0
    energy: float = 0.0

    def check(self, word: str) -> None:
        """Raise ProsodyError unless it can be said; `word` is for the message."""
        name = str(self.phone).rstrip("012")
        if name not in ARPABET or (name in VOWELS) != (len(self.phone) == len(name) + 1):
            raise ProsodyError(f'{self.phone!r} in "{word}" is no ARPAbet phone, vowels with their stress')
        for key, allowed in _PHONE_RANGES.items():
            check_range(f'{key} of {self.phone} in "{word}"', getattr(self, key), allowed)


class _OfAllPhones:
    """A change that a word's phones share; reading it gives their mean, setting it sets all."""

    def __init__(self, allowed: tuple[float, float]):
        self.allowed = allowed

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, word: "WordProsody", owner: type) -> float:
        if word is None:
            raise AttributeError(self.name)
        if not word.phones:
            raise ProsodyError(f'"{word.text}" has no phones, and so no {self.name}')
        return sum(getattr(phone, self.name) for phone in word.phones) / len(word.phones)

    def __set__(self, word: "WordProsody", value: float) -> None:
        check_range(f'{self.name} of "{word.text}"', value, self.allowed)
        for phone in word.phones:
            setattr(phone, self.name, value)


@dataclass(slots=True)
class WordProsody:
    """One word.

    Attributes
    ----------
    text : as it is said
    phones : of the word
    pause_s : silence after it, 0 for none
    start, end : characters of the text it came from
    mark : class of the punctuation after it
    rate, pitch, energy : changes to all its phones: a factor, semitones, dB
    """

    text: str
    phones: list[PhoneProsody]
    pause_s: float
    start: int
    end: int
    mark: Mark = ""

    rate = _OfAllPhones(RATE_RANGE)
    pitch = _OfAllPhones(PITCH_RANGE_SEMITONES)
    energy = _OfAllPhones(ENERGY_RANGE_DB)


@dataclass(slots=True)
class SentenceProsody:
    """One sentence.

    Attributes
    ----------
    words : at least one; the last one's `pause_s` is the silence between the sentence and the next
    lead_s : silence in front of it
    tail_s : silence after it if it is the last of a text
    """

    words: list[WordProsody]
    lead_s: float = 0.0
    tail_s: float = 0.0

    def check(self) -> None:
        """Raise ProsodyError, naming word and phone, for what cannot be said, such as an edit may have left."""
        check_range("lead_s", self.lead_s, (0.0, _LONGEST_PAUSE_S))
        check_range("tail_s", self.tail_s, (0.0, _LONGEST_PAUSE_S))
        if not self.words:
            raise ProsodyError("a sentence has no words")
        for word in self.words:
            _check_type("words", word, WordProsody)
            if not word.phones:
                raise ProsodyError(f'"{word.text}" has no phones')
            check_range(f'pause_s of "{word.text}"', word.pause_s, (0.0, _LONGEST_PAUSE_S))
            if word.mark not in _MARKS:
                known = " ".join(map(repr, _MARKS))
                raise ProsodyError(f'mark of "{word.text}" must be one of {known}, got {word.mark!r}')
            for phone in word.phones:
                _check_type(f'phones of "{word.text}"', phone, PhoneProsody)
                phone.check(word.text)


def _check_type(where: str, member: object, kind: type) -> None:
    """Raise ProsodyError for what has no place in a list."""
    if not isinstance(member, kind):
        raise ProsodyError(f"{where} must be {kind.__name__}, got {member!r}")


@dataclass
class Prosody:
    """A text as it will be said.

    Examples
    --------
    >>> phones = [PhoneProsody("HH", 0.06, 200.0, -40.0), PhoneProsody("AY1", 0.2, 210.0, -20.0)]
    >>> word = WordProsody("hi", phones, 0.0, 0, 2)
    >>> prosody = Prosody([SentenceProsody([word])])
    >>> prosody.words[0].pitch = 2.0
    >>> [phone.pitch for phone in prosody.words[0].phones]
    [2.0, 2.0]
    """

    sentences: list[SentenceProsody] = field(default_factory=list)

    @property
    def words(self) -> tuple[WordProsody, ...]:
        """Words of all sentences, to be changed; taken away they are from `sentences[n].words`."""
        return tuple(word for sentence in self.sentences for word in sentence.words)

    def __iter__(self) -> Iterator[SentenceProsody]:
        return iter(self.sentences)
