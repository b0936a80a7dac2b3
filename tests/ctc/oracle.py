"""The first rung: the loss by listing every path, and problems to try it on."""

import itertools
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from scipy.special import log_softmax, logsumexp


def collapse(path, blank):
    """Labels of a path: runs merged, blanks dropped."""
    return tuple(unit for unit, _ in itertools.groupby(path) if unit != blank)


def loss_by_listing(logits, labels, blank):
    """Negative log of the summed probability of every path that collapses to the labels."""
    num_frames, num_units = logits.shape
    log_probs = log_softmax(logits, axis=1)
    scores = [
        sum(log_probs[t, unit] for t, unit in enumerate(path))
        for path in itertools.product(range(num_units), repeat=num_frames)
        if collapse(path, blank) == tuple(labels)
    ]
    return -logsumexp(scores) if scores else np.inf


def numeric_gradient(function, x, step=1e-5):
    """Central differences of a scalar function."""
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        ahead, behind = x.copy(), x.copy()
        ahead[index] += step
        behind[index] -= step
        gradient[index] = (function(ahead) - function(behind)) / (2 * step)
    return gradient


@dataclass(frozen=True)
class Problem:
    """Logits [B, T, K] with padded labels [B, N] and lengths [B]."""

    logits: np.ndarray
    targets: np.ndarray
    input_lengths: np.ndarray
    target_lengths: np.ndarray
    blank: int

    def row(self, b):
        """Logits [T_b, K] and labels [N_b] that count."""
        return (
            self.logits[b, : self.input_lengths[b]],
            self.targets[b, : self.target_lengths[b]],
        )


def random_problem(rng, *, B, T, K, N, scale=1.0, blank=0, equal_frames=False, equal_labels=False, feasible=True):
    """Problem with random logits; scale 1 is flat, 30 is peaked far beyond float32's exponents."""
    labels = np.array([unit for unit in range(K) if unit != blank])
    targets = rng.choice(labels, size=(B, N)) if N else np.zeros((B, 0), dtype=np.int64)
    target_lengths = np.full(B, N) if equal_labels else rng.integers(0, N + 1, B)
    input_lengths = np.full(B, T) if equal_frames else rng.integers(1, T + 1, B)
    if feasible:
        repeats = [int((row[1:n] == row[: max(n - 1, 0)]).sum()) for row, n in _rows(targets, target_lengths)]
        needed = target_lengths + np.array(repeats)
        input_lengths = np.minimum(np.maximum(input_lengths, needed), T)
    logits = scale * rng.standard_normal((B, T, K))
    return Problem(logits, targets, input_lengths, target_lengths, blank)


def _rows(targets, lengths):
    return zip(targets, lengths, strict=True)


@st.composite
def problems(draw, max_rows=3, max_frames=8, max_units=5, max_labels=5):
    """Small problems of every kind: infeasible, empty, peaked, repeats, any blank."""
    K = draw(st.integers(2, max_units))
    seed = draw(st.integers(0, 2**32 - 1))
    return random_problem(
        np.random.default_rng(seed),
        B=draw(st.integers(1, max_rows)),
        T=draw(st.integers(1, max_frames)),
        K=K,
        N=draw(st.integers(0, max_labels)),
        scale=draw(st.sampled_from([0.0, 1.0, 10.0, 100.0])),
        blank=draw(st.integers(0, K - 1)),
        feasible=False,
    )
