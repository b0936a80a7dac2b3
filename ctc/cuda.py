"""CTC on CUDA: the kernels of the loss, which `ctc.device_loss` launches, and how torch's tensors reach kernels.

Only this file and `ctc.cuda_align` import `numba.cuda`.

Five launches, none of which waits for the host:

1. `normalize`: the largest score of each frame and the inverse of its sum of exponentials, one read of the logits;
2. `walk`: two blocks an utterance. One walks the first half of its frames forward, the other the second half backward,
   at the same time; both keep what they reach in one table [T, N];
3. `meet`: what all paths weigh where the two met, hence the loss;
4. `walk` again, through the other's half. What a frame needs of the other is in the table, where each label's share of
   all paths takes its place. So T frames take T steps, not 2 T, and one table serves both directions;
5. `gradient_rows`: softmax minus shares, times a weight for each row, a second read of the logits.

Weights of paths are pairs (m, e) for ``m * 2**e``, m in [1, 2) or zero: every state has its own exponent, so no state
is scaled as another needs it, no logarithm is taken before the end, and float32 has its 24 bits at any depth. Weights
below ``2**LOWEST`` are zero.

Nothing is added atomically: sums run in an order given by the shapes, so results are equal bit for bit from run to
run. The blanks' share is what the labels leave of one; only labels are kept.

A row whose lengths or labels are out of range, or whose priors are no finite numbers (which a caller with them on the
device cannot see without waiting), has loss NaN.

Legend: **B** batch, **T** frames, **K** units including the blank, **N** labels. States come in pairs i = 0..N: the
blank before label i, and label i; arrays over pairs have one entry before the first and one after the last.

References
----------
Graves et al., ICML 2006, section 4 (forward-backward; error signal, eq. 16).
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import cache
from types import SimpleNamespace

import numpy as np
import torch
from numba import config, cuda, float32, float64
from numba import int32 as integer_type

LOWEST = -(2**29)
"""Exponents at or below count as weight zero; twice this still fits an int32."""
FARTHEST = -3e8
"""Nats below the best score at which an emission counts as zero (its exponent nears LOWEST)."""
LN2 = Decimal("0.693147180559945309417232121458177")
BLANK, LABEL = 0, 1
"""The two states of a pair."""
SHARED = 256
"""Most threads of a block that sums over its threads."""
SIMULATED = bool(config.ENABLE_CUDASIM)  # type: ignore[attr-defined]
# Numba warns of every grid of less than 128 blocks; here there are two for each utterance.
config.CUDA_LOW_OCCUPANCY_WARNINGS = 0  # type: ignore[attr-defined]
REGISTERS, MOST_REGISTERS = 65536, 128
"""Of a block at most, on devices of compute capability 7.5 to 12.0; and what a thread may take: compiled for them, the
kernels that walk take 45 to 104."""
MOST_WALKERS = REGISTERS // MOST_REGISTERS
"""Most threads that share an utterance's states: a block of more could not be launched."""


def require_device(device: torch.device) -> None:
    """Refuse to go on where no kernel can run.

    Raises
    ------
    RuntimeError
        The logits are not on a CUDA device (and the simulator is off), or numba-cuda is missing.
    """
    if SIMULATED:
        return
    if device.type != "cuda":
        raise RuntimeError(f"backend 'cuda' needs tensors on a CUDA device, got {device}")
    if getattr(cuda, "implementation", "") == "Built-in":
        raise RuntimeError("CTC on CUDA needs numba-cuda, which is missing: pip install 'speech-toolkit[cuda]'")


@contextmanager
def on_device(device: torch.device) -> Iterator[None]:
    """Make a device the current one of both torch and numba."""
    if SIMULATED:
        yield
        return
    with torch.cuda.device(device), cuda.gpus[device.index]:
        yield


def as_array(tensor: torch.Tensor):
    """The memory of a tensor as kernels take it; bfloat16 as the int16 of its bits."""
    tensor = tensor.detach()
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.view(torch.int16)
    if SIMULATED:
        from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

        return FakeCUDAArray(tensor.numpy())  # as it lies: the simulator copies contiguous arrays only
    return cuda.as_cuda_array(tensor, sync=False)


def stream_of(device: torch.device):
    """Torch's current stream, for launches."""
    if SIMULATED:
        return 0
    handle = torch.cuda.current_stream(device).cuda_stream
    return cuda.external_stream(handle) if handle else 0


