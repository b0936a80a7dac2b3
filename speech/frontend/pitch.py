"""Fundamental frequency and voicing, for features and for prosody targets.

The waveform is decimated to about 4 kHz. Each frame's power spectrum becomes an autocorrelation at
the lags of interest by one matrix product, which holds the inverse transform, the low-pass filter
and the correction for the window. Peaks are candidates; a Viterbi search chooses among them and "unvoiced".

Legend: B batch, N samples, T frames, K frequency bins, J lags, C candidates of a frame.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from speech.frontend import frames, pitch_path
from speech.frontend.config import FrontendConfig

# Frames at a time; 512 x 512 float32 fill a core's second-level cache.
CPU_BLOCK_FRAMES = 512
CUDA_BLOCK_FRAMES = 1 << 16


@dataclass(frozen=True, kw_only=True)
class PitchConfig:
    """Range and costs of the pitch search; strengths are correlations, from 0 to 1.

    `cutoff_hz` is where the low-pass filter begins to fall; it reaches zero an octave higher.
    `octave_cost` prefers the higher of two equally good candidates, `jump_cost` is the price of one
    octave from frame to frame, `switch_cost` that of beginning or ending a voiced stretch.
    `ballast` is the energy, relative to an average frame's, that voiceless background may have.

    `window_s` trades detail for smoothness, and other trackers sit elsewhere on that scale: the
    default agrees best with librosa's pyin on frames of 64 ms (frame_length 1024 at 16 kHz), 0.055
    with pyin on 32 ms and with Praat, 0.2 with pyin on 128 ms; these agree with one another no
    better (`recipes/benchmarks/frontend.py` prints the figures). Take 0.055 where quick glides matter.
    """

    min_hz: float = 60.0
    max_hz: float = 500.0
    window_s: float = 0.095
    cutoff_hz: float = 1000.0
    voicing_threshold: float = 0.6
    octave_cost: float = 0.01
    jump_cost: float = 0.6
    switch_cost: float = 0.14
    ballast: float = 1e-3
    lag_rate_hz: int = 8000
    num_candidates: int = 8

    def __post_init__(self):
        if not 0.0 < self.min_hz < self.max_hz <= self.lag_rate_hz / 8:
            raise ValueError(
                f"needs 0 < min_hz < max_hz <= {self.lag_rate_hz / 8:g}, got {self.min_hz:g} and {self.max_hz:g}"
            )
        if self.window_s < 2.0 / self.min_hz:
            raise ValueError(f"window_s={self.window_s:g} is shorter than two periods of min_hz={self.min_hz:g}")
        if not 1 <= self.num_candidates <= 100:
            raise ValueError(f"num_candidates must be from 1 to 100, got {self.num_candidates}")


@dataclass(frozen=True)
class Pitch:
    """Pitch of a batch.

    Attributes
    ----------
    f0_hz : Tensor, float32, [B, T]
        0 where unvoiced and beyond an utterance's end.
    voiced : Tensor, bool, [B, T]
    lengths : Tensor, int64, [B]
        Frames that count.
    """

    f0_hz: Tensor
    voiced: Tensor
    lengths: Tensor


class PitchTracker(nn.Module):
    """Pitch of a padded batch of waveforms, at the frames of `Frontend(frontend)`.

    The correlation is computed where the waveforms are, the search on the CPU. Not differentiable.

    References
    ----------
    Boersma, Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise
    ratio of a sampled sound, IFA Proceedings 17, 1993 (window correction, costs of the path).
    Talkin, A robust algorithm for pitch tracking, 1995 (candidates and dynamic programming).

    >>> time_s = torch.arange(16_000) / 16_000
    >>> pitch = PitchTracker()(torch.sin(2 * torch.pi * 220.0 * time_s)[None])
    >>> round(pitch.f0_hz[0, 50].item()), bool(pitch.voiced[0, 50])
    (220, True)
    """

    window: Tensor
    to_lags: Tensor
    low_pass: Tensor

    def __init__(self, config: PitchConfig | None = None, frontend: FrontendConfig | None = None):
        super().__init__()
        frames.keep_freed_memory()
        self.config = config or PitchConfig()
        self.frontend = frontend or FrontendConfig()
        rate = self.frontend.sample_rate_hz
        if rate < 4.0 * self.config.cutoff_hz:
            raise ValueError(f"a sample rate of {rate} Hz is below 4 x cutoff_hz={self.config.cutoff_hz:g}")
        self.factor = _decimation(rate / (4.0 * self.config.cutoff_hz), self.frontend.hop_samples)
        self.rate_hz = rate / self.factor
        self.window_samples = 2 * round(self.config.window_s * self.rate_hz / 2)
        longest_lag = math.ceil(self.rate_hz / self.config.min_hz) + 2
        self.fft_samples = 1 << (self.window_samples + longest_lag - 1).bit_length()
        window = frames.make_window("hann_periodic", self.window_samples)
        window = functional.pad(window, (0, self.fft_samples - self.window_samples))
        self.register_buffer("window", window.float(), persistent=False)
        self.register_buffer("to_lags", self._lag_matrix(window).float(), persistent=False)
        self.register_buffer("low_pass", _low_pass(self.factor).float(), persistent=False)

    @property
    def _first_lag(self) -> int:
        """First lag in steps of 1 / lag_rate_hz, one below the shortest period."""
        return int(self.config.lag_rate_hz / self.config.max_hz) - 1

    def _lag_matrix(self, window: Tensor) -> Tensor:
        """Power spectrum to energy and correlation, float64 [K, 1 + J]."""
        config, rate = self.config, self.rate_hz
        last = math.ceil(config.lag_rate_hz / config.min_hz) + 1
        lags_s = torch.arange(self._first_lag, last + 1, dtype=torch.float64) / config.lag_rate_hz
        lags_s = functional.pad(lags_s, (1, 0))
        num_bins = math.ceil(2.0 * config.cutoff_hz * self.fft_samples / rate)  # gain 0 above
        bins_hz = torch.arange(num_bins, dtype=torch.float64) * (rate / self.fft_samples)
        octaves = torch.log2(bins_hz.clamp(min=1.0) / config.cutoff_hz).clamp(min=0.0)
        gain = torch.cos(0.5 * math.pi * octaves).square()
        gain[bins_hz < 0.75 * config.min_hz] = 0.0
        matrix = gain[:, None] * torch.cos(2.0 * math.pi * bins_hz[:, None] * lags_s)
        # Correlation of the window itself, at lags that need not be whole samples.
        spectrum = torch.fft.rfft(window).abs().square()
        spectrum[1:-1] *= 2.0
        all_hz = torch.arange(len(spectrum), dtype=torch.float64) * (rate / self.fft_samples)
        of_window = spectrum @ torch.cos(2.0 * math.pi * all_hz[:, None] * lags_s)
        return matrix * (of_window[0] / of_window)

    def forward(self, waveforms: Tensor, lengths: Tensor | None = None) -> Pitch:
        """Track the pitch.

        Parameters
        ----------
        waveforms : Tensor, float, [B, N]
            Samples in [-1, 1]; what stands beyond `lengths` has no influence.
        lengths : Tensor, int64, [B], optional
            Samples that count in each row; all when absent.

        Returns
        -------
        Pitch : on the device of `waveforms`.

        Raises
        ------
        ValueError
            `waveforms` is no float [B, N], or `lengths` no integer [B] from 0 to N.
        """
        padded = frames.check_batch(waveforms, lengths)
        if lengths is None:
            lengths = frames.full_lengths(waveforms)
        frame_lengths = self.frontend.num_frames(lengths)
        with torch.no_grad(), torch.autocast(waveforms.device.type, enabled=False):
            samples = frames.valid_samples(waveforms.float(), lengths if padded else None)
            f0_hz, strength = self._candidates(samples, lengths)
        chosen = np.zeros(f0_hz.shape[:2], np.float32)
        for row, count in enumerate(frame_lengths.tolist()):
            chosen[row, :count] = self._search(f0_hz[row, :count], strength[row, :count])
        result = torch.from_numpy(chosen).to(waveforms.device)
        return Pitch(result, result > 0.0, frame_lengths)

    def _candidates(self, samples: Tensor, lengths: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Frequency and strength of candidates, float32 [B, T, C] each, block by block."""
        config, hop = self.config, self.frontend.hop_samples
        num_rows, num_frames = samples.shape[0], self.frontend.num_frames(samples.shape[1])
        f0_hz = np.empty((num_rows, num_frames, config.num_candidates), np.float32)
        strength = np.empty_like(f0_hz)
        ballast = self._ballast(samples, lengths)
        # Both the window and the filter are centred where the frontend's window is.
        before, _ = self.frontend.mirrored_samples
        reach = len(self.low_pass) // 2
        middle = self.window_samples // 2 * self.factor
        offset = self.frontend.window_samples // 2 - before - middle - reach
        rows = CUDA_BLOCK_FRAMES if samples.is_cuda else CPU_BLOCK_FRAMES
        block_frames = max(1, rows // max(1, num_rows))
        for start in range(0, num_frames, block_frames):
            stop = min(start + block_frames, num_frames)
            first = start * hop + offset
            last = (stop - 1) * hop + offset + (self.fft_samples - 1) * self.factor + 2 * reach + 1
            block = samples[:, max(first, 0) : max(last, 0)]
            block = functional.pad(block, (max(-first, 0), max(last - samples.shape[1], 0)))
            correlation = self._correlation(block).cpu().numpy()
            for row in range(num_rows):
                pitch_path.find_candidates(
                    correlation[row],
                    ballast[row],
                    self._first_lag,
                    1.0 / config.lag_rate_hz,
                    config.octave_cost,
                    f0_hz[row, start:stop],
                    strength[row, start:stop],
                )
        return f0_hz, strength

    def _correlation(self, samples: Tensor) -> Tensor:
        """Energy and correlation of the samples of t frames, [B, n] -> [B, t, 1 + J]."""
        # Half the time of conv1d with this stride.
        low = samples.unfold(1, len(self.low_pass), self.factor) @ self.low_pass
        hop = self.frontend.hop_samples // self.factor
        framed = low.unfold(1, self.fft_samples, hop) * self.window
        spectrum = torch.fft.rfft(framed)[:, :, : self.to_lags.shape[0]]
        real, imaginary = torch.view_as_real(spectrum).unbind(-1)
        return torch.addcmul(real.square(), imaginary, imaginary) @ self.to_lags

    def _ballast(self, samples: Tensor, lengths: Tensor) -> list[float]:
        """Energy to add to a frame's in each row: a fraction of what an average frame has."""
        energy = torch.linalg.vector_norm(samples, dim=1).double().square().cpu()
        power = energy / lengths.cpu().clamp(min=1)
        # In the scale of column 0: half the transform's size times the frame's energy.
        per_frame = power * self.window.double().square().sum().cpu() * self.fft_samples / 2
        return (self.config.ballast * per_frame).tolist()

    def _search(self, f0_hz: np.ndarray, strength: np.ndarray) -> np.ndarray:
        """Chosen frequency of each frame of one utterance, 0 where unvoiced, float32 [T]."""
        config = self.config
        path = pitch_path.best_path(f0_hz, strength, config.voicing_threshold, config.jump_cost, config.switch_cost)
        chosen = np.take_along_axis(f0_hz, np.maximum(path, 0)[:, None], axis=1)[:, 0]
        return np.where(path >= 0, chosen, np.float32(0.0))


def _decimation(largest: float, hop_samples: int) -> int:
    """Largest factor up to `largest` that divides the hop."""
    return next(n for n in range(int(largest), 0, -1) if hop_samples % n == 0)


def _low_pass(factor: int) -> Tensor:
    """Filter before taking every `factor`-th sample, float64 [12 factor + 1]; passes a quarter of it.

    Half the passband's edge lies at 0.45 of the new rate; a Blackman window keeps aliases 70 dB down.
    """
    if factor == 1:
        return torch.ones(1, dtype=torch.float64)
    length = 12 * factor + 1
    centred = torch.arange(length, dtype=torch.float64) - length // 2
    taps = torch.sinc(0.9 * centred / factor) * frames.make_window("blackman", length)
    return taps / taps.sum()
