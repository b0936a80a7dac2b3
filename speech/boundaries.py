"""Where one phone ends and the next begins, where the most likely path of states leaves it open.

Between vowels, glides and liquids the sound changes all the way; the outer states of their models learn any part of
the transition, so that a path may give all of it to either phone. Here the middle states, which model the steady
parts, share it. Silence before a plosive may be its closure. And a path, which asks what every frame is, is blind to
where the sound itself changes: within a few frames of its boundaries, the spectrum decides.

Legend: T frames, S states of a graph, K units; three units a phone.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from speech.alignment import SILENCE, AlignmentGraph

STATES_PER_PHONE = 3


def phone_runs(states: NDArray[np.int64], graph: AlignmentGraph) -> Iterator[tuple[int, int]]:
    """First frame and end of each phone and silence of a path [T]; neighbours differ in word, variant or position."""
    rows = np.stack([graph.words, graph.variants, graph.phones], axis=1)[states]
    edges = np.flatnonzero((np.diff(rows, axis=0) != 0).any(axis=1)) + 1
    starts = [0, *edges.tolist()]
    yield from zip(starts, [*edges.tolist(), len(rows)], strict=True)


def share_transitions(
    states: NDArray[np.int64], scores: NDArray, graph: AlignmentGraph, vocalic: Sequence[int]
) -> NDArray[np.int64]:
    """Move boundaries between vocalic phones to where the middle state of the second explains the sound better.

    Parameters
    ----------
    states : int64 [T]; of a path through `graph`, which has three states a phone
    scores : float [T, K]; the scores it was found with
    vocalic : phones (units over three) between which sounds change gradually

    Returns
    -------
    int64 [T] : states, of which those beside such boundaries went over to the other phone; each phone keeps the
        frames before (or after) the centre of its middle state
    """
    moved = states.copy()
    labels = graph.labels[states]
    soft = np.isin(labels // STATES_PER_PHONE, vocalic) & (graph.words[states] != SILENCE)
    middles = labels // STATES_PER_PHONE * STATES_PER_PHONE + 1
    runs = list(phone_runs(states, graph))
    centres = [int(np.flatnonzero(labels[a:b] == middles[a:b])[[0, -1]].sum() + 1) // 2 + a for a, b in runs]
    for (_, edge), low, high in zip(runs[:-1], centres[:-1], centres[1:], strict=True):
        if not (soft[edge - 1] and soft[edge]) or high - low < 2:
            continue
        gains = np.cumsum(scores[low:high, middles[edge - 1]] - scores[low:high, middles[edge]])
        best = low + 1 + int(np.argmax(gains[:-1]))
        moved[best:edge] = states[edge]
        moved[edge:best] = states[edge - 1]
    return moved


def sharpen_edges(
    states: NDArray[np.int64],
    graph: AlignmentGraph,
    spectra: NDArray[np.float32],
    plosives: Sequence[int],
    most_frames: int,
) -> NDArray[np.int64]:
    """Move each boundary to where the spectra on its two sides differ most.

    Between the centres of two phones, the boundary is where two constant spectra, the means of the frames before and
    after it, explain the frames with the least squared error (Svendsen & Soong, ICASSP 1987, with two segments). The
    closure of a plosive and its burst are two sounds, of which what follows meets the second.

    Parameters
    ----------
    states : int64 [T]; of a path through `graph`, which has three states a phone
    spectra : float32 [T, F]; log-mels, or cepstra, of the same frames
    plosives : phones (units over three) that begin with a closure
    most_frames : that a boundary moves

    Returns
    -------
    int64 [T] : states, of which those beside a boundary went over to the other phone; each phone keeps its centre, and
        where nothing changes, as in digital silence, its boundaries
    """
    moved, labels = states.copy(), graph.labels[states]
    runs = list(phone_runs(states, graph))
    for (first, edge), (_, end) in zip(runs[:-1], runs[1:], strict=True):
        low, high = (first + edge) // 2, (edge + end + 1) // 2
        if labels[edge - 1] // STATES_PER_PHONE in plosives:
            low = max(low, first + int(np.argmax(labels[first:edge] == labels[edge - 1])))
        candidates = np.arange(max(low + 1, edge - most_frames), min(high - 1, edge + most_frames) + 1)
        candidates = candidates[np.argsort(np.abs(candidates - edge), kind="stable")]  # of equal ones the nearest
        best = candidates[np.argmax(explained(spectra[low:high], candidates - low))]
        moved[best:edge] = states[edge]
        moved[edge:best] = states[edge - 1]
    return moved


def explained(frames: NDArray[np.float32], edges: NDArray[np.int64]) -> NDArray[np.float64]:
    """What the means before and after each of the edges explain of the variance of frames [N, F]; the rest is error."""
    sums = np.cumsum(frames - frames.mean(axis=0, dtype=np.float64), axis=0)[edges - 1]  # those after are -sums
    return (sums**2).sum(axis=1) * (1 / edges + 1 / (len(frames) - edges))


def join_closures(
    states: NDArray[np.int64], graph: AlignmentGraph, plosives: Sequence[int], most_frames: int
) -> NDArray[np.int64]:
    """Give pauses of at most `most_frames` frames before a plosive to it.

    Parameters
    ----------
    states : int64 [T]; of a path through `graph`, which has three states a phone
    plosives : phones (units over three) that begin with a closure
    most_frames : silence that is longer stays a pause

    Returns
    -------
    int64 [T] : states, with the first one of the plosive in place of such pauses
    """
    moved = states.copy()
    for first, end in phone_runs(states, graph):
        inside = 0 < first and end < len(states) and end - first <= most_frames
        if (
            inside
            and graph.words[states[first]] == SILENCE
            and graph.labels[states[end]] // STATES_PER_PHONE in plosives
        ):
            moved[first:end] = states[end]
    return moved
