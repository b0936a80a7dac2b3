"""A text in time over recordings of hours, by any CTC model: words, their units, and where text and audio disagree.

The recording is read and run through the model window by window (`speech.chunks`); only log probabilities are kept,
an hour of 29 characters every 23 ms is 18 MB. One exact forced alignment of all of it follows: nothing is cut, so no
word can fall between two pieces.

A forced alignment finds a place for any text. Therefore the text of each stretch of some words is compared with what
the model hears there by itself: letters wrong, missing or added, out of the letters of the text. A stretch in which
that is high, be it another text, a passage that was not read, or speech that is not in the text, is reported.

Legend: **V** output frames, **K** units.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch

from ctc import Token, WordSpan, forced_align, greedy_decode, merge_tokens, word_spans
from speech.errors import AudioError, ConfigError, CorpusError
from speech.scoring import ErrorCounts, score
from speech.sources import Source, source_name
from speech.text import normalize_text
from speech.transcribe import Transcriber
from speech.transcript import Transcript, Word
from speech.units import BLANK_ID, Units

FLOOR = -30.0
"""Log probabilities are raised to this: what the model, or a stretch of steady level, rules out stays possible."""
STRETCH_UNITS = 40
"""Fewest units of text that are compared at a time, some eight words: fewer make a rate of errors a matter of luck."""
MISMATCH = 0.65
"""Errors a unit of text from which a stretch is reported, unless another limit is asked for."""


@dataclass(frozen=True, kw_only=True)
class TimedUnit:
    """A character, or another unit of the model, in time; `score` is its highest probability there."""

    unit: str
    start_s: float
    end_s: float
    score: float


@dataclass(frozen=True, kw_only=True)
class TimedWord:
    """A word in time.

    Attributes
    ----------
    word : as aligned: lower case, without punctuation
    start_s, end_s : seconds
    score : 0 to 1, the mean over its units of the highest probability that each reaches
    units : tuple of TimedUnit
    """

    word: str
    start_s: float
    end_s: float
    score: float
    units: tuple[TimedUnit, ...]


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """A stretch whose text is not what the model hears.

    Attributes
    ----------
    start_s, end_s : seconds
    first_word, end_word : words of the text, `end_word` the one after the last
    text, heard : what stands there and what the model hears
    error_rate : units wrong, missing or added, a unit of the text; above 1 where more is said than written
    """

    start_s: float
    end_s: float
    first_word: int
    end_word: int
    text: str
    heard: str
    error_rate: float


@dataclass(frozen=True, kw_only=True)
class LongAlignment:
    """A text in time.

    Attributes
    ----------
    words : tuple of TimedWord
    mismatches : tuple of Mismatch, in time order
    error_rate : of the whole recording, as in `Mismatch`; what the model always mishears is in it
    duration_s : seconds
    source, model : path of the recording, or ""; name of the model
    """

    words: tuple[TimedWord, ...]
    mismatches: tuple[Mismatch, ...]
    error_rate: float
    duration_s: float
    source: str = ""
    model: str = ""

    def as_transcript(self) -> Transcript:
        """The words alone, for the writers of `speech.formats` (SRT, TextGrid, JSON ...)."""
        words = [Word(text=w.word, start_s=w.start_s, end_s=w.end_s, confidence=w.score) for w in self.words]
        return Transcript(words=tuple(words), duration_s=self.duration_s, source=self.source, model=self.model)


def align_long(
    source: Source,
    text: str,
    transcriber: Transcriber,
    *,
    sample_rate: int | None = None,
    channel: int | None = None,
    mismatch: float = MISMATCH,
    progress: Callable[[Source, float], None] | None = None,
) -> LongAlignment:
    """Align a text with a recording of any length.

    Parameters
    ----------
    source, sample_rate, channel : as in `Transcriber.transcribe`
    text : str
        What is said, normalised first; line breaks do not matter.
    transcriber : Transcriber
        Its model's (first) head is used, whatever its units.
    mismatch : float
        Error rate from which a stretch is reported.
    progress : callable, optional
        Told now and then the source and how many seconds of it are done.

    Returns
    -------
    LongAlignment

    Raises
    ------
    AudioError
        The recording cannot be read, or is too short for the text.
    CorpusError
        The text is empty or holds words that the units cannot write, which are named.
    ConfigError
        The head labels every frame and has no blank.

    Examples
    --------
    >>> from speech import load_model
    >>> align_long("chapter.flac", open("chapter.txt").read(), load_model()).words[0]  # doctest: +SKIP
    TimedWord(word='chapter', start_s=0.53, ...)
    """
    units = transcriber.units
    if units.framewise:
        raise ConfigError(f"head {transcriber.heads[0]!r} labels every frame; alignment of hours needs a CTC head")
    words = normalize_text(text).split()
    labels = _labels(words, units)
    keeper = _Keeper(transcriber.heads[0])
    listener = transcriber.with_search(keeper)
    outcome = next(listener.transcribe_many([source], sample_rate=sample_rate, channel=channel, progress=progress))
    if outcome.transcript is None:
        raise outcome.error or AudioError(f"{source_name(source)}: cannot be read")
    log_probs, times_s = keeper.log_probs(len(units)), keeper.times_s
    path, scores = _align(log_probs, labels, units, source_name(source))
    tokens = merge_tokens(path, scores, BLANK_ID)
    spans = _spans(path, scores, labels, units)
    found, error_rate = _mismatches(log_probs, tokens, spans, words, units, times_s, mismatch)
    return LongAlignment(
        words=tuple(_timed(word, span, tokens, units, times_s) for word, span in zip(words, spans, strict=True)),
        mismatches=found,
        error_rate=error_rate,
        duration_s=outcome.transcript.duration_s,
        source=source_name(source),
        model=transcriber.name,
    )


class _Keeper:
    """Stands where a search would, and keeps the log probabilities [V, K] of a head instead."""

    unit: ClassVar[Literal["word", "phone"]] = "word"
    num_views = 1

    def __init__(self, head: str):
        self.heads = (head,)
        self.num_frames = 0
        self.times_s = np.zeros(1)
        self._pieces: list[np.ndarray] = []

    def stream(self) -> "_Keeper":
        """Itself: there is one recording."""
        return self

    def push(self, log_probs: np.ndarray) -> None:
        """Take the next frames."""
        self._pieces.append(np.maximum(log_probs, FLOOR, dtype=np.float32))
        self.num_frames += len(log_probs)

    def end(self) -> None:
        """Nothing is searched."""

    def words(self, frame_times_s: np.ndarray) -> tuple[Word, ...]:
        """No words; take note of when frames begin, float [V + 1]."""
        self.times_s = frame_times_s
        return ()

    def log_probs(self, num_units: int) -> torch.Tensor:
        """All of them, float32 [V, K]."""
        return torch.from_numpy(np.concatenate([np.zeros((0, num_units), np.float32), *self._pieces]))


def _labels(words: Sequence[str], units: Units) -> list[list[int]]:
    """Labels of each word, without what parts words."""
    if not words:
        raise CorpusError("the text holds no words to align")
    labels = {word: units.encode(word) for word in dict.fromkeys(words)}
    wrong = [word for word, found in labels.items() if not found]
    if wrong:
        shown = ", ".join(repr(word) for word in wrong[:5])
        raise CorpusError(
            f"the model's {units.kind} units cannot write {len(wrong)} of the text's words ({shown}); spell them out"
        )
    return [labels[word] or [] for word in words]


def _separator(units: Units) -> int | None:
    """Unit between words, if there is one."""
    return units.ids.get(" ") if units.kind == "character" else None


def _align(
    log_probs: torch.Tensor, labels: Sequence[list[int]], units: Units, name: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Best path [V] and its scores [V]."""
    space = _separator(units)
    between = [] if space is None else [space]
    flat = [label for word in labels for label in [*between, *word]][len(between) :]
    repeats = sum(one == other for one, other in zip(flat[1:], flat[:-1], strict=True))
    if len(flat) + repeats > len(log_probs):
        raise AudioError(
            f"{name or 'the recording'}: too short for a text of {len(labels)} words; is it the right text?"
        )
    paths, scores = forced_align(log_probs[None], [flat], blank=BLANK_ID)
    return paths[0], scores[0]


