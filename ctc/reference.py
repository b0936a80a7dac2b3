"""The definition of the CTC loss and its gradient: float64, one utterance, no torch.

Slow and readable on purpose. Every faster version in this package is tested against it.

Legend: **T** frames, **K** units including the blank, **N** labels, **S** = 2N + 1 states.

References
----------
Graves, Fernandez, Gomez, Schmidhuber, "Connectionist temporal classification", ICML 2006: sections
4.1 (forward and backward variables) and 4.2 (error signal, eq. 16).
"""

import numpy as np


def extend(labels: np.ndarray, blank: int) -> np.ndarray:
    """States of a label sequence [N]: a blank before, between and after the labels, [2N + 1].

    >>> extend([3, 3, 5], 0)
    array([0, 3, 0, 3, 0, 5, 0])
    """
    states = np.full(2 * len(labels) + 1, blank, dtype=np.int64)
    states[1::2] = labels
    return states


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Log probabilities of [..., K] scores, float64."""
    logits = np.asarray(logits, dtype=np.float64)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def loss_and_gradient(
    logits: np.ndarray, labels: np.ndarray, blank: int = 0, log_prior: np.ndarray | None = None
) -> tuple[float, np.ndarray]:
    """Negative log probability of `labels` given `logits`, and its gradient.

    Parameters
    ----------
    logits : float [T, K]
        Unnormalised scores; softmax over K is taken here.
    labels : int [N]
        Without blanks.
    blank : int
    log_prior : float [K], optional
        Subtracted from the log probabilities that make up the paths.

    Returns
    -------
    loss : float
        Nats; inf if no path of T frames gives the labels.
    gradient : float64 [T, K]
        d loss / d logits: softmax minus the share of the paths that are in each unit at that
        frame. Zero where the loss is infinite.

    Examples
    --------
    >>> loss, gradient = loss_and_gradient(np.zeros((2, 2)), [1])
    >>> float(np.exp(-loss))  # three of the four paths: (1, 1), (1, blank), (blank, 1)
    0.75
    """
    log_probs = log_softmax(logits)
    num_frames, num_units = log_probs.shape
    states = extend(labels, blank)
    if num_frames == 0:
        return (0.0 if len(labels) == 0 else np.inf), np.zeros((0, num_units))
    emitted = (log_probs if log_prior is None else log_probs - log_prior)[:, states]
    alpha = forward_variables(emitted, states)
    # Beta is alpha of the reversed problem; it includes its own frame's emission, hence the
    # subtraction below.
    beta = forward_variables(emitted[::-1, ::-1], states[::-1])[::-1, ::-1]
    log_likelihood = np.logaddexp.reduce(alpha[-1, -2:])
    if log_likelihood == -np.inf:
        return np.inf, np.zeros((num_frames, num_units))
    possible = emitted > -np.inf
    joint = np.where(possible, alpha + beta - np.where(possible, emitted, 0.0), -np.inf)
    occupancy = np.zeros((num_frames, num_units))
    np.add.at(occupancy.T, states, np.exp(joint - log_likelihood).T)
    return float(-log_likelihood), np.exp(log_probs) - occupancy


def forward_variables(emitted: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Log probability of all path beginnings that end in a state, emission included.

    Parameters
    ----------
    emitted : float64 [T, S]
        Log probability of each state's unit in each frame.
    states : int [S]
        Unit of each state, to see which neighbours two apart are equal.

    Returns
    -------
    float64 [T, S]
    """
    alpha = np.full(emitted.shape, -np.inf)
    alpha[0, :2] = emitted[0, :2]
    # Equal labels need the blank between them; blanks always equal the state two before.
    may_skip = states[2:] != states[:-2]
    for t in range(1, len(emitted)):
        alpha[t] = alpha[t - 1]
        alpha[t, 1:] = np.logaddexp(alpha[t, 1:], alpha[t - 1, :-1])
        skipped = np.where(may_skip, alpha[t - 1, :-2], -np.inf)
        alpha[t, 2:] = np.logaddexp(alpha[t, 2:], skipped)
        alpha[t] += emitted[t]
    return alpha