@cache
def kernels(kind: str) -> SimpleNamespace:
    """`normalize`, `walk`, `meet` and `gradient_rows` for "float32", "float64", "float16" or "bfloat16" logits."""
    steps = _steps(kind)
    return SimpleNamespace(
        normalize=_normalize(steps), walk=_walk(steps), meet=_meet(steps), gradient_rows=_gradient_rows(steps)
    )


def _loaders(kind: str) -> tuple[Callable, Callable]:
    """Device functions from a stored score to a real, and from a real to a stored gradient."""
    if kind == "bfloat16":

        @cuda.jit(device=True)
        def load(bits):
            return np.int32(np.int32(bits) << np.int32(16)).view(np.float32)

        @cuda.jit(device=True)
        def store(value):
            if value != value:
                return np.int16(0x7FC0)
            bits = np.float32(value).view(np.int32)
            # To the nearest, ties to even.
            odd = np.int32((bits >> np.int32(16)) & np.int32(1))
            return np.int16(np.int32(bits + np.int32(0x7FFF) + odd) >> np.int32(16))

        return load, store
    real = np.float64 if kind == "float64" else np.float32
    stored = np.float16 if kind == "float16" else real

    @cuda.jit(device=True)
    def load_number(value):
        return real(value)

    @cuda.jit(device=True)
    def store_number(value):
        return stored(value)

    return load_number, store_number


def _steps(kind: str) -> SimpleNamespace:
    """Device functions on weights (m, e), and the types they work in."""
    double = kind == "float64"
    real, integer = (np.float64, np.int64) if double else (np.float32, np.int32)
    digits, bias = (52, 1023) if double else (23, 127)
    fraction_bits, one_bits = integer((1 << digits) - 1), integer(bias << digits)
    shift, offset, least = integer(digits), integer(bias), integer(1 - bias)
    zero, half, four = real(0.0), real(0.5), real(4.0)
    per_ln2 = real(1.0 / math.log(2.0))
    # ln 2 in two parts, the first so short that usual multiples of it are exact (Cody and Waite).
    high = real(round(math.log(2.0) * 2.0**32) / 2.0**32 if double else 355.0 / 512.0)
    low = real(LN2 - Decimal(float(high)))
    farthest, nothing = real(FARTHEST), np.int32(LOWEST)
    load, store = _loaders(kind)

    @cuda.jit(device=True)
    def power_of_two(e):
        """2**e for e <= 0; the least normal number for any e below its exponent."""
        return integer((max(integer(e), least) + offset) << shift).view(real)

    @cuda.jit(device=True)
    def normal(m, e):
        """The same weight with m in [1, 2); m is zero or a normal number."""
        bits = real(m).view(integer)
        exponent = np.int32(e + np.int32(bits >> shift) - np.int32(offset))
        if not m > zero or exponent <= nothing:
            return zero, nothing
        return integer((bits & fraction_bits) | one_bits).view(real), exponent

    @cuda.jit(device=True)
    def add(m, e, other_m, other_e):
        """Sum of two weights, m at most the sum of theirs."""
        if e >= other_e:
            return real(m + other_m * power_of_two(np.int32(other_e - e))), np.int32(e)
        return real(other_m + m * power_of_two(np.int32(e - other_e))), np.int32(other_e)

    @cuda.jit(device=True)
    def times(m, e, other_m, other_e):
        """Product of two weights."""
        return normal(real(m * other_m), np.int32(e + other_e))

    @cuda.jit(device=True)
    def emission(score, top, inverse, prior):
        """``exp(score - top - prior) * inverse`` as a weight."""
        depth = real(real(load(score) - top) - prior)
        if not depth > farthest:
            return zero, nothing
        n = real(math.floor(depth * per_ln2 + half))
        rest = real(real(depth - n * high) - n * low)
        return normal(real(real(math.exp(rest)) * inverse), np.int32(n))

    @cuda.jit(device=True)
    def share(m, e, other_m, other_e, total_m, total_e):
        """Product of two weights over their total, a number from 0 to 1."""
        exponent = np.int32(np.int32(e + other_e) - total_e)
        return real(real(m * other_m / total_m) * four * power_of_two(np.int32(min(exponent, np.int32(2)) - 2)))

    @cuda.jit(device=True)
    def softmax(score, top, inverse):
        """Probability of a score."""
        return real(real(math.exp(real(load(score) - top))) * inverse)

    return SimpleNamespace(
        real=real,
        shared_type=float64 if double else float32,
        load=load,
        store=store,
        normal=normal,
        add=add,
        times=times,
        emission=emission,
        share=share,
        softmax=softmax,
    )


