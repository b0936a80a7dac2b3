"""A text with instructions: pronunciations, pauses and changes of prosody for stretches of its characters."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tts.inline import InlineText, parse_inline
from tts.prosody import SentenceProsody


@dataclass(frozen=True)
class Change:
    """A change of prosody.

    Attributes
    ----------
    start, end : characters of the text it holds for
    rate, pitch, energy : a factor, semitones, dB
    """

    start: int
    end: int
    rate: float = 1.0
    pitch: float = 0.0
    energy: float = 0.0

    @classmethod
    def sum(cls, changes: Sequence["Change"]) -> "Change":
        """What changes of one place add up to, at least one; the place is the first one's.

        >>> Change.sum([Change(0, 9, rate=1.1, pitch=2.0), Change(3, 5, rate=3.0, pitch=-0.5)])
        Change(start=0, end=9, rate=3.3, pitch=1.5, energy=0.0)
        """
        return cls(
            changes[0].start,
            changes[0].end,
            round(math.prod(change.rate for change in changes), 9),  # 1.1 * 3 is a little more than 3.3
            round(sum(change.pitch for change in changes), 9),
            round(sum(change.energy for change in changes), 9),
        )


@dataclass(frozen=True)
class Break:
    """A pause of `seconds` before the character at `position`; 0 for none where there might have been one."""

    position: int
    seconds: float


@dataclass(frozen=True)
class Script:
    """What to say and how.

    Attributes
    ----------
    inline : the text with its pronunciations
    changes : of prosody; those that overlap add up
    breaks : pauses; those in one place add up
    """

    inline: InlineText
    changes: tuple[Change, ...] = ()
    breaks: tuple[Break, ...] = ()

    def apply(self, sentence: SentenceProsody) -> None:
        """Put changes and pauses where they belong in a predicted sentence.

        A break belongs to the last word before it; one in front of all words leads the first sentence, and one behind
        all words ends the last. Words that are read together, as those of a number, are changed together, and a break
        inside them follows the last.

        Raises
        ------
        ProsodyError
            Changes of parts of a word that is read as one add up to more than it takes.
        """
        for word in sentence.words:
            asked = [change for change in self.changes if change.start < word.end and word.start < change.end]
            if asked:
                total = Change.sum(asked)
                word.rate, word.pitch, word.energy = total.rate, total.pitch, total.energy
        first_start = min((word.start for word in sentence.words), default=0)
        pauses_s: dict[int, float] = {}  # by number of the word before
        for one in self.breaks:
            before = [number for number, word in enumerate(sentence.words) if word.start < one.position]
            if before and one.position <= self._next_start(sentence, sentence.words[before[-1]].end):
                pauses_s[before[-1]] = pauses_s.get(before[-1], 0.0) + one.seconds
                if not self._says(one.position, len(self.inline.text)):
                    sentence.tail_s += one.seconds
            elif not before and one.position <= first_start and not self._says(0, first_start):
                sentence.lead_s += one.seconds
        for number, seconds in pauses_s.items():
            sentence.words[number].pause_s = seconds

    def _says(self, start: int, end: int) -> bool:
        """Whether there is a word between two characters."""
        return any(self.inline.text[place].isalnum() for place in range(start, end))

    def _next_start(self, sentence: SentenceProsody, end: int) -> int:
        """Where the word after character `end` begins, in this sentence or a later one."""
        following = [word.start for word in sentence.words if word.start >= end]
        if following:
            return following[0]
        text = self.inline.text
        return next((place for place in range(end, len(text)) if text[place].isalnum()), len(text))


def plain_script(text: str) -> Script:
    """A text without instructions but its inline pronunciations."""
    return Script(parse_inline(text))
