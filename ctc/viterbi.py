"""Best path of one label sequence: exact, in memory that grows with N times the square root of T.

The forward walk keeps the best scores of every `stride`-th frame and no back-pointers. Walking
back, each stretch of `stride` frames is walked forward once more from its kept scores, with
back-pointers, but only over the `stride` pairs from which its known end can be reached: T * stride
cells beside the T * N of the first walk. Scores are float64, so that a hundred thousand frames
decide ties as a few do.

Legend: **T** frames, **K** units including the blank, **N** labels. States come in pairs i = 0..N,
the blank before label i and label i; arrays over pairs have one entry before the first.
"""

import math

import numpy as np

from ctc.compilation import jit, jit_inside
from ctc.scaled import windows

BLOCK = 1024
"""Pairs whose emissions are gathered at a time; 8 KiB stay in the first cache."""
FROM_LABEL = 1
"""Back-pointer bit of a blank: its best predecessor is the label before."""
FROM_BLANK, FROM_SKIP = 2, 4
"""Back-pointer bits of a label: its best predecessor is its blank, or the label before; neither: itself."""


@jit_inside
def step(blanks, labels, skips, emitted, emitted_blank, new_blanks, new_labels):
    """Best scores of n pairs one frame later; `labels` [n + 1] starts one pair earlier."""
    for i in range(len(new_blanks)):
        arriving = labels[i]
        blank, stay, skip = blanks[i], labels[i + 1], arriving + skips[i]
        new_blanks[i] = (arriving if arriving > blank else blank) + emitted_blank
        best = blank if blank > stay else stay
        new_labels[i] = (skip if skip > best else best) + emitted[i]


@jit_inside
def step_with_pointers(blanks, labels, skips, emitted, emitted_blank, new_blanks, new_labels, pointers):
    """As `step`, writing back-pointers [n]."""
    for i in range(len(new_blanks)):
        arriving = labels[i]
        blank, best, skip = blanks[i], labels[i + 1], arriving + skips[i]
        pointer = 0
        if arriving > blank:
            pointer = FROM_LABEL
        new_blanks[i] = max(arriving, blank) + emitted_blank
        if blank > best:
            best = blank
            pointer |= FROM_BLANK
        if skip > best:
            best = skip
            pointer = (pointer & FROM_LABEL) | FROM_SKIP
        new_labels[i] = best + emitted[i]
        pointers[i] = pointer


@jit_inside
def advance(row, units, skips, blank, first, last, old, new, emitted):
    """Scores old to new, both [2, N + 3] (blanks, labels), for pairs first..last of one frame [K]."""
    for start in range(first, last, BLOCK):
        end = min(start + BLOCK, last)
        for i in range(start, end):
            emitted[i - start] = np.float64(row[units[i]])
        step(
            old[0, start + 1 : end + 1],
            old[1, start : end + 1],
            skips[start:end],
            emitted[: end - start],
            np.float64(row[blank]),
            new[0, start + 1 : end + 1],
            new[1, start + 1 : end + 1],
        )
    close(new, first, last)


@jit_inside
def close(scores, first, last):
    """Make what lies beside pairs first..last unreachable."""
    for j in (first, last + 1):
        scores[0, j] = -math.inf
        scores[1, j] = -math.inf


@jit
def walk_forward(log_probs, units, skips, blank, window, stride, kept):
    """Fill kept [ceil(T / stride), 2, N + 3], the scores before every stride-th frame; return the last scores."""
    num_frames = len(log_probs)
    scores = np.full((2, *kept.shape[1:]), -math.inf)
    scores[0, 0, 1] = 0.0
    emitted = np.empty(BLOCK)
    for t in range(num_frames):
        old, new = scores[t & 1], scores[1 - (t & 1)]
        if t % stride == 0:
            kept[t // stride] = old
        advance(log_probs[t], units, skips, blank, window[t, 0], window[t, 1], old, new, emitted)
    return scores[num_frames & 1]


@jit
def trace(log_probs, units, skips, blank, window, stride, kept, pair, at_label, path):
    """Write the units of the best path that ends in a state to path [T]."""
    pointers = np.zeros((stride, stride + 1), dtype=np.uint8)
    scores = np.empty((2, *kept.shape[1:]))
    emitted = np.empty(stride + 1)
    for part in range(len(kept) - 1, -1, -1):
        begin, end = part * stride, min((part + 1) * stride, len(log_probs))
        lowest = max(0, pair - stride)
        scores[0] = kept[part]
        for t in range(begin, end):
            old, new = scores[(t - begin) & 1], scores[1 - ((t - begin) & 1)]
            row = log_probs[t]
            first, last = max(window[t, 0], lowest), min(window[t, 1], pair + 1)
            for i in range(first, last):
                emitted[i - first] = np.float64(row[units[i]])
            step_with_pointers(
                old[0, first + 1 : last + 1],
                old[1, first : last + 1],
                skips[first:last],
                emitted[: last - first],
                np.float64(row[blank]),
                new[0, first + 1 : last + 1],
                new[1, first + 1 : last + 1],
                pointers[t - begin, first - lowest : last - lowest],
            )
            close(new, first, last)
        for t in range(end - 1, begin - 1, -1):
            path[t] = units[pair] if at_label else blank
            pointer = pointers[t - begin, pair - lowest]
            if at_label:
                if pointer & FROM_SKIP:
                    pair -= 1
                elif pointer & FROM_BLANK:
                    at_label = False
            elif pointer & FROM_LABEL:
                pair -= 1
                at_label = True


@jit
def best_path(log_probs, labels, blank, path):
    """Write the units of the best path of log_probs [T, K] to path [T]; return its score, -inf if there is none."""
    num_frames, num_labels = len(log_probs), len(labels)
    window = np.empty((num_frames, 2), dtype=np.int64)
    if not windows(labels, num_frames, window):
        return -math.inf
    units, skips = np.full(num_labels + 1, blank), np.full(num_labels + 1, -math.inf)
    units[:num_labels] = labels
    for i in range(1, num_labels):
        if labels[i] != labels[i - 1]:
            skips[i] = 0.0
    stride = int(math.sqrt(num_frames)) + 1
    kept = np.empty(((num_frames + stride - 1) // stride, 2, num_labels + 3))
    scores = walk_forward(log_probs, units, skips, blank, window, stride, kept)
    at_label = num_labels > 0 and scores[1, num_labels] > scores[0, num_labels + 1]
    pair = num_labels - 1 if at_label else num_labels
    best = scores[1, num_labels] if at_label else scores[0, num_labels + 1]
    if best > -math.inf:
        trace(log_probs, units, skips, blank, window, stride, kept, pair, at_label, path)
    return best
