"""CTC on the CPU: Numba kernels over utterances, run by plain threads.

Each utterance is walked by one thread. Threads of Python and kernels that release its lock, rather
than numba's `prange`: numba's thread pools may not be entered by two threads at once (workqueue)
or after a fork (GNU OpenMP), and both happen in training programs. The rows are dealt to the
threads by their number of cells, longest first.

Legend: **B** batch, **T** frames, **K** units including the blank, **N** labels, **S** = 2N + 1
states. State s is the blank if s is even, else label ``(s - 1) / 2``.
"""

import math
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numba
import numpy as np

from ctc import recursion
from ctc.labels import Batch

COMPILE_NOTICE_S = 1.0
"""Loading a cached kernel takes a tenth of this; whatever takes longer is compiling."""


def jit(function: Callable) -> Callable:
    """Compile at first use, to run without Python's lock; cached on disk if that can be."""
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError as error:
        # Neither the package's folder, nor the user's cache folder, nor NUMBA_CACHE_DIR can be
        # written.
        if "no locator available" not in str(error):
            raise
        return numba.njit(nogil=True)(function)


log_add = jit(recursion.log_add)


@jit
def log_normalizer(scores):
    """Log of the sum of exponentials of one frame [K], in float64."""
    largest = -math.inf
    for k in range(len(scores)):
        if not scores[k] <= largest:  # also true for NaN, which then stays
            largest = scores[k]
    total = 0.0
    for k in range(len(scores)):
        total += math.exp(float(scores[k]) - largest)
    return largest + math.log(total)


@jit
def forward(scores, normalizers, labels, blank, alpha):
    """Fill alpha [T, S]: log probability of all path beginnings up to a state.

    Only states that frame t can have reached and from which the end can still be reached are
    walked.
    """
    num_frames, num_states = alpha.shape
    alpha[:] = -math.inf
    for t in range(num_frames):
        first = max(0, num_states - 2 * (num_frames - t))
        last = min(num_states, 2 * t + 2)
        for s in range(first, last):
            unit = labels[s >> 1] if s & 1 else blank
            emitted = float(scores[t, unit]) - normalizers[t]
            if t == 0:
                alpha[t, s] = emitted
                continue
            stay = alpha[t - 1, s]
            step = alpha[t - 1, s - 1] if s >= 1 else -math.inf
            skip = -math.inf
            if s & 1 and s >= 3 and labels[s >> 1] != labels[(s >> 1) - 1]:
                skip = alpha[t - 1, s - 2]
            alpha[t, s] = log_add(stay, step, skip) + emitted


@jit
def backward(scores, normalizers, labels, blank, alpha, gradient, weight):
    """Write the gradient [T, K], times weight, walking beta back over alpha [T, S].

    Beta leaves out its own frame's emission here, so that alpha + beta is the log probability of
    all paths through a state.
    """
    num_frames, num_states = alpha.shape
    beta = np.full(num_states + 2, -math.inf)
    later = np.full(num_states + 2, -math.inf)
    occupancy = np.zeros(gradient.shape[1])
    for t in range(num_frames - 1, -1, -1):
        first = max(0, num_states - 2 * (num_frames - t))
        last = min(num_states, 2 * t + 2)
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
        for s in range(first, last):
            total += math.exp(alpha[t, s] + beta[s] - largest)
        for s in range(first, last):
            unit = labels[s >> 1] if s & 1 else blank
            occupancy[unit] += math.exp(alpha[t, s] + beta[s] - largest) / total
        for k in range(gradient.shape[1]):
            share = math.exp(float(scores[t, k]) - normalizers[t])
            gradient[t, k] = weight * (share - occupancy[k])
        for s in range(first, last):
            occupancy[labels[s >> 1] if s & 1 else blank] = 0.0
        for s in range(first, num_states):
            unit = labels[s >> 1] if s & 1 else blank
            later[s] = beta[s] + (float(scores[t, unit]) - normalizers[t])


