"""A recogniser that needs no training: every character is a short tone, heard by its mel band.

It stands where a trained model would, so that texts of long recordings are known exactly. Like a real
model it is unsure near the edges of what it is given, where it writes the wrong letter.
"""

import numpy as np
import torch
from torch import nn

from speech.checkpoint import LoadedModel
from speech.chunks import ChunkConfig
from speech.frontend import Frontend, FrontendConfig
from speech.models import HeadConfig, ModelConfig
from speech.transcribe import Transcriber
from speech.units import build_units

RATE_HZ = 16_000
UNITS = build_units("character")
FIRST_BAND = 14  # of the tone of unit 1; each further unit lies two bands up
EDGE_FRAMES = 12  # 0.5 s of unsure output
LETTER_S, GAP_S = 0.08, 0.08


class ToneModel(nn.Module):
    """Features [B, T, F] -> sure logits [B, T', K] of the loudest band of every four frames."""

    def __init__(self):
        super().__init__()
        self.config = ModelConfig(subsampling_factor=4)

    def output_lengths(self, lengths):
        return (lengths + 3) // 4

    def forward(self, features, lengths):
        num_rows, num_frames, _ = features.shape
        features = nn.functional.pad(features, (0, 0, 0, -num_frames % 4), value=-20.0)
        steps = features.unflatten(1, (-1, 4)).mean(dim=2)
        loudest, bands = steps.max(dim=2)
        units = ((bands - FIRST_BAND + 2) // 2).clamp(1, len(UNITS) - 1)
        counts = self.output_lengths(lengths)
        step = torch.arange(units.shape[1])[None, :]
        unsure = (step < EDGE_FRAMES) | (step >= counts[:, None] - EDGE_FRAMES)
        units = torch.where(unsure, units % (len(UNITS) - 1) + 1, units)
        units = torch.where(loudest > 14.0, units, 0)
        logits = 8.0 * nn.functional.one_hot(units, len(UNITS)).float()
        return {"character": logits}, counts


def tone_transcriber(**chunks: float) -> Transcriber:
    """A transcriber around the tone model."""
    loaded = LoadedModel(
        frontend=Frontend(FrontendConfig()),
        model=ToneModel(),
        heads={"character": HeadConfig()},
        units={"character": UNITS},
        card={"name": "tones"},
    )
    return Transcriber(loaded, name="tones", chunks=ChunkConfig(**chunks))


def say(text: str, padding_s: float = 1.0) -> np.ndarray:
    """Waveform float32 [N] of `text` in tones, between two stretches of silence."""
    padding = np.zeros(round(padding_s * RATE_HZ))
    gap = np.zeros(round(GAP_S * RATE_HZ))
    times_s = np.arange(round(LETTER_S * RATE_HZ)) / RATE_HZ
    pieces = [padding]
    for character in text:
        tone = 0.3 * np.hanning(len(times_s)) * np.sin(2 * np.pi * _tone_hz(character) * times_s)
        pieces += [tone, gap]
    return np.concatenate([*pieces, padding]).astype(np.float32)


def _tone_hz(character: str) -> float:
    """Centre of the unit's band among 80 between 20 and 8000 Hz on Kaldi's mel scale."""
    band = FIRST_BAND + 2 * (UNITS.ids[character] - 1)
    low, high = (1127 * np.log(1 + hz / 700) for hz in (20.0, 8000.0))
    mel = low + (band + 1) * (high - low) / 81
    return 700 * (np.exp(mel / 1127) - 1)
