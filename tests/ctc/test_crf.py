"""CTC normalised over whole sequences, against listing every path."""

import itertools
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from ctc.crf import crf_loss, smoothed_trigram
from ctc.crf_path import crf_decode


def collapse(path):
    return tuple(unit for unit, _ in itertools.groupby(path) if unit)


def language(trigram, labels):
    padded = [0, 0, *labels, 0]
    return math.prod(float(trigram[padded[i], padded[i + 1], padded[i + 2]]) for i in range(len(labels) + 1))


def listed(logits, labels, trigram):
    """Loss of one utterance, float64, by listing its K^T paths."""
    probs = logits.double().softmax(dim=1)
    num_frames, num_units = probs.shape
    right, everything = 0.0, 0.0
    for path in itertools.product(range(num_units), repeat=num_frames):
        weight = torch.stack([probs[t, unit] for t, unit in enumerate(path)]).prod()
        found = collapse(path)
        weight = weight * language(trigram, found)
        everything = everything + weight
        if found == tuple(labels):
            right = right + weight
    return torch.log(everything) - torch.log(right)


@pytest.fixture
def trigram():
    random = np.random.default_rng(1)
    return smoothed_trigram([random.integers(1, 3, random.integers(0, 5)).tolist() for _ in range(20)], 3)


@pytest.mark.parametrize("labels", [[], [1], [1, 2], [2, 2], [1, 1, 2]])
@pytest.mark.parametrize("scale", [1.0, 6.0])
def test_loss_and_gradient_equal_those_of_all_paths(labels, scale, trigram):
    generator = torch.Generator().manual_seed(len(labels))
    logits = (scale * torch.randn(2, 6, 3, generator=generator)).requires_grad_()
    lengths = [5, 4]
    losses = crf_loss(logits, [labels, labels], lengths, [len(labels)] * 2, trigram, reduction="none")
    losses.sum().backward()
    for row, length in enumerate(lengths):
        own = logits[row, :length].detach().requires_grad_()
        expected = listed(own, labels, trigram)
        assert losses[row].item() == pytest.approx(expected.item(), rel=1e-4, abs=1e-5)
        (gradient,) = torch.autograd.grad(expected, own)
        torch.testing.assert_close(logits.grad[row, :length], gradient, atol=2e-5, rtol=1e-4)
        assert not logits.grad[row, length:].any()


def test_rows_do_not_depend_on_the_batch_and_reductions_are_those_of_ctc(trigram):
    logits = torch.randn(3, 7, 3, generator=torch.Generator().manual_seed(3))
    targets, lengths, counts = [[1, 2], [2, 0], [1, 1]], [7, 5, 6], [2, 1, 2]
    each = crf_loss(logits, targets, lengths, counts, trigram, reduction="none")
    for row in range(3):
        alone = crf_loss(logits[row : row + 1], [targets[row]], lengths[row : row + 1], counts[row : row + 1], trigram)
        assert alone.item() * counts[row] == pytest.approx(each[row].item(), rel=1e-6)
    assert crf_loss(logits, targets, lengths, counts, trigram, reduction="sum").item() == pytest.approx(
        each.sum().item(), rel=1e-6
    )


def test_what_does_not_fit_is_infinite_or_zero_and_has_no_gradient(trigram):
    logits = torch.randn(2, 2, 3, generator=torch.Generator().manual_seed(4)).requires_grad_()
    targets, lengths, counts = [[1, 1], [1, 0]], [2, 2], [2, 1]  # a repeated label needs three frames
    losses = crf_loss(logits, targets, lengths, counts, trigram, reduction="none")
    assert math.isinf(losses[0].item())
    assert math.isfinite(losses[1].item())
    losses = crf_loss(logits, targets, lengths, counts, trigram, reduction="none", zero_infinity=True)
    assert losses[0].item() == 0
    losses.sum().backward()
    assert not logits.grad[0].any()
    assert torch.isfinite(logits.grad).all()


