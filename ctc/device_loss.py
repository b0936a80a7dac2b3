"""The CTC loss on a CUDA device: rows described there, launches in order, autograd.

Nothing here waits for the device: what comes from the host goes over in one asynchronous copy, what is on the device
already is not looked at. The gradient is made in `backward`, already times what comes from upstream, so that between
forward and backward only the table of shares [T, sum of N] is kept and no [B, T, K] tensor.

Legend: **B** batch, **T** frames, **K** units including the blank, **N** labels.
"""

from dataclasses import dataclass

import numpy as np
import torch

from ctc import cuda
from ctc.derivative import first_derivative_only
from ctc.labels import Batch, IntegersLike, check_batch

REAL = {torch.float64: torch.float64}
"""What a type of logits is walked in, if not float32."""


@dataclass(frozen=True)
class Geometry:
    """Threads of the launches; powers of two but for `most_walkers`.

    Attributes
    ----------
    lanes : threads that share a frame of K units; None chooses by K
    frame_threads : threads of a block that works on frames, at most `cuda.SHARED`
    most_walkers : most threads that share an utterance's pairs
    """

    lanes: int | None = None
    frame_threads: int = 256
    most_walkers: int = cuda.MOST_WALKERS

    def lanes_for(self, num_units: int) -> int:
        """A warp for a frame up to 256 units (8 a thread), else the whole block."""
        return self.lanes or (32 if num_units <= 256 else self.frame_threads)


GEOMETRY = Geometry(lanes=2, frame_threads=4, most_walkers=3) if cuda.SIMULATED else Geometry()


@dataclass(frozen=True)
class DeviceRows:
    """Rows of a batch as the kernels take them, on the device.

    Attributes
    ----------
    rows : int64 [3, B]
        Where each row's labels begin, its frames, its labels.
    labels : int64 [>= 1]
    order : int64, as labels
        Positions of `labels`, those of a row ordered by label, equal ones by position.
    widest : int
        No row has more labels.
    """

    rows: torch.Tensor
    labels: torch.Tensor
    order: torch.Tensor
    widest: int

    def weights(self, reduction: str) -> torch.Tensor:
        """Factor of each row in the reduced loss, float64 [B]."""
        lengths = self.rows[2].clamp(min=1).double()
        return 1.0 / (len(lengths) * lengths) if reduction == "mean" else torch.ones_like(lengths)


def device_rows(
    logits: torch.Tensor, targets: IntegersLike, input_lengths: IntegersLike, target_lengths: IntegersLike, blank: int
) -> DeviceRows:
    """Describe rows: checked if they come from the host, unseen if any part is on a device already.

    Raises
    ------
    ValueError
        Shapes disagree; values too, where they are on the host.
    """
    parts = (targets, input_lengths, target_lengths)
    if any(isinstance(part, torch.Tensor) and part.device.type != "cpu" for part in parts):
        labels, frames, counts = (torch.as_tensor(part) for part in parts)
        return unseen_rows(logits, labels, frames, counts, blank)
    num_rows, num_frames, num_units = logits.shape
    batch = check_batch(num_rows, num_frames, num_units, targets, input_lengths, target_lengths, blank)
    return _checked_rows(batch, logits.device)


def _checked_rows(batch: Batch, device: torch.device) -> DeviceRows:
    """Rows of a checked batch, in one copy that need not be waited for."""
    num_rows, total = len(batch.input_lengths), len(batch.labels)
    row_of_label = np.repeat(np.arange(num_rows), batch.target_lengths)
    sorting = np.lexsort((batch.labels, row_of_label))  # stable
    room = np.zeros(1, np.int64)
    lengths = [batch.offsets[:-1], batch.input_lengths, batch.target_lengths]
    packed = torch.from_numpy(np.concatenate([*lengths, batch.labels, sorting, room]))
    if device.type == "cuda":
        packed = packed.pin_memory().to(device, non_blocking=True)
    rows = packed[: 3 * num_rows].view(3, num_rows)
    labels, order = packed[3 * num_rows :], packed[3 * num_rows + total :]
    # At least one element each: kernels take no empty arrays.
    return DeviceRows(rows, labels[: max(total, 1)], order[: max(total, 1)], int(max([*batch.target_lengths, 0])))


