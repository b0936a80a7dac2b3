"""When the tokens of a hypothesis were said: the most likely path through them, by Viterbi.

Legend: **T** frames, **K** units, **N** tokens, **S** = 2N + 1 states as in `ctc.labels`.
"""

import math

import numpy as np
import numpy.typing as npt

from ctc.compilation import jit_cached
from ctc.decode import Token

CHUNK_TOKENS = 256


@jit_cached
def walk_forward(scores, labels, lowest, blank, framewise):
    """Log probability of the best path to each state [S], and the steps to it [T, S]; no end is lower than `lowest`."""
    num_frames, num_states = len(scores), 2 * len(labels) + 1
    back = np.zeros((num_frames, num_states), np.uint8)
    best, before = np.full(num_states, -math.inf), np.full(num_states, -math.inf)
    log_probs = np.empty(scores.shape[1])
    for t in range(num_frames):
        row = scores[t]
        top = -math.inf
        for k in range(len(row)):
            top = max(top, float(row[k]))
        total = 0.0
        for k in range(len(row)):
            total += math.exp(float(row[k]) - top)
        rest = math.log(total)
        for k in range(len(row)):
            log_probs[k] = (float(row[k]) - top) - rest
        best, before = before, best
        best[:] = -math.inf
        for s in range(max(lowest + 2 - 2 * (num_frames - t), 0), min(num_states, 2 * t + 2)):
            value, step = before[s], 0
            if t == 0:
                value = 0.0 if s <= 1 else -math.inf
            elif s >= 1 and before[s - 1] > value:
                value, step = before[s - 1], 1
            if t > 0 and s & 1 and s >= 3 and before[s - 2] > value:
                if framewise or labels[s >> 1] != labels[(s >> 1) - 1]:
                    value, step = before[s - 2], 2
            if s & 1:
                value += log_probs[labels[s >> 1]]
            elif blank >= 0:
                value += log_probs[blank]
            else:
                value = -math.inf
            best[s], back[t, s] = value, step
    return best, back


@jit_cached
def meet(back, ends):
    """Last frame in which the paths to all states marked in `ends` [S] are in one, and that state; -1, -1 if never."""
    low, high, t = 0, len(ends) - 1, len(back) - 1
    while True:
        while low <= high and not ends[low]:
            low += 1
        while high >= low and not ends[high]:
            high -= 1
        if low == high:
            return t, low
        if low > high or t == 0:
            return -1, -1
        first = low
        for s in range(low, high + 1):
            if ends[s]:
                ends[s] = False
                ends[s - back[t, s]] = True
                first = min(first, s - back[t, s])
        low, t = first, t - 1


@jit_cached
def read_back(scores, labels, back, t, s, spans, peaks):
    """Write first and last frame + 1 of each label [N, 2] of the path to state s in frame t, its highest posterior."""
    spans[:, 0], spans[:, 1] = len(scores), 0
    peaks[:] = -math.inf
    while t >= 0:
        if s & 1:
            n = s >> 1
            spans[n, 0] = t
            spans[n, 1] = max(spans[n, 1], t + 1)
            row = scores[t]
            top = row.max()
            value = float(row[labels[n]] - top) - math.log(np.exp((row - top).astype(np.float64)).sum())
            peaks[n] = max(peaks[n], value)
        s -= back[t, s]
        t -= 1


def time_tokens(
    scores: npt.NDArray, labels: npt.NDArray[np.int64], first_frames: npt.NDArray[np.int64], blank: int, framewise: bool
) -> list[Token]:
    """Tokens of labels [N] said in scores [T, K].

    Long recordings are walked in chunks, whose ends are where the search met later tokens first (`first_frames` [N],
    which do not fall). If that says too little of when they were said, all is walked again in chunks twice as long.
    """
    tokens: list[Token] = []
    size = CHUNK_TOKENS
    while len(tokens) < len(labels):
        chunk = _time_chunk(scores, labels, first_frames, blank, framewise, tokens, size)
        tokens += chunk
        if not chunk:
            assert size < len(labels), "labels without a path"
            tokens, size = [], 2 * size
    return tokens


def _time_chunk(
    scores, labels, first_frames, blank: int, framewise: bool, before: list[Token], size: int
) -> list[Token]:
    """Time those of the next tokens whose times do not depend on what follows; all if few more than `size` are left.

    Where the search first met the last of `size` tokens, a quarter of them more or fewer may have been said. The times
    are those on which the best paths to all these ends agree: none if they do not, or if by then it is seen that the
    search met tokens far earlier or later than they were said.
    """
    done, cursor, margin = len(before), before[-1].end_frame if before else 0, size // 4
    if done and not framewise and labels[done] == labels[done - 1]:
        cursor += 1  # a blank parts them
    is_last = len(labels) <= done + size + margin
    chunk = np.ascontiguousarray(labels[done : done + size + margin])
    part = scores[cursor:] if is_last else scores[cursor : first_frames[done + size - 1] + 1]
    if not len(part):
        return []
    lowest = 2 * len(chunk) - 1 if is_last else 2 * (size - margin)
    best, back = walk_forward(part, chunk, lowest, blank, framewise)
    if is_last:  # the last label or the blank after it, whichever is likelier
        best[-2 if best[-2] <= best[-1] else -1] = -math.inf
    ends = best > -math.inf
    ends[:lowest] = False
    frame, state = meet(back, ends)
    kept = (state + 1) >> 1 if is_last else state >> 1  # a label that goes on is not settled
    if kept < size // 2 and not (is_last and kept):
        return []
    spans, peaks = np.zeros((len(chunk), 2), np.int64), np.zeros(len(chunk))
    read_back(part, chunk, back, frame, state, spans, peaks)
    spans += cursor
    num_met = np.searchsorted(first_frames, spans[kept - 1, 1])
    if not is_last and abs(num_met - done - kept) > margin // 2:
        return []
    return [Token(int(chunk[n]), int(spans[n, 0]), int(spans[n, 1]), min(1.0, math.exp(peaks[n]))) for n in range(kept)]
