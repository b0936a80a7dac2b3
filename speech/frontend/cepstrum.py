"""Deltas: how features change over time.

Legend: B batch, T frames, F features.
"""

import torch
from torch import Tensor

# Frames to either side in the regression; HTK's and Kaldi's default.
DELTA_REACH = 2


def append_deltas(features: Tensor, lengths: Tensor, order: int = 2) -> Tensor:
    """Features with their first `order` time derivatives behind them.

    A derivative is the slope of a line fitted over two frames to either side. As in Kaldi, each
    order is one filter over the features, which beyond an utterance's ends stay as at the ends.

    Parameters
    ----------
    features : Tensor, float, [B, T, F]
    lengths : Tensor, int64, [B]
        Frames that count.
    order : int
        1 for deltas, 2 for deltas and accelerations.

    Returns
    -------
    Tensor, float, [B, T, F * (1 + order)]

    References
    ----------
    The HTK Book, section 5.9.
    """
    lengths = lengths.to(features.device)
    slopes = torch.arange(-DELTA_REACH, DELTA_REACH + 1, dtype=torch.float64)
    slopes = slopes / slopes.square().sum()
    columns = torch.arange(features.shape[1], device=features.device)
    last = (lengths - 1).clamp(min=0)[:, None]
    weights = torch.ones(1, dtype=torch.float64)
    parts = [features]
    for _ in range(order):
        weights = _convolve(weights, slopes)
        reach = len(weights) // 2
        delta = torch.zeros_like(features)
        for offset, weight in enumerate(weights.tolist(), start=-reach):
            index = torch.minimum((columns + offset).clamp(min=0)[None, :], last)
            index = index[:, :, None].expand_as(features)
            delta = delta + weight * features.gather(1, index)
        parts.append(delta)
    return torch.cat(parts, dim=2)


def _convolve(first: Tensor, second: Tensor) -> Tensor:
    """Full convolution of two short filters."""
    result = torch.zeros(len(first) + len(second) - 1, dtype=first.dtype)
    for index, value in enumerate(first):
        result[index : index + len(second)] += value * second
    return result
