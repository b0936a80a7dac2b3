"""Subtitle cues: words grouped so that people can read them, by dynamic programming over the pauses.

At most 2 lines of 42 characters and 7 seconds a cue, the limits that broadcasters' subtitle guides share.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from speech.transcript import Span

MAX_LINE_CHARACTERS = 42
MAX_LINES = 2
MAX_CUE_MS = 7_000
MIN_CUE_MS = 1_000  # shorter cues stay on the screen this long where the next one leaves the time
SENTENCE_PAUSE_MS = 1_500  # such a pause always begins a new cue
#: What a mark at a cue's end is worth, in seconds of pause.
MARK_WORTH = {".": 0.5, "?": 0.5, "!": 0.5, ";": 0.3, ":": 0.3, ",": 0.2}


@dataclass(frozen=True, kw_only=True)
class Cue:
    """Lines shown from `start_ms` to `end_ms`; cues do not overlap.

    `words` are those of the lines, in order; in each line they stand with single spaces between them.
    """

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    words: tuple[Span, ...]


def cues(spans: Sequence[Span], duration_s: float) -> list[Cue]:
    """Group words into cues that prefer to end at pauses and punctuation and to be well filled.

    Parameters
    ----------
    spans : the words, in order
    duration_s : end of the audio in seconds; no cue stays longer

    Returns
    -------
    list of Cue, in order
    """
    pieces = [piece for span in spans for piece in _pieces(span)]
    groups = [pieces[start:end] for start, end in _boundaries(pieces)]
    limit_ms = int(duration_s * 1000)
    result = []
    for index, group in enumerate(groups):
        start_ms = group[0].start_ms
        next_ms = groups[index + 1][0].start_ms if index + 1 < len(groups) else limit_ms
        wanted_ms = max(group[-1].end_ms, start_ms + MIN_CUE_MS)
        end_ms = min(wanted_ms, start_ms + MAX_CUE_MS, next_ms, limit_ms)
        lines = lay_out(" ".join(piece.text for piece in group))
        result.append(Cue(start_ms=start_ms, end_ms=end_ms, lines=lines, words=tuple(group)))
    return result


def lay_out(text: str) -> tuple[str, ...]:
    """`text` on one line if it fits, else on two of nearly equal length; words are at most a line long."""
    if len(text) <= MAX_LINE_CHARACTERS:
        return (text,)
    breaks = [index for index, character in enumerate(text) if character == " "]
    middle = (len(text) - 1) / 2
    best = min(breaks, key=lambda index: abs(index - middle))
    return text[:best], text[best + 1 :]


def _pieces(span: Span) -> list[Span]:
    """The word itself, or parts of at most a line with shares of its time."""
    if len(span.text) <= MAX_LINE_CHARACTERS:
        return [span]
    starts = range(0, len(span.text), MAX_LINE_CHARACTERS)
    length_ms = span.end_ms - span.start_ms
    times = [span.start_ms + length_ms * start // len(span.text) for start in starts]
    texts = [span.text[start : start + MAX_LINE_CHARACTERS] for start in starts]
    return [
        Span(text=text, start_ms=begin, end_ms=end, confidence=span.confidence)
        for text, begin, end in zip(texts, times, [*times[1:], span.end_ms], strict=True)
    ]


def _boundaries(pieces: Sequence[Span]) -> list[tuple[int, int]]:
    """Best grouping as (first, end) indices, by the least sum of `_cost`.

    ``best[end]`` is the cost of grouping the first `end` words; a cue holds few words, so the inner loop is
    short and the whole takes time proportional to the number of words.
    """
    best = [0.0]
    first_of = [0]
    for end in range(1, len(pieces) + 1):
        candidates = []
        num_characters = -1
        for first in range(end - 1, -1, -1):
            num_characters += 1 + len(pieces[first].text)
            if end - first > 1 and not _fits(pieces[first:end], num_characters):
                break
            pause_ms = pieces[end].start_ms - pieces[end - 1].end_ms if end < len(pieces) else 0
            candidates.append((best[first] + _cost(num_characters, pause_ms, pieces[end - 1].text), first))
        cost, first = min(candidates)
        best.append(cost)
        first_of.append(first)
    groups = []
    end = len(pieces)
    while end > 0:
        groups.append((first_of[end], end))
        end = first_of[end]
    return groups[::-1]


def _fits(group: Sequence[Span], num_characters: int) -> bool:
    """Whether several words may share a cue: time, room and no long pause after the first."""
    if (
        num_characters > MAX_LINES * MAX_LINE_CHARACTERS + 1
        or group[-1].end_ms - group[0].start_ms > MAX_CUE_MS
        or group[1].start_ms - group[0].end_ms >= SENTENCE_PAUSE_MS
    ):
        return False
    if num_characters <= MAX_LINE_CHARACTERS:
        return True
    lines = lay_out(" ".join(piece.text for piece in group))
    return all(len(line) <= MAX_LINE_CHARACTERS for line in lines)


def _cost(num_characters: int, pause_ms: int, last_word: str) -> float:
    """Price of one cue: 1, more if nearly empty, less if it ends with a mark or a pause (up to 1 for a second)."""
    emptiness = max(0.0, 1 - num_characters / (MAX_LINES * MAX_LINE_CHARACTERS))
    mark = last_word.rstrip("\"'”’)")[-1:]
    return 1 + emptiness**2 - min(pause_ms / 1000 + MARK_WORTH.get(mark, 0.0), 1.0)
