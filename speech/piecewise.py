"""Phones in recordings of hours: a CTC model finds the words, pauses cut the recording, the pieces are aligned."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from speech.aligner import PAUSE_SYMBOL, AlignedPhone, AlignedWord, Aligner, Alignment
from speech.errors import SpeechError
from speech.long_alignment import LongAlignment
from speech.sources import Source, open_source, source_name
from speech.units import SILENCE_SYMBOL

PIECE_S = 20.0  # pieces end at the longest pause of the ten seconds after this
SEARCH_S = 10.0


def align_pieces(
    aligner: Aligner,
    found: LongAlignment,
    source: Source,
    *,
    channel: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Alignment:
    """Words and phones of a long recording whose words have been found.

    Parameters
    ----------
    aligner : Aligner
    found : of `speech.long_alignment.align_long` on the same recording
    source : the recording, or the part of one, that was given there; it is read once more, from its beginning
    channel : as it was given there
    progress : told how many seconds are done

    Raises
    ------
    SpeechError
        A piece cannot be aligned; the message says where it lies.
    """
    rate = aligner.loaded.frontend.config.sample_rate_hz
    words: list[AlignedWord] = []
    phones: list[AlignedPhone] = []
    parts = pieces(found)
    waveforms = _cut(
        open_source(source, sample_rate_hz=rate, channel=channel), [round(end_s * rate) for *_, end_s in parts]
    )
    for (first, end, start_s, end_s), waveform in zip(parts, waveforms, strict=True):
        try:
            part = aligner.align(waveform, " ".join(w.word for w in found.words[first:end]), sample_rate=rate)
        except SpeechError as error:
            raise SpeechError(f"{source_name(source)}, {start_s:.1f} to {end_s:.1f} s: {error}") from error
        words += [
            replace(_moved(w, start_s, end_s), phones=tuple(_moved(p, start_s, end_s) for p in w.phones))
            for w in part.words
        ]
        moved = [_moved(p, start_s, end_s) for p in part.phones]
        phones += [*moved[:-1], replace(moved[-1], end_s=end_s)]  # a piece ends where the next one begins
        if progress:
            progress(end_s)
    return Alignment(
        words=tuple(words),
        phones=tuple(_joined(phones)),
        duration_s=found.duration_s,
        source=found.source,
        model=aligner.name,
    )


def pieces(found: LongAlignment) -> list[tuple[int, int, float, float]]:
    """First word, end word, start and end in seconds of each piece; together they are the whole recording."""
    cuts = [0]
    words = found.words
    for index in range(1, len(words)):
        if words[index].start_s - words[cuts[-1]].start_s < PIECE_S + SEARCH_S:
            continue
        near = [i for i in range(cuts[-1] + 1, index) if words[i].start_s - words[cuts[-1]].start_s >= PIECE_S]
        near = near or [index]
        gaps = [words[i].start_s - words[i - 1].end_s for i in near]
        cuts.append(near[int(np.argmax(gaps))])
    times = [0.0, *((words[i - 1].end_s + words[i].start_s) / 2 for i in cuts[1:]), found.duration_s]
    ends = [*cuts[1:], len(words)]
    return list(zip(cuts, ends, times[:-1], times[1:], strict=True))


def _cut(blocks: Iterator[np.ndarray], ends: Sequence[int]) -> Iterator[np.ndarray]:
    """Waveforms [N] up to each of `ends`, in samples; what is left belongs to the last.

    Examples
    --------
    >>> [part.tolist() for part in _cut(iter([np.arange(4), np.arange(4, 7)]), [1, 5, 6])]
    [[0.0], [1.0, 2.0, 3.0, 4.0], [5.0, 6.0]]
    """
    pending, at = np.zeros(0, np.float32), 0
    for number, end in enumerate(ends, start=1):
        taken = [pending]
        while (number == len(ends) or sum(map(len, taken)) < end - at) and (block := next(blocks, None)) is not None:
            taken.append(block)
        joined = np.concatenate(taken)
        cut = len(joined) if number == len(ends) else end - at
        yield joined[:cut]
        pending, at = joined[cut:], end


def _moved(part, by_s: float, until_s: float):
    """A word or phone later by so many seconds, ending no later than its piece."""
    return replace(part, start_s=part.start_s + by_s, end_s=min(part.end_s + by_s, until_s))


def _joined(phones: list[AlignedPhone]) -> list[AlignedPhone]:
    """Phones with the silences at the seams made one pause."""
    joined: list[AlignedPhone] = []
    for phone in phones:
        silent = phone.phone in (SILENCE_SYMBOL, PAUSE_SYMBOL)
        if silent and joined and joined[-1].phone in (SILENCE_SYMBOL, PAUSE_SYMBOL):
            joined[-1] = replace(joined[-1], phone=PAUSE_SYMBOL, end_s=phone.end_s)
        else:
            joined.append(phone)
    edges = (0, len(joined) - 1)
    return [
        replace(p, phone=PAUSE_SYMBOL) if p.phone == SILENCE_SYMBOL and i not in edges else p
        for i, p in enumerate(joined)
    ]
