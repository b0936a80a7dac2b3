"""Forced alignment against listing every path, and against torchaudio at size."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from ctc import WordSpan, forced_align, infeasible, merge_tokens, word_spans
from tests.ctc.oracle import collapse, problems, random_problem


def best_score_by_listing(log_probs, labels, blank):
    """Highest score of any path that collapses to the labels."""
    num_frames, num_units = log_probs.shape
    return max(
        sum(log_probs[t, unit] for t, unit in enumerate(path))
        for path in itertools.product(range(num_units), repeat=num_frames)
        if collapse(path, blank) == tuple(labels)
    )


@settings(max_examples=80, deadline=None)
@given(problems(max_rows=2, max_frames=6, max_units=3, max_labels=4))
def test_best_of_all_paths(problem):
    arguments = (problem.targets, problem.input_lengths, problem.target_lengths)
    log_probs = torch.from_numpy(problem.logits).log_softmax(2)
    if infeasible(*arguments):
        with pytest.raises(ValueError, match="the labels need"):
            forced_align(log_probs, *arguments, problem.blank)
        return
    paths, scores = forced_align(log_probs, *arguments, problem.blank)
    for b, length in enumerate(problem.input_lengths):
        _, labels = problem.row(b)
        assert collapse(paths[b, :length].tolist(), problem.blank) == tuple(labels)
        best = best_score_by_listing(log_probs[b, :length].numpy(), labels, problem.blank)
        np.testing.assert_allclose(scores[b].sum(), best, rtol=1e-12, atol=1e-12)
        assert (paths[b, length:] == problem.blank).all()
        assert (scores[b, length:] == 0).all()


def viterbi_score(log_probs, labels, blank):
    """Best score by the textbook recursion over S = 2N + 1 states, in NumPy."""
    states = np.full(2 * len(labels) + 1, blank)
    states[1::2] = labels
    may_skip = np.zeros(len(states), bool)
    may_skip[2:] = states[2:] != states[:-2]
    score = np.full(len(states), -np.inf)
    score[:2] = log_probs[0, states[:2]]
    for row in log_probs[1:]:
        step = np.concatenate([[-np.inf], score[:-1]])
        skip = np.where(may_skip, np.concatenate([[-np.inf] * 2, score])[: len(states)], -np.inf)
        score = np.maximum(np.maximum(score, step), skip) + row[states]
    return score[-2:].max()


@pytest.mark.parametrize("N", [255, 256, 257, 1200])
@pytest.mark.parametrize("spare", [0, 1, 7, 300])
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_score_at_size(N, spare, scale):
    """From one possible path to many; about one block of pairs, and several."""
    rng = np.random.default_rng(0)
    labels = np.resize(np.arange(1, 6), N)
    log_probs = torch.from_numpy(scale * rng.standard_normal((1, N + spare, 6))).log_softmax(2)
    paths, scores = forced_align(log_probs, labels[None])
    assert collapse(paths[0].tolist(), 0) == tuple(labels)
    np.testing.assert_allclose(scores.sum(), viterbi_score(log_probs[0].numpy(), labels, 0), rtol=1e-12)


def test_score_where_much_is_impossible():
    """Repeats make the reachable pairs jump; zeros leave few paths."""
    rng = np.random.default_rng(3)
    for num_frames in range(40, 140, 9):
        labels = rng.integers(1, 3, 20)
        log_probs = rng.standard_normal((num_frames, 3))
        log_probs[rng.random((num_frames, 3)) < 0.05] = -np.inf
        expected = viterbi_score(log_probs, labels, 0)
        if expected == -np.inf:
            continue
        paths, scores = forced_align(torch.from_numpy(log_probs)[None], labels[None])
        assert collapse(paths[0].tolist(), 0) == tuple(labels)
        np.testing.assert_allclose(scores.sum(), expected, rtol=1e-12)


def test_agrees_with_torchaudio():
    functional = pytest.importorskip("torchaudio.functional")
    if not hasattr(functional, "forced_align"):
        pytest.skip("this torchaudio has no forced_align")
    generator = torch.Generator().manual_seed(0)
    log_probs = torch.randn(1, 500, 20, generator=generator).log_softmax(2)
    targets = torch.randint(1, 20, (1, 90), generator=generator)
    paths, scores = forced_align(log_probs, targets)
    expected_paths, expected_scores = functional.forced_align(log_probs, targets)
    assert (paths == expected_paths).all()
    torch.testing.assert_close(scores, expected_scores)


def test_batch_equals_rows():
    problem = random_problem(np.random.default_rng(1), B=6, T=60, K=7, N=15)
    log_probs = torch.from_numpy(problem.logits).log_softmax(2)
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        paths, scores = forced_align(log_probs, problem.targets, problem.input_lengths, problem.target_lengths)
    finally:
        torch.set_num_threads(threads)
    for b, length in enumerate(problem.input_lengths):
        labels = problem.row(b)[1]
        path, score = forced_align(log_probs[b : b + 1, :length], labels[None])
        assert (path[0] == paths[b, :length]).all()
        assert (score[0] == scores[b, :length]).all()


def test_merge_tokens():
    path = torch.tensor([0, 4, 4, 0, 4, 2, 0])
    probabilities = torch.tensor([0.9, 0.4, 0.8, 0.9, 0.7, 0.6, 0.9])
    tokens = merge_tokens(path, probabilities.log())
    assert [(t.label, t.start_frame, t.end_frame) for t in tokens] == [(4, 1, 3), (4, 4, 5), (2, 5, 6)]
    np.testing.assert_allclose([t.confidence for t in tokens], [0.8, 0.7, 0.6], rtol=1e-6)
    with pytest.raises(ValueError, match="expected"):
        merge_tokens([0, 1], [0.0])


def test_word_spans_by_separator_and_by_lengths():
    path = torch.tensor([9, 0, 4, 4, 0, 4, 9, 9, 0, 9, 2, 0])
    probabilities = torch.tensor([0.9, 0.9, 0.4, 0.8, 0.5, 0.6, 0.9, 0.9, 0.9, 0.9, 0.6, 0.9], dtype=torch.float64)
    scores = probabilities.log()
    first, second = word_spans(path, scores, separator=9)
    mean = float(scores[2:6].mean())
    assert first == WordSpan(1, 3, 2, 6, pytest.approx(0.7), pytest.approx(mean))
    assert second == WordSpan(5, 6, 10, 11, pytest.approx(0.6), pytest.approx(np.log(0.6)))
    spans = word_spans(path, scores, lengths=[1, 2, 2, 1])
    assert [(span.start_frame, span.end_frame) for span in spans] == [(0, 1), (2, 6), (6, 10), (10, 11)]
    assert spans[1] == first
    assert word_spans(np.zeros(3, int), np.zeros(3), separator=1) == []


@pytest.mark.parametrize("options", [{}, {"separator": 1, "lengths": [1]}, {"lengths": [2]}, {"lengths": [0, 1]}])
def test_word_spans_refuse(options):
    with pytest.raises(ValueError, match="word_spans needs either|lengths: expected"):
        word_spans(np.array([0, 1]), np.zeros(2), **options)


def test_empty():
    paths, scores = forced_align(torch.zeros(2, 3, 2), [[], []])
    assert paths.tolist() == [[0, 0, 0]] * 2
    assert forced_align(torch.zeros(0, 3, 2), np.zeros((0, 2), int))[0].shape == (0, 3)
    assert forced_align(torch.zeros(1, 0, 2), [[]])[0].shape == (1, 0)
    assert scores.shape == (2, 3)


@pytest.mark.parametrize(
    ("log_probs", "options", "message"),
    [
        (torch.zeros(3, 4), {}, "expected floats"),
        (torch.zeros(1, 1, 4), {}, "row 0: the labels need 2 frames, got 1"),
        (torch.full((1, 3, 4), torch.nan), {}, "row 0: log_probs hold a NaN"),
        (torch.full((1, 3, 4), -torch.inf), {}, "row 0: every path"),
        (torch.zeros(1, 3, 4), {"blank": 2}, "row 0: label 2 at position 1 is the blank"),
        (torch.zeros(1, 3, 4), {"target_lengths": [3]}, "exceeds the 2 columns"),
    ],
)
def test_refused(log_probs, options, message):
    with pytest.raises(ValueError, match=message):
        forced_align(log_probs, [[1, 2]], **options)


def test_targets_in_one_row_need_lengths():
    with pytest.raises(ValueError, match="target_lengths: needed"):
        forced_align(torch.zeros(2, 3, 4), [1, 2])
    with pytest.raises(RuntimeError, match="on the CPU or a CUDA device"):
        forced_align(torch.zeros(1, 3, 4, device="meta"), [[1, 2]])