def unseen_rows(
    logits: torch.Tensor, targets: torch.Tensor, input_lengths: torch.Tensor, target_lengths: torch.Tensor, blank: int
) -> DeviceRows:
    """Rows whose values stay unseen: only shapes are checked, and a wrong value makes a NaN later."""
    num_rows, _, num_units = logits.shape
    if not 0 <= blank < num_units:
        raise ValueError(f"blank must be a unit, 0..{num_units - 1}, got {blank}")
    named = [("targets", targets), ("input_lengths", input_lengths), ("target_lengths", target_lengths)]
    for name, part in named:
        if part.is_floating_point() or part.is_complex() or part.dtype == torch.bool:
            raise ValueError(f"{name}: expected integers, got {part.dtype}")
        if name != "targets" and tuple(part.shape) != (num_rows,):
            raise ValueError(f"{name}: expected {num_rows} rows as in logits, got shape {tuple(part.shape)}")
    if targets.ndim not in (1, 2) or (targets.ndim == 2 and len(targets) != num_rows):
        raise ValueError(
            f"targets: expected [{num_rows}, N] or concatenated [sum(target_lengths)], got {tuple(targets.shape)}"
        )
    device = logits.device
    targets, frames, lengths = (part.detach().to(device, torch.int64, non_blocking=True) for _, part in named)
    flat = targets.reshape(-1).clone()  # the caller may use its memory again before the backward pass
    at = torch.arange(len(flat), device=device)
    if targets.ndim == 2:
        width = targets.shape[1]
        starts = torch.arange(num_rows, device=device) * width
        row_of_label = torch.div(at, max(width, 1), rounding_mode="floor")
        counted = at - row_of_label * width < lengths[row_of_label]
        keys = torch.where(counted, flat, torch.iinfo(torch.int64).max)  # padding last
    else:
        counts = lengths.clamp(min=0)  # a negative one spoils its own row alone
        ends = counts.cumsum(0)
        width, starts, keys = len(flat), ends - counts, flat
        row_of_label = torch.bucketize(at, ends, right=True)
    # Two stable sorts: by label, then by row.
    order = keys.argsort(stable=True)
    order = order[row_of_label[order].argsort(stable=True)]
    if len(flat) == 0:
        flat = order = torch.zeros(1, dtype=torch.int64, device=device)
    return DeviceRows(torch.stack([starts, frames, lengths]), flat, order, width)


@dataclass(frozen=True)
class Walked:
    """What the forward pass leaves for the gradient: frames' normalizers, rows' losses, labels' shares."""

    tops: torch.Tensor
    inverses: torch.Tensor
    losses: torch.Tensor
    shares: torch.Tensor


