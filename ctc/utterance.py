"""One utterance on the CPU: by one scale a frame, and where that is found not to be exact, anew in slower ways.

Legend: **T** frames, **K** units including the blank, **N** labels, **C** blocks of states.
"""

import math

import numpy as np

from ctc import blocks, logdomain, scaled
from ctc.compilation import jit

windows, pair_units, LEAST = scaled.windows, scaled.pair_units, scaled.LEAST
scaled_forward, scaled_backward = scaled.forward, scaled.backward
blocks_forward, blocks_backward, BLOCK_SIZES = blocks.forward, blocks.backward, blocks.SIZES
logdomain_utterance = logdomain.utterance


@jit
def tables_of(labels, blank, log_prior, smallest):
    """Tables over pairs of states, the log of what their factors were divided by, and the least share that is used.

    See `ctc.scaled.pair_units`. Frames with lesser shares take emissions from the scores.
    """
    num_labels = len(labels)
    tables = (
        np.empty(num_labels + 2, dtype=np.uint64),
        np.empty(num_labels + 2),
        np.empty(num_labels + 3),
        np.empty(num_labels + 2),
        np.empty((5, num_labels + 3)),
    )
    shift, least = pair_units(labels, blank, log_prior, tables[0], tables[1], tables[2])
    return tables, shift, max(smallest, LEAST / least)


@jit
def once(logits, gradient, start, stride, num_frames, labels, blank, log_prior, weight, smallest, keep, room):
    """Return (loss, whether it is exact) of an utterance; if keep, write gradient times weight.

    Its frames are rows start, start + stride, .. of logits [rows, K] and of gradient. Room is for forward weights and
    needed shares. Without keep, precision that was lost may go unnoticed; see `ctc.cpu.SURE_NATS`.
    """
    window = np.empty((num_frames, 2), dtype=np.int64)
    feasible = windows(labels, num_frames, window)
    if num_frames == 0 or not feasible:
        if keep:
            for t in range(num_frames):
                gradient[start + t * stride] = 0.0
        return (0.0 if num_frames == 0 and feasible else math.inf), True
    tables, shift, smallest = tables_of(labels, blank, log_prior, smallest)
    frames = (*room, np.empty(num_frames, dtype=np.int64), np.empty(num_frames, dtype=np.bool_))
    loss, final = scaled_forward(logits, gradient, start, stride, tables, window, frames, smallest, keep, weight)
    if math.isnan(loss):
        if keep:
            for t in range(num_frames):
                gradient[start + t * stride] = math.nan
        return loss, True
    exact = final > 0.0
    if exact and keep:
        exact = scaled_backward(logits, gradient, start, stride, tables, window, frames, final, weight)
    return loss + num_frames * shift, exact


@jit
def anew(logits, gradient, start, stride, num_frames, labels, blank, log_prior, weight, smallest, room):
    """Return (loss, whether it took the log domain) of an utterance that `once` left; write gradient times weight."""
    window = np.empty((num_frames, 2), dtype=np.int64)
    windows(labels, num_frames, window)
    tables, shift, smallest = tables_of(labels, blank, log_prior, smallest)
    frames = (*room, np.empty(num_frames, dtype=np.bool_))
    for block_size in BLOCK_SIZES:
        powers = np.empty((num_frames + 1, len(labels) // block_size + 1), dtype=np.int64)
        walk = (logits, gradient, start, stride, tables, window, frames, powers, np.uint64(block_size))
        loss, final = blocks_forward(*walk, smallest, weight)
        if final > 0.0 and blocks_backward(*walk, final, weight):
            return loss + num_frames * shift, False
    return logdomain_utterance(logits, gradient, start, stride, num_frames, labels, blank, log_prior, weight), True
