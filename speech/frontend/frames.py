"""Samples and frames: how many frames a waveform has, where they lie, and the window on them.

Legend: B batch, N samples, T frames, L samples in a frame.
"""

import math
from functools import cache
from typing import Literal

import torch
from torch import Tensor

WindowName = Literal["povey", "hann", "hann_periodic", "hamming", "blackman", "rectangular"]


def whole_samples(duration_s: float, sample_rate_hz: int) -> int:
    """Whole samples in a duration, truncated as Kaldi does.

    The thousandth of a sample added lets 0.01161 s at 22,050 Hz, or 256 / 22,050 s, mean 256.

    >>> whole_samples(0.025, 11_025), whole_samples(256 / 22_050, 22_050)
    (275, 256)
    """
    return int(duration_s * sample_rate_hz + 1e-3)


def num_frames(num_samples, window_samples: int, hop_samples: int):
    """Windows that lie inside a waveform.

    Parameters
    ----------
    num_samples : int or Tensor, int64
    window_samples, hop_samples : int

    Returns
    -------
    int or Tensor, int64 : as `num_samples`; 0 where the waveform is shorter than one window.
    """
    count = (num_samples - window_samples + hop_samples) // hop_samples
    if isinstance(count, Tensor):
        return count.clamp(min=0)
    return max(count, 0) if isinstance(count, int) else torch.sym_max(count, 0)


def make_window(name: WindowName, window_samples: int) -> Tensor:
    """Window of one frame, float64 [L].

    Povey's is a Hann window to the power 0.85, Kaldi's default: like Hamming, but zero at the ends.
    All but "hann_periodic" (the vocoders' choice) are symmetric.
    """
    length = window_samples
    period = length if name == "hann_periodic" else max(length - 1, 1)
    phase = 2.0 * math.pi * torch.arange(length, dtype=torch.float64) / period
    match name:
        case "povey":
            return (0.5 - 0.5 * torch.cos(phase)).clamp(min=0.0) ** 0.85
        case "hann" | "hann_periodic":
            return 0.5 - 0.5 * torch.cos(phase)
        case "hamming":
            return 0.54 - 0.46 * torch.cos(phase)
        case "blackman":
            return 0.42 - 0.5 * torch.cos(phase) + 0.08 * torch.cos(2.0 * phase)
        case "rectangular":
            return torch.ones(length, dtype=torch.float64)


def frame_mask(lengths: Tensor, num_columns: int, device: torch.device) -> Tensor:
    """Whether column t < lengths[b]: bool [B, num_columns] on `device`."""
    columns = torch.arange(num_columns, device=device)
    return columns[None, :] < lengths.to(device)[:, None]


def mirror_ends(waveforms: Tensor, lengths: Tensor, before: int, after: int, repeat_edge: bool) -> Tensor:
    """Extend each waveform by its own mirror image at both of its own ends.

    Parameters
    ----------
    waveforms : Tensor, float, [B, N]
    lengths : Tensor, int64, [B]
        Samples that count; the mirror at the end stands at `lengths[b]`, not at N.
    before, after : int
        Samples added in front of the first, or left out if that is negative, and behind the last one.
    repeat_edge : bool
        True: ... 1 0 | 0 1 ... (Kaldi, snip_edges=False); False: ... 2 1 | 0 1 2 ... ("reflect").

    Returns
    -------
    Tensor, float, [B, before + N + after] : samples beyond `lengths[b] + after` have no meaning.
    """
    num_samples = waveforms.shape[1]
    positions = torch.arange(-before, num_samples + after, device=waveforms.device)[None, :]
    lengths = lengths.to(waveforms.device)[:, None].clamp(min=1)
    if repeat_edge:
        period, last = 2 * lengths, 2 * lengths - 1
    else:
        period, last = (2 * lengths - 2).clamp(min=1), 2 * lengths - 2
    wrapped = positions.remainder(period)
    index = torch.minimum(wrapped, last - wrapped).clamp(min=0)
    return waveforms.gather(1, index)


def full_lengths(waveforms: Tensor) -> Tensor:
    """Lengths of waveforms [B, N] without padding: int64 [B] on the CPU."""
    return torch.full((waveforms.shape[0],), waveforms.shape[1], dtype=torch.int64)


def window_means(samples: Tensor, length: int, hop: int) -> Tensor:
    """Mean over each window, [B, N] -> [B, T]; windows share the sums of what they have in common."""
    shared = math.gcd(length, hop)
    if shared < 8 or tracing():
        return samples.unfold(1, length, hop).mean(-1)
    sums = samples[:, : samples.shape[1] // shared * shared].unflatten(1, (-1, shared)).sum(-1)
    return sums.unfold(1, length // shared, hop // shared).sum(-1) / length


def tracing() -> bool:
    """Whether a graph is being recorded, in which values must not steer."""
    return torch.compiler.is_compiling() or torch.jit.is_tracing()


@cache
def keep_freed_memory() -> None:
    """Let the C library keep the memory of a block's temporaries for the next block.

    glibc returns freed memory to the system beyond a threshold, and getting it back costs a fault
    for each 4 KiB: measured, up to 5 times the whole computation. The threshold rises to twice the
    size of the largest block freed so far, if that is at most 32 MiB (mallopt(3)); so one is freed
    here, untouched. Elsewhere this does nothing.
    """
    torch.empty(31 * 2**20, dtype=torch.uint8)


def valid_samples(samples: Tensor, lengths: Tensor | None, first: int = 0) -> Tensor:
    """Samples with zeros beyond `lengths`, which count from sample `first` on, [B, n]."""
    if lengths is None:
        return samples
    valid = frame_mask(lengths - first, samples.shape[1], samples.device)
    return torch.where(valid, samples, 0.0)


def check_batch(waveforms: Tensor, lengths: Tensor | None) -> bool:
    """Refuse what is not float [B, N] with integer [B]; say whether there may be padding."""
    if waveforms.dim() != 2 or not waveforms.is_floating_point():
        raise ValueError(f"waveforms must be float [B, N], got {waveforms.dtype} {tuple(waveforms.shape)}")
    if lengths is None:
        return False
    if lengths.shape != waveforms.shape[:1] or lengths.is_floating_point():
        raise ValueError(
            f"lengths must be integer [B] with B = {waveforms.shape[0]}, got {lengths.dtype} {tuple(lengths.shape)}"
        )
    if tracing() or lengths.is_cuda or lengths.shape[0] == 0:
        return True
    shortest, longest = int(lengths.min()), int(lengths.max())
    if shortest < 0 or longest > waveforms.shape[1]:
        raise ValueError(
            f"lengths must lie between 0 and the {waveforms.shape[1]} samples of a row, got {shortest} to {longest}"
        )
    return shortest < waveforms.shape[1]
