"""Best-path decoding: labels, times and confidences."""

import numpy as np
import pytest
import torch

from ctc import Token, greedy_decode
from tests.ctc.oracle import collapse


def scores_of(path, num_units=4, high=0.9):
    """Log probabilities [1, T, K] whose best path is the given one."""
    probs = torch.full((1, len(path), num_units), (1 - high) / (num_units - 1))
    probs[0, torch.arange(len(path)), torch.tensor(path)] = high
    return probs.log()


def test_labels_and_times():
    (tokens,) = greedy_decode(scores_of([0, 1, 1, 0, 1, 2, 3, 3, 0]))
    assert [(t.label, t.start_frame, t.end_frame) for t in tokens] == [
        (1, 1, 3),
        (1, 4, 5),
        (2, 5, 6),
        (3, 6, 8),
    ]
    np.testing.assert_allclose([t.confidence for t in tokens], 0.9, rtol=1e-6)


def test_confidence_is_the_peak_of_the_run():
    scores = torch.tensor([[[0.3, 0.7], [0.05, 0.95], [0.4, 0.6]]]).log()
    ((token,),) = greedy_decode(scores)
    assert (token.start_frame, token.end_frame) == (0, 3)
    assert token.confidence == pytest.approx(0.95)


def test_logits_and_log_probs_agree():
    logits = 5 * torch.randn(3, 40, 6, generator=torch.Generator().manual_seed(0))
    plain, normalised = greedy_decode(logits), greedy_decode(logits.log_softmax(2))
    for ours, other in zip(plain, normalised, strict=True):
        assert [t.label for t in ours] == [t.label for t in other]
        np.testing.assert_allclose([t.confidence for t in ours], [t.confidence for t in other], rtol=1e-5)


@pytest.mark.parametrize("blank", [0, 3])
def test_agrees_with_collapsing(blank):
    logits = torch.randn(8, 30, 4, generator=torch.Generator().manual_seed(1))
    lengths = [30, 0, 1, 7, 29, 12, 30, 2]
    for row, length, tokens in zip(logits, lengths, greedy_decode(logits, lengths, blank), strict=True):
        path = row[:length].argmax(dim=1).tolist()
        assert tuple(t.label for t in tokens) == collapse(path, blank)
        starts = [t.start_frame for t in tokens]
        assert starts == sorted(starts)
        for token in tokens:
            assert set(path[token.start_frame : token.end_frame]) == {token.label}
            assert 0 <= token.start_frame < token.end_frame <= length
            assert 0 < token.confidence <= 1


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_types(dtype):
    assert [t.label for t in greedy_decode(scores_of([1, 0, 2]).to(dtype))[0]] == [1, 2]


def test_nothing_in_nothing_out():
    assert greedy_decode(torch.zeros(2, 0, 3)) == [[], []]
    assert greedy_decode(torch.zeros(0, 4, 3)) == []
    assert greedy_decode(scores_of([0, 0])) == [[]]


def test_certain():
    scores = torch.tensor([[[0.0, 400.0]]])
    assert greedy_decode(scores) == [[Token(1, 0, 1, 1.0)]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((torch.zeros(3, 4),), r"expected \[B, T, K\]"),
        ((torch.zeros(1, 3, 4), [4]), r"row 0: length 4 is outside 0\.\.3"),
        ((torch.zeros(2, 3, 4), [1]), "expected 2 rows"),
        ((torch.zeros(1, 3, 4), [3], 4), "blank"),
        ((torch.tensor([[[0.0, 1.0], [0.0, float("nan")]]]),), "row 0: the scores of frame 1"),
        ((torch.full((1, 1, 2), -torch.inf),), "row 0: the scores of frame 0"),
    ],
)
def test_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        greedy_decode(*arguments)
