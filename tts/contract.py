"""What the acoustic model hands to the vocoder: mel, pitch and energy of frames, agreed on in one place.

Both weight files carry the contract that they were made for; `check_contract` compares it with what the
other side expects when a voice is loaded. Any vocoder (`tts.vocoder.Vocoder` is ours) is called as

    waveform = vocoder(mel, f0_hz)                  # [B, T, M], [B, T] (0: unvoiced) -> [B, T * hop_samples]
    for samples in vocoder.stream(chunks): ...      # chunks of (mel [t, M], f0_hz [t]) -> samples [n]

and has `.contract`, the AudioContract that it was trained for.

Legend: B batch, N samples, T frames, M mel bands.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from speech.config import from_dict, to_dict
from speech.errors import CheckpointError, ConfigError
from speech.frontend import Frontend, FrontendConfig
from speech.frontend.energy import energy_db
from speech.frontend.mel import slaney_mel_filters
from speech.frontend.pitch import PitchConfig, PitchTracker


@dataclass(frozen=True, kw_only=True)
class AudioContract:
    """Definition of the frames that synthesis predicts and the vocoder hears.

    A frame is `hop_samples` samples of sound: frame t is centred at sample (t + 1/2) hop_samples, and N samples
    make floor(N / hop_samples) frames.

    Attributes
    ----------
    sample_rate_hz : of the voice
    window_samples, hop_samples : of mel and energy; the pitch keeps the hop
    num_mels : bands (M), Slaney's, natural logarithm of magnitude, floored at log(1e-5)
    low_hz, high_hz : edges of the bands; to half the sampling rate, or the vocoder would have to guess what is above
    min_f0_hz, max_f0_hz : range of the pitch search
    pitch_window_s : window of the pitch search; 0.055 follows quick glides (`PitchConfig`)
    """

    sample_rate_hz: int = 24_000
    window_samples: int = 1024
    hop_samples: int = 256
    num_mels: int = 80
    low_hz: float = 0.0
    high_hz: float = 12_000.0
    min_f0_hz: float = 60.0
    max_f0_hz: float = 500.0
    pitch_window_s: float = 0.055

    def __post_init__(self):
        for name in ("sample_rate_hz", "num_mels"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, got {getattr(self, name)}")
        for name in ("window_samples", "hop_samples"):
            if getattr(self, name) < 2 or getattr(self, name) % 2:
                raise ValueError(f"{name} must be even and 2 or more, got {getattr(self, name)}")
        if self.hop_samples > self.window_samples:
            raise ValueError(f"hop_samples must be at most window_samples, got {self.hop_samples}")
        if not 0 < self.pitch_window_s < math.inf:
            raise ValueError(f"pitch_window_s must be positive and finite, got {self.pitch_window_s}")
        _ = self.frontend  # its own checks of range
        try:
            _ = self.pitch
        except ValueError as error:  # whose keys have other names
            raise ValueError(f"min_f0_hz, max_f0_hz, pitch_window_s: {error}") from error

    @property
    def hop_s(self) -> float:
        """Seconds of a frame."""
        return self.hop_samples / self.sample_rate_hz

    @property
    def frontend(self) -> FrontendConfig:
        """Settings of the log-mel, and of where all frames lie."""
        return FrontendConfig.vocoder(
            sample_rate_hz=self.sample_rate_hz,
            window_s=self.window_samples / self.sample_rate_hz,
            hop_s=self.hop_samples / self.sample_rate_hz,
            num_mels=self.num_mels,
            low_hz=self.low_hz,
            high_hz=self.high_hz,
        )

    @property
    def pitch(self) -> PitchConfig:
        """Settings of the pitch search."""
        return PitchConfig(min_hz=self.min_f0_hz, max_hz=self.max_f0_hz, window_s=self.pitch_window_s)


@dataclass(frozen=True)
class AudioFrames:
    """Frames of a batch of recordings.

    Attributes
    ----------
    mel : Tensor, float32, [B, T, M], natural logarithm of the magnitude in each band
    f0_hz : Tensor, float32, [B, T], 0 where unvoiced
    energy_db : Tensor, float32, [B, T], root mean square of the window, dB below full scale
    lengths : Tensor, int64, [B], frames that count
    """

    mel: Tensor
    f0_hz: Tensor
    energy_db: Tensor
    lengths: Tensor

    @property
    def voiced(self) -> Tensor:
        """Where there is a pitch, bool [B, T]."""
        return self.f0_hz > 0.0


class FrameAnalyzer:
    """Waveforms to the frames of a contract.

    >>> analyzer = FrameAnalyzer(AudioContract())
    >>> time_s = torch.arange(24_000) / 24_000
    >>> frames = analyzer(0.5 * torch.sin(2 * torch.pi * 220.0 * time_s)[None])
    >>> frames.mel.shape, round(frames.f0_hz[0, 40].item()), round(frames.energy_db[0, 40].item())
    (torch.Size([1, 93, 80]), 220, -9)
    """

    def __init__(self, contract: AudioContract):
        self.contract = contract
        self.frontend = Frontend(contract.frontend)
        self.tracker = PitchTracker(contract.pitch, contract.frontend)

    @torch.no_grad()
    def __call__(self, waveforms: Tensor, lengths: Tensor | None = None) -> AudioFrames:
        """Mel, pitch and energy.

        Parameters
        ----------
        waveforms : Tensor, float, [B, N], samples in [-1, 1] at the contract's rate
        lengths : Tensor, int64, [B], optional, samples that count

        Returns
        -------
        AudioFrames
        """
        mel, frame_lengths = self.frontend(waveforms, lengths)
        pitch = self.tracker(waveforms, lengths)
        return AudioFrames(mel, pitch.f0_hz, energy_db(waveforms, lengths, self.contract.frontend), frame_lengths)


def mel_level(mel: Tensor, contract: AudioContract) -> Tensor:
    """Natural logarithm of the root mean square of frames, but for a constant, log-mel [T, M] -> [T]."""
    filters = slaney_mel_filters(
        contract.num_mels, contract.window_samples, contract.sample_rate_hz, contract.low_hz, contract.high_hz
    )
    return 0.5 * torch.logsumexp(2.0 * mel - filters.sum(0).clamp(min=1e-9).log().float(), dim=1)


def contract_from_header(header: Mapping[str, Any], path: object) -> AudioContract:
    """The contract in the JSON header of a weight file, under the key "contract".

    Raises
    ------
    CheckpointError
        There is none, or it has unknown keys.
    """
    if "contract" not in header:
        raise CheckpointError(f"{path}: says nothing of its audio contract; export it with this version")
    try:
        return from_dict(AudioContract, header["contract"], "contract.", str(path))
    except ConfigError as error:
        raise CheckpointError(f"{error}; export it with this version") from error


def finite(weights: dict[str, Tensor], path: object) -> dict[str, Tensor]:
    """The weights of a file, all of them numbers; others would sound as noise, or not at all.

    Raises
    ------
    CheckpointError
        One is not finite; names it.
    """
    for name, value in weights.items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise CheckpointError(f"{path}: the weights {name} are not finite; copy the file again, or train it anew")
    return weights


def check_contract(found: AudioContract, expected: AudioContract, found_in: object, expected_by: object) -> None:
    """Refuse two models whose frames differ.

    Raises
    ------
    CheckpointError
        One sentence that names the files and every value that differs.
    """
    ours, theirs = to_dict(expected), to_dict(found)
    differing = [f"{key} is {theirs[key]} and not {ours[key]}" for key in ours if theirs[key] != ours[key]]
    if differing:
        raise CheckpointError(
            f"{found_in} does not fit {expected_by}: {', '.join(differing)}; take two files of the same voice"
        )
