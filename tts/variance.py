"""Predictors of duration, pause, pitch and energy of phones, and the length regulator that spreads phones over frames.

Legend: B batch, P phones, T frames, C channels.

References
----------
Ren et al., FastSpeech 2, ICLR 2021, sections 2.2-2.3 (variance adaptor, length regulator).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


class TimeConv(nn.Module):
    """Normalise, convolve over time, rectify; added to its input.

    The convolution is a product with neighbouring columns side by side, which is what a CPU does fastest in bfloat16.
    """

    def __init__(self, channels: int, kernel: int, dropout: float):
        super().__init__()
        self.kernel = kernel
        self.norm = nn.LayerNorm(channels)
        self.mix = nn.Linear(kernel * channels, channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """[B, T, C] -> [B, T, C]; columns beyond `mask` [B, T, 1] count as zero."""
        padded = functional.pad(self.norm(hidden) * mask, (0, 0, self.kernel // 2, self.kernel // 2))
        length = hidden.shape[1]
        columns = torch.cat([padded[:, shift : shift + length] for shift in range(self.kernel)], dim=2)
        return hidden + self.dropout(torch.relu(self.mix(columns)))


class Predictor(nn.Module):
    """A few numbers for each phone."""

    def __init__(self, channels: int, num_outputs: int, kernel: int, dropout: float):
        super().__init__()
        self.enter = nn.Linear(channels, channels // 2)
        self.blocks = nn.ModuleList(TimeConv(channels // 2, kernel, dropout) for _ in range(2))
        self.norm = nn.LayerNorm(channels // 2)
        self.dropout = nn.Dropout(dropout)
        self.leave = nn.Linear(channels // 2, num_outputs)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """[B, P, C] -> float32 [B, P, num_outputs]."""
        hidden = self.enter(self.dropout(hidden))
        for block in self.blocks:
            hidden = block(hidden, mask)
        return self.leave(self.dropout(self.norm(hidden))).float()


@dataclass(frozen=True)
class Frames:
    """Which phone each frame belongs to.

    Attributes
    ----------
    phone : Tensor, int64, [B, T]
    place : Tensor, float32, [B, T], place of the frame's middle in its phone, 0 to 1
    from_start, from_end : Tensor, float32, [B, T], frames to the phone's edges
    before, after : Tensor, int64, [B, T], phones whose middles lie around the frame
    weight : Tensor, float32, [B, T], how near the later of the two is, 0 to 1
    mask : Tensor, bool, [B, T], frames that count
    """

    phone: Tensor
    place: Tensor
    from_start: Tensor
    from_end: Tensor
    before: Tensor
    after: Tensor
    weight: Tensor
    mask: Tensor

    def spread(self, values: Tensor) -> Tensor:
        """Repeat phones' vectors over their frames, [B, P, C] -> [B, T, C]."""
        return values.gather(1, self.phone[..., None].expand(-1, -1, values.shape[2]))

    def interpolate(self, values: Tensor) -> Tensor:
        """Straight lines between the middles of phones, [B, P] -> [B, T]."""
        return torch.lerp(values.gather(1, self.before), values.gather(1, self.after), self.weight)


def regulate(durations: Tensor, num_frames: int | None = None) -> Frames:
    """Spread phones over frames.

    Parameters
    ----------
    durations : Tensor, int64, [B, P], frames of each phone, 0 for padding
    num_frames : T; the longest row by default

    Examples
    --------
    >>> frames = regulate(torch.tensor([[2, 0, 3]]))
    >>> frames.phone.tolist(), frames.interpolate(torch.tensor([[0.0, 9.0, 1.0]])).round(decimals=2).tolist()[0][:2]
    ([[0, 0, 2, 2, 2]], [0.0, 4.5])
    """
    ends = durations.cumsum(1)
    totals = ends[:, -1]
    count = int(totals.max()) if num_frames is None else num_frames
    frame = torch.arange(count).expand(len(durations), count).contiguous()
    mask = frame < totals[:, None]
    last = durations.shape[1] - 1
    phone = torch.searchsorted(ends, frame, right=True).clamp(max=last)
    length = durations.gather(1, phone).clamp(min=1).float()
    start = ends.gather(1, phone).float() - length
    middle = frame.float() + 0.5
    place = ((middle - start) / length).clamp(0.0, 1.0)
    centres = ends.float() - durations.float() / 2
    late = middle >= centres.gather(1, phone)
    before = torch.where(late, phone, phone - 1).clamp(min=0)
    after = torch.where(late, phone + 1, phone).clamp(max=last)
    at, to = centres.gather(1, before), centres.gather(1, after)
    weight = ((middle - at) / (to - at).clamp(min=0.5)).clamp(0.0, 1.0)
    return Frames(phone, place, middle - start, start + length - middle, before, after, weight, mask)