def test_long_peaked_utterances_stay_finite():
    random = np.random.default_rng(5)
    sequences = [random.integers(1, 40, 60).tolist() for _ in range(50)]
    trigram = smoothed_trigram(sequences, 40)
    logits = (12 * torch.randn(2, 600, 40, generator=torch.Generator().manual_seed(5))).requires_grad_()
    loss = crf_loss(logits, sequences[:2], [600, 500], [60, 60], trigram)
    loss.backward()
    assert math.isfinite(loss.item())
    assert loss.item() > 0
    torch.testing.assert_close(logits.grad.sum(dim=2), torch.zeros(2, 600), atol=1e-5, rtol=0)


def test_bad_arguments_are_refused(trigram):
    good = torch.zeros(1, 2, 3)
    with pytest.raises(ValueError, match="expected shape"):
        crf_loss(torch.zeros(1, 2, 4), [[1]], [2], [1], trigram)
    with pytest.raises(ValueError, match="above 0"):
        crf_loss(good, [[1]], [2], [1], np.where(trigram == trigram[0, 0, 1], 0, trigram))
    with pytest.raises(ValueError, match="reduction"):
        crf_loss(good, [[1]], [2], [1], trigram, reduction="avg")
    with pytest.raises(ValueError, match=r"\[B, T, K\]"):
        crf_loss(good[0], [[1]], [2], [1], trigram)
    with pytest.raises(RuntimeError, match="on the CPU"):
        crf_loss(good.to("meta"), [[1]], [2], [1], trigram)


def test_threads_change_nothing_and_may_call_at_once(trigram):
    logits = torch.randn(5, 30, 3, generator=torch.Generator().manual_seed(6))
    arguments = (logits, [[1, 2]] * 5, [30, 20, 25, 9, 30], [2] * 5, trigram, "none")
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = crf_loss(*arguments)
        torch.set_num_threads(3)
        assert torch.equal(crf_loss(*arguments), alone)
        with ThreadPoolExecutor(4) as pool:
            assert all(torch.equal(found, alone) for found in pool.map(lambda _: crf_loss(*arguments), range(20)))
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("seed", range(20))
def test_the_best_path_is_the_best_of_all(seed):
    random = np.random.default_rng(seed)
    log_probs = np.log(random.dirichlet(np.full(3, 0.5), 6))
    trigram = smoothed_trigram([random.integers(1, 3, random.integers(0, 5)).tolist() for _ in range(20)], 3)

    def score(path):
        return sum(log_probs[t, unit] for t, unit in enumerate(path)) + math.log(language(trigram, collapse(path)))

    best = max(itertools.product(range(3), repeat=6), key=score)
    found = crf_decode(log_probs, np.log(trigram))
    path = [0] * 6
    for token in found:
        path[token.start_frame : token.end_frame] = [token.label] * (token.end_frame - token.start_frame)
    assert score(path) == pytest.approx(score(best), abs=1e-4)


def test_no_frames_have_no_labels():
    assert crf_decode(np.zeros((0, 3)), np.zeros((3, 3, 3))) == []


@pytest.mark.parametrize("log_probs", [np.zeros((2, 4)), np.zeros(3), np.full((2, 3), np.nan)])
def test_scores_that_cannot_be_decoded_are_refused(log_probs):
    with pytest.raises(ValueError, match=r"expected log_probs|NaN"):
        crf_decode(log_probs, np.zeros((3, 3, 3)))


def test_the_path_of_any_tensor():
    scores = torch.randn(6, 4, generator=torch.Generator().manual_seed(0)).log_softmax(1)
    flat = np.zeros((4, 4, 4))
    expected = [token.label for token in crf_decode(scores, flat)]
    for other in (scores.clone().requires_grad_(), scores.double(), scores.T.contiguous().T):
        assert [token.label for token in crf_decode(other, flat)] == expected
    assert isinstance(crf_decode(scores.bfloat16(), flat), list)
    with pytest.raises(ValueError, match="K 1 to 256"):
        crf_decode(np.zeros((3, 0)), np.zeros((0, 0, 0)))


@pytest.mark.parametrize("labels", [[0], [1, 4], [-1]])
def test_labels_of_a_trigram_are_checked(labels):
    with pytest.raises(ValueError, match=r"sequence 1: labels must be 1\.\.3"):
        smoothed_trigram([[1], labels], 4)
