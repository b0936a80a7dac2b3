"""Sound from a mel without any training: the stated fallback where there is no vocoder, rough to hear.

References
----------
Griffin and Lim, Signal estimation from modified short-time Fourier transform, IEEE TASSP 1984.
Perraudin, Balazs and Sondergaard, A fast Griffin-Lim algorithm, WASPAA 2013 (the momentum).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from speech.frontend.mel import slaney_mel_filters
from tts.contract import AudioContract, mel_level

_MOMENTUM = 0.99


@dataclass(frozen=True)
class GriffinLim:
    """Phases by iteration; the pitch is not used, the mel knows it as far as its bands resolve it."""

    contract: AudioContract
    iterations: int = 32

    @torch.no_grad()
    def __call__(self, mel: Tensor, f0_hz: Tensor, *, seed: int = 0) -> Tensor:
        """Mel [B, T, M] and F0 [B, T] to samples, float32 [B, T * hop_samples]; `seed` draws the first phases."""
        contract = self.contract
        window = torch.hann_window(contract.window_samples)
        options: dict[str, Any] = {
            "n_fft": contract.window_samples,
            "hop_length": contract.hop_samples,
            "window": window,
        }
        filters = slaney_mel_filters(
            contract.num_mels, contract.window_samples, contract.sample_rate_hz, contract.low_hz, contract.high_hz
        ).float()
        # A frame is centred half a hop after the place where the transform puts it, which the cut below makes good.
        magnitude = (mel.exp() @ torch.linalg.pinv(filters)).clamp(min=0.0).transpose(1, 2)
        magnitude = functional.pad(magnitude, (1, 1), mode="replicate")
        phase = torch.rand(magnitude.shape, generator=torch.Generator().manual_seed(seed))
        estimate = torch.polar(magnitude, 2 * torch.pi * phase)
        before = estimate
        length = (magnitude.shape[2] - 1) * contract.hop_samples
        for _ in range(self.iterations):
            samples = torch.istft(estimate, length=length, **options)
            rebuilt = torch.stft(samples, return_complex=True, pad_mode="constant", **options)
            angle = (rebuilt + _MOMENTUM * (rebuilt - before)).angle()
            estimate, before = torch.polar(magnitude, angle), rebuilt
        samples = torch.istft(estimate, length=length, **options)
        first = contract.hop_samples // 2
        return samples[:, first : first + mel.shape[1] * contract.hop_samples]

    def level(self, mel: Tensor, f0_hz: Tensor, start: int = 0, stop: int | None = None) -> Tensor:
        """Natural logarithm of the root mean square of some frames, but for a constant, [T, M] -> [stop - start]."""
        return mel_level(mel[start:stop], self.contract)

    def stream(self, chunks: Iterable[tuple[Tensor, Tensor]], *, seed: int = 0) -> Iterator[Tensor]:
        """Samples of one utterance, all at once after its last chunk."""
        parts = list(chunks)
        if parts:
            yield self(torch.cat([mel for mel, _ in parts])[None], torch.cat([f0 for _, f0 in parts])[None], seed=seed)[
                0
            ]