@jit
def utterance(scores, labels, blank, gradient, weight, want_gradient):
    """Loss of one utterance [T, K]; writes gradient [T, K] times weight if it is wanted."""
    num_frames = scores.shape[0]
    num_states = 2 * len(labels) + 1
    if num_frames == 0:
        return 0.0 if num_states == 1 else math.inf
    normalizers = np.empty(num_frames)
    for t in range(num_frames):
        normalizers[t] = log_normalizer(scores[t])
        if not abs(normalizers[t]) < math.inf:
            gradient[:] = math.nan
            return math.nan
    alpha = np.empty((num_frames, num_states))
    forward(scores, normalizers, labels, blank, alpha)
    before_last = alpha[-1, -2] if num_states > 1 else -math.inf
    loss = -log_add(alpha[-1, -1], before_last, -math.inf)
    if want_gradient:
        if loss == math.inf:
            gradient[:] = 0.0
        else:
            backward(scores, normalizers, labels, blank, alpha, gradient, weight)
    return loss


@jit
def rows_kernel(rows, logits, labels, offsets, input_lengths, blank, weights, losses, gradient):
    """Walk some rows of logits [B, T, K]; an empty gradient [0, T, K] is not wanted."""
    want_gradient = gradient.shape[0] > 0
    for b in rows:
        num_frames = input_lengths[b]
        out = gradient[b] if want_gradient else gradient[:0].reshape(0, logits.shape[2])
        losses[b] = utterance(
            logits[b, :num_frames],
            labels[offsets[b] : offsets[b + 1]],
            blank,
            out[:num_frames],
            weights[b],
            want_gradient,
        )
        if want_gradient:
            out[num_frames:] = 0.0


def loss_and_gradient(
    logits: np.ndarray,
    batch: Batch,
    blank: int,
    weights: np.ndarray,
    gradient: np.ndarray | None,
    num_threads: int,
) -> np.ndarray:
    """Losses of a batch, and its gradient in place.

    Parameters
    ----------
    logits : float32 or float64 [B, T, K], C-ordered
    batch : Batch
        Checked; kernels check nothing.
    blank : int
    weights : float64 [B]
        Factor of each row's gradient (not of its loss).
    gradient : same shape and type as logits, or None
        Overwritten, padding included.
    num_threads : int

    Returns
    -------
    float64 [B]
        Losses in nats.
    """
    losses = np.zeros(len(batch.input_lengths))
    if gradient is None:
        gradient = logits[:0]
    arrays = (
        logits,
        batch.labels,
        batch.offsets,
        batch.input_lengths,
        blank,
        weights,
        losses,
        gradient,
    )
    shares = deal(batch, logits.shape[2], num_threads)
    prepare(rows_kernel, (shares[0], *arrays))
    if len(shares) == 1:
        rows_kernel(shares[0], *arrays)
    else:
        with ThreadPoolExecutor(len(shares)) as pool:
            for done in [pool.submit(rows_kernel, share, *arrays) for share in shares]:
                done.result()
    return losses


def deal(batch: Batch, num_units: int, num_threads: int) -> list[np.ndarray]:
    """Rows for each thread: always the longest row to the least loaded thread."""
    num_rows = len(batch.input_lengths)
    if num_threads == 1 or num_rows == 1:
        return [np.arange(num_rows)]
    # A cell of the recursions costs several times a cell of the softmax; the balance needs no
    # better than that.
    cells = batch.input_lengths * (8 * batch.target_lengths + num_units + 8)
    shares: list[list[int]] = [[] for _ in range(min(num_threads, num_rows))]
    loads = np.zeros(len(shares))
    for b in np.argsort(-cells, kind="stable"):
        least = int(np.argmin(loads))
        shares[least].append(int(b))
        loads[least] += cells[b]
    return [np.array(share, dtype=np.int64) for share in shares]


_compile_lock = threading.Lock()


def prepare(kernel: Callable, arguments: tuple) -> None:
    """Compile or load a kernel for these arguments; say so if that takes over a second."""
    if not hasattr(kernel, "compile"):  # NUMBA_DISABLE_JIT=1
        return
    signature = tuple(numba.typeof(argument) for argument in arguments)
    if signature in kernel.overloads:
        return
    with _compile_lock:
        notice = threading.Timer(COMPILE_NOTICE_S, _say_compiling)
        notice.daemon = True
        notice.start()
        try:
            kernel.compile(signature)
        finally:
            notice.cancel()


@cache
def _say_compiling() -> None:
    """Tell a waiting person, once a process."""
    sys.stderr.write("ctc: compiling the CPU kernels; done once, then cached on disk\n")
    sys.stderr.flush()