def losses_and_shares(
    logits: torch.Tensor, given: DeviceRows, blank: int, log_prior: torch.Tensor | None, want_shares: bool
) -> Walked:
    """Losses, float64 [B], and each label's share of all paths in each frame, [T, sum of N], if wanted."""
    num_rows, num_frames, num_units = logits.shape
    device, real = logits.device, REAL.get(logits.dtype, torch.float32)
    kernels, stream = cuda.kernels(_kind(logits)), cuda.stream_of(device)
    pairs = given.widest + 3
    tops, inverses = torch.empty(2, num_rows, max(num_frames, 1), dtype=real, device=device)
    size = (max(num_frames, 1), len(given.labels)) if want_shares else (1, 1)
    table_m, table_e = torch.empty(size, dtype=real, device=device), torch.empty(size, dtype=torch.int32, device=device)
    m = torch.empty(num_rows, 2, 2, 2, pairs, dtype=real, device=device)
    e = torch.empty(m.shape, dtype=torch.int32, device=device)
    bad = torch.zeros(num_rows, 2, dtype=torch.int32, device=device)
    total = torch.empty(2, num_rows, dtype=torch.float64, device=device)
    losses = torch.empty(num_rows, dtype=torch.float64, device=device)
    prior = torch.zeros(0, dtype=real) if log_prior is None else log_prior.to(real)
    has_prior = log_prior is not None
    prior = prior.to(device, non_blocking=True) if has_prior else torch.zeros(1, dtype=real, device=device)
    scores = logits if num_frames else logits.new_zeros(num_rows, 1, num_units)

    array = cuda.as_array
    grid, block = frame_launch(num_rows * num_frames, num_units)
    common = array(scores), array(tops), array(inverses), array(given.rows)
    if grid:
        kernels.normalize[grid, block, stream](common[0], common[3], common[1], common[2])
    walkers = min(GEOMETRY.most_walkers, -(-(given.widest + 1) // 32) * 32)
    tables = array(m), array(e), array(total), array(table_m), array(table_e), array(bad)
    labels = array(given.labels)

    def walk(rest: bool) -> None:
        kernels.walk[(num_rows, 2), walkers, stream](
            *common, labels, array(prior), has_prior, blank, rest, want_shares, *tables
        )

    walk(rest=False)
    kernels.meet[num_rows, GEOMETRY.frame_threads, stream](
        common[3], labels, scores.shape[1], tables[0], tables[1], tables[5], tables[2], array(losses)
    )
    if want_shares:
        walk(rest=True)
    return Walked(tops, inverses, losses, table_m)


def gradient(
    logits: torch.Tensor, given: DeviceRows, blank: int, walked: Walked, weights: torch.Tensor
) -> torch.Tensor:
    """Gradient [B, T, K], in the type of logits, of the sum of losses times weights [B]."""
    result = torch.empty_like(logits)
    num_rows, num_frames, num_units = logits.shape
    grid, block = frame_launch(num_rows * num_frames, num_units)
    if grid:
        array = cuda.as_array
        cuda.kernels(_kind(logits)).gradient_rows[grid, block, cuda.stream_of(logits.device)](
            *(array(each) for each in (logits, walked.tops, walked.inverses, given.rows, given.labels, given.order)),
            *(array(each) for each in (walked.losses, weights, walked.shares)),
            blank,
            array(result),
        )
    return result


def frame_launch(num_frames: int, num_units: int) -> tuple[int, tuple[int, int]]:
    """Blocks, and threads (of a frame, frames) of a block, for kernels over frames."""
    lanes = GEOMETRY.lanes_for(num_units)
    rows = GEOMETRY.frame_threads // lanes
    return -(-num_frames // rows), (lanes, rows)


def _kind(logits: torch.Tensor) -> str:
    return str(logits.dtype).removeprefix("torch.")


class CudaLoss(torch.autograd.Function):
    """Reduced loss of logits [B, T, K] on a CUDA device."""

    @staticmethod
    def forward(ctx, logits, given: DeviceRows, blank, reduction, zero_infinity, log_prior, want_gradient):
        """Scalar, or [B] if nothing is reduced; float64 for float64 logits, else float32."""
        with cuda.on_device(logits.device):
            walked = losses_and_shares(logits, given, blank, log_prior, want_gradient)
        weights = given.weights(reduction)
        if want_gradient:
            ctx.save_for_backward(logits)
            ctx.walked, ctx.given, ctx.blank, ctx.weights = walked, given, blank, weights
        losses = walked.losses
        if zero_infinity:
            losses = torch.where(losses.isinf(), 0.0, losses)
        if reduction != "none":
            losses = (losses * weights).sum()
        return losses.to(REAL.get(logits.dtype, torch.float32))

    @staticmethod
    @first_derivative_only
    def backward(ctx, upstream: torch.Tensor):
        """Gradient [B, T, K] in the logits, times upstream (scalar or [B])."""
        (logits,) = ctx.saved_tensors
        weights = (upstream * ctx.weights).contiguous()
        with cuda.on_device(logits.device):
            return gradient(logits, ctx.given, ctx.blank, ctx.walked, weights), *[None] * 6
