"""Variety for training: masks on features; speed, rooms, noise and level on waveforms.

Legend: B batch, T frames, F features, N samples.
"""

import math
from dataclasses import dataclass

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from scipy import fft
from torch import Tensor

from speech.frontend.frames import frame_mask

Waveform = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class SpecAugmentConfig:
    """Masks over time and frequency; the defaults are mild, for runs of few epochs.

    Widths are drawn evenly from 0 to the largest. A time mask covers at most `max_time_fraction`
    of its own utterance. `mask_value` 0 is the mean of normalised features.
    """

    num_time_masks: int = 2
    max_time_frames: int = 40
    max_time_fraction: float = 0.1
    num_frequency_masks: int = 2
    max_frequency_bins: int = 15
    mask_value: float = 0.0

    def __post_init__(self):
        counts = (
            self.num_time_masks,
            self.max_time_frames,
            self.num_frequency_masks,
            self.max_frequency_bins,
        )
        if min(counts) < 0 or not 0.0 <= self.max_time_fraction <= 1.0:
            raise ValueError(
                f"numbers and widths of masks must be at least 0 and max_time_fraction from 0 to 1, got {self}"
            )


@dataclass(frozen=True, kw_only=True)
class WarpConfig:
    """Changes of speaking rate and of vocal tract length, on log-mel features.

    Attributes
    ----------
    max_stretch : an utterance's duration changes by a factor within `1 +- max_stretch`
    max_shift : its formants move by a factor within `1 +- max_shift`, as a shift of that share of all bands at the top
    """

    max_stretch: float = 0.0
    max_shift: float = 0.0

    def __post_init__(self):
        if not (0.0 <= self.max_stretch < 0.5 and 0.0 <= self.max_shift < 0.5):
            raise ValueError(f"max_stretch and max_shift must be in [0, 0.5), got {self}")


