"""What training smooths away, put back into a mel: detail of spectra, and quiet.

A decoder trained for the least error paints the mean of all the mels that a phone might have. Its spectra vary less
than those of recordings, the more so the finer the detail, and its quiet frames are a mean of silence and breath.
So the cepstra's distances from the voice's mean are stretched by a part of what the training recordings have more of
them, and frames far quieter than the sentence's speech are made quieter still.

Legend: T frames, M mel bands.

References
----------
Toda and Tokuda, IEICE Transactions E90-D, 2007 (variance lost to the mean, section 2).
Silen et al., Interspeech 2012 (variance restored by scaling).
"""

import math
from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

#: Cepstra up to this one are stretched; beyond them is the ripple of harmonics, which the vocoder has of its own.
FINEST_CEPSTRUM = 30
# Measured on 16 watched prompts of kathleen, DNSMOS overall (speech, background): as painted 2.83 (3.40, 3.48);
# half of the loss restored 2.85 (3.39, 3.54), all of it 2.84 (3.36, 3.58); quiet frames quieter 2.87 (3.38, 3.57);
# both, the first by half, 2.88 (3.38, 3.62).
_RESTORED = 0.5
_QUIET_BELOW = 3.0  # natural logarithm of magnitude (26 dB) under the loud frames of the speech
_LOUD_QUANTILE = 0.95
_QUIET_SLOPE, _MOST_QUIETER = 0.7, 2.3  # of each unit below; at most 20 dB
_MOST_LOST = 4.0  # as a ratio of spreads; more is a fault of the measurement


@cache
def cosines(num_mels: int) -> Tensor:
    """Orthonormal cosine transform of bands, float32 [M, M], rows are cepstra."""
    order = torch.arange(num_mels, dtype=torch.float64)
    matrix = torch.cos(math.pi / num_mels * (order[None] + 0.5) * order[:, None]) * math.sqrt(2.0 / num_mels)
    matrix[0] /= math.sqrt(2.0)
    return matrix.float()


def detail_lost(painted: Tensor, recorded: Tensor) -> tuple[float, ...]:
    """How much more recordings vary than what is painted for them, for each cepstrum.

    Parameters
    ----------
    painted, recorded : Tensor, float32, [T, M], log-mel of the same frames of speech

    Returns
    -------
    tuple of M floats : ratio of spreads, 1 to 4; 1 for the mean over bands and beyond `FINEST_CEPSTRUM`
    """
    transform = cosines(painted.shape[1]).T
    ratio = (recorded @ transform).std(0) / (painted @ transform).std(0).clamp(min=1e-6)
    ratio = ratio.clamp(1.0, _MOST_LOST)
    ratio[0] = 1.0
    ratio[FINEST_CEPSTRUM:] = 1.0
    return tuple(round(value, 3) for value in ratio.tolist())


def restore_detail(mel: Tensor, mean: Tensor, lost: Sequence[float]) -> Tensor:
    """Stretch cepstra around their mean.

    Parameters
    ----------
    mel : Tensor, float32, [T, M], log-mel
    mean : Tensor, float32, [M], of the voice
    lost : of `detail_lost`, or nothing

    Examples
    --------
    >>> mel = torch.tensor([[1.0, 2.0, 1.0, 2.0]])
    >>> [round(value, 2) for value in restore_detail(mel, torch.ones(4), (1.0, 1.0, 1.0, 4.0))[0].tolist()]
    [0.75, 2.6, 0.4, 2.25]
    """
    if not lost:
        return mel
    transform = cosines(mel.shape[1])
    gains = torch.tensor(lost).pow(_RESTORED)
    return ((mel - mean) @ transform.T * gains) @ transform + mean


def quieten(mel: Tensor, level: Tensor, spoken: Tensor) -> Tensor:
    """Make quiet frames quieter.

    Parameters
    ----------
    mel : Tensor, float32, [T, M], log-mel of a sentence
    level : Tensor, float32, [T], natural logarithm of its frames' magnitude
    spoken : Tensor, bool, [T], frames of phones, at least one

    Returns
    -------
    Tensor, float32, [T, M]
    """
    loud = level[spoken].quantile(_LOUD_QUANTILE)
    below = (loud - _QUIET_BELOW - level).clamp(min=0.0)
    return mel - (_QUIET_SLOPE * below).clamp(max=_MOST_QUIETER)[:, None]
