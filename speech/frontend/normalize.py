"""Mean and variance normalisation of features, over each utterance or with stored statistics.

Legend: B batch, T frames, F features.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from speech.frontend.frames import frame_mask

Normalization = Literal["none", "utterance", "global"]

# A feature that never varies is divided by this, not by zero.
STD_FLOOR = 1e-5


class Normalize(nn.Module):
    """Bring features to mean 0 and standard deviation 1.

    Parameters
    ----------
    num_features : int
    kind : {"none", "utterance", "global"}
        "utterance": with the mean and deviation of each utterance's valid frames.
        "global": with `mean` and `std`, buffers that are saved with a model; 0 and 1 until set.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, num_features: int, kind: Normalization):
        super().__init__()
        self.kind = kind
        if kind == "global":
            self.register_buffer("mean", torch.zeros(num_features))
            self.register_buffer("std", torch.ones(num_features))

    @torch.no_grad()
    def set_statistics(self, mean: Tensor, std: Tensor) -> None:
        """Set the global mean and standard deviation, each [F].

        Raises
        ------
        ValueError
            Normalisation is not "global", or a shape or value does not fit.
        """
        if self.kind != "global":
            raise ValueError(f'statistics need normalization = "global", this is "{self.kind}"')
        mean, std = torch.as_tensor(mean), torch.as_tensor(std)
        if mean.shape != self.mean.shape or std.shape != self.std.shape:
            raise ValueError(
                f"mean {tuple(mean.shape)} and std {tuple(std.shape)} must both have shape {tuple(self.mean.shape)}"
            )
        if not (torch.isfinite(mean).all() and torch.isfinite(std).all() and (std >= 0).all()):
            raise ValueError("mean and std must be finite and std at least 0")
        self.mean.copy_(mean)
        self.std.copy_(std.clamp(min=STD_FLOOR))

    def forward(self, features: Tensor, lengths: Tensor, *, padded: bool = True) -> Tensor:
        """Normalise the valid frames and set the others to 0.

        Parameters
        ----------
        features : Tensor, float, [B, T, F]
            Finite beyond `lengths` too.
        lengths : Tensor, int64, [B]
            Frames that count.
        padded : bool
            False promises that all frames count, which saves the masking.

        Returns
        -------
        Tensor, float, [B, T, F]
        """
        if self.kind == "none" and not padded:
            return features
        valid = frame_mask(lengths, features.shape[1], features.device)[:, :, None]
        valid = valid.to(features.dtype)
        if self.kind == "none":
            return features * valid
        if self.kind == "global":
            features = (features - self.mean) / self.std
            return features * valid if padded else features
        count = lengths.to(features.device).clamp(min=1)[:, None, None]
        mean = (features * valid).sum(1, keepdim=True) / count
        centred = (features - mean) * valid
        variance = centred.square().sum(1, keepdim=True) / count
        return centred / variance.clamp(min=STD_FLOOR**2).sqrt()


class StatisticsAccumulator:
    """Mean and standard deviation of many batches of features, in float64.

    Sums are kept about the first batch's mean, so that subtracting squares loses nothing.

    >>> accumulator = StatisticsAccumulator(1)
    >>> accumulator.add(torch.tensor([[[1.0], [3.0], [99.0]]]), torch.tensor([2]))
    >>> [value.item() for value in accumulator.result()]
    [2.0, 1.0]
    """

    def __init__(self, num_features: int):
        self.num_frames = 0
        self._shift: Tensor | None = None
        self._sum = torch.zeros(num_features, dtype=torch.float64)
        self._sum_of_squares = torch.zeros(num_features, dtype=torch.float64)

    @torch.no_grad()
    def add(self, features: Tensor, lengths: Tensor) -> None:
        """Count the valid frames of features [B, T, F] with lengths [B]."""
        valid = frame_mask(lengths, features.shape[1], features.device)
        frames = features[valid].to("cpu", torch.float64)
        if frames.shape[0] == 0:
            return
        if self._shift is None:
            self._shift = frames.mean(0)
        frames = frames - self._shift
        self.num_frames += frames.shape[0]
        self._sum += frames.sum(0)
        self._sum_of_squares += frames.square().sum(0)

    def result(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation, each float32 [F], for `Normalize.set_statistics`.

        Raises
        ------
        ValueError
            No frame has been counted yet.
        """
        if self._shift is None:
            raise ValueError("no frames were counted: add features before asking for statistics")
        mean = self._sum / self.num_frames
        variance = (self._sum_of_squares / self.num_frames - mean.square()).clamp(min=0.0)
        return (mean + self._shift).float(), variance.sqrt().float()
