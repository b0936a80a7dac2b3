"""Energy of frames in decibels: how loud, frame by frame."""

import torch
from torch import Tensor

from speech.frontend import frames
from speech.frontend.config import FrontendConfig, with_ends

# Quieter than the quantisation noise of 16-bit samples (-101 dB), so only digital silence is here.
FLOOR_DB = -120.0


def energy_db(waveforms: Tensor, lengths: Tensor | None, config: FrontendConfig) -> Tensor:
    """Root mean square of each frame relative to full scale; differentiable above the floor.

    Frames lie where `Frontend(config)` puts them and are weighted evenly (no window).

    Parameters
    ----------
    waveforms : Tensor, float, [B, N]
        Samples in [-1, 1].
    lengths : Tensor, int64, [B], optional
        Samples that count; all when None.
    config : FrontendConfig
        Window, hop and treatment of the ends.

    Returns
    -------
    Tensor, float, [B, T] : dB; a square wave at full scale is 0, a sine -3.01, silence and the
        frames beyond an utterance's end -120.
    """
    if waveforms.dim() != 2:
        raise ValueError(f"waveforms must be [B, N], got {tuple(waveforms.shape)}")
    if lengths is None:
        lengths = frames.full_lengths(waveforms)
    if config.num_frames(waveforms.shape[1]) == 0:
        return waveforms.new_zeros(waveforms.shape[0], 0)
    window, hop = config.window_samples, config.hop_samples
    valid = frames.frame_mask(lengths, waveforms.shape[1], waveforms.device)
    samples, lengths = with_ends(torch.where(valid, waveforms, 0.0), lengths, config)
    power = frames.window_means(samples.double().square(), window, hop)
    level = 10.0 * torch.log10(power.clamp(min=10.0 ** (FLOOR_DB / 10.0)))
    counts = frames.num_frames(lengths, window, hop)
    inside = frames.frame_mask(counts, level.shape[1], level.device)
    return torch.where(inside, level, FLOOR_DB).to(waveforms.dtype)
