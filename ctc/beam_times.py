"""When the tokens of a hypothesis were said: the most likely path through them, by Viterbi.

Legend: **T** frames, **K** units, **N** tokens, **S** = 2N + 1 states as in `ctc.labels`.
"""

import math

import numpy as np
import numpy.typing as npt

from ctc.compilation import jit_cached
from ctc.decode import Token

CHUNK_TOKENS, OVERLAP_TOKENS = 256, 16


@jit_cached
def best_path(scores, start, stop, labels, blank, framewise, spans, peaks):
    """Write first and last frame + 1 of each label [N, 2] and its highest posterior there; return if a path exists."""
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
        for s in range(max(num_states - 2 * (num_frames - t), 0), min(num_states, 2 * t + 2)):
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
    size = CHUNK_TOKENS
    while len(tokens) < len(labels):
        chunk = _time_chunk(scores, labels, first_frames, blank, framewise, tokens, size)
        tokens += chunk
        if not chunk:  # tokens of a recalled prefix may come later than they were met: there are too few frames
            assert size < len(labels), "labels without a path"
            tokens, size = [], 2 * size
    return tokens


def _time_chunk(
    scores, labels, first_frames, blank: int, framewise: bool, before: list[Token], size: int
) -> list[Token]:
    """Time `size` tokens after those `before`, or all if few more are left; none if the frames do not suffice."""
    done, cursor = len(before), before[-1].end_frame if before else 0
    if done and not framewise and labels[done] == labels[done - 1]:
        cursor += 1  # a blank parts them
    ahead = min(done + size + OVERLAP_TOKENS, len(labels))
    is_last = ahead == len(labels)
    stop = len(scores) if is_last else int(first_frames[ahead - 1]) + 1
    chunk = np.ascontiguousarray(labels[done:ahead])
    spans, peaks = np.zeros((len(chunk), 2), np.int64), np.zeros(len(chunk))
    if stop <= cursor or not best_path(scores, cursor, stop, chunk, blank, framewise, spans, peaks):
        return []
    kept = len(chunk) if is_last else size
    return [Token(int(chunk[n]), int(spans[n, 0]), int(spans[n, 1]), min(1.0, math.exp(peaks[n]))) for n in range(kept)]
