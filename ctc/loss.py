"""`ctc_loss`: checks, choice of the implementation, autograd, reduction.

The gradient is made together with the loss, in one walk over the logits, already times the weight
that the reduction will give each row. `backward` then only hands it over; it multiplies where the
loss was scaled further, and walks again if asked a second time (retain_graph), rather than keep a
[B, T, K] tensor that nobody needs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from operator import mul
from typing import Literal

import numpy as np
import torch

from ctc import reference
from ctc.derivative import first_derivative_only
from ctc.labels import Batch, IntegersLike, check_batch, unit_index
from ctc.memory import gradients

Reduction = Literal["none", "mean", "sum"]
Backend = Literal["auto", "reference", "cpu", "cuda"]
_MOST_CELLS = 1 << 21  # frames times units times sequences that `sequence_log_probs` takes at a time


def ctc_loss(
    logits: torch.Tensor,
    targets: IntegersLike,
    input_lengths: IntegersLike,
    target_lengths: IntegersLike,
    blank: int = 0,
    reduction: Reduction = "mean",
    zero_infinity: bool = False,
    *,
    label_log_prior: torch.Tensor | np.ndarray | None = None,
    backend: Backend = "auto",
) -> torch.Tensor:
    """Negative log probability of label sequences under CTC, differentiable in `logits`.

    Parameters
    ----------
    logits : Tensor, float32, float64, bfloat16 or float16, [B, T, K]
        Unnormalised scores; softmax over K is taken here, exactly once, so log probabilities give
        the same loss. Half precision is widened to float32: on the CPU in a copy, on CUDA as it is read.
    targets : int, [B, N] or concatenated [sum(target_lengths)]
        Tensor, array or nested list. Padding is ignored; labels must not be `blank`.
    input_lengths, target_lengths : int, [B]
        Frames (0..T) and labels (0..N) that count. Frames beyond get no gradient. Best kept on the CPU, where they
        are checked. If logits are on CUDA and any of these too, none is looked at, as that would wait for the device:
        a row that would be refused has loss and gradient NaN instead.
    blank : int
        Unit that stands for no label.
    reduction : "mean", "sum" or "none"
        "mean" divides each loss by its target length (by 1 if there are no labels) and averages
        over the batch, as torch does.
    zero_infinity : bool
        Count an infinite loss as zero.
    label_log_prior : float [K], optional
        Log prior of every unit, blank included, already times the scale it shall have. It is
        subtracted from the log probabilities inside the sum over paths, which then may stay on
        labels for longer: less peaky outputs and better times (Huang et al.). The loss is then no
        probability and may be negative. Usual priors are the mean posteriors of the epoch before.
        On a CUDA device they are not looked at: what is not finite makes losses NaN.
    backend : "auto", "reference", "cpu" or "cuda"
        Implementation; "auto" follows the device of `logits`.

    Returns
    -------
    Tensor
        Scalar, or [B] when reduction="none"; nats; float64 for float64 logits, else float32.

    Raises
    ------
    ValueError
        Shapes disagree, or a length or label is out of range or the blank (names the row). A label
        sequence that needs more frames than there are is no error but an infinite loss;
        `infeasible()` names such rows.
    TypeError
        `logits` are no tensor, or `blank` is no integer.
    RuntimeError
        The backend does not serve the device of `logits`, or logits are on CUDA and numba-cuda is missing.
    MemoryError
        On the CPU, a row's frames times its labels, 12 bytes each (float64: 16), are more than the machine's memory.

    Notes
    -----
    On the CPU the memory of gradients, up to 1 GiB, is kept for later calls once they are gone.
    On CUDA no call waits for the device, everything runs on torch's current stream, sizes are limited by memory only,
    and results are the same bit for bit from run to run. There a path below exp(-3e8) counts as impossible.
    A row with infinite loss gets a zero gradient with and without `zero_infinity` (torch gives NaN
    without). A NaN or infinity among a row's scores (-inf excepted, which is probability zero)
    makes its loss and gradient NaN.

    References
    ----------
    Graves et al., ICML 2006, sections 4.1 and 4.2 (forward-backward; error signal, eq. 16).
    Huang et al., "Less peaky and more accurate CTC forced alignment by label priors", ICASSP 2024.

    Examples
    --------
    >>> logits = torch.zeros(1, 2, 2, requires_grad=True)
    >>> loss = ctc_loss(logits, [[1]], [2], [1])
    >>> round(loss.exp().item(), 4)  # three of four equally likely paths read "1"
    1.3333
    """
    if not isinstance(logits, torch.Tensor):
        raise TypeError(
            f"logits: expected a tensor, got {type(logits).__name__}; torch.from_numpy makes one of an array"
        )
    if logits.ndim != 3 or logits.shape[0] == 0 or logits.shape[2] == 0:
        raise ValueError(f"logits: expected [B, T, K] with B, K >= 1, got {tuple(logits.shape)}")
    if not logits.is_floating_point():
        raise ValueError(f"logits: expected a floating point type, got {logits.dtype}")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f'reduction: expected "none", "mean" or "sum", got {reduction!r}')
    num_rows, num_frames, num_units = logits.shape
    blank = unit_index(blank, num_units)
    chosen = _choose_backend(backend, logits)
    if chosen == "cuda":
        lengths = (input_lengths, target_lengths)
        return _loss_on_device(logits, targets, lengths, blank, reduction, zero_infinity, label_log_prior)
    batch = check_batch(num_rows, num_frames, num_units, targets, input_lengths, target_lengths, blank)
    if logits.dtype not in (torch.float32, torch.float64):
        logits = logits.float()
    want_gradient = logits.requires_grad and torch.is_grad_enabled()
    log_prior = None if label_log_prior is None else _check_prior(label_log_prior, logits.shape[2])
    problem = _Problem(batch, blank, reduction, zero_infinity, log_prior, chosen)
    return _Loss.apply(logits, problem, want_gradient)


def sequence_log_probs(
    scores: np.ndarray, sequences: Sequence[Sequence[int]], blank: int = 0, label_log_prior: np.ndarray | None = None
) -> np.ndarray:
    """Log probability of several label sequences given the same frames, on the CPU.

    Parameters
    ----------
    scores : float32 or float64 [T, K]
        Logits or log probabilities.
    sequences : sequence of sequences of int
    blank, label_log_prior
        As in `ctc_loss`.

    Returns
    -------
    ndarray, float64 [N]
        Nats, of the precision of `scores`; -inf where a sequence needs more frames.
    """
    found = [np.zeros(0)]
    block = max(1, _MOST_CELLS // max(1, scores.size))
    for first in range(0, len(sequences), block):
        part = sequences[first : first + block]
        rows = torch.from_numpy(np.repeat(scores[None], len(part), axis=0))
        targets = np.fromiter((label for one in part for label in one), np.int64)
        frames, lengths = np.full(len(part), len(scores)), np.array([len(one) for one in part])
        losses = ctc_loss(rows, targets, frames, lengths, blank, "none", label_log_prior=label_log_prior)
        found.append(-losses.double().numpy())
    return np.concatenate(found)


def _loss_on_device(logits, targets, lengths, blank, reduction, zero_infinity, log_prior) -> torch.Tensor:
    """`ctc_loss` of logits on a CUDA device."""
    require_cuda(logits.device)
    from ctc import device_loss  # imports numba.cuda

    input_lengths, target_lengths = lengths
    given = device_loss.device_rows(logits, targets, input_lengths, target_lengths, blank)
    if isinstance(log_prior, torch.Tensor) and log_prior.device == logits.device:
        if log_prior.shape != logits.shape[2:]:  # its values stay unseen
            raise ValueError(f"label_log_prior: expected [{logits.shape[2]}], got {list(log_prior.shape)}")
        log_prior = log_prior.detach()
    elif log_prior is not None:
        log_prior = torch.from_numpy(_check_prior(log_prior, logits.shape[2]))
    want_gradient = logits.requires_grad and torch.is_grad_enabled()
    return device_loss.CudaLoss.apply(logits, given, blank, reduction, zero_infinity, log_prior, want_gradient)


def require_cuda(device: torch.device) -> None:
    """Refuse a device or an installation on which the CUDA kernels cannot run.

    Raises
    ------
    RuntimeError
        Saying which, and what to install.
    """
    try:
        from ctc import cuda
    except ImportError as error:
        raise RuntimeError("CTC on CUDA needs numba-cuda: pip install 'speech-toolkit[cuda]'") from error
    cuda.require_device(device)


def _check_prior(log_prior: torch.Tensor | np.ndarray, num_units: int) -> np.ndarray:
    """Finite float64 [K]."""
    if isinstance(log_prior, torch.Tensor):
        log_prior = log_prior.detach().cpu().numpy()
    array = np.require(log_prior, dtype=np.float64, requirements=["C", "W"])
    if array.shape != (num_units,):
        raise ValueError(f"label_log_prior: expected [{num_units}], got {list(array.shape)}")
    if not np.isfinite(array).all():
        unit = int(np.argmin(np.isfinite(array)))
        raise ValueError(f"label_log_prior: unit {unit} has {array[unit]}, expected a finite number")
    return array


@lru_cache(maxsize=16)
def _ones(count: int) -> np.ndarray:
    """Ones that are never written to, float64 [count]."""
    return np.ones(count)


@dataclass(frozen=True)
class _Problem:
    """All of a loss but its logits."""

    batch: Batch
    blank: int
    reduction: str
    zero_infinity: bool
    log_prior: np.ndarray | None
    backend: str

    @cached_property
    def weights(self) -> np.ndarray:
        """Factor of each row in the reduced loss, float64 [B]."""
        if self.reduction != "mean":
            return _ones(len(self.batch.target_lengths))
        lengths = np.maximum(self.batch.target_lengths, 1)
        return 1.0 / (len(lengths) * lengths)

    def solve(self, logits: torch.Tensor, want_gradient: bool) -> tuple[np.ndarray, torch.Tensor | None]:
        """Losses, float64 [B], and the gradient [B, T, K] of the reduced loss if it is wanted."""
        # Time-major storage, as torch's own CTC wants it, is walked where it lies.
        logits = logits.detach().resolve_neg()
        time_major = False
        if not logits.is_contiguous():
            time_major = logits.transpose(0, 1).is_contiguous()
            logits = logits if time_major else logits.contiguous()
        gradient = _empty_like(logits, time_major) if want_gradient else None
        if self.backend == "reference":
            return _solve_by_reference(self, logits, gradient), gradient
        from ctc import cpu  # numba is imported at first use

        losses, _ = cpu.loss_and_gradient(
            _storage(logits, time_major),
            self.batch,
            self.blank,
            self.weights,
            None if gradient is None else _storage(gradient, time_major),
            torch.get_num_threads(),
            time_major=time_major,
            log_prior=self.log_prior,
        )
        return losses, gradient


def _empty_like(tensor: torch.Tensor, time_major: bool) -> torch.Tensor:
    """Memory on the CPU, of any content, in the layout of a dense tensor [B, T, K], stored [T, B, K] if time_major."""
    if not time_major:
        return gradients.empty(tensor.shape, tensor.dtype)
    return gradients.empty(tensor.transpose(0, 1).shape, tensor.dtype).transpose(0, 1)


def _storage(tensor: torch.Tensor, time_major: bool) -> np.ndarray:
    """The memory of a tensor [B, T, K] as a C-ordered array, [T, B, K] if it is stored so."""
    return (tensor.transpose(0, 1) if time_major else tensor).numpy()


class _Loss(torch.autograd.Function):
    """Reduced loss of logits [B, T, K], with the gradient made on the way forward."""

    @staticmethod
    def forward(ctx, logits: torch.Tensor, problem: _Problem, want_gradient: bool) -> torch.Tensor:
        """Scalar, or [B] if nothing is reduced."""
        losses, ctx.gradient = problem.solve(logits, want_gradient)
        ctx.problem, ctx.losses = problem, losses
        if want_gradient:
            ctx.save_for_backward(logits)
        if problem.zero_infinity:
            losses = np.where(np.isinf(losses), 0.0, losses)
        if problem.reduction == "none":
            return torch.from_numpy(losses).to(logits.dtype, copy=True)  # of its own: backward reads `losses`
        return torch.scalar_tensor(sum(map(mul, losses.tolist(), problem.weights.tolist())), dtype=logits.dtype)

    @staticmethod
    @first_derivative_only
    def backward(ctx, upstream: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        """Gradient [B, T, K] in the logits, times upstream (scalar or [B])."""
        gradient, ctx.gradient = ctx.gradient, None
        if gradient is None:
            (logits,) = ctx.saved_tensors
            _, gradient = ctx.problem.solve(logits, want_gradient=True)
        if upstream.item() != 1 if upstream.ndim == 0 else bool((upstream != 1).any()):
            # A row with infinite loss stays at zero even if what comes from upstream is infinite
            # or NaN.
            infinite = torch.from_numpy(np.isinf(ctx.losses))
            scale = torch.where(infinite, torch.zeros_like(upstream), upstream)
            gradient.mul_(scale[:, None, None])
        return gradient, None, None


def _solve_by_reference(problem: _Problem, logits: torch.Tensor, gradient: torch.Tensor | None) -> np.ndarray:
    """Losses [B] by the definition; fills gradient."""
    losses = np.zeros(len(logits))
    weights = problem.weights
    for b, num_frames in enumerate(problem.batch.input_lengths):
        scores = logits[b, :num_frames].numpy()
        losses[b], row = reference.loss_and_gradient(scores, problem.batch.row(b), problem.blank, problem.log_prior)
        if gradient is not None:
            gradient[b, num_frames:] = 0.0
            gradient[b, :num_frames] = torch.from_numpy(weights[b] * row)
    return losses


def _choose_backend(backend: str, logits: torch.Tensor) -> str:
    """Name of the implementation; no silent fallback."""
    if backend not in ("auto", "reference", "cpu", "cuda"):
        raise ValueError(f'backend: expected "auto", "reference", "cpu" or "cuda", got {backend!r}')
    if backend == "auto":
        backend = "cuda" if logits.is_cuda else "cpu"
    if backend != "cuda" and not logits.is_cpu:
        raise RuntimeError(f"ctc_loss: backend {backend!r} needs logits on the CPU, got {logits.device}")
    return backend
