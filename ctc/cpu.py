"""CTC on the CPU: utterances taken in turn by threads, walked in the probability or the log domain.

Threads of Python and kernels that release its lock, rather than numba's `prange`: numba's thread
pools may not be entered by two threads at once (workqueue) or after a fork (GNU OpenMP), and both
happen in training programs.

Legend: **B** batch, **T** frames, **K** units including the blank, **N** labels.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from queue import SimpleQueue
from typing import Any

import numpy as np

from ctc import blocks, exponential, logdomain, recursion, scaled, utterance, viterbi
from ctc.compilation import jit_cached, prepare, sources_fingerprint
from ctc.labels import Batch
from ctc.memory import machine_bytes

once, anew, best_path = utterance.once, utterance.anew, viterbi.best_path
SURE_NATS = 900.0
"""All that leaves the range or is added to stay in it is less than 2**-1350, nothing beside a total of so many nats."""
NO_PRIOR, FLOAT64 = np.zeros(0), np.dtype(np.float64)
SMALLEST = {np.dtype(np.float32): 1e-37, FLOAT64: scaled.LEAST}
"""Share of a unit below which its digits go."""


def _make_kernels(sources: int) -> tuple[Callable, Callable, Callable]:
    """Entry points of the loss and of alignment, made anew if `sources` is another than that of the cached ones."""

    @jit_cached
    def rows_kernel(
        rows,
        logits,
        time_major,
        labels,
        offsets,
        input_lengths,
        blank,
        log_prior,
        weights,
        smallest,
        keep,
        losses,
        exact,
        gradient,
        alpha,
        needed,
    ):
        """Walk some rows of the batch; logits are [B * T, K], the last two are room for the largest row."""
        assert sources
        num_rows = len(input_lengths)
        for b in rows:
            num_frames, row_labels = input_lengths[b], labels[offsets[b] : offsets[b + 1]]
            start, stride = (b, num_rows) if time_major else (b * (len(logits) // num_rows), 1)
            height, width = (num_frames + 1 if keep else 2), len(row_labels) + 3
            losses[b], exact[b] = once(
                logits,
                gradient,
                start,
                stride,
                num_frames,
                row_labels,
                blank,
                log_prior,
                weights[b],
                smallest,
                keep,
                (
                    alpha[: height * width].reshape(height, width),
                    needed[: height * width].reshape(height, width),
                ),
            )
            if keep:
                for t in range(num_frames, len(logits) // num_rows):
                    gradient[start + t * stride] = 0.0

    @jit_cached
    def anew_kernel(logits, gradient, start, stride, labels, blank, log_prior, weight, smallest, alpha, needed):
        """Walk a row anew, in room of its size; return its loss and whether the log domain was needed."""
        assert sources
        num_frames, room = len(alpha) - 1, (alpha, needed)
        return anew(logits, gradient, start, stride, num_frames, labels, blank, log_prior, weight, smallest, room)

    @jit_cached
    def align_kernel(log_probs, labels, blank, path):
        """Write the best path of log_probs [T, K] to path [T]; return its score."""
        assert sources
        return best_path(log_probs, labels, blank, path)

    return rows_kernel, anew_kernel, align_kernel


rows_kernel, anew_kernel, align_kernel = _make_kernels(
    sources_fingerprint(blocks, exponential, logdomain, recursion, scaled, utterance, viterbi)
)


def loss_and_gradient(
    logits: np.ndarray,
    batch: Batch,
    blank: int,
    weights: np.ndarray,
    gradient: np.ndarray | None,
    num_threads: int,
    *,
    time_major: bool = False,
    log_prior: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Losses of a batch, and its gradient in place.

    Parameters
    ----------
    logits : float32 or float64 [B, T, K], C-ordered
        [T, B, K] if `time_major`.
    batch : Batch
        Checked; kernels check nothing.
    blank : int
    weights : float64 [B]
        Factor of each row's gradient (not of its loss).
    gradient : same shape and type as logits, or None
        Overwritten, padding included.
    num_threads : int
    time_major : bool
    log_prior : float64 [K], optional
        Subtracted from the log probabilities that the recursions see.

    Returns
    -------
    losses : float64 [B]
        Nats.
    redone : bool [B]
        Rows for which the probability domain was not exact.

    Raises
    ------
    MemoryError
        A row needs more than the machine has: frames times labels, 12 bytes each (float64: 16).
    """
    num_rows, num_units = len(batch.input_lengths), logits.shape[2]
    losses, exact = np.empty(num_rows), np.empty(num_rows, dtype=np.bool_)
    keep = gradient is not None
    smallest = SMALLEST[logits.dtype]
    arguments = (
        *(logits.reshape(-1, num_units), time_major, batch.labels, batch.offsets, batch.input_lengths, blank),
        *(NO_PRIOR if log_prior is None else log_prior, weights, smallest, keep, losses, exact),
    )
    flat = np.empty((num_threads, num_units), logits.dtype) if gradient is None else gradient.reshape(-1, num_units)
    size = most_cells(batch, logits.itemsize) if keep else 2 * (batch.most_labels + 3)
    portions = deal(batch, num_units, num_threads)
    prepare(rows_kernel, logits.dtype, (portions[0], *arguments, flat, np.empty(1), np.empty(1, logits.dtype)))

    def walk(rows: np.ndarray, thread: int) -> None:
        out = flat if keep else flat[thread : thread + 1]
        rows_kernel(rows, *arguments, out, room("alpha", size, FLOAT64), room("needed", size, logits.dtype))

    in_turn(walk, portions, num_threads)
    redone = np.zeros(num_rows, dtype=np.bool_)
    if gradient is None:
        unsure = np.isfinite(losses) & ((losses > SURE_NATS) | (log_prior is not None))
        for row in np.flatnonzero(unsure | ~exact):
            _walk_back(row, logits, batch, blank, time_major, log_prior, losses, redone)
    elif not exact.all():
        rows = np.flatnonzero(~exact).tolist()
        _walk_anew(rows, logits, batch, blank, weights, gradient, num_threads, time_major, log_prior, losses, redone)
    return losses, redone


