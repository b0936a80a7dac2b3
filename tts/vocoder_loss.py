"""Distance between sounds by their magnitudes at several resolutions, fair to noise.

A plain distance of magnitudes pulls random sound towards its mean: noise comes out too quiet, and pulses replace it.
The energy distance d(x, y) + d(x', y) - d(x, x') of two renderings x, x' with different noise has its
minimum where their distribution is the recording's: breath and fricatives keep their strength without an adversary.

Legend: B batch, N samples, K bins, t frames of a resolution.

References
----------
Gritsenko et al., A Spectral Energy Distance for Parallel Speech Synthesis, NeurIPS 2020.
Yamamoto, Song and Kim, Parallel WaveGAN, ICASSP 2020 (several resolutions).
"""

import torch
from torch import Tensor, nn

from speech.frontend.mel import slaney_mel_filters
from tts.contract import AudioContract

#: Windows in samples; at 24 kHz from 43 ms, which separates harmonics, to 5 ms, which shows each pulse.
WINDOWS = (1024, 512, 128)
# Inside the root; 84 dB below the full scale of a bin, quieter than any recording's background.
_POWER_FLOOR = 4e-9


class SpectralDistance(nn.Module):
    """Distance d of two batches of waveforms, [B, N] each -> scalar.

    For each window: the mean difference of magnitudes, relative to `scale`, plus the root mean square over
    frequency of the difference of logarithms, averaged over frames; and, of the contract's window, which need not be
    one of them, the mean difference of log-mels.
    """

    mel_filters: Tensor

    def __init__(self, contract: AudioContract, windows: tuple[int, ...] = WINDOWS, mel_weight: float = 1.0):
        super().__init__()
        self.windows, self.mel_weight, self.mel_window = windows, mel_weight, contract.window_samples
        filters = slaney_mel_filters(
            contract.num_mels, contract.window_samples, contract.sample_rate_hz, contract.low_hz, contract.high_hz
        )
        self.register_buffer("mel_filters", (filters / filters.sum(0).clamp(min=1e-9)).float(), persistent=False)
        with_mel = mel_weight and self.mel_window not in windows
        self.sizes = (*windows, self.mel_window) if with_mel else windows
        for size in self.sizes:
            window = torch.hann_window(size)
            self.register_buffer(f"window_{size}", window / window.square().sum().sqrt(), persistent=False)

    def spectra(self, waveforms: Tensor) -> list[Tensor]:
        """Magnitudes [B, t, K] for each of `sizes`; noise of power p has about sqrt(p) in each bin."""
        found = []
        for size in self.sizes:
            framed = waveforms.unfold(1, size, size // 4) * getattr(self, f"window_{size}")
            real, imaginary = torch.view_as_real(torch.fft.rfft(framed)).unbind(-1)
            found.append((real.square() + imaginary.square() + _POWER_FLOOR).sqrt())
        return found

    def between(self, first: list[Tensor], second: list[Tensor], scale: Tensor) -> Tensor:
        """Distance of two lists of spectra; `scale` [B] is a typical magnitude of each row."""
        total = first[0].new_zeros(())
        for size, ours, theirs in zip(self.sizes, first, second, strict=True):
            if size in self.windows:
                linear = (ours - theirs).abs().mean((1, 2)) / scale
                logarithmic = (ours.log() - theirs.log()).square().mean(2).add(1e-6).sqrt()
                total = total + linear.mean() + logarithmic.mean()
            if size == self.mel_window and self.mel_weight:
                bands = [(spectrum @ self.mel_filters).log() for spectrum in (ours, theirs)]
                total = total + self.mel_weight * (bands[0] - bands[1]).abs().mean()
        return total / len(self.windows)

    def forward(self, rendered: Tensor, again: Tensor, recorded: Tensor) -> Tensor:
        """Energy distance of two renderings and the recording, waveforms [B, N] each -> scalar."""
        with torch.no_grad():
            target = self.spectra(recorded)
            scale = target[0].mean((1, 2)).clamp(min=1e-3)
        first, second = self.spectra(rendered), self.spectra(again)
        to_target = self.between(first, target, scale) + self.between(second, target, scale)
        return to_target - self.between(first, second, scale)
