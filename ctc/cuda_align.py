"""Forced alignment on CUDA: exact Viterbi, a block an utterance, threads over its pairs, a barrier a frame.

Scores are float64 and ties fall as in `ctc.viterbi`, so paths are those of the CPU, unit for unit. Back-pointers take
a byte a pair and frame: T * N bytes an utterance (an hour with 40,000 labels 7 GB, where the CPU takes 0.3).

Legend: **B** batch, **T** frames, **K** units including the blank, **N** labels. States come in pairs i = 0..N, the
blank before label i and label i; arrays over pairs have one entry before the first.
"""

import math
from functools import cache

import numpy as np
import torch
from numba import cuda

from ctc.cuda import BLANK, LABEL, MOST_WALKERS, SIMULATED, as_array, on_device, stream_of
from ctc.labels import Batch

FROM_LABEL, FROM_BLANK, FROM_SKIP = 1, 2, 4
"""Back-pointer bits, as in `ctc.viterbi`: a blank's best predecessor is a label; a label's its blank, or a label."""


@cache
def best_paths_kernel():
    """Kernel over utterances; compiled at first launch."""

    @cuda.jit
    def best_paths_of(log_probs, rows, labels, blank, scores, pointers, paths, best):
        b, thread, num_threads = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
        start, T, N = rows[0, b], rows[1, b], rows[2, b]
        for j in range(thread, N + 2, num_threads):
            scores[b, 0, BLANK, j] = 0.0 if j == 1 else -math.inf
            scores[b, 0, LABEL, j] = -math.inf
            scores[b, 1, BLANK, j] = -math.inf
            scores[b, 1, LABEL, j] = -math.inf
        cuda.syncthreads()
        for t in range(T):
            old, new = t & 1, 1 - (t & 1)
            emitted_blank = np.float64(log_probs[b, t, blank])
            for i in range(thread, N + 1, num_threads):
                j = i + 1
                arriving, rest = scores[b, old, LABEL, i], scores[b, old, BLANK, j]
                pointer = 0
                if arriving > rest:
                    pointer = FROM_LABEL
                scores[b, new, BLANK, j] = max(arriving, rest) + emitted_blank
                if i < N:
                    label = labels[start + i]
                    highest = scores[b, old, LABEL, j]
                    if rest > highest:
                        highest = rest
                        pointer |= FROM_BLANK
                    if i > 0 and labels[start + i - 1] != label and arriving > highest:
                        highest = arriving
                        pointer = (pointer & FROM_LABEL) | FROM_SKIP
                    scores[b, new, LABEL, j] = highest + np.float64(log_probs[b, t, label])
                pointers[t, start + b + i] = pointer
            cuda.syncthreads()
        if thread == 0:
            last = T & 1
            at_label = N > 0 and scores[b, last, LABEL, N] > scores[b, last, BLANK, N + 1]
            best[b] = scores[b, last, LABEL, N] if at_label else scores[b, last, BLANK, N + 1]
            pair = N - 1 if at_label else N
            for back in range(T):
                t = T - 1 - back
                paths[b, t] = labels[start + pair] if at_label else blank
                pointer = pointers[t, start + b + pair]
                if at_label:
                    if pointer & FROM_SKIP:
                        pair -= 1
                    elif pointer & FROM_BLANK:
                        at_label = False
                elif pointer & FROM_LABEL and pair > 0:
                    pair -= 1
                    at_label = True

    return best_paths_of


def best_paths(log_probs: torch.Tensor, batch: Batch, blank: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Best path of each row.

    Parameters
    ----------
    log_probs : float32 or float64 [B, T, K], on the device
    batch : Batch
        Checked; every row has the frames that its labels need.
    blank : int

    Returns
    -------
    paths : int64 [B, T], on the device
        Blank in padding.
    best : float64 [B], on the device
        Scores; -inf where there is no path.
    """
    num_rows, num_frames, _ = log_probs.shape
    device = log_probs.device
    widest = int(batch.target_lengths.max())
    described = np.concatenate([batch.offsets[:-1], batch.input_lengths, batch.target_lengths, batch.labels, [0]])
    packed = torch.from_numpy(described).to(device)
    rows, labels = packed[: 3 * num_rows].view(3, num_rows), packed[3 * num_rows :]
    scores = torch.empty(num_rows, 2, 2, widest + 2, dtype=torch.float64, device=device)
    pointers = torch.empty(num_frames, len(batch.labels) + num_rows, dtype=torch.uint8, device=device)
    paths = torch.full((num_rows, num_frames), blank, dtype=torch.int64, device=device)
    best = torch.empty(num_rows, dtype=torch.float64, device=device)
    threads = 3 if SIMULATED else min(MOST_WALKERS, -(-(widest + 1) // 32) * 32)
    with on_device(device):
        best_paths_kernel()[num_rows, threads, stream_of(device)](
            *(as_array(each) for each in (log_probs, rows, labels)),
            blank,
            *(as_array(each) for each in (scores, pointers, paths, best)),
        )
    return paths, best