MANY_CELLS = 2**26
"""Below, it is not worth a look which row is the largest."""


def most_cells(batch: Batch, itemsize: int) -> int:
    """Frames times labels for which a row needs room at most, `itemsize` bytes each beside a float64.

    Raises
    ------
    MemoryError
        There is no such room.
    """
    cells = (batch.most_frames + 1) * (batch.most_labels + 3)
    if cells <= MANY_CELLS:
        return cells
    each = (batch.input_lengths + 1) * (batch.target_lengths + 3)
    row = int(each.argmax())
    needed, there = int(each[row]) * (FLOAT64.itemsize + itemsize), machine_bytes()
    if needed > there:
        raise MemoryError(
            f"ctc_loss: {batch.input_lengths[row]} frames with {batch.target_lengths[row]} labels need "
            f"{needed / 2**30:.1f} GiB, {there / 2**30:.1f} are there; divide the utterance"
        )
    return int(each[row])


def _walk_back(row, logits, batch, blank, time_major, log_prior, losses, redone) -> None:
    """Find the loss of a row anew with its gradient, on whose way precision that was lost is seen."""
    labels = batch.labels[batch.offsets[row] : batch.offsets[row + 1]]
    frames, count = batch.input_lengths[row : row + 1], batch.target_lengths[row : row + 1]
    alone = Batch(labels, np.array([0, len(labels)]), frames, count, int(frames[0]), len(labels))
    scores = np.ascontiguousarray(logits[:, row] if time_major else logits[row])[None]
    found = loss_and_gradient(scores, alone, blank, np.ones(1), np.empty_like(scores), 1, log_prior=log_prior)
    losses[row], redone[row] = found[0][0], found[1][0]


def _walk_anew(
    rows, logits, batch, blank, weights, gradient, num_threads, time_major, log_prior, losses, redone
) -> None:
    """Find loss and gradient of rows for which one scale a frame is too few."""
    dtype, num_units = logits.dtype, logits.shape[2]
    num_rows, step = len(batch.input_lengths), (1 if time_major else logits.shape[1])
    flat = logits.reshape(-1, num_units), gradient.reshape(-1, num_units)

    def arguments(row: int) -> tuple:
        labels = batch.labels[batch.offsets[row] : batch.offsets[row + 1]]
        shape = (int(batch.input_lengths[row]) + 1, len(labels) + 3)
        alpha, needed = (
            room(name, shape[0] * shape[1], kind)[: shape[0] * shape[1]].reshape(shape)
            for name, kind in (("alpha", FLOAT64), ("needed", dtype))
        )
        place = (row * step, num_rows if time_major else 1, labels, blank)
        return *flat, *place, NO_PRIOR if log_prior is None else log_prior, weights[row], SMALLEST[dtype], alpha, needed

    def walk(row: int, _thread: int) -> None:
        losses[row], redone[row] = anew_kernel(*arguments(row))

    prepare(anew_kernel, dtype, arguments(rows[0]))
    in_turn(walk, rows, num_threads)


