"""CTC in the log domain, float64: any range, no cleverness, about 30 times slower than `ctc.scaled`.

Legend: **T** frames, **K** units including the blank, **N** labels, **S** = 2N + 1 states; state s
is the blank if s is even, else label ``(s - 1) / 2``.
"""

import math

import numpy as np

from ctc import recursion
from ctc.compilation import jit

log_add = jit(recursion.log_add)


@jit
def log_normalizer(scores):
    """Log of the sum of exponentials of one frame [K], as its largest score and the rest, which that may swallow."""
    top = -math.inf
    for k in range(len(scores)):
        top = max(top, np.float64(scores[k]))
    total = 0.0
    for k in range(len(scores)):
        total += math.exp(np.float64(scores[k]) - top)
    return top, math.log(total)


@jit
def emission(row, top, rest, labels, blank, log_prior, s):
    """Log probability of state s's unit in a frame [K], divided by the prior."""
    unit = labels[s >> 1] if s & 1 else blank
    value = (np.float64(row[unit]) - top) - rest
    return value - log_prior[unit] if len(log_prior) > 0 else value


@jit
def forward(scores, start, stride, tops, rests, labels, blank, log_prior, alpha):
    """Fill alpha [T, S]: log weight of all path beginnings that end in a state, emission included.

    Only states are walked that frame t can have reached and from which the end can still be
    reached.
    """
    num_frames, num_states = alpha.shape
    alpha[:] = -math.inf
    for t in range(num_frames):
        row = scores[start + t * stride]
        for s in range(max(0, num_states - 2 * (num_frames - t)), min(num_states, 2 * t + 2)):
            emitted = emission(row, tops[t], rests[t], labels, blank, log_prior, s)
            if t == 0:
                alpha[t, s] = emitted
                continue
            step = alpha[t - 1, s - 1] if s >= 1 else -math.inf
            skip = -math.inf
            if s & 1 and s >= 3 and labels[s >> 1] != labels[(s >> 1) - 1]:
                skip = alpha[t - 1, s - 2]
            alpha[t, s] = log_add(alpha[t - 1, s], step, skip) + emitted


@jit
def backward(scores, gradient, start, stride, tops, rests, labels, blank, log_prior, alpha, weight):
    """Write the gradient, times weight, walking beta back over alpha [T, S].

    Beta leaves out its own frame's emission, so that alpha + beta is the log weight of all paths
    through a state.
    """
    num_frames, num_states = alpha.shape
    beta = np.full(num_states, -math.inf)
    later = np.full(num_states + 2, -math.inf)  # beta of the frame after, with its emission
    occupancy = np.zeros(gradient.shape[1])
    for t in range(num_frames - 1, -1, -1):
        row = scores[start + t * stride]
        first = max(0, num_states - 2 * (num_frames - t))
        largest = -math.inf
        for s in range(first, num_states):
            if t == num_frames - 1:
                beta[s] = 0.0
            else:
                skip = -math.inf
                if s & 1 and s + 2 < num_states and labels[s >> 1] != labels[(s >> 1) + 1]:
                    skip = later[s + 2]
                beta[s] = log_add(later[s], later[s + 1], skip)
            largest = max(largest, alpha[t, s] + beta[s])
        total = 0.0
        for s in range(first, num_states):
            total += math.exp(alpha[t, s] + beta[s] - largest)
        for s in range(first, num_states):
            unit = labels[s >> 1] if s & 1 else blank
            occupancy[unit] += math.exp(alpha[t, s] + beta[s] - largest) / total
            later[s] = beta[s] + emission(row, tops[t], rests[t], labels, blank, log_prior, s)
        out = gradient[start + t * stride]
        for k in range(len(out)):
            out[k] = weight * (math.exp((np.float64(row[k]) - tops[t]) - rests[t]) - occupancy[k])
        occupancy[blank] = 0.0
        occupancy[labels] = 0.0


@jit
def utterance(scores, gradient, start, stride, num_frames, labels, blank, log_prior, weight):
    """Loss of the utterance in rows start, start + stride, .. of scores, which has a path; its gradient times weight.

    A frame without a sum makes both NaN, an impossible one the loss infinite and the gradient zero.
    """
    tops, rests = np.empty(num_frames), np.empty(num_frames)
    for t in range(num_frames):
        tops[t], rests[t] = log_normalizer(scores[start + t * stride])
        if math.isnan(rests[t]):  # which a path of no weight would hide
            for u in range(num_frames):
                gradient[start + u * stride][:] = math.nan
            return math.nan
    alpha = np.empty((num_frames, 2 * len(labels) + 1))
    forward(scores, start, stride, tops, rests, labels, blank, log_prior, alpha)
    loss = -alpha[-1, -1]
    if len(labels) > 0:
        loss = -log_add(alpha[-1, -1], alpha[-1, -2], -math.inf)
    if loss == math.inf:
        for t in range(num_frames):
            gradient[start + t * stride][:] = 0.0
    else:
        backward(scores, gradient, start, stride, tops, rests, labels, blank, log_prior, alpha, weight)
    return loss
