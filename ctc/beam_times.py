"""When the tokens of a hypothesis were said: the most likely path through them, by Viterbi.

Legend: **T** frames, **K** units, **N** tokens, **S** = 2N + 1 states as in `ctc.labels`.
"""

import math

import numpy as np
import numpy.typing as npt

from ctc.compilation import jit_cached
from ctc.decode import Token

CHUNK_TOKENS, OVERLAP_TOKENS = 256, 16
MOST_BEHIND = 48
"""Tokens by which the most likely path may be behind what the search has met; farther is tried if there is no path."""


@jit_cached
def best_path(scores, start, stop, labels, seen, behind, blank, framewise, spans, peaks):
    """Write first and last frame + 1 of each label [N, 2] and its highest posterior there; return if a path exists.

    Only labels are walked that the search had met by each frame (`seen` [frames]), and no more than `behind` of them.
    """
    num_frames, num_states = stop - start, 2 * len(labels) + 1
    back = np.zeros((num_frames, num_states), np.uint8)
    best, before = np.full(num_states, -math.inf), np.full(num_states, -math.inf)
    log_probs = np.empty(scores.shape[1])
    for t in range(num_frames):
        row = scores[start + t]
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
        low = max(num_states - 2 * (num_frames - t), 2 * (seen[t] - behind), 0)
        for s in range(low, min(num_states, 2 * seen[t] + 1)):
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
    s = num_states - 1
    if num_states > 1 and best[s - 1] > best[s]:
        s -= 1
    if best[s] == -math.inf:
        return False
    spans[:, 0], spans[:, 1] = stop, start
    peaks[:] = -math.inf
    for t in range(num_frames - 1, -1, -1):
        if s & 1:
            n = s >> 1
            spans[n, 0] = start + t
            spans[n, 1] = max(spans[n, 1], start + t + 1)
            row = scores[start + t]
            top = row.max()
            value = float(row[labels[n]] - top) - math.log(np.exp((row - top).astype(np.float64)).sum())
            peaks[n] = max(peaks[n], value)
        s -= back[t, s]
    return True


def time_tokens(
    scores: npt.NDArray, labels: npt.NDArray[np.int64], first_frames: npt.NDArray[np.int64], blank: int, framewise: bool
) -> list[Token]:
    """Tokens of labels [N] said in scores [T, K].

    Long recordings are walked in chunks, whose ends are where the search met later tokens first (`first_frames` [N]).
    """
    tokens: list[Token] = []
    while len(tokens) < len(labels):
        tokens += _time_chunk(scores, labels, first_frames, blank, framewise, tokens)
    return tokens


def _time_chunk(scores, labels, first_frames, blank: int, framewise: bool, before: list[Token]) -> list[Token]:
    """Time the tokens after those `before`."""
    done, cursor = len(before), before[-1].end_frame if before else 0
    ahead = min(done + CHUNK_TOKENS + OVERLAP_TOKENS, len(labels))
    is_last = ahead == len(labels)
    stop = len(scores) if is_last else int(first_frames[ahead - 1]) + 1
    for narrow in (True, False):
        chunk = np.ascontiguousarray(labels[done:ahead])
        spans, peaks = np.zeros((len(chunk), 2), np.int64), np.zeros(len(chunk))
        seen = np.searchsorted(first_frames[done:ahead], np.arange(cursor, stop), side="right")
        if not narrow:
            seen[:] = len(chunk)
        behind = MOST_BEHIND if narrow else len(chunk)
        if best_path(scores, cursor, stop, chunk, seen, behind, blank, framewise, spans, peaks):
            break
        ahead, is_last, stop = len(labels), True, len(scores)
    kept = len(chunk) if is_last else CHUNK_TOKENS
    return [Token(int(chunk[n]), int(spans[n, 0]), int(spans[n, 1]), min(1.0, math.exp(peaks[n]))) for n in range(kept)]
