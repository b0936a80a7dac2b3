"""What features are computed: the settings of `Frontend`."""

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

import torch
from torch import Tensor

from speech.frontend import frames, mel
from speech.frontend.normalize import Normalization

Kind = Literal["fbank", "mfcc", "vocoder_mel"]


@dataclass(frozen=True, kw_only=True)
class FrontendConfig:
    """What features are computed and how; the defaults are Kaldi's filter bank at 16 kHz.

    `high_hz` <= 0 counts down from half the sample rate. `waveform_scale` multiplies samples in
    [-1, 1]; Kaldi reads 16-bit integers, hence 32768. `num_ceps`, `lifter` and `num_deltas` matter
    to kind "mfcc" only; "vocoder_mel" takes no pre-emphasis and keeps the mean, whatever is said
    here: start from `FrontendConfig.vocoder()`.
    """

    kind: Kind = "fbank"
    sample_rate_hz: int = 16_000
    window_s: float = 0.025
    hop_s: float = 0.010
    window: frames.WindowName = "povey"
    num_mels: int = 80
    low_hz: float = 20.0
    high_hz: float = 0.0
    snip_edges: bool = True
    preemphasis: float = 0.97
    remove_dc: bool = True
    waveform_scale: float = 32_768.0
    num_ceps: int = 13
    lifter: float = 22.0
    num_deltas: int = 0
    normalization: Normalization = "none"

    def __post_init__(self):
        if self.kind not in ("fbank", "mfcc", "vocoder_mel"):
            raise ValueError(f'kind must be "fbank", "mfcc" or "vocoder_mel", got {self.kind!r}')
        if self.normalization not in ("none", "utterance", "global"):
            raise ValueError(f'normalization must be "none", "utterance" or "global", got {self.normalization!r}')
        if self.window not in get_args(frames.WindowName):
            raise ValueError(f"window must be one of {', '.join(get_args(frames.WindowName))}, got {self.window!r}")
        for name in ("window_s", "hop_s", "low_hz", "high_hz", "preemphasis", "waveform_scale", "lifter"):
            if not math.isfinite(getattr(self, name)):
                raise ValueError(f"{name} must be a finite number, got {getattr(self, name)}")
        if self.hop_samples < 1 or self.window_samples < 2:
            raise ValueError(
                f"hop_s={self.hop_s:g} and window_s={self.window_s:g} leave no samples at {self.sample_rate_hz} Hz"
            )
        if self.num_mels < 1 or not 1 <= self.num_ceps or self.num_deltas < 0:
            raise ValueError("num_mels and num_ceps must be at least 1, num_deltas at least 0")
        if self.kind == "mfcc" and self.num_ceps > self.num_mels:
            raise ValueError(f"num_ceps={self.num_ceps} exceeds num_mels={self.num_mels}")
        mel.band_edges(self.sample_rate_hz, self.low_hz, self.high_hz)

    @classmethod
    def vocoder(cls, *, sample_rate_hz: int = 22_050, **changes) -> "FrontendConfig":
        """Log-mel of the public neural vocoders: 1024-sample window, hop 256, 80 mels to 8 kHz.

        References
        ----------
        Kong et al., HiFi-GAN, NeurIPS 2020, and the settings published with it.
        """
        config = cls(
            kind="vocoder_mel",
            sample_rate_hz=sample_rate_hz,
            window_s=1024 / sample_rate_hz,
            hop_s=256 / sample_rate_hz,
            window="hann_periodic",
            low_hz=0.0,
            high_hz=8000.0,
            preemphasis=0.0,
            remove_dc=False,
            waveform_scale=1.0,
        )
        return replace(config, **changes)

    @property
    def window_samples(self) -> int:
        """Samples in a frame (L)."""
        return frames.whole_samples(self.window_s, self.sample_rate_hz)

    @property
    def hop_samples(self) -> int:
        """Samples from one frame to the next."""
        return frames.whole_samples(self.hop_s, self.sample_rate_hz)

    @property
    def step_s(self) -> float:
        """Seconds from one frame to the next: whole samples, which `hop_s` may not be."""
        return self.hop_samples / self.sample_rate_hz

    @property
    def offset_s(self) -> float:
        """Where the step around the centre of the first frame begins, in seconds."""
        return (self.window_samples / self.sample_rate_hz - self.step_s) / 2 if self.snip_edges else 0.0

    @property
    def fft_samples(self) -> int:
        """Size of the transform: the next power of two."""
        return 1 << (self.window_samples - 1).bit_length()

    @property
    def num_features(self) -> int:
        """Features in a frame (F)."""
        if self.kind == "mfcc":
            return self.num_ceps * (1 + self.num_deltas)
        return self.num_mels

    def mel_filters(self) -> Tensor:
        """Weights of the frequency bins in the mel bands, float64 [K, M]."""
        make_filters = mel.slaney_mel_filters if self.kind == "vocoder_mel" else mel.kaldi_mel_filters
        return make_filters(self.num_mels, self.fft_samples, self.sample_rate_hz, self.low_hz, self.high_hz)

    def num_frames(self, num_samples):
        """Frames of a waveform of `num_samples` (int or int64 tensor); 0 when it is too short."""
        before, after = self.mirrored_samples
        return frames.num_frames(num_samples + (before + after), self.window_samples, self.hop_samples)

    @property
    def mirrored_samples(self) -> tuple[int, int]:
        """Samples that frames need in front of a waveform and behind it, made by mirroring; less than 0 are left out.

        Without `snip_edges` the middle of a frame is the middle of its hop, both rounded down as in Kaldi.
        """
        extra = self.window_samples - self.hop_samples
        if self.kind == "vocoder_mel":
            return extra // 2, extra // 2
        if self.snip_edges:
            return 0, 0
        before = self.window_samples // 2 - self.hop_samples // 2
        return before, extra + self.hop_samples // 2 - before


def with_ends(waveforms: Tensor, lengths: Tensor, config: FrontendConfig) -> tuple[Tensor, Tensor]:
    """Waveforms and lengths with the mirrored samples that frames need, [B, N] -> [B, N']."""
    before, after = config.mirrored_samples
    if before == after == 0:
        return waveforms, lengths
    repeat_edge = config.kind != "vocoder_mel"
    extended = frames.mirror_ends(waveforms, lengths, before, after, repeat_edge=repeat_edge)
    return extended, torch.where(lengths > 0, lengths + (before + after), 0)