def _normalize(steps: SimpleNamespace) -> Callable:
    """Kernel over frames: largest score and inverse of the sum of exponentials; NaN where there is none."""
    real, shared_type, load = steps.real, steps.shared_type, steps.load
    lowest, none, one, not_a_number = real(-math.inf), real(0.0), real(1.0), real(math.nan)

    @cuda.jit
    def normalize(scores, rows, tops, inverses):
        best = cuda.shared.array(SHARED, shared_type)
        sums = cuda.shared.array(SHARED, shared_type)
        B, T, K = scores.shape
        lane, width = cuda.threadIdx.x, cuda.blockDim.x
        row = cuda.blockIdx.x * cuda.blockDim.y + cuda.threadIdx.y
        b = row // T
        t = row - b * T
        live = b < B and t < rows[1, b]
        top, total = lowest, none
        if live:
            for k in range(lane, K, width):
                score = load(scores[b, t, k])
                if score > top:
                    total = real(total * real(math.exp(real(top - score))) + one)
                    top = score
                elif score != lowest:
                    total = real(total + real(math.exp(real(score - top))))
        at = cuda.threadIdx.y * width + lane
        best[at] = top
        sums[at] = total
        cuda.syncthreads()
        reach = width // 2
        while reach > 0:
            if lane < reach:
                top, total = best[at], sums[at]
                other, added = best[at + reach], sums[at + reach]
                if other > top:
                    top, other, total, added = other, top, added, total
                if other > lowest:
                    added = real(added * real(math.exp(real(other - top))))
                best[at] = top
                sums[at] = real(total + added)
            cuda.syncthreads()
            reach //= 2
        if live and lane == 0:
            top, total = best[at], sums[at]
            tops[b, t] = top
            inverses[b, t] = real(one / total) if total > none and top < real(math.inf) else not_a_number

    return normalize


