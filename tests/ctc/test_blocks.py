"""A scale for every block of states: the float64 definition at any size of block, and where one scale is too few."""

import numpy as np
import pytest

from ctc import blocks, cpu, reference, scaled, utterance
from ctc.labels import check_batch


def in_blocks(logits, labels, size, log_prior=cpu.NO_PRIOR):
    """Loss and gradient of logits [T, K] by blocks of `size` pairs; None where they are found not to be exact."""
    (num_frames, _), count = logits.shape, len(labels)
    window = np.empty((num_frames, 2), np.int64)
    assert scaled.windows(labels, num_frames, window)
    tables, shift, smallest = utterance.tables_of(labels, 0, log_prior, cpu.SMALLEST[logits.dtype])
    frames = (
        np.empty((num_frames + 1, count + 3)),
        np.empty((num_frames + 1, count + 3), logits.dtype),
        np.empty(num_frames, np.bool_),
    )
    powers, gradient = np.empty((num_frames + 1, count // size + 1), np.int64), np.empty_like(logits)
    walk = (logits, gradient, 0, 1, tables, window, frames, powers, np.uint64(size))
    loss, final = blocks.forward(*walk, smallest, 1.0)
    if final == 0.0 or not blocks.backward(*walk, final, 1.0):
        return None
    return loss + num_frames * shift, gradient


@pytest.mark.parametrize("size", [1, 2, 4, 16, 64])
@pytest.mark.parametrize("count", [0, 1, 3, 4, 15, 16, 17, 32, 33])
@pytest.mark.parametrize("spare", [0, 1, 40])
def test_any_division_gives_the_definition(size, count, spare):
    rng = np.random.default_rng(count)
    labels = rng.integers(1, 4, count)  # many of them twice in a row
    num_frames = max(1, count + int((np.diff(labels) == 0).sum()) + spare)
    for scale in (0.1, 3.0, 12.0):
        logits = scale * rng.standard_normal((num_frames, 5))
        loss, gradient = in_blocks(logits, labels, size)
        expected, expected_gradient = reference.loss_and_gradient(logits, labels)
        np.testing.assert_allclose(loss, expected, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(gradient, expected_gradient, atol=1e-9)


def test_label_priors():
    rng = np.random.default_rng(0)
    log_prior, labels = np.log(rng.dirichlet(np.ones(5))), rng.integers(1, 5, 20)
    logits = 4.0 * rng.standard_normal((60, 5))
    loss, gradient = in_blocks(logits, labels, 4, log_prior)
    expected, expected_gradient = reference.loss_and_gradient(logits, labels, log_prior=log_prior)
    np.testing.assert_allclose(loss, expected, rtol=1e-10)
    np.testing.assert_allclose(gradient, expected_gradient, atol=1e-9)


@pytest.mark.parametrize(("scale", "count"), [(3.0, 400), (10.0, 31), (10.0, 120), (20.0, 200)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_peaked_and_long_utterances_do_without_the_log_domain(scale, count, dtype):
    """Of each, one scale a frame loses the paths that end well."""
    num_frames = 2000
    rng = np.random.default_rng(1)
    logits = (scale * rng.standard_normal((1, num_frames, 20))).astype(dtype)
    batch = check_batch(1, num_frames, 20, rng.integers(1, 20, (1, count)), [num_frames], [count], 0)
    gradient = np.empty_like(logits)
    losses, redone = cpu.loss_and_gradient(logits, batch, 0, np.ones(1), gradient, 1)
    alone, _ = cpu.loss_and_gradient(logits, batch, 0, np.ones(1), None, 1)
    expected, expected_gradient = reference.loss_and_gradient(logits[0], batch.row(0))
    assert not redone.any()
    np.testing.assert_allclose(losses, expected, rtol=1e-10 if dtype == np.float64 else 1e-6)
    np.testing.assert_allclose(alone, losses, rtol=1e-12)
    np.testing.assert_allclose(gradient[0], expected_gradient, atol=1e-8 if dtype == np.float64 else 1e-5)


def test_what_no_block_can_hold_is_noticed():
    rng = np.random.default_rng(1)
    logits, labels = 30.0 * rng.standard_normal((2000, 20)), rng.integers(1, 20, 60)
    assert in_blocks(logits, labels, 16) is None
    logits[:, labels[5]] = -np.inf
    assert in_blocks(logits, labels, 1) is None


@pytest.mark.parametrize("seed", [22668, 27062, 27926, 13713, 60779])
def test_weights_that_are_lost_and_come_back_are_not_lost_from_sight(seed):
    """Paths fall below the range, and are the best again once the scale has gone after what was left."""
    rng = np.random.default_rng(seed)
    num_frames = int(rng.integers(2, 60))
    labels = rng.integers(1, 4, int(rng.integers(1, num_frames // 2 + 1)))
    logits = 10 ** rng.uniform(1.5, 2.5) * rng.standard_normal((num_frames, 4))
    log_prior = -rng.uniform(0, 100, 4) if seed % 2 else None
    batch = check_batch(1, num_frames, 4, labels[None], [num_frames], [len(labels)], 0)
    gradient = np.empty_like(logits[None])
    losses, _ = cpu.loss_and_gradient(logits[None], batch, 0, np.ones(1), gradient, 1, log_prior=log_prior)
    expected, expected_gradient = reference.loss_and_gradient(logits, labels, log_prior=log_prior)
    np.testing.assert_allclose(losses, expected, rtol=1e-10)
    np.testing.assert_allclose(gradient[0], expected_gradient, atol=1e-7)


@pytest.mark.parametrize("spread", [70.0, 80.0])
def test_priors_far_apart_keep_the_digits_of_small_shares(spread):
    logits, log_prior = np.array([[0.0, -660.0]]), np.array([-spread, 0.0])
    batch = check_batch(1, 1, 2, [[1]], [1], [1], 0)
    losses, _ = cpu.loss_and_gradient(logits[None], batch, 0, np.ones(1), np.empty((1, 1, 2)), 1, log_prior=log_prior)
    np.testing.assert_allclose(losses, 660.0, rtol=1e-12)
