"""Forced alignment over pronunciation graphs: which state of which word each frame belongs to, by exact Viterbi search.

A graph has one chain of states for each pronunciation of each word and an optional silence before, between and after
words; the search chooses pronunciations and silences. States emit units of a framewise model and may repeat.

Legend: T frames, K units, S states, A arcs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctc.compilation import jit_cached

SILENCE = -1  #: word number of states that belong to no word


@dataclass(frozen=True)
class AlignmentGraph:
    """States in an order in which arcs point forward.

    Attributes
    ----------
    labels : int64 [S]; unit that each state emits
    words : int64 [S]; number of the word, `SILENCE` for none
    phones : int64 [S]; position of the state's phone in its pronunciation
    variants : int64 [S]; which of the word's pronunciations
    first_arc : int64 [S + 1]; arcs into state s are `sources[first_arc[s]:first_arc[s + 1]]`
    sources : int64 [A]; states the arcs come from, the loop from a state to itself left out
    initial, final : bool [S]
    """

    labels: NDArray[np.int64]
    words: NDArray[np.int64]
    phones: NDArray[np.int64]
    variants: NDArray[np.int64]
    first_arc: NDArray[np.int64]
    sources: NDArray[np.int64]
    initial: NDArray[np.bool_]
    final: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shortest(self) -> int:
        """Frames that the shortest path through the graph takes."""
        steps = np.full(len(self), np.iinfo(np.int64).max // 2)
        for state in range(len(self)):
            before = self.sources[self.first_arc[state] : self.first_arc[state + 1]]
            best = min((steps[source] for source in before), default=np.iinfo(np.int64).max // 2)
            steps[state] = 1 if self.initial[state] else best + 1
        return int(steps[self.final].min())


@dataclass(frozen=True)
class Path:
    """The best path of an utterance.

    Attributes
    ----------
    states : int64 [T]; state of the graph in each frame
    score : float; sum of the scores along the path, nats
    """

    states: NDArray[np.int64]
    score: float


def build_graph(
    words: Sequence[Sequence[Sequence[int]]],
    *,
    silence: int | None = None,
    states_per_phone: int = 1,
    silence_states: int = 1,
) -> AlignmentGraph:
    """Graph of a sequence of words.

    Parameters
    ----------
    words : for each word its pronunciations, each a sequence of phone numbers 0..P-1
    silence : phone number of the optional silence; None for no silence
    states_per_phone : states in a row that each phone passes; phone p emits units `p * states_per_phone + i`
    silence_states : states of a silence, likewise; no more than `states_per_phone`

    Raises
    ------
    ValueError
        No words and no silence, a word without pronunciations, or an empty pronunciation.
    """
    labels: list[int] = []
    owners: list[tuple[int, int, int]] = []
    arcs: list[list[int]] = []
    initial: list[bool] = []

    def chain(phones: Sequence[int], word: int, variant: int, before: list[int], starts: bool, count: int) -> int:
        """Append the states of a pronunciation; return the last."""
        for position, phone in enumerate(phones):
            for part in range(count):
                labels.append(int(phone) * states_per_phone + part)
                owners.append((word, position, variant))
                arcs.append(before if not position and not part else [len(labels) - 2])
                initial.append(starts and not position and not part)
        return len(labels) - 1

    ends: list[int] = []  # states that the next word may follow, the silence between included
    for number, pronunciations in enumerate(words):
        if not len(pronunciations) or not all(len(phones) for phones in pronunciations):
            raise ValueError(f"word {number}: has no pronunciation or an empty one")
        if silence is not None:
            ends = [*ends, chain([silence], SILENCE, 0, ends, not number, silence_states)]
        ends = [
            chain(phones, number, variant, ends, not number, states_per_phone)
            for variant, phones in enumerate(pronunciations)
        ]
    if silence is not None:
        ends = [*ends, chain([silence], SILENCE, 0, ends, not len(words), silence_states)]
    if not labels:
        raise ValueError("an utterance without words needs a silence")
    counts = [len(before) for before in arcs]
    final = np.zeros(len(labels), dtype=bool)
    final[ends] = True
    word_numbers, phones_of, variants = np.array(owners, dtype=np.int64).T
    return AlignmentGraph(
        labels=np.array(labels, dtype=np.int64),
        words=word_numbers,
        phones=phones_of,
        variants=variants,
        first_arc=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        sources=np.array([source for before in arcs for source in before], dtype=np.int64),
        initial=np.array(initial),
        final=final,
    )


def align(scores: NDArray, graph: AlignmentGraph) -> Path:
    """Best path of an utterance.

    Parameters
    ----------
    scores : float32 or float64 [T, K]; log likelihoods (or log posteriors) of the units; never NaN
    graph : AlignmentGraph

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        Shapes disagree, or the utterance is shorter than the shortest path through the graph.
    """
    if scores.ndim != 2 or graph.labels.max() >= scores.shape[1]:
        raise ValueError(f"scores: expected [T, K] with K > {graph.labels.max()}, got shape {scores.shape}")
    if np.isnan(scores).any():
        raise ValueError("scores hold a NaN")
    if len(scores) < graph.shortest:
        raise ValueError(f"the words need {graph.shortest} frames, the audio has {len(scores)}")
    states = np.empty(len(scores), dtype=np.int64)
    score = _viterbi(
        np.ascontiguousarray(scores),
        graph.labels,
        graph.first_arc,
        graph.sources,
        graph.initial,
        graph.final,
        states,
    )
    if score == -np.inf:
        raise ValueError("every path through the words has a score of minus infinity")
    return Path(states, float(score))


@jit_cached
def _viterbi(scores, labels, first_arc, sources, initial, final, states):
    """Fill `states` [T] with the best path and return its score; float64 sums, first of equals wins."""
    num_frames, num_states = len(scores), len(labels)
    came_from = np.empty((num_frames, num_states), dtype=np.int32)
    best = np.empty(num_states)
    for s in range(num_states):
        best[s] = scores[0, labels[s]] if initial[s] else -np.inf
        came_from[0, s] = s
    for t in range(1, num_frames):
        for s in range(num_states - 1, -1, -1):  # arcs point forward: sources still hold frame t - 1
            value, source = best[s], s
            for arc in range(first_arc[s], first_arc[s + 1]):
                if best[sources[arc]] > value:
                    value, source = best[sources[arc]], sources[arc]
            best[s] = value + scores[t, labels[s]]
            came_from[t, s] = source
    last, score = -1, -np.inf
    for s in range(num_states):
        if final[s] and best[s] > score:
            last, score = s, best[s]
    if last < 0:
        return score
    for t in range(num_frames - 1, -1, -1):
        states[t] = last
        last = came_from[t, last]
    return score