def _walk(steps: SimpleNamespace) -> Callable:
    """Kernel over (utterances, directions): one half of the frames, or with `rest` the other."""
    real, normal, add, times = steps.real, steps.normal, steps.add, steps.times
    emission, share = steps.emission, steps.share
    zero, one, nothing, beginning = real(0.0), real(1.0), np.int32(LOWEST), np.int32(0)

    @cuda.jit
    def walk(
        scores,
        tops,
        inverses,
        rows,
        labels,
        prior,
        has_prior,
        blank,
        rest,
        keep,
        m,
        e,
        total,
        table_m,
        table_e,
        bad,
    ):
        b, direction = cuda.blockIdx.x, cuda.blockIdx.y
        thread, num_threads = cuda.threadIdx.x, cuda.blockDim.x
        start, T, N = rows[0, b], rows[1, b], rows[2, b]
        K = scores.shape[2]
        wrong = T < 0 or T > scores.shape[1] or N < 0 or N > m.shape[4] - 3 or start + N > labels.shape[0]
        if wrong:
            start, T, N = 0, 0, 0
        prior_blank = prior[blank] if has_prior else zero
        if prior_blank - prior_blank != zero:  # NaN or infinite
            wrong, prior_blank = True, zero
        total_m, total_e = one, beginning
        if rest:
            total_m, total_e = real(total[0, b]), np.int32(total[1, b])
            if not total_m > zero or bad[b, 0] + bad[b, 1] > 0:
                T = 0  # impossible or no row: nothing to share
        half = T // 2
        begin, end = (half, T) if rest == (direction == 0) else (0, half)
        if not rest:
            for j in range(thread, m.shape[4], num_threads):
                for row in range(2):
                    for state in range(2):
                        m[b, direction, row, state, j] = zero
                        e[b, direction, row, state, j] = nothing
            cuda.syncthreads()
            if thread == 0:
                j = 1 if direction == 0 else N + 1
                m[b, direction, 0, BLANK, j] = one
                e[b, direction, 0, BLANK, j] = beginning
        cuda.syncthreads()
        for number in range(end - begin):
            t = begin + number if direction == 0 else end - 1 - number
            old = (t if direction == 0 else T - 1 - t) & 1
            new = 1 - old
            top, inverse = tops[b, t], inverses[b, t]
            wrong = wrong or inverse != inverse
            blank_m, blank_e = emission(scores[b, t, blank], top, inverse, prior_blank)
            for i in range(thread, N + 1, num_threads):
                j = i + 1
                label = labels[start + i] if i < N else blank
                if label < 0 or label >= K or (label == blank and i < N):
                    wrong = True
                    label = blank
                prior_label = prior[label] if has_prior else zero
                if prior_label - prior_label != zero:
                    wrong, prior_label = True, zero
                label_m, label_e = emission(scores[b, t, label], top, inverse, prior_label)
                own_m, own_e = m[b, direction, old, LABEL, j], e[b, direction, old, LABEL, j]
                rest_m, rest_e = m[b, direction, old, BLANK, j], e[b, direction, old, BLANK, j]
                if direction == 0:
                    # From label i - 1 to this blank, and past it where the labels differ.
                    far_m, far_e = m[b, 0, old, LABEL, i], e[b, 0, old, LABEL, i]
                    to_blank_m, to_blank_e = add(rest_m, rest_e, far_m, far_e)
                    to_label_m, to_label_e = add(own_m, own_e, rest_m, rest_e)
                    skips = 0 < i and labels[start + i - 1] != label
                else:
                    # To the blank and the label after this one.
                    far_m, far_e = m[b, 1, old, LABEL, j + 1], e[b, 1, old, LABEL, j + 1]
                    after_m, after_e = m[b, 1, old, BLANK, j + 1], e[b, 1, old, BLANK, j + 1]
                    to_blank_m, to_blank_e = add(rest_m, rest_e, own_m, own_e)
                    to_label_m, to_label_e = add(own_m, own_e, after_m, after_e)
                    skips = i + 1 < N and labels[start + i + 1] != label
                to_blank_m, to_blank_e = normal(to_blank_m, to_blank_e)
                to_blank_m, to_blank_e = times(to_blank_m, to_blank_e, blank_m, blank_e)
                m[b, direction, new, BLANK, j] = to_blank_m
                e[b, direction, new, BLANK, j] = to_blank_e
                if i < N:
                    if skips:
                        to_label_m, to_label_e = add(to_label_m, to_label_e, far_m, far_e)
                    to_label_m, to_label_e = normal(to_label_m, to_label_e)
                    with_m, with_e = times(to_label_m, to_label_e, label_m, label_e)
                    m[b, direction, new, LABEL, j] = with_m
                    e[b, direction, new, LABEL, j] = with_e
                    if direction == 0:
                        to_label_m, to_label_e = with_m, with_e  # the frame's own emission counts once
                    if rest:
                        other_m, other_e = table_m[t, start + i], table_e[t, start + i]
                        table_m[t, start + i] = share(to_label_m, to_label_e, other_m, other_e, total_m, total_e)
                    elif keep:
                        table_m[t, start + i] = to_label_m
                        table_e[t, start + i] = to_label_e
            cuda.syncthreads()
        if wrong:
            bad[b, direction] = 1

    return walk


