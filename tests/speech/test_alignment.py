"""Alignment graphs and Viterbi against listing every path."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech.alignment import SILENCE, align, build_graph


def every_path(graph, num_frames):
    """All state sequences of a graph, by brute force."""
    for states in itertools.product(range(len(graph)), repeat=num_frames):
        if not graph.initial[states[0]] or not graph.final[states[-1]]:
            continue
        steps = zip(states, states[1:], strict=False)
        if all(a == b or a in graph.sources[graph.first_arc[b] : graph.first_arc[b + 1]] for a, b in steps):
            yield states


def score_of(states, scores, graph):
    return sum(scores[t, graph.labels[s]] for t, s in enumerate(states))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_equals_the_best_of_all_paths(data):
    pronunciation = st.lists(st.integers(1, 3), min_size=1, max_size=2)
    words = data.draw(st.lists(st.lists(pronunciation, min_size=1, max_size=2), min_size=1, max_size=2))
    silence = data.draw(st.sampled_from([None, 0]))
    graph = build_graph(words, silence=silence)
    num_frames = data.draw(st.integers(graph.shortest, max(graph.shortest, 5)))
    scores = np.random.default_rng(data.draw(st.integers(0, 99))).normal(size=(num_frames, 4))
    if len(graph) ** num_frames > 200_000:
        return
    best = max(score_of(states, scores, graph) for states in every_path(graph, num_frames))
    path = align(scores, graph)
    np.testing.assert_allclose(path.score, best, rtol=1e-12)
    assert tuple(path.states) in set(every_path(graph, num_frames))


def test_silences_and_pronunciations_are_chosen():
    scores = np.full((8, 4), -9.0)
    for frame, unit in enumerate([0, 1, 1, 3, 0, 0, 2, 2]):
        scores[frame, unit] = 0.0
    graph = build_graph([[[1, 2], [1, 3]], [[2]]], silence=0)
    path = align(scores, graph)
    assert path.score == 0.0
    assert graph.words[path.states].tolist() == [SILENCE, 0, 0, 0, SILENCE, SILENCE, 1, 1]
    assert set(graph.variants[path.states][1:4]) == {1}


def test_states_of_a_phone_follow_one_another():
    graph = build_graph([[[2, 0]]], states_per_phone=3)
    assert graph.labels.tolist() == [6, 7, 8, 0, 1, 2]
    assert graph.shortest == 6
    path = align(np.zeros((9, 9)), graph)
    assert np.all(np.diff(path.states) >= 0)
    assert set(path.states) == set(range(6))


def test_an_utterance_without_words_is_silence():
    graph = build_graph([], silence=0)
    assert align(np.zeros((3, 1)), graph).states.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("words", "frames", "message"),
    [([[[1, 2, 1]]], 2, "need 3 frames, the audio has 2"), ([[]], 5, "word 0"), ([[[1]], [[1], []]], 5, "word 1")],
)
def test_the_impossible_is_named(words, frames, message):
    with pytest.raises(ValueError, match=message):
        align(np.zeros((frames, 4)), build_graph(words, silence=0))


def test_nan_and_impossible_scores_are_refused():
    graph = build_graph([[[1]]])
    with pytest.raises(ValueError, match="NaN"):
        align(np.full((2, 2), np.nan), graph)
    with pytest.raises(ValueError, match="minus infinity"):
        align(np.full((2, 2), -np.inf), graph)
