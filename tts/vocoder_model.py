"""The vocoder's network and its filters: mel and pitch in, a waveform out.

For each frame a small convolutional network says how to filter a train of pulses at the asked pitch and white noise.
It does not start from nothing: the log-mel itself, spread over frequency, is the first guess of both filters and
the network adds corrections. Filters are minimum phase, with a learned smooth deviation of the pulses' phase, and are
applied by FFT on overlapping windows. The noise has four gains a frame and a learned modulation within the period.

Legend: B batch, T frames, M mel bands, G points of a filter's grid, K bins of its spectrum, N = T * hop samples.

References
----------
Engel et al., DDSP, ICLR 2020 (harmonics plus filtered noise, by frames, from a network).
Liu, Chen and Yu, Neural Homomorphic Vocoder, Interspeech 2020 (pulse train and noise through predicted cepstra).
Liu et al., A ConvNet for the 2020s, CVPR 2022 (the blocks).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from speech.errors import ConfigError
from speech.frontend.mel import slaney_mel_filters
from tts.contract import AudioContract

#: Samples by which a filter may answer before its pulse.
EARLY_SAMPLES = 128
# Log-mel of kathleen: middle and spread over the corpus; they only bring the network's input to a fair size.
_MEL_MIDDLE, _MEL_SPREAD = -5.0, 2.5
_F0_MIDDLE_HZ = 150.0
# Of the noise in voiced frames below `voiced_noise_hz`, too little for training to bring it back; and the width.
_VOICED_NOISE_FLOOR, _VOICED_NOISE_SLOPE_HZ = 1e-4, 300.0
_MODULATION_SHARE = 0.8  # of the noise's gain that may go up and down within a period


@dataclass(frozen=True, kw_only=True)
class VocoderConfig:
    """Size of the network.

    Attributes
    ----------
    channels, expansion, blocks, kernel : of the convolutional blocks; the kernel is odd
    filter_points : points of a filter's logarithmic magnitude (G), spaced as mel bands are
    fft_samples : of a filter; an excitation window (2 hops) and the filter's answer share it
    phase_terms : sines that the deviation of the phase is made of
    noise_gains : gains of the noise in one frame
    voiced_noise_hz : below it, voiced frames have no noise. Left free, the network fills the space between harmonics
        with as much noise as the jitter of a real voice shows there, and DNSMOS hears that as background: measured on
        two recordings, 2.71 with it, 3.16 without, 3.20 the recordings themselves
    """

    channels: int = 192
    expansion: int = 2
    blocks: int = 4
    kernel: int = 5
    filter_points: int = 128
    fft_samples: int = 1024
    phase_terms: int = 24
    noise_gains: int = 4
    voiced_noise_hz: float = 4000.0

    def __post_init__(self):
        least = {"channels": 1, "expansion": 1, "blocks": 1, "filter_points": 2, "phase_terms": 0, "noise_gains": 1}
        for name, value in least.items():
            if getattr(self, name) < value:
                raise ValueError(f"{name} must be {value} or more, got {getattr(self, name)}")
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise ValueError(f"kernel must be odd and 1 or more, got {self.kernel}")
        if self.fft_samples < 2 or self.fft_samples % 2:
            raise ValueError(f"fft_samples must be even and 2 or more, got {self.fft_samples}")
        if not 0 <= self.voiced_noise_hz < math.inf:
            raise ValueError(f"voiced_noise_hz must be 0 or more and finite, got {self.voiced_noise_hz}")

    @property
    def reach_frames(self) -> int:
        """Frames to either side that a frame's filters depend on."""
        return (self.kernel // 2) * (self.blocks + 1)


@dataclass(frozen=True)
class Filters:
    """How each frame's excitation is to be shaped.

    Attributes
    ----------
    pulses, noise : Tensor, complex, [B, T, K], spectra of the two filters
    noise_gains : Tensor, float, [B, T, noise_gains], of the noise in front of its filter
    modulation : Tensor, float, [B, T, 2], cosine and sine share of the noise's gain over the period
    """

    pulses: Tensor
    noise: Tensor
    noise_gains: Tensor
    modulation: Tensor


class Block(nn.Module):
    """Depthwise convolution over time, then a perceptron at each frame; added to its input."""

    def __init__(self, channels: int, expansion: int, kernel: int):
        super().__init__()
        self.over_time = nn.Conv1d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.widen = nn.Linear(channels, expansion * channels)
        self.narrow = nn.Linear(expansion * channels, channels)

    def forward(self, hidden: Tensor) -> Tensor:
        """[B, T, C] -> [B, T, C]."""
        mixed = self.norm(self.over_time(hidden.transpose(1, 2)).transpose(1, 2))
        return hidden + self.narrow(functional.gelu(self.widen(mixed)))


class VocoderNet(nn.Module):
    """Frames to filters."""

    spread_mel: Tensor
    spread_grid: Tensor
    phase_basis: Tensor
    voiced_limit: Tensor
    fold: Tensor

    def __init__(self, config: VocoderConfig, contract: AudioContract):
        super().__init__()
        if config.fft_samples < 2 * contract.hop_samples + 2 * EARLY_SAMPLES:
            raise ConfigError(f"fft_samples={config.fft_samples} leaves a filter no room beside two hops")
        if contract.hop_samples % config.noise_gains:
            raise ConfigError(f"noise_gains={config.noise_gains} does not divide the hop")
        self.config, self.contract = config, contract
        self.enter = nn.Conv1d(contract.num_mels + 2, config.channels, config.kernel, padding=config.kernel // 2)
        self.blocks = nn.ModuleList(
            Block(config.channels, config.expansion, config.kernel) for _ in range(config.blocks)
        )
        self.norm = nn.LayerNorm(config.channels)
        self._sizes = (config.filter_points, config.filter_points, config.phase_terms, config.noise_gains, 2)
        self.leave = nn.Linear(config.channels, sum(self._sizes))
        nn.init.zeros_(self.leave.bias)
        nn.init.normal_(self.leave.weight, std=1e-3)
        # What voicing changes at the start: noise below 5 kHz far weaker than the pulses, pulses weaker above.
        above = torch.sigmoid((_grid_hz(config.filter_points, contract.sample_rate_hz) - 5000.0) / 1000.0).float()
        self.voiced_noise = nn.Parameter(-2.5 + 2.0 * above)
        self.voiced_pulses = nn.Parameter(-0.5 - above)
        self._register_constants()

    def _register_constants(self) -> None:
        """Matrices that follow from config and contract and are not saved."""
        config, contract = self.config, self.contract
        bins = config.fft_samples // 2 + 1
        grid = _interpolation(config.filter_points, bins, contract.sample_rate_hz)
        filters = slaney_mel_filters(
            contract.num_mels, contract.window_samples, contract.sample_rate_hz, contract.low_hz, contract.high_hz
        )
        centre_hz = (filters * torch.linspace(0, contract.sample_rate_hz / 2, len(filters))[:, None]).sum(0)
        centre_hz = centre_hz / filters.sum(0).clamp(min=1e-9)
        self.register_buffer("spread_grid", grid.float(), persistent=False)
        points_hz = _grid_hz(config.filter_points, contract.sample_rate_hz)
        self.register_buffer("spread_mel", _linear_weights(centre_hz, points_hz).float(), persistent=False)
        angle = torch.linspace(0, math.pi, bins, dtype=torch.float64)
        points = torch.sigmoid((points_hz - config.voiced_noise_hz) / _VOICED_NOISE_SLOPE_HZ)
        points = _VOICED_NOISE_FLOOR + (1.0 - _VOICED_NOISE_FLOOR) * points
        self.register_buffer("voiced_limit", points.log().float(), persistent=False)
        terms = torch.arange(1, config.phase_terms + 1, dtype=torch.float64)[:, None]
        self.register_buffer("phase_basis", torch.sin(terms * angle).float(), persistent=False)
        fold = torch.zeros(config.fft_samples)
        fold[0] = fold[config.fft_samples // 2] = 1.0
        fold[1 : config.fft_samples // 2] = 2.0
        self.register_buffer("fold", fold, persistent=False)
        # White noise of power 1 has a mean magnitude of 0.886 sqrt(sum of the squared window) in the mel's transform,
        # and a mel filter of unit area in hertz divides by the width of a bin.
        bin_hz = contract.sample_rate_hz / contract.window_samples
        self._mel_to_gain = math.log(bin_hz) - math.log(0.886 * math.sqrt(0.375 * contract.window_samples))

    def forward(self, mel: Tensor, f0_hz: Tensor) -> Filters:
        """Filters of frames.

        Parameters
        ----------
        mel : Tensor, float32, [B, T, M]
        f0_hz : Tensor, float32, [B, T], 0 where unvoiced

        Returns
        -------
        Filters
        """
        voiced = (f0_hz > 0).to(mel.dtype)
        octaves = torch.log2(f0_hz.clamp(min=1.0) / _F0_MIDDLE_HZ) * voiced
        frames = torch.cat([(mel - _MEL_MIDDLE) / _MEL_SPREAD, octaves[..., None], voiced[..., None]], dim=2)
        hidden = self.enter(frames.transpose(1, 2)).transpose(1, 2)
        for block in self.blocks:
            hidden = block(hidden)
        parts = self.leave(self.norm(hidden)).float().split(self._sizes, dim=2)
        pulse_shape, noise_shape, phase, gains, modulation = parts
        guess = mel @ self.spread_mel + self._mel_to_gain
        pulses = self._minimum_phase(guess + pulse_shape + self.voiced_pulses, phase)
        noise = self._minimum_phase(
            guess + noise_shape + voiced[..., None] * (self.voiced_noise + self.voiced_limit), None
        )
        return Filters(pulses, noise, torch.exp(gains.clamp(-6, 6)), torch.tanh(modulation))

    def _minimum_phase(self, log_magnitude: Tensor, phase: Tensor | None) -> Tensor:
        """Spectrum of a logarithmic magnitude on the grid, [B, T, G] (and phase terms) -> complex [B, T, K]."""
        full = (log_magnitude @ self.spread_grid).clamp(-16.0, 6.0)
        cepstrum = torch.fft.irfft(full) * self.fold
        spectrum = torch.fft.rfft(cepstrum)
        angle = spectrum.imag if phase is None else spectrum.imag + phase @ self.phase_basis
        return torch.polar(full.exp(), angle)


def render(filters: Filters, pulses: Tensor, noise: Tensor, phase: Tensor, contract: AudioContract) -> Tensor:
    """Filter an excitation.

    Parameters
    ----------
    filters : Filters, of T frames
    pulses, noise : Tensor, float, [B, (T - 1) hop + 2 hop], the samples of T overlapping windows of two hops
    phase : Tensor, float, as the noise, periods since the last pulse
    contract : AudioContract

    Returns
    -------
    Tensor, float, [B, (T - 1) hop + fft_samples] : begins `EARLY_SAMPLES` before the first window
    """
    hop = contract.hop_samples
    fft = 2 * (filters.pulses.shape[2] - 1)
    window = torch.hann_window(2 * hop, device=noise.device)
    tones = torch.fft.rfft(pulses.unfold(1, 2 * hop, hop) * window, fft) * filters.pulses
    angle = 2 * math.pi * phase.unfold(1, 2 * hop, hop)
    cosine, sine = (_MODULATION_SHARE * filters.modulation).unsqueeze(3).unbind(2)
    loud = 1.0 + (cosine * torch.cos(angle) + sine * torch.sin(angle)) / math.sqrt(2.0)
    gains = _window_gains(filters.noise_gains, 2 * hop)
    hiss = torch.fft.rfft(noise.unfold(1, 2 * hop, hop) * (window * gains * loud), fft) * filters.noise
    shift = torch.exp(-2j * math.pi * EARLY_SAMPLES / fft * torch.arange(fft // 2 + 1, device=noise.device))
    frames = torch.fft.irfft((tones + hiss) * shift, fft)
    length = (frames.shape[1] - 1) * hop + fft
    folded = functional.fold(frames.transpose(1, 2), (1, length), (1, fft), stride=(1, hop))
    return folded[:, 0, 0]


def loudness_of(filters: Filters, f0_hz: Tensor, contract: AudioContract) -> Tensor:
    """Natural logarithm of the root mean square that filters give an excitation, [B, T].

    Parameters
    ----------
    filters : Filters, of T frames
    f0_hz : Tensor, float, [B, T], of the pulses, 0 where unvoiced; their power is 1 whatever the pitch
    contract : AudioContract
    """
    half_hz = contract.sample_rate_hz / 2
    voiced = f0_hz > 0
    spacing_hz = torch.where(voiced, f0_hz, half_hz)
    number = torch.arange(1, int(half_hz / spacing_hz.min().clamp(min=1.0)) + 1, device=f0_hz.device)
    place = number * (spacing_hz / half_hz)[..., None]  # of each harmonic, as a share of the spectrum
    power = filters.pulses.abs().square()
    bins = (place.clamp(max=1.0) * (power.shape[2] - 1)).round().long()
    harmonics = torch.where(place <= 1.0, power.gather(2, bins), 0.0).sum(2) * spacing_hz / half_hz
    swing = 1.0 + 0.25 * (_MODULATION_SHARE * filters.modulation).square().sum(2)
    hiss = filters.noise.abs().square().mean(2) * filters.noise_gains.square().mean(2) * swing
    return 0.5 * torch.log(torch.where(voiced, harmonics, 0.0) + hiss + 1e-12)


def _window_gains(gains: Tensor, size: int) -> Tensor:
    """Gains of a frame's noise over its window: a line through them, the outer ones held, [B, T, n] -> [B, T, size]."""
    batch, frames, count = gains.shape
    inner = functional.interpolate(gains.reshape(batch * frames, 1, count), size // 2, mode="linear")
    edge = size // 4
    return functional.pad(inner, (edge, edge), mode="replicate").view(batch, frames, size)


def _grid_hz(points: int, sample_rate_hz: int) -> Tensor:
    """Frequencies of a filter's points, equally spaced in mel from 0 to half the rate, float64 [G]."""
    top = 1127.0 * math.log1p(sample_rate_hz / 2 / 700.0)
    return 700.0 * torch.expm1(torch.linspace(0, top, points, dtype=torch.float64) / 1127.0)


def _interpolation(points: int, bins: int, sample_rate_hz: int) -> Tensor:
    """Matrix from the grid to the bins of the spectrum, float64 [G, K]."""
    return _linear_weights(
        _grid_hz(points, sample_rate_hz), torch.linspace(0, sample_rate_hz / 2, bins, dtype=torch.float64)
    )


def _linear_weights(known: Tensor, wanted: Tensor) -> Tensor:
    """Weights of linear interpolation from rising places `known` [n] to `wanted` [m], ends held, float64 [n, m]."""
    wanted = wanted.clamp(known[0], known[-1])
    right = torch.searchsorted(known.contiguous(), wanted.contiguous()).clamp(1, len(known) - 1)
    share = (wanted - known[right - 1]) / (known[right] - known[right - 1])
    weights = torch.zeros(len(known), len(wanted), dtype=torch.float64)
    columns = torch.arange(len(wanted))
    weights[right - 1, columns] = 1.0 - share
    weights[right, columns] += share
    return weights