def _meet(steps: SimpleNamespace) -> Callable:
    """Kernel over utterances: weight of all paths and its negative logarithm."""
    real, shared_type, normal, add, times = steps.real, steps.shared_type, steps.normal, steps.add, steps.times
    zero, nothing, per_bit = real(0.0), np.int32(LOWEST), math.log(2.0)

    @cuda.jit
    def meet(rows, labels, num_frames, m, e, bad, total, losses):
        sums_m = cuda.shared.array(SHARED, shared_type)
        sums_e = cuda.shared.array(SHARED, integer_type)
        b, thread, num_threads = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
        start, T, N = rows[0, b], rows[1, b], rows[2, b]
        is_bad = bad[b, 0] + bad[b, 1] > 0
        if T < 0 or T > num_frames or N < 0 or N > m.shape[4] - 3 or start + N > labels.shape[0]:
            T, N = 0, 0
        ahead, behind = (T // 2) & 1, (T - T // 2) & 1
        sum_m, sum_e = zero, nothing
        for i in range(thread, N + 1, num_threads):
            j = i + 1
            own_m, own_e = m[b, 1, behind, LABEL, j], e[b, 1, behind, LABEL, j]
            after_m, after_e = add(m[b, 1, behind, BLANK, j], e[b, 1, behind, BLANK, j], own_m, own_e)
            after_m, after_e = normal(after_m, after_e)
            part_m, part_e = times(m[b, 0, ahead, BLANK, j], e[b, 0, ahead, BLANK, j], after_m, after_e)
            sum_m, sum_e = add(sum_m, sum_e, part_m, part_e)
            sum_m, sum_e = normal(sum_m, sum_e)
            if i < N:
                after_m, after_e = add(own_m, own_e, m[b, 1, behind, BLANK, j + 1], e[b, 1, behind, BLANK, j + 1])
                if i + 1 < N and labels[start + i + 1] != labels[start + i]:
                    next_m, next_e = m[b, 1, behind, LABEL, j + 1], e[b, 1, behind, LABEL, j + 1]
                    after_m, after_e = add(after_m, after_e, next_m, next_e)
                after_m, after_e = normal(after_m, after_e)
                part_m, part_e = times(m[b, 0, ahead, LABEL, j], e[b, 0, ahead, LABEL, j], after_m, after_e)
                sum_m, sum_e = add(sum_m, sum_e, part_m, part_e)
                sum_m, sum_e = normal(sum_m, sum_e)
        sums_m[thread] = sum_m
        sums_e[thread] = sum_e
        cuda.syncthreads()
        reach = num_threads // 2
        while reach > 0:
            if thread < reach:
                sum_m, sum_e = add(sums_m[thread], sums_e[thread], sums_m[thread + reach], sums_e[thread + reach])
                sum_m, sum_e = normal(sum_m, sum_e)
                sums_m[thread] = sum_m
                sums_e[thread] = sum_e
            cuda.syncthreads()
            reach //= 2
        if thread == 0:
            total[0, b] = sums_m[0]
            total[1, b] = sums_e[0]
            if is_bad:
                losses[b] = math.nan
            elif sums_m[0] > zero:
                losses[b] = 0.0 - (math.log(np.float64(sums_m[0])) + np.float64(sums_e[0]) * per_bit)
            else:
                losses[b] = math.inf

    return meet


def _gradient_rows(steps: SimpleNamespace) -> Callable:
    """Kernel over frames: weight times (softmax minus shares)."""
    real, shared_type, store, softmax = steps.real, steps.shared_type, steps.store, steps.softmax
    zero, one, not_a_number = real(0.0), real(1.0), real(math.nan)

    @cuda.jit
    def gradient_rows(scores, tops, inverses, rows, labels, order, losses, weights, table_m, blank, gradient):
        sums = cuda.shared.array(SHARED, shared_type)
        B, T, K = scores.shape
        lane, width = cuda.threadIdx.x, cuda.blockDim.x
        row = cuda.blockIdx.x * cuda.blockDim.y + cuda.threadIdx.y
        b = row // T
        t = row - b * T
        live = b < B
        shared_out, weight, top, inverse = zero, zero, zero, zero
        if live:
            loss = losses[b]
            weight = real(weights[b])
            # A row that does not exist or is impossible has a gradient without shares: NaN, or zero.
            live = t < rows[1, b] and loss < math.inf
            if live:
                top, inverse = tops[b, t], inverses[b, t]
                for k in range(lane, K, width):
                    gradient[b, t, k] = store(real(weight * softmax(scores[b, t, k], top, inverse)))
            else:
                filler = not_a_number if loss != loss and not t >= rows[1, b] else zero
                for k in range(lane, K, width):
                    gradient[b, t, k] = store(filler)
        cuda.syncthreads()
        if live:
            start, N = rows[0, b], rows[2, b]
            for i in range(lane, N, width):
                label = labels[order[start + i]]
                # The first of equal labels answers for all of them: one order of summing, one writer.
                if i == 0 or labels[order[start + i - 1]] != label:
                    occupied = zero
                    last = i
                    while last < N and labels[order[start + last]] == label:
                        occupied = real(occupied + table_m[t, order[start + last]])
                        last += 1
                    shared_out = real(shared_out + occupied)
                    rest = real(softmax(scores[b, t, label], top, inverse) - occupied)
                    gradient[b, t, label] = store(real(weight * rest))
        at = cuda.threadIdx.y * width + lane
        sums[at] = shared_out
        cuda.syncthreads()
        reach = width // 2
        while reach > 0:
            if lane < reach:
                sums[at] = real(sums[at] + sums[at + reach])
            cuda.syncthreads()
            reach //= 2
        if live and lane == 0:
            rest = real(softmax(scores[b, t, blank], top, inverse) - real(one - sums[at]))
            gradient[b, t, blank] = store(real(weight * rest))

    return gradient_rows
