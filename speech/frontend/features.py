"""Waveforms to features, the one entry for recognition and synthesis.

The filter bank and MFCC follow Kaldi's definition: each frame has its mean removed, is
pre-emphasised, windowed and transformed on its own. All of that is linear, so it is done here in
another order: pre-emphasis once over the samples instead of in each overlapping frame, the mean
from sums that frames share, the scale and the window in one product that also pads to the size of
the transform. Work goes through frames in blocks that stay in the cache.

Up to the power spectrum the numbers are float64. In float32 the rounding of a loud low band drowns
quiet high ones: on band-limited recordings Kaldi's own implementations are up to 0.04 from the
exact value and from each other. MKL's float64 transform takes 0.1 s more for an hour of speech.

Legend: B batch, N samples, T frames, L samples in a frame, K frequency bins, F features.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from speech.frontend import frames, mel
from speech.frontend.cepstrum import append_deltas
from speech.frontend.config import FrontendConfig, with_ends
from speech.frontend.normalize import Normalize

# Kaldi's floor of a band's energy: float32 epsilon, at the scale of 16-bit samples.
ENERGY_FLOOR = 1.1920928955078125e-07
# The public vocoders' numbers (HiFi-GAN): inside the root, and the floor below the logarithm.
MAGNITUDE_FLOOR = 1e-9
MEL_FLOOR = 1e-5
# Frames at a time; measured best on a core with 1 MiB of second-level cache.
CPU_BLOCK_FRAMES = 512
CUDA_BLOCK_FRAMES = 1 << 16


class Frontend(nn.Module):
    """Features of a padded batch of waveforms, differentiable in the waveforms.

    `torch.export` takes any batch and length if its example has two rows or more: PyTorch fixes sizes of 1. Behind an
    LSTM, here too, it fixes the length.

    >>> frontend = Frontend(FrontendConfig())
    >>> features, lengths = frontend(torch.zeros(2, 16_000), torch.tensor([16_000, 399]))
    >>> features.shape, lengths.tolist()
    (torch.Size([2, 98, 80]), [98, 0])
    """

    window: Tensor
    mel_filters: Tensor
    cepstra: Tensor

    def __init__(self, config: FrontendConfig):
        super().__init__()
        frames.keep_freed_memory()
        self.config = config
        self.normalize = Normalize(config.num_features, config.normalization)
        self._register_constants(torch.device("cpu"))

    def _register_constants(self, device: torch.device) -> None:
        """Make what follows from the config; float64, and not part of a saved model."""
        config = self.config
        window = frames.make_window(config.window, config.window_samples) * config.waveform_scale
        window = functional.pad(window, (0, config.fft_samples - config.window_samples))
        self.register_buffer("window", window.to(device), persistent=False)
        filters = config.mel_filters()
        self.register_buffer("mel_filters", filters.to(device), persistent=False)
        middle = (config.num_mels + 1) // 2
        halves = (slice(0, middle), slice(middle, config.num_mels))
        self._filter_spans = [(*_span(filters[:, bands]), bands) for bands in halves]
        if config.kind == "mfcc":
            cepstra = mel.cepstral_matrix(config.num_mels, config.num_ceps, config.lifter)
            self.register_buffer("cepstra", cepstra.to(device), persistent=False)

    def _apply(self, fn, recurse=True):
        """Move with the model, but stay float64 when it becomes float16 or bfloat16."""
        super()._apply(fn, recurse)
        if self.window.dtype != torch.float64:
            self._register_constants(self.window.device)
        return self

    @property
    def num_features(self) -> int:
        """Features in a frame (F)."""
        return self.config.num_features

    def num_frames(self, num_samples):
        """Frames of a waveform of `num_samples` (int or int64 tensor)."""
        return self.config.num_frames(num_samples)

    def forward(self, waveforms: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Compute the features.

        Parameters
        ----------
        waveforms : Tensor, float, [B, N]
            Samples in [-1, 1]; what stands beyond `lengths` never reaches a valid frame.
            Features of float64 are float64, of anything else float32.
        lengths : Tensor, int64, [B], optional
            Samples that count in each row; all when absent.

        Returns
        -------
        features : Tensor, float32 or float64, [B, T, F]
            T frames of N samples; zero beyond `frame_lengths`.
        frame_lengths : Tensor, int64, [B]
            Valid frames in each row, on the device of `lengths`.

        Raises
        ------
        ValueError
            `waveforms` is no float [B, N], or `lengths` no integer [B] from 0 to N.
        """
        padded = frames.check_batch(waveforms, lengths)
        if lengths is None:
            lengths = frames.full_lengths(waveforms)
        with torch.autocast(waveforms.device.type, enabled=False):
            if waveforms.dtype != torch.float64:
                waveforms = waveforms.float()
            features = self._features(waveforms, lengths, padded)
            frame_lengths = self.num_frames(lengths)
            if self.config.kind == "mfcc" and self.config.num_deltas:
                features = append_deltas(features, frame_lengths, self.config.num_deltas)
            return self.normalize(features, frame_lengths, padded=padded), frame_lengths

    @torch.inference_mode()
    def of_waveform(self, waveform: npt.NDArray) -> Tensor:
        """Features of one waveform, float [N], without gradients: float32 [T, F], on this module's device."""
        samples = torch.from_numpy(np.ascontiguousarray(waveform, dtype=np.float32))
        return self(samples[None].to(self.window.device))[0][0]

    @property
    def _num_static(self) -> int:
        """Features before deltas."""
        return self.config.num_ceps if self.config.kind == "mfcc" else self.config.num_mels

    def _features(self, waveforms: Tensor, lengths: Tensor, padded: bool) -> Tensor:
        """Features before normalisation, [B, N] -> [B, T, F], block by block."""
        config = self.config
        num_frames = self.num_frames(waveforms.shape[1])
        if num_frames == 0 or waveforms.shape[0] == 0:
            return waveforms.new_zeros(waveforms.shape[0], num_frames, self._num_static)
        waveforms, lengths = with_ends(waveforms, lengths, config)
        filters = self.mel_filters.to(waveforms.dtype)
        counted = lengths if padded else None
        if frames.tracing():
            return self._block(frames.valid_samples(waveforms.double(), counted), filters)
        rows = CUDA_BLOCK_FRAMES if waveforms.is_cuda else CPU_BLOCK_FRAMES
        block_frames = max(1, rows // max(1, waveforms.shape[0]))
        blocks = []
        for start in range(0, num_frames, block_frames):
            stop = min(start + block_frames, num_frames)
            first = start * config.hop_samples
            last = (stop - 1) * config.hop_samples + config.window_samples
            samples = frames.valid_samples(waveforms[:, first:last].double(), counted, first)
            blocks.append(self._block(samples, filters))
        return blocks[0] if len(blocks) == 1 else torch.cat(blocks, dim=1)

    def _block(self, samples: Tensor, filters: Tensor) -> Tensor:
        """Features of the samples of t frames, float64 [B, (t - 1) hop + L] -> [B, t, F]."""
        config = self.config
        real, imaginary = torch.view_as_real(torch.fft.rfft(self._windowed(samples))).unbind(-1)
        power = real.square().addcmul_(imaginary, imaginary)
        if config.kind == "vocoder_mel":
            magnitude = (power + MAGNITUDE_FLOOR).sqrt().to(filters.dtype)
            return self._bands(magnitude, filters).clamp(min=MEL_FLOOR).log()
        log_mel = self._bands(power.to(filters.dtype), filters).clamp(min=ENERGY_FLOOR).log()
        return log_mel @ self.cepstra.to(filters.dtype) if config.kind == "mfcc" else log_mel

    def _bands(self, spectrum: Tensor, filters: Tensor) -> Tensor:
        """Energy in mel bands, [B, t, K] -> [B, t, M]; the lower half of them needs few bins."""
        parts = [spectrum[:, :, first:last] @ filters[first:last, bands] for first, last, bands in self._filter_spans]
        return torch.cat(parts, dim=2)

    def _windowed(self, samples: Tensor) -> Tensor:
        """Frames ready for the transform, [B, (t - 1) hop + L] -> [B, t, fft_samples]."""
        config = self.config
        length, hop, window = config.window_samples, config.hop_samples, self.window
        emphasis = 0.0 if config.kind == "vocoder_mel" else config.preemphasis
        beyond = config.fft_samples - length
        if emphasis:
            emphasized = samples[:, 1:] - emphasis * samples[:, :-1]
            padded = functional.pad(emphasized, (1, beyond))
        else:
            padded = functional.pad(samples, (0, beyond))
        framed = padded.unfold(1, config.fft_samples, hop)
        mean = samples.new_zeros(())
        if config.remove_dc and config.kind != "vocoder_mel":
            mean = frames.window_means(samples, length, hop)[:, :, None]
            windowed = (framed - (1.0 - emphasis) * mean).mul_(window)
        else:
            windowed = framed * window
        if emphasis and config.window in ("hamming", "rectangular"):
            # Kaldi emphasises a frame's first sample by itself; other windows are 0 there.
            first = samples.unfold(1, length, hop)[:, :, :1] - mean
            first = (1.0 - emphasis) * window[0] * first
            windowed = torch.cat([first, windowed[:, :, 1:]], dim=2)
        return windowed


def fbank(waveform: Tensor, config: FrontendConfig | None = None) -> Tensor:
    """Features of one waveform or of equally long ones, without a module to keep.

    Parameters
    ----------
    waveform : Tensor, float, [N] or [B, N]
        Samples in [-1, 1].
    config : FrontendConfig, optional
        Any kind of feature; Kaldi's filter bank when absent.

    Returns
    -------
    Tensor, float, [T, F] or [B, T, F]
    """
    frontend = _frontend(config or FrontendConfig(), waveform.device)
    features, _ = frontend(waveform if waveform.dim() == 2 else waveform[None])
    return features if waveform.dim() == 2 else features[0]


@lru_cache(maxsize=16)
def _frontend(config: FrontendConfig, device: torch.device) -> Frontend:
    """Frontend of a config, kept."""
    return Frontend(config).to(device)


def _span(filters: Tensor) -> tuple[int, int]:
    """First bin that any of the filters [K, M] weighs, and the one after the last."""
    used = filters.any(1).nonzero()[:, 0]
    return (int(used[0]), int(used[-1]) + 1) if len(used) else (0, 1)
