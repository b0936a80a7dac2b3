"""What recognition returns: a text, its words, when each was said and how sure the model is."""

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Word:
    """One recognised word.

    Attributes
    ----------
    text : str
        The word itself, without white space.
    start_s, end_s : float
        Seconds from the beginning of the recording, ``start_s < end_s``.
    confidence : float
        0 to 1: the mean over the word's units of the highest posterior that each one reaches, as
        `speech.words` defines it. It ranks words and is no share of right ones: it knows nothing of
        the language model, and where recordings are clear more words are right than it says.
    """

    text: str
    start_s: float
    end_s: float
    confidence: float

    def __post_init__(self):
        if not self.text or self.text.split() != [self.text]:
            raise ValueError(f"word {self.text!r}: must not be empty or hold white space")
        if not (math.isfinite(self.start_s) and 0 <= self.start_s < self.end_s < math.inf):
            raise ValueError(f"word {self.text!r}: needs 0 <= start_s < end_s, got {self.start_s} and {self.end_s}")
        if not 0 <= self.confidence <= 1:
            raise ValueError(f"word {self.text!r}: confidence {self.confidence} is not in 0..1")


@dataclass(frozen=True, kw_only=True)
class Transcript:
    """The text of one recording.

    Attributes
    ----------
    words : tuple of Word
        In order; no word begins before the one in front of it ends, none ends after the audio.
    duration_s : float
        Length of the recording in seconds.
    source : str
        Path of the recording; empty for an array.
    model : str
        Name of the model that wrote it.
    unit : "word" or "phone"
        What `words` are; formats name them so.

    Raises
    ------
    ValueError
        A word overlaps its neighbour or lies outside the audio.

    Examples
    --------
    >>> word = Word(text="yes", start_s=0.2, end_s=0.5, confidence=0.9)
    >>> Transcript(words=(word,), duration_s=1.0).text
    'yes'
    """

    words: tuple[Word, ...]
    duration_s: float
    source: str = ""
    model: str = ""
    unit: Literal["word", "phone"] = "word"

    def __post_init__(self):
        previous_end_s = 0.0
        for index, word in enumerate(self.words):
            if word.start_s < previous_end_s or word.end_s > self.duration_s:
                raise ValueError(
                    f"word {index} {word.text!r} ({word.start_s} to {word.end_s} s) must lie between "
                    f"{previous_end_s} and {self.duration_s} s"
                )
            previous_end_s = word.end_s

    @property
    def text(self) -> str:
        """The words with single spaces between them."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, kw_only=True)
class Span:
    """A word, or part of a very long one, in whole milliseconds."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float


def milliseconds(transcript: Transcript) -> list[Span]:
    """Words in whole milliseconds: ordered, at least 1 ms long and not past the end of the audio.

    A recording too short to give every word its millisecond squeezes the last ones to length 0.
    """
    limit_ms = int(transcript.duration_s * 1000)
    spans: list[Span] = []
    previous_ms = 0
    num_words = len(transcript.words)
    for index, word in enumerate(transcript.words):
        room_ms = max(limit_ms - (num_words - index), previous_ms)  # the later words need theirs
        start_ms = min(max(round(word.start_s * 1000), previous_ms), room_ms, limit_ms)
        end_ms = min(max(round(word.end_s * 1000), start_ms + 1), limit_ms)
        spans.append(Span(text=word.text, start_ms=start_ms, end_ms=end_ms, confidence=word.confidence))
        previous_ms = end_ms
    return spans
