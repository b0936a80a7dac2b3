"""Best path of one label sequence: exact, in memory that grows with N times the square root of T.

The forward walk keeps the best scores of every `stride`-th frame and no back-pointers. Walking
back, each stretch of `stride` frames is walked forward once more from its kept scores, with
back-pointers, but only over the `stride` pairs from which its known end can be reached: T * stride
cells beside the T * N of the first walk. Scores are float64, so that a hundred thousand frames
decide ties as a few do.

The first walk goes block by block: a few pairs over a few frames stay in the first cache, and only
the label before the block is handed on, frame by frame. States from which the end cannot be reached
are left as they were, since no state that can reach it ever looks at them.

Legend: **T** frames, **K** units including the blank, **N** labels. States come in pairs i = 0..N,
the blank before label i and label i; arrays over pairs have one entry before the first.
"""

import math

import numpy as np

from ctc.compilation import jit, jit_borrowing, jit_inside
from ctc.scaled import windows

BLOCK_PAIRS, BLOCK_FRAMES = 256, 64
"""A block of the first walk. Measured: 128 pairs or frames change nothing, 512 pairs cost half as much again."""
ZERO, ONE, TWO = np.uint64(0), np.uint64(1), np.uint64(2)
FROM_LABEL = 1
"""Back-pointer bit of a blank: its best predecessor is the label before."""
FROM_BLANK, FROM_SKIP = 2, 4
"""Back-pointer bits of a label: its best predecessor is its blank, or the label before; neither: itself."""


@jit_inside
def step(log_probs, t, units, skips, emitted_blank, start, first, last, old, scores, emitted):
    """Best scores of pairs first..last of a block one frame later.

    The block begins at pair `start`; scores [4, BLOCK_PAIRS + 1] are its blanks and labels, old in
    rows old and old + 1 (old is 0 or 2), new in the other two, after those of the pair before it.
    """
    old_label, new, new_label = old + ONE, TWO - old, TWO - old + ONE
    for i in range(first, last):
        emitted[i] = np.float64(log_probs[t, units[start + i]])
    for i in range(first, last):
        j = i + ONE
        arriving = scores[old_label, i]
        blank, stay, skip = scores[old, j], scores[old_label, j], arriving + skips[start + i]
        scores[new, j] = (arriving if arriving > blank else blank) + emitted_blank
        best = blank if blank > stay else stay
        scores[new_label, j] = (skip if skip > best else best) + emitted[i]


@jit_inside
def walk_block(log_probs, units, skips, blank, window, begin, end, start, width, edge, whole, scores, emitted):
    """Move the scores of `width` pairs from `start` on in whole [2, N + 1] from frame begin to frame end.

    Edge [BLOCK_FRAMES] holds the score of the label before them before each frame, then that of
    their last label.
    """
    for i in range(width):
        scores[0, i + ONE] = scores[2, i + ONE] = whole[0, start + i]
        scores[1, i + ONE] = scores[3, i + ONE] = whole[1, start + i]
    old = ZERO
    for t in range(begin, end):
        scores[old + ONE, 0] = edge[t - begin]
        edge[t - begin] = scores[old + ONE, width]
        first = min(max(np.uint64(window[t, 0]), start), start + width) - start
        last = min(max(np.uint64(window[t, 1]), start), start + width) - start
        step(log_probs, t, units, skips, np.float64(log_probs[t, blank]), start, first, last, old, scores, emitted)
        old = TWO - old
    for i in range(width):
        whole[0, start + i] = scores[old, i + ONE]
        whole[1, start + i] = scores[old + ONE, i + ONE]


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
def close(scores, first, last):
    """Make what lies beside pairs first..last unreachable."""
    for j in (first, last + 1):
        scores[0, j] = -math.inf
        scores[1, j] = -math.inf


@jit_borrowing
def walk_forward(log_probs, units, skips, blank, window, stride, kept, whole, edge, scores, emitted):
    """Fill kept [ceil(T / stride), 2, N + 3], the scores before every stride-th frame; leave the last in whole."""
    num_frames, num_pairs = len(log_probs), whole.shape[1]
    begin = 0
    while begin < num_frames:
        if begin % stride == 0:
            part = kept[begin // stride]
            for i in range(num_pairs):
                part[0, i + 1], part[1, i + 1] = whole[0, i], whole[1, i]
        end = min(begin + BLOCK_FRAMES, (begin // stride + 1) * stride, num_frames)
        # Blocks start where the first frame's window does: that frame alone still looks before it.
        first = window[begin, 0]
        edge[:] = -math.inf
        if first > 0:
            edge[0] = whole[1, first - 1]
        for start in range(first, window[end - 1, 1], BLOCK_PAIRS):
            width = np.uint64(min(BLOCK_PAIRS, num_pairs - start))
            walk_block(
                log_probs,
                units,
                skips,
                np.uint64(blank),
                window,
                np.uint64(begin),
                np.uint64(end),
                np.uint64(start),
                width,
                edge,
                whole,
                scores,
                emitted,
            )
        begin = end


@jit_borrowing
def trace(log_probs, units, skips, blank, window, stride, kept, pair, at_label, path, pointers, scores, emitted):
    """Write the units of the best path that ends in a state to path [T]; the last three are room."""
    for part in range(len(kept) - 1, -1, -1):
        begin, end = part * stride, min((part + 1) * stride, len(log_probs))
        lowest = max(0, pair - stride)
        for j in range(kept.shape[2]):
            scores[0, 0, j], scores[0, 1, j] = kept[part, 0, j], kept[part, 1, j]
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
    units, skips = np.full(num_labels + 1, np.uint64(blank)), np.full(num_labels + 1, -math.inf)
    for i in range(num_labels):
        units[i] = np.uint64(labels[i])
        if i > 0 and labels[i] != labels[i - 1]:
            skips[i] = 0.0
    stride = int(math.sqrt(num_frames)) + 1
    kept = np.full(((num_frames + stride - 1) // stride, 2, num_labels + 3), -math.inf)
    whole = np.full((2, num_labels + 1), -math.inf)
    whole[0, 0] = 0.0
    block, emitted = np.empty((4, BLOCK_PAIRS + 1)), np.empty(max(BLOCK_PAIRS, stride + 1))
    walk_forward(log_probs, units, skips, blank, window, stride, kept, whole, np.empty(BLOCK_FRAMES), block, emitted)
    at_label = num_labels > 0 and whole[1, num_labels - 1] > whole[0, num_labels]
    pair = num_labels - 1 if at_label else num_labels
    best = whole[1, num_labels - 1] if at_label else whole[0, num_labels]
    if best > -math.inf:
        pointers = np.zeros((stride, stride + 1), dtype=np.uint8)
        scores = np.empty((2, 2, num_labels + 3))
        trace(log_probs, units, skips, blank, window, stride, kept, pair, at_label, path, pointers, scores, emitted)
    return best
