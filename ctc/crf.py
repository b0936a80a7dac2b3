"""CTC normalised over whole label sequences: a CRF with CTC's paths and a trigram of the labels.

Plain CTC gives every frame's units probabilities of their own. Here a label sequence competes with all others, each
weighed by a language model of the labels, as it will be in a search with one: L = -log p(l | x), where p(l | x) is
proportional to P_lm(l) times the sum over l's CTC paths of the product of the frames' softmax outputs. What the
outputs mean in a search does not change.

The sum over all label sequences is a forward-backward walk over histories of two labels. A state is (p, c): the last
label c and the one before it, p; 0, the blank, stands for "none yet". In each state the last frame was either a label
or a blank. Weights are probabilities scaled to sum to one in each frame; states below `NEGLIGIBLE` of a frame's mass
are not extended. Every label may follow every other with at least the share that smoothing gives it, so no later frame
can make up for such a factor.

Legend: B batch, T frames, K units incl. blank, N labels.

References
----------
Xiang & Ou, CRF-based single-stage acoustic modeling with CTC topology, ICASSP 2019.
Povey et al., Purely sequence-trained neural networks for ASR based on lattice-free MMI, Interspeech 2016.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ctc.compilation import jit_sums_cached, prepare
from ctc.derivative import first_derivative_only
from ctc.labels import IntegersLike, check_batch
from ctc.loss import Reduction, ctc_loss

NEGLIGIBLE = 1e-14


def smoothed_trigram(sequences: Iterable[Sequence[int]], num_units: int) -> NDArray[np.float32]:
    """Probability of each label after the two before it, float32 [K, K, K].

    Parameters
    ----------
    sequences : label sequences, labels 1..K-1
    num_units : K

    Returns
    -------
    float32 [K, K, K]
        `result[p, c, n]` is the probability of n after p, c; 0 as p or c is the start, as n the end.

    Raises
    ------
    ValueError
        A label is outside 1..K-1 (names the sequence).

    References
    ----------
    Witten & Bell, The zero-frequency problem, IEEE Trans. Information Theory 37, 1991 (method C, interpolated).

    Examples
    --------
    >>> trigram = smoothed_trigram([[1, 2], [1]], 3)
    >>> bool(np.allclose(trigram.sum(axis=2), 1))
    True
    >>> bool(trigram[0, 1, 2] > trigram[0, 1, 1])  # 2 was seen after 1, 1 was not
    True
    """
    counts = np.zeros((num_units, num_units, num_units))
    for number, sequence in enumerate(sequences):
        labels = np.asarray(sequence, dtype=np.int64)
        if ((labels < 1) | (labels >= num_units)).any():
            raise ValueError(f"sequence {number}: labels must be 1..{num_units - 1}, got {labels.tolist()}")
        padded = np.concatenate([[0, 0], labels, [0]])
        np.add.at(counts, (padded[:-2], padded[1:-1], padded[2:]), 1)
    lower = np.full(num_units, 1 / num_units)
    for axes in ((0, 1), (0,), ()):
        own = counts.sum(axis=axes)
        kinds = (own > 0).sum(axis=-1, keepdims=True)
        total = own.sum(axis=-1, keepdims=True) + kinds
        # A history never seen has what the shorter one has.
        lower = np.where(total > 0, (own + kinds * lower) / np.maximum(total, 1), np.broadcast_to(lower, own.shape))
    return lower.astype(np.float32)


def crf_loss(
    logits: torch.Tensor,
    targets: IntegersLike,
    input_lengths: IntegersLike,
    target_lengths: IntegersLike,
    trigram: NDArray[np.float32],
    reduction: Reduction = "mean",
    zero_infinity: bool = False,
) -> torch.Tensor:
    """Negative log probability of label sequences, normalised over all label sequences; differentiable in `logits`.

    Parameters
    ----------
    logits, targets, input_lengths, target_lengths, reduction, zero_infinity : see `ctc.ctc_loss`
        On the CPU; the blank is unit 0; computed in float32.
    trigram : float32 [K, K, K]
        See `smoothed_trigram`; every value above 0.

    Returns
    -------
    Tensor
        Scalar, or [B] when reduction="none"; nats; never negative but for rounding.

    Raises
    ------
    ValueError
        As `ctc.ctc_loss`; or the trigram has another shape, or values that are no probabilities or zero.
    RuntimeError
        `logits` are not on the CPU.
    """
    if logits.ndim != 3 or logits.shape[0] == 0 or logits.shape[2] == 0:
        raise ValueError(f"logits: expected [B, T, K] with B, K >= 1, got {tuple(logits.shape)}")
    if logits.device.type != "cpu":
        raise RuntimeError(f"crf_loss: needs logits on the CPU, got {logits.device}")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f'reduction: expected "none", "mean" or "sum", got {reduction!r}')
    num_rows, num_frames, num_units = logits.shape
    if trigram.shape != (num_units,) * 3:
        raise ValueError(f"trigram: expected shape {(num_units,) * 3}, got {trigram.shape}")
    if not (trigram.min() > 0 and trigram.max() <= 1):
        raise ValueError("trigram: every value must be above 0 and at most 1; smoothed_trigram makes such")
    batch = check_batch(num_rows, num_frames, num_units, targets, input_lengths, target_lengths, 0)
    logits = logits.float()
    paths = ctc_loss(logits, targets, input_lengths, target_lengths, reduction="none", zero_infinity=False)
    everything = _LogSum.apply(logits, torch.from_numpy(batch.input_lengths), trigram)
    language = [
        _log_probability(trigram, batch.labels[batch.offsets[row] : batch.offsets[row] + batch.target_lengths[row]])
        for row in range(num_rows)
    ]
    losses = paths + everything - torch.tensor(language, dtype=torch.float32)
    infinite = torch.isinf(paths.detach())
    losses = torch.where(infinite, torch.zeros(()) if zero_infinity else paths.detach(), losses)
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    return (losses / torch.from_numpy(batch.target_lengths).clamp(min=1)).mean()


def _log_probability(trigram: NDArray, labels: NDArray[np.int64]) -> float:
    """Log probability of a label sequence by the trigram, its end included."""
    padded = np.concatenate([[0, 0], labels, [0]])
    return float(np.log(trigram[padded[:-2], padded[1:-1], padded[2:]].astype(np.float64)).sum())


class _LogSum(torch.autograd.Function):
    """Log of the weight of all label sequences [B] of logits [B, T, K]."""

    @staticmethod
    def forward(ctx, logits, lengths, trigram):
        probs = logits.detach().softmax(dim=2).numpy()
        shares = np.zeros_like(probs)
        sums = _log_sums(probs, lengths.numpy(), trigram, ctx.needs_input_grad[0], shares)
        ctx.save_for_backward(torch.from_numpy(probs), torch.from_numpy(shares), lengths)
        return torch.from_numpy(sums).float()

    @staticmethod
    @first_derivative_only
    def backward(ctx, gradient):
        probs, shares, lengths = ctx.saved_tensors
        inside = torch.arange(probs.shape[1])[None, :, None] < lengths[:, None, None]
        return torch.where(inside, shares - probs, 0) * gradient[:, None, None], None, None


def _log_sums(
    probs: NDArray, lengths: NDArray[np.int64], trigram: NDArray[np.float32], keep: bool, shares: NDArray
) -> NDArray[np.float64]:
    """Log sums [B] and, if they are to be kept, each unit's share of the paths [B, T, K]; torch's number of threads."""
    from ctc.cpu import in_turn

    trigram = np.ascontiguousarray(trigram, dtype=np.float32)
    sums = np.zeros(len(lengths))
    prepare(_row, probs.dtype, (probs[0], 1, trigram, keep, shares[0]))

    def walk(row: int, _thread: int) -> None:
        sums[row] = _row(probs[row], int(lengths[row]), trigram, keep, shares[row])

    longest_first = np.argsort(-lengths, kind="stable").tolist()
    in_turn(walk, longest_first, torch.get_num_threads())
    return sums


@jit_sums_cached
def _advance(labels, blanks, probs, trigram, entering, new_labels, new_blanks):
    """One frame forward: weights of states before to those after, which sum to one; the log of what they did."""
    num_units = len(probs)
    entering[:] = 0.0  # [c, n]: weight that goes on to label n after c
    for p in range(num_units):
        for c in range(num_units):
            weight = labels[p, c] + blanks[p, c]
            if weight > NEGLIGIBLE:
                for n in range(num_units):
                    entering[c, n] += weight * trigram[p, c, n]
                if c:  # a label again needs a blank between
                    entering[c, c] -= labels[p, c] * trigram[p, c, c]
    total = np.float32(0.0)
    for c in range(num_units):
        for n in range(num_units):
            new_blanks[c, n] = probs[0] * (labels[c, n] + blanks[c, n])
            new_labels[c, n] = probs[n] * (labels[c, n] + max(entering[c, n], np.float32(0.0))) if n else 0.0
            total += new_blanks[c, n] + new_labels[c, n]
    scale = np.float32(1.0) / total
    for c in range(num_units):
        for n in range(num_units):
            new_blanks[c, n] *= scale
            new_labels[c, n] *= scale
    return np.log(np.float64(total))


@jit_sums_cached
def _shares(labels, blanks, probs, num_frames, trigram, shares):
    """Backward walk: of all paths' weight, the part that has unit k in frame t, into `shares` [T, K]."""
    num_units = probs.shape[1]
    to_end_labels, to_end_blanks = trigram[:, :, 0].copy(), trigram[:, :, 0].copy()
    next_labels, next_blanks = np.empty_like(to_end_labels), np.empty_like(to_end_blanks)
    going = np.empty((num_units, num_units), np.float32)
    for t in range(num_frames - 1, -1, -1):
        total = np.float32(0.0)
        for p in range(num_units):
            for c in range(num_units):
                label = labels[t + 1, p, c] * to_end_labels[p, c]
                blank = blanks[t + 1, p, c] * to_end_blanks[p, c]
                shares[t, c] += label
                shares[t, 0] += blank
                total += label + blank
        shares[t] /= total
        for c in range(num_units):
            going[c, 0] = 0.0
            for n in range(1, num_units):
                going[c, n] = probs[t, n] * to_end_labels[c, n]
        largest = np.float32(0.0)
        for p in range(num_units):
            for c in range(num_units):
                next_labels[p, c], next_blanks[p, c] = 0.0, 0.0
                if labels[t, p, c] + blanks[t, p, c] > NEGLIGIBLE:
                    onward = np.float32(0.0)
                    for n in range(num_units):
                        onward += trigram[p, c, n] * going[c, n]
                    stay = probs[t, 0] * to_end_blanks[p, c]
                    next_blanks[p, c] = stay + onward
                    if c:
                        again = onward - trigram[p, c, c] * going[c, c]
                        next_labels[p, c] = stay + max(again, np.float32(0.0)) + probs[t, c] * to_end_labels[p, c]
                    largest = max(largest, next_blanks[p, c], next_labels[p, c])
        scale = np.float32(1.0) / largest
        for p in range(num_units):
            for c in range(num_units):
                to_end_labels[p, c] = next_labels[p, c] * scale
                to_end_blanks[p, c] = next_blanks[p, c] * scale


@jit_sums_cached
def _row(probs, num_frames, trigram, keep, shares):
    """Log sum of an utterance; fills `shares` [T, K]."""
    num_units = probs.shape[1]
    size = (num_frames + 1 if keep else 2, num_units, num_units)
    labels, blanks = np.zeros(size, np.float32), np.zeros(size, np.float32)  # weights of states [., c' or p, c]
    entering = np.zeros((num_units, num_units), np.float32)
    blanks[0, 0, 0] = 1.0
    log_sum = 0.0
    for t in range(num_frames):
        before, now = (t, t + 1) if keep else (t % 2, (t + 1) % 2)
        log_sum += _advance(labels[before], blanks[before], probs[t], trigram, entering, labels[now], blanks[now])
    last = num_frames if keep else num_frames % 2
    final = np.float64(0.0)
    for p in range(num_units):
        for c in range(num_units):
            final += (labels[last, p, c] + blanks[last, p, c]) * trigram[p, c, 0]
    if keep and num_frames:
        _shares(labels, blanks, probs, num_frames, trigram, shares)
    return log_sum + np.log(final)
