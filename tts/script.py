"""A text with instructions: pronunciations, pauses and changes of prosody for stretches of its characters."""

from dataclasses import dataclass

from tts.controls import ENERGY_RANGE_DB, PITCH_RANGE_SEMITONES, RATE_RANGE
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
        """
        for change in self.changes:
            for word in sentence.words:
                if change.start < word.end and word.start < change.end:
                    word.rate = _limited(word.rate * change.rate, RATE_RANGE)
                    word.pitch = _limited(word.pitch + change.pitch, PITCH_RANGE_SEMITONES)
                    word.energy = _limited(word.energy + change.energy, ENERGY_RANGE_DB)
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


def _limited(value: float, allowed: tuple[float, float]) -> float:
    """Changes that add up stay within what a word may have."""
    return min(max(value, allowed[0]), allowed[1])


def plain_script(text: str) -> Script:
    """A text without instructions but its inline pronunciations."""
    return Script(parse_inline(text))
