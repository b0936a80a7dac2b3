"""Augmentation during training, from one table of the configuration."""

import math

import torch
from torch import Tensor

from speech.experiment import AugmentConfig
from speech.frontend import Frontend
from speech.training_data import Batch


def augment_features(batch: Batch, frontend: Frontend, position: float, config: AugmentConfig) -> Tensor:
    """Change of level and SpecAugment of a batch's normalised features; a new tensor [B, T, F].

    Parameters
    ----------
    position : epochs trained so far; masks grow with it during `masking_warmup_epochs`
    """
    features = batch.features
    if config.gain_db:
        # A gain of g dB adds g ln(10) / 10 to a log power; dividing by the deviation follows the normalisation.
        gain = (2 * torch.rand(len(features), 1, 1) - 1) * config.gain_db * math.log(10) / 10
        features = features + gain / frontend.normalize.std
    strength = 1.0
    if config.masking_warmup_epochs:
        strength = min(1.0, position / config.masking_warmup_epochs)
    num_rows, num_frames, num_bins = features.shape
    frame, band = torch.arange(num_frames), torch.arange(num_bins)
    keep_frames = torch.ones(num_rows, num_frames, dtype=torch.bool)
    keep_bands = torch.ones(num_rows, num_bins, dtype=torch.bool)
    for _ in range(config.time_masks):
        longest = (batch.lengths * config.time_mask_fraction).clamp(max=config.time_mask_frames) * strength
        width = torch.rand(num_rows) * longest
        start = torch.rand(num_rows) * (batch.lengths - width)
        keep_frames &= (frame < start[:, None]) | (frame >= (start + width)[:, None])
    for _ in range(config.freq_masks):
        width = torch.rand(num_rows) * config.freq_mask_bins * strength
        start = torch.rand(num_rows) * (num_bins - width)
        keep_bands &= (band < start[:, None]) | (band >= (start + width)[:, None])
    return features * (keep_frames[:, :, None] & keep_bands[:, None, :])
