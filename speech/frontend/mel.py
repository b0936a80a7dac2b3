"""Mel filters, Kaldi's and the vocoders', and the cosine transform of MFCC.

Legend: K frequency bins of a real FFT (fft_samples / 2 + 1), M mel bands, C cepstral coefficients.
"""

import math

import numpy as np
import torch
from torch import Tensor


def mel_from_hz(frequency_hz):
    """Mel of a frequency, O'Shaughnessy's formula as in HTK and Kaldi."""
    return 1127.0 * np.log1p(np.asarray(frequency_hz, dtype=np.float64) / 700.0)


def kaldi_mel_filters(num_mels: int, fft_samples: int, sample_rate_hz: int, low_hz: float, high_hz: float) -> Tensor:
    """Triangles that are straight in mel and peak at 1, as Kaldi defines them.

    Parameters
    ----------
    num_mels, fft_samples, sample_rate_hz : int
    low_hz, high_hz : float
        Outer edges of the first and last triangle; `high_hz` <= 0 counts down from Nyquist.

    Returns
    -------
    Tensor, float64, [K, M] : the Nyquist bin weighs nothing.
    """
    low_hz, high_hz = band_edges(sample_rate_hz, low_hz, high_hz)
    edges = np.linspace(mel_from_hz(low_hz), mel_from_hz(high_hz), num_mels + 2)
    bins = mel_from_hz(np.arange(fft_samples // 2) * (sample_rate_hz / fft_samples))[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    filters = np.zeros((fft_samples // 2 + 1, num_mels))
    filters[:-1] = np.maximum(0.0, np.minimum(rising, falling))
    return torch.from_numpy(filters)


def slaney_mel_filters(num_mels: int, fft_samples: int, sample_rate_hz: int, low_hz: float, high_hz: float) -> Tensor:
    """Triangles that are straight in hertz and have unit area, on Slaney's mel scale.

    The scale is linear to 1 kHz (15 mel) and logarithmic above, 27 steps to a factor of 6.4
    (Slaney, Auditory Toolbox, 1998); librosa's default and hence that of the public vocoders.

    Parameters
    ----------
    num_mels, fft_samples, sample_rate_hz, low_hz, high_hz
        As for `kaldi_mel_filters`.

    Returns
    -------
    Tensor, float64, [K, M]
    """
    low_hz, high_hz = band_edges(sample_rate_hz, low_hz, high_hz)
    log_step = math.log(6.4) / 27.0

    def slaney_mel(hz: float) -> float:
        return hz * 3.0 / 200.0 if hz < 1000.0 else 15.0 + math.log(hz / 1000.0) / log_step

    mels = np.linspace(slaney_mel(low_hz), slaney_mel(high_hz), num_mels + 2)
    edges = np.where(mels < 15.0, mels * 200.0 / 3.0, 1000.0 * np.exp(log_step * (mels - 15.0)))
    bins = np.linspace(0.0, sample_rate_hz / 2.0, fft_samples // 2 + 1)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    unit_area = 2.0 / (edges[2:] - edges[:-2])
    return torch.from_numpy(np.maximum(0.0, np.minimum(rising, falling)) * unit_area)


def band_edges(sample_rate_hz: int, low_hz: float, high_hz: float) -> tuple[float, float]:
    """Absolute band edges in Hz; `high_hz` <= 0 counts down from Nyquist.

    Raises
    ------
    ValueError
        The band is empty or reaches beyond Nyquist.
    """
    nyquist_hz = sample_rate_hz / 2.0
    top_hz = high_hz if high_hz > 0.0 else nyquist_hz + high_hz
    if not 0.0 <= low_hz < top_hz <= nyquist_hz:
        raise ValueError(
            f"mel band from low_hz={low_hz:g} to high_hz={high_hz:g} is not inside 0 to"
            f" {nyquist_hz:g} Hz (half of sample_rate_hz)"
        )
    return low_hz, top_hz


def cepstral_matrix(num_mels: int, num_ceps: int, lifter: float) -> Tensor:
    """Orthonormal DCT-II with liftering 1 + Q/2 sin(pi i / Q), float64 [M, C].

    References
    ----------
    The HTK Book, sections 5.3 and 5.6; Kaldi's default Q is 22, 0 turns liftering off.
    """
    order = torch.arange(num_ceps, dtype=torch.float64)
    centres = torch.arange(num_mels, dtype=torch.float64)[:, None] + 0.5
    matrix = math.sqrt(2.0 / num_mels) * torch.cos(math.pi / num_mels * centres * order)
    matrix[:, 0] = math.sqrt(1.0 / num_mels)
    if lifter > 0.0:
        matrix = matrix * (1.0 + 0.5 * lifter * torch.sin(math.pi * order / lifter))
    return matrix
