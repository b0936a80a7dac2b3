"""The best path of a CRF with CTC's paths and a trigram of the labels (see `ctc.crf`), by exact Viterbi search.

Legend: T frames, K units incl. blank; p, c, n labels one after the other, 0 where there is none.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from ctc.align import merge_tokens
from ctc.compilation import jit_cached
from ctc.decode import Token

FLOOR = -1e30  #: log of nothing: finite, so that sums stay in order
# What the best way into the states (c, n) of a frame was, as bits.
ENTERED, ENTERED_FROM_BLANK, STAYED_BLANK = 1, 2, 4


def crf_decode(log_probs: torch.Tensor | NDArray, log_trigram: torch.Tensor | NDArray) -> list[Token]:
    """Labels on the best path of an utterance under a trigram.

    Parameters
    ----------
    log_probs : float [T, K]
        Log softmax of the outputs; unit 0 is the blank; at most 256 units.
    log_trigram : float [K, K, K]
        Log of a trigram as `ctc.smoothed_trigram` makes it; times a weight, if it shall have one.

    Returns
    -------
    list of Token
        In time order; the confidence is the highest probability in the span.

    Raises
    ------
    ValueError
        Shapes disagree, there are too many units, or a score is NaN.

    Examples
    --------
    >>> log_probs = np.log([[0.4, 0.6, 1e-9], [0.4, 1e-9, 0.6]])
    >>> flat = np.zeros((3, 3, 3))
    >>> [token.label for token in crf_decode(log_probs, flat)]
    [1, 2]
    """
    scores, weights = _float32(log_probs), _float32(log_trigram)
    if scores.ndim != 2 or not 1 <= scores.shape[1] <= 256 or weights.shape != (scores.shape[1],) * 3:
        raise ValueError(
            f"expected log_probs [T, K] with K 1 to 256 and log_trigram [K, K, K], got {scores.shape} and"
            f" {weights.shape}"
        )
    if np.isnan(scores).any() or np.isnan(weights).any():
        raise ValueError("log_probs or log_trigram hold a NaN")
    path = _search(np.maximum(scores, FLOOR), np.maximum(weights, FLOOR))
    return merge_tokens(path, scores[np.arange(len(path)), path])


def _float32(values: torch.Tensor | NDArray) -> NDArray[np.float32]:
    """Values of any floating type, on any device, as a C-ordered array."""
    if isinstance(values, torch.Tensor):
        values = values.detach().float().cpu().numpy()
    return np.ascontiguousarray(values, dtype=np.float32)


@jit_cached
def _search(scores, weights):
    """Unit of each frame on the best path, int64 [T]; the first of equals wins."""
    num_frames, num_units = scores.shape
    size = (num_units, num_units)
    labels, blanks = np.full(size, FLOOR), np.full(size, FLOOR)
    new_labels, new_blanks = np.full(size, FLOOR), np.full(size, FLOOR)
    blanks[0, 0] = 0.0
    came_from = np.zeros((num_frames, *size), np.uint8)  # label before c, where n was entered
    ways = np.zeros((num_frames, *size), np.uint8)
    entering = np.empty(size)
    for t in range(num_frames):
        entering[:] = FLOOR
        for p in range(num_units):
            for c in range(num_units):
                best = max(labels[p, c], blanks[p, c])
                if best <= FLOOR / 2:
                    continue
                from_blank = ENTERED_FROM_BLANK if blanks[p, c] >= labels[p, c] else 0
                for n in range(1, num_units):
                    value = (blanks[p, c] if n == c else best) + weights[p, c, n]
                    if value > entering[c, n]:
                        entering[c, n] = value
                        came_from[t, c, n] = p
                        ways[t, c, n] = ENTERED_FROM_BLANK if n == c else from_blank
        for c in range(num_units):
            for n in range(num_units):
                if n and entering[c, n] > labels[c, n]:
                    new_labels[c, n] = entering[c, n] + scores[t, n]
                    ways[t, c, n] |= ENTERED
                else:
                    new_labels[c, n] = labels[c, n] + scores[t, n] if n else FLOOR
                if blanks[c, n] >= labels[c, n]:
                    ways[t, c, n] |= STAYED_BLANK
                new_blanks[c, n] = max(blanks[c, n], labels[c, n]) + scores[t, 0]
        labels, new_labels = new_labels, labels
        blanks, new_blanks = new_blanks, blanks
    p, c, blank, top = 0, 0, True, -np.inf
    for i in range(num_units):
        for j in range(num_units):
            for is_blank in (True, False):
                value = (blanks[i, j] if is_blank else labels[i, j]) + weights[i, j, 0]
                if value > top:
                    p, c, blank, top = i, j, is_blank, value
    path = np.empty(num_frames, np.int64)
    for t in range(num_frames - 1, -1, -1):
        path[t] = 0 if blank else c
        way = ways[t, p, c]
        if blank:
            blank = way & STAYED_BLANK != 0
        elif way & ENTERED:
            blank = way & ENTERED_FROM_BLANK != 0
            p, c = np.int64(came_from[t, p, c]), p
    return path