def _spans(path: torch.Tensor, scores: torch.Tensor, labels: Sequence[list[int]], units: Units) -> list[WordSpan]:
    """Span of each word."""
    space = _separator(units)
    if space is not None:
        return word_spans(path, scores, separator=space, blank=BLANK_ID)
    return word_spans(path, scores, lengths=[len(word) for word in labels], blank=BLANK_ID)


def _timed(word: str, span: WordSpan, tokens: Sequence[Token], units: Units, times_s: np.ndarray) -> TimedWord:
    """A word and its units, in seconds."""
    parts = tuple(
        TimedUnit(
            unit=units.symbols[token.label],
            start_s=float(times_s[token.start_frame]),
            end_s=float(times_s[token.end_frame]),
            score=min(1.0, token.confidence),
        )
        for token in tokens[span.first_label : span.end_label]
    )
    start_s, end_s = parts[0].start_s, parts[-1].end_s
    return TimedWord(word=word, start_s=start_s, end_s=end_s, score=min(1.0, span.confidence), units=parts)


def _mismatches(
    log_probs: torch.Tensor,
    tokens: Sequence[Token],
    spans: Sequence[WordSpan],
    words: Sequence[str],
    units: Units,
    times_s: np.ndarray,
    limit: float,
) -> tuple[tuple[Mismatch, ...], float]:
    """Stretches with too many errors, neighbours joined, and the error rate of all."""
    space = _separator(units)
    heard = greedy_decode(log_probs[None], blank=BLANK_ID)[0]
    middles = np.array([(token.start_frame + token.end_frame) / 2 for token in heard])
    total = ErrorCounts(0, 0)
    found: list[tuple[int, int, int, int, list[Token], ErrorCounts]] = []
    for first, end in _stretches(spans):
        start_frame = 0 if first == 0 else (spans[first - 1].end_frame + spans[first].start_frame) // 2
        last = end == len(spans)
        end_frame = len(log_probs) if last else (spans[end - 1].end_frame + spans[end].start_frame) // 2
        inside = heard[np.searchsorted(middles, start_frame) : np.searchsorted(middles, end_frame)]
        written = [token.label for token in tokens[spans[first].first_label : spans[end - 1].end_label]]
        counts = score(
            [label for label in written if label != space], [token.label for token in inside if token.label != space]
        )
        total += counts
        if counts.rate >= limit:
            if found and found[-1][1] == first:  # goes on
                first, _, start_frame, _, before, counts_before = found.pop()
                inside, counts = [*before, *inside], counts_before + counts
            found.append((first, end, start_frame, end_frame, inside, counts))
    reports = [
        Mismatch(
            start_s=float(times_s[start_frame]),
            end_s=float(times_s[end_frame]),
            first_word=first,
            end_word=end,
            text=" ".join(words[first:end]),
            heard=" ".join(units.decode([token.label for token in inside]).split()),
            error_rate=counts.rate,
        )
        for first, end, start_frame, end_frame, inside, counts in found
    ]
    return tuple(reports), total.rate


def _stretches(spans: Sequence[WordSpan]) -> list[tuple[int, int]]:
    """Runs of words of `STRETCH_UNITS` units or more; what is left at the end joins the last."""
    runs, first, size = [], 0, 0
    for index, span in enumerate(spans):
        size += span.end_label - span.first_label
        if size >= STRETCH_UNITS:
            runs.append((first, index + 1))
            first, size = index + 1, 0
    if first < len(spans):
        begin = runs.pop()[0] if runs else 0
        runs.append((begin, len(spans)))
    return runs
