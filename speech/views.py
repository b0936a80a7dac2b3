"""Views of a recording: the same sounds on other steps of the model, which then makes other mistakes.

A model that takes several feature frames a step hears a recording anew if the steps begin some frames later. What one
view misses another may find, and a word sequence that is likely in all of them is right more often than one that a
single view likes.

Legend: T feature frames, F features.
"""

import itertools
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from speech.errors import ConfigError

if TYPE_CHECKING:
    from ctc import BeamStream, Candidate


def shifts_of(num_views: int, step_frames: int) -> tuple[int, ...]:
    """Feature frames by which each view is late; the first is not.

    Each further one halves what lies between two others (van der Corput 1935), so that the first views of many are
    those of few; none comes twice.

    Raises
    ------
    ConfigError
        There are more views than frames in a step.

    Examples
    --------
    >>> shifts_of(2, 8), shifts_of(4, 8)
    ((0, 4), (0, 4, 2, 6))
    """
    if num_views > step_frames:
        raise ConfigError(
            f"views: {num_views} are more than the model can be heard in, which takes {step_frames} frames a step"
        )
    num_bits = (step_frames - 1).bit_length()
    reversed_bits = (int(f"{number:0{num_bits}b}"[::-1], 2) for number in range(2**num_bits)) if num_bits else [0]
    return tuple(shift for shift in reversed_bits if shift < step_frames)[:num_views]


def shifted(features: Tensor, shift: int) -> Tensor:
    """A view of features [T, F]: without the first frames; a frame of zeros if none is left."""
    return features[shift:] if shift < len(features) else features.new_zeros(1, features.shape[1])


def candidates_of_all(streams: "Sequence[BeamStream]", most: int) -> "list[Candidate]":
    """Hypotheses of searches in several views of an utterance, each heard in every view, best first.

    Scores are means over the views. A view whose search did not find a hypothesis hears it as the pronunciations that
    the first search to find it has.

    Parameters
    ----------
    streams : sequence of BeamStream
        By CTC, of equally many frames.
    most : int
        Hypotheses taken from each search, and returned.
    """
    from ctc.beam_stream import different

    lists = [stream.candidates(most) for stream in streams]
    if len(streams) == 1:
        return lists[0]
    by_word = streams[0].search.by_word  # then the pronunciations of a word sequence are one hypothesis

    def name(one: "Candidate") -> Hashable:
        return one.text if by_word else one.labels

    first: dict[Hashable, Candidate] = {}
    for one in itertools.chain(*lists):
        first.setdefault(name(one), one)
    views = []
    for stream, own in zip(streams, lists, strict=True):
        view: dict[Hashable, Candidate] = {name(one): one for one in own}
        missed = {key: one for key, one in first.items() if key not in view}
        heard = stream.heard([one.labels for one in missed.values()]).tolist()
        for (key, one), acoustic_score in zip(missed.items(), heard, strict=True):
            score = one.score + acoustic_score - one.acoustic_score
            view[key] = replace(one, score=score, acoustic_score=acoustic_score)
        views.append(view)
    joined = []
    for key, one in first.items():
        scores = np.array([(view[key].score, view[key].acoustic_score) for view in views])
        score, acoustic_score = scores.mean(axis=0).tolist()
        joined.append(replace(one, score=score, acoustic_score=acoustic_score))
    distinct = different(streams[0].search, sorted(joined, key=lambda one: -one.score))
    return list(itertools.islice(distinct, most))