def warp(
    features: Tensor,
    lengths: Tensor,
    config: WarpConfig,
    generator: torch.Generator | None = None,
    *,
    views: int = 1,
) -> tuple[Tensor, Tensor, Tensor]:
    """Stretch each utterance in time and in frequency by factors drawn for it.

    Parameters
    ----------
    features : Tensor, float, [B, T, F]
    lengths : Tensor, int64, [B]
    config : WarpConfig
    generator : torch.Generator, optional
        Source of the draws, on the CPU.
    views : int
        Times that each utterance stands in the batch, all first views before all second ones: they are stretched in
        time alike.

    Returns
    -------
    features : Tensor, float, [B, T', F]; interpolated linearly
    lengths : Tensor, int64, [B]
    sources : Tensor, int64, [B, T']; the frame of the input nearest to each frame of the output

    References
    ----------
    Jaitly & Hinton, Vocal Tract Length Perturbation, 2013; Ko et al., Audio Augmentation, Interspeech 2015.
    """
    num_rows, num_frames, num_bins = features.shape
    stretch, shift = (2 * torch.rand(2, num_rows, generator=generator) - 1).to(features.device)
    stretch = 1 + config.max_stretch * stretch[: num_rows // views].repeat(views)
    shift = 1 + config.max_shift * shift
    new_lengths = (lengths * stretch).round().long().clamp(min=1)
    steps = torch.arange(int(new_lengths.max()), device=features.device)
    last = (lengths - 1)[:, None].float()
    # Both ends stay where they are: frame 0 is read at 0 and the last one at the last.
    times = steps[None] * (last / (new_lengths - 1).clamp(min=1)[:, None])
    times = torch.minimum(times, last)
    bins = (torch.arange(num_bins, device=features.device)[None] * shift[:, None]).clamp(max=num_bins - 1)
    grid = torch.stack(
        torch.broadcast_tensors(
            2 * bins[:, None, :] / max(1, num_bins - 1) - 1, 2 * times[:, :, None] / max(1, num_frames - 1) - 1
        ),
        dim=-1,
    )
    warped = torch.nn.functional.grid_sample(
        features[:, None], grid.to(features.dtype), mode="bilinear", padding_mode="border", align_corners=True
    )
    return warped[:, 0], new_lengths, times.round().long()


def random_filter(
    features: Tensor, max_db: float, num_knots: int, mel_std: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """Change the level of each utterance, and the colour of its sound as other microphones and rooms would.

    Gains are drawn at points spread evenly over the mel bands, and interpolated linearly between them.

    Parameters
    ----------
    features : Tensor, float, [B, T, F]
        Normalised log-mel power, in nats before normalisation.
    max_db : float
        Largest gain to either side, decibels.
    num_knots : int
        Points at which gains are drawn; 1 changes all bands alike.
    mel_std : Tensor, float, [F]
        Deviations that the normalisation divided by.
    generator : torch.Generator, optional
        Source of the draws, on the CPU.

    Returns
    -------
    Tensor, float, [B, T, F] : a new tensor.

    References
    ----------
    Nam et al., FilterAugment: an acoustic environmental data augmentation method, ICASSP 2022 (linear type).
    """
    num_rows, _, num_bins = features.shape
    knots = (2 * torch.rand(num_rows, 1, num_knots, generator=generator) - 1) * max_db
    size = num_bins if num_knots > 1 else 1
    curve = torch.nn.functional.interpolate(knots, size=size, mode="linear", align_corners=True)
    # A gain of g dB adds g ln(10) / 10 to a log power.
    return features + curve.to(features.device) * (math.log(10) / 10) / mel_std


def spec_augment(
    features: Tensor,
    lengths: Tensor,
    config: SpecAugmentConfig,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Mask random stretches of time and bands of features; differentiable.

    Parameters
    ----------
    features : Tensor, float, [B, T, F]
    lengths : Tensor, int64, [B]
        Frames that count; masks start and end among them, padding stays as it is.
    config : SpecAugmentConfig
    generator : torch.Generator, optional
        Source of the draws, on the CPU; the same for the same seed whatever device computes.

    Returns
    -------
    Tensor, float, [B, T, F] : a new tensor.

    References
    ----------
    Park et al., SpecAugment, Interspeech 2019 (masks only, the warp is left out).
    """
    num_rows, num_frames, num_bins = features.shape
    draws = torch.rand(num_rows, config.num_time_masks + config.num_frequency_masks, 2, generator=generator).to(
        features.device
    )
    time_draws, band_draws = draws.split([config.num_time_masks, config.num_frequency_masks], 1)
    lengths = lengths.to(features.device)
    widest = (lengths * config.max_time_fraction).floor().clamp(max=config.max_time_frames)
    bins = torch.full_like(lengths, num_bins)
    masked = _stretches(time_draws, lengths, widest, num_frames)[:, :, None]
    widest = torch.full_like(lengths, min(config.max_frequency_bins, num_bins))
    masked = masked | _stretches(band_draws, bins, widest, num_bins)[:, None, :]
    masked = masked & frame_mask(lengths, num_frames, features.device)[:, :, None]
    return features.masked_fill(masked, config.mask_value)


def _stretches(draws: Tensor, lengths: Tensor, widest: Tensor, num_columns: int) -> Tensor:
    """Columns under any of M masks, from two draws in [0, 1) a mask: bool [B, num_columns]."""
    width = (draws[:, :, 0] * (widest[:, None] + 1)).floor()
    start = (draws[:, :, 1] * (lengths[:, None] - width + 1)).floor()
    column = torch.arange(num_columns, device=draws.device)
    inside = (column >= start[:, :, None]) & (column < (start + width)[:, :, None])
    return inside.any(1)


def speed_perturb(waveform: Waveform, factor: float) -> Waveform:
    """Play faster or slower, which changes tempo and pitch together.

    Parameters
    ----------
    waveform : float32 [N]
    factor : float
        1.1 plays in 1 / 1.1 of the time, 10 % higher.

    Returns
    -------
    float32 [about N / factor]

    References
    ----------
    Ko et al., Audio augmentation for speech recognition, Interspeech 2015 (0.9, 1.0, 1.1).
    """
    if not 0.1 <= factor <= 10.0:
        raise ValueError(f"speed factor must lie between 0.1 and 10, got {factor}")
    if factor == 1.0 or waveform.size == 0:
        return waveform.copy()
    return soxr.resample(waveform, factor, 1.0)


def add_noise(waveform: Waveform, noise: Waveform, snr_db: float, rng: np.random.Generator) -> Waveform:
    """Add a random piece of noise so many decibels below the waveform.

    Parameters
    ----------
    waveform : float32 [N]
    noise : float32 [M]
        Any length above 0; repeated when shorter than the waveform.
    snr_db : float
        Mean power of all of the waveform over that of the piece.
    rng : numpy Generator
        Draws where the piece starts.

    Returns
    -------
    float32 [N] : unchanged where either is silent; may pass full scale.
    """
    if noise.size == 0:
        raise ValueError("noise has no samples")
    start = int(rng.integers(noise.size))
    piece = noise[start : start + waveform.size]
    if piece.size < waveform.size:
        piece = np.resize(np.roll(noise, -start), waveform.size)
    power, noise_power = _power(waveform), _power(piece)
    if power == 0.0 or noise_power == 0.0:
        return waveform.copy()
    gain = np.sqrt(power / noise_power) * 10.0 ** (-snr_db / 20.0)
    return waveform + np.float32(gain) * piece


def reverberate(waveform: Waveform, rir: Waveform) -> Waveform:
    """Let a waveform sound in a room; times and level stay.

    Parameters
    ----------
    waveform : float32 [N]
    rir : float32 [M]
        Impulse response of the room. What precedes its direct sound (the first sample of at least
        half the largest magnitude) is taken off the result, so that words stay where they are.

    Returns
    -------
    float32 [N] : with the mean power of `waveform`.
    """
    largest = np.abs(rir).max(initial=0.0)
    if largest == 0.0:
        raise ValueError("room impulse response is empty or silent")
    direct = int(np.argmax(np.abs(rir) >= 0.5 * largest))
    size = fft.next_fast_len(waveform.size + rir.size - 1, real=True)
    spectrum = fft.rfft(waveform, size) * fft.rfft(rir, size)
    wet = fft.irfft(spectrum, size)[direct : direct + waveform.size]
    power = _power(wet)
    if power == 0.0:
        return waveform.copy()
    return (wet * np.sqrt(_power(waveform) / power)).astype(np.float32)


def change_level(waveform: Waveform, gain_db: float) -> Waveform:
    """Amplify by `gain_db` decibels, float32 [N] -> float32 [N]; may pass full scale."""
    return waveform * np.float32(10.0 ** (gain_db / 20.0))


def _power(waveform: Waveform) -> float:
    """Mean square, in float64; 0 of nothing."""
    if waveform.size == 0:
        return 0.0
    return float(np.dot(waveform, waveform)) / waveform.size