class _Rooms(threading.local):
    """Arrays of each thread, by name and type."""

    def __init__(self):
        self.kept: dict[tuple[str, np.dtype], np.ndarray] = {}


_rooms = _Rooms()
KEPT_BYTES = 2**25
"""Most that a thread keeps of either room; measured, fresh pages cost a tenth of a call of 3,000 frames."""


def room(name: str, size: int, dtype: np.dtype) -> np.ndarray:
    """Memory of this thread, at least `size` elements; NumPy asks the system for large pages."""
    kept = _rooms.kept.get((name, dtype))
    if kept is None or len(kept) < size:
        kept = np.empty(size, dtype)
        if kept.nbytes <= KEPT_BYTES:
            _rooms.kept[name, dtype] = kept
    return kept


@cache
def crew(_process: int) -> "SimpleQueue[Callable[[], None]]":
    """Where the threads of this process wait for something to do; a fork inherits none, hence the argument."""
    jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def serve() -> None:
        while True:
            jobs.get()()

    for number in range(os.cpu_count() or 1):
        threading.Thread(target=serve, name=f"ctc_{number}", daemon=True).start()
    return jobs


def in_turn(work: Callable[[Any, int], None], portions: Sequence, num_threads: int) -> None:
    """Call `work` with each portion and the number of a thread, 0 for this one; threads take them in order."""
    if len(portions) == 1:
        work(portions[0], 0)
        return
    waiting = deque(portions)
    idle = deque(range(1, min(num_threads, len(portions))))  # threads that have not begun
    ended: SimpleQueue[BaseException | None] = SimpleQueue()

    def walk(thread: int) -> None:
        """Take portions until none is left."""
        while waiting:
            try:
                portion = waiting.popleft()
            except IndexError:  # another thread was faster
                return
            work(portion, thread)

    def help_out() -> None:
        """Begin one of the other threads, unless all is done already."""
        try:
            thread = idle.popleft()
        except IndexError:
            return
        try:
            walk(thread)
        except BaseException as error:
            ended.put(error)
        else:
            ended.put(None)

    others, jobs = len(idle), crew(os.getpid())
    for _ in range(others):
        jobs.put(help_out)
    try:
        walk(0)
    finally:  # nobody begins any more, and who has begun still writes
        waiting.clear()
        while idle:
            with suppress(IndexError):
                idle.popleft()
                others -= 1
        errors = [ended.get() for _ in range(others)]
    for error in errors:
        if error is not None:
            raise error


PORTION_NS = 200_000
"""Least work worth a call of the kernel, which takes 10 us."""


@jit_cached
def divide(input_lengths, target_lengths, num_units, num_threads, costs, order, ends):
    """Fill order [B] with rows, longest first, and ends [<= B] of portions of them; return how many there are."""
    num_rows, total, sorts = len(input_lengths), 0, False
    for b in range(num_rows):
        # Measured, in ns: a label costs 3 a frame, a unit 1.
        costs[b] = -input_lengths[b] * (3 * target_lengths[b] + num_units + 60)
        total -= costs[b]
        order[b] = b
        sorts |= b > 0 and costs[b] < costs[b - 1]
    if sorts:
        order[:] = np.argsort(costs, kind="mergesort")  # stable
    # Four portions a thread level out what else the machine does, but each must outweigh a call.
    most = num_threads * min(max(total // (num_threads * PORTION_NS), 1), 4)
    number, done = 0, 0
    for n in range(num_rows):
        before = done * most // max(total, 1)
        done -= costs[order[n]]
        if n == num_rows - 1 or done * most // max(total, 1) != before:
            ends[number] = n + 1
            number += 1
    return number


def deal(batch: Batch, num_units: int, num_threads: int) -> list[np.ndarray]:
    """Portions of the rows for threads to take in turn, longest rows first."""
    num_rows = len(batch.input_lengths)
    if num_threads == 1 or num_rows == 1:
        return [np.arange(num_rows)]
    costs, order, ends = np.empty((3, num_rows), np.int64)
    arguments = (batch.input_lengths, batch.target_lengths, num_units, num_threads, costs, order, ends)
    prepare(divide, ends.dtype, arguments)
    number = divide(*arguments)
    begin, portions = 0, []
    for end in ends[:number].tolist():
        portions.append(order[begin:end])
        begin = end
    return portions
