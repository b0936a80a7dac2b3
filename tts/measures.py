"""How far synthetic speech is from a recording of the same words: spectrum, pitch and voicing.

Two readings of a sentence differ in timing, so frames are first paired by dynamic time warping of their
mel-cepstra; every measure is a mean over the pairs.

Legend: N samples, T frames, M mel bands, D cepstral coefficients, P pairs of frames.

References
----------
Kubichek, Mel-cepstral distance measure for objective speech quality assessment, IEEE PacRim 1993.
Sakoe and Chiba, Dynamic programming algorithm optimization for spoken word recognition, 1978.
"""

import math
from dataclasses import dataclass

import numba
import numpy as np
import torch

from tts.contract import AudioContract, AudioFrames, FrameAnalyzer

#: Coefficients compared: 1 to 24, as is usual at 22 to 24 kHz; 0, the level, is left out.
NUM_CEPSTRA = 24
# Silence at both ends is cut off where frames are this far below the loudest.
_SILENCE_DB = 40.0
_NEPER_TO_DB = 20.0 / math.log(10.0)


@dataclass(frozen=True)
class AcousticErrors:
    """Errors of one utterance.

    Attributes
    ----------
    mcd_db : mel-cepstral distortion, mean over pairs
    log_f0_rmse : root mean square difference of the natural logarithm of pitch, pairs with both voiced; nan if none
    voicing_error : share of pairs of which only one frame is voiced
    num_pairs, num_voiced : pairs, and those with both voiced
    """

    mcd_db: float
    log_f0_rmse: float
    voicing_error: float
    num_pairs: int
    num_voiced: int


def mel_cepstra(mel: np.ndarray, num_cepstra: int = NUM_CEPSTRA) -> np.ndarray:
    """Cepstra 1 to D of natural log-magnitude mels, float [T, M] -> float64 [T, D].

    They are Fourier coefficients of the log-mel: log-mel(m) = c_0 + sum over d of c_d cos(pi d (m + 1/2) / M).

    >>> bands = np.arange(80) + 0.5
    >>> mel_cepstra(3.0 + 0.5 * np.cos(np.pi * 2 * bands / 80)[None])[0, :3].round(6).tolist()
    [0.0, 0.5, 0.0]
    """
    bands = mel.shape[1]
    order = np.arange(1, num_cepstra + 1)
    basis = 2.0 / bands * np.cos(np.pi / bands * (np.arange(bands)[:, None] + 0.5) * order)
    return np.asarray(mel, np.float64) @ basis


def mel_cepstral_distortion(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Distortion of paired frames in dB, [P, D] each -> [P].

    (10 / ln 10) sqrt(2 sum over d of (c_d - c'_d)^2), on magnitudes times 2 since our cepstra are of
    magnitudes and Kubichek's are of power: the root mean square difference of the smoothed log-mels in dB, level apart.

    >>> mel_cepstral_distortion(np.array([[0.0]]), np.array([[1.0]])).round(3).tolist()
    [6.142]
    """
    return _NEPER_TO_DB * np.sqrt(0.5 * np.square(first - second).sum(axis=1))


def compare(reference: np.ndarray, synthetic: np.ndarray, contract: AudioContract) -> AcousticErrors:
    """Errors of synthetic speech against a recording.

    Parameters
    ----------
    reference, synthetic : float [N], [N'] at the contract's rate, in [-1, 1]
    contract : AudioContract

    Returns
    -------
    AcousticErrors

    Raises
    ------
    ValueError
        One of them is silent, shorter than a frame, or no finite samples.
    """
    analyzer = FrameAnalyzer(contract)
    sides = []
    for name, waveform in (("reference", reference), ("synthetic", synthetic)):
        samples = np.ascontiguousarray(waveform, dtype=np.float32)
        if samples.ndim != 1 or not np.isfinite(samples).all():
            raise ValueError(f"the {name} must be finite samples [N], got shape {samples.shape}")
        frames = analyzer(torch.from_numpy(samples)[None]) if len(samples) else None
        spoken = _spoken(frames) if frames is not None else ()
        if frames is None or not len(spoken):
            raise ValueError(f"the {name} is silent or shorter than a frame of {contract.hop_s:.3f} s")
        sides.append((mel_cepstra(frames.mel[0].numpy()[spoken]), frames.f0_hz[0].numpy()[spoken]))
    (cepstra, f0_hz), (other_cepstra, other_f0_hz) = sides
    rows, columns = warp(cepstra, other_cepstra)
    ours, theirs = f0_hz[rows], other_f0_hz[columns]
    both = (ours > 0) & (theirs > 0)
    square = np.square(np.log(ours[both]) - np.log(theirs[both]))
    return AcousticErrors(
        mcd_db=float(mel_cepstral_distortion(cepstra[rows], other_cepstra[columns]).mean()),
        log_f0_rmse=float(np.sqrt(square.mean())) if both.any() else math.nan,
        voicing_error=float(((ours > 0) != (theirs > 0)).mean()),
        num_pairs=len(rows),
        num_voiced=int(both.sum()),
    )


def pooled(errors: list[AcousticErrors]) -> AcousticErrors:
    """Errors of a corpus: every pair counts the same."""
    pairs = np.array([row.num_pairs for row in errors], np.float64)
    voiced = np.array([row.num_voiced for row in errors], np.float64)
    square = np.array([row.log_f0_rmse**2 if row.num_voiced else 0.0 for row in errors])
    return AcousticErrors(
        mcd_db=float(np.average([row.mcd_db for row in errors], weights=pairs)),
        log_f0_rmse=float(np.sqrt((square * voiced).sum() / voiced.sum())) if voiced.any() else math.nan,
        voicing_error=float(np.average([row.voicing_error for row in errors], weights=pairs)),
        num_pairs=int(pairs.sum()),
        num_voiced=int(voiced.sum()),
    )


def _spoken(frames: AudioFrames) -> np.ndarray:
    """Frames from the first to the last that is loud enough, int64 [T']."""
    level = frames.energy_db[0, : int(frames.lengths[0])].numpy()
    loud = np.flatnonzero((level > level.max(initial=-120.0) - _SILENCE_DB) & (level > -119.0))
    return np.arange(loud[0], loud[-1] + 1) if len(loud) else np.zeros(0, np.int64)


def warp(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of frames along the path of least summed Euclidean distance.

    A step goes on in one of them or in both (the latter preferred when equal); no slope is forbidden.

    Parameters
    ----------
    first, second : float [T, D], [T', D]

    Returns
    -------
    rows, columns : int64 [P] each, rising

    >>> rows, columns = warp(np.array([[0.0], [1.0]]), np.array([[0.0], [0.0], [1.0]]))
    >>> rows.tolist(), columns.tolist()
    ([0, 0, 1], [0, 1, 2])
    """
    squared = np.square(first).sum(1)[:, None] + np.square(second).sum(1) - 2.0 * first @ second.T
    steps = _steps(np.sqrt(np.maximum(squared, 0.0)))
    row, column = len(first) - 1, len(second) - 1
    pairs = [(row, column)]
    while row or column:
        step = steps[row, column]
        row, column = row - (step != 2), column - (step != 1)
        pairs.append((row, column))
    rows, columns = np.array(pairs[::-1], np.int64).T
    return rows, columns


@numba.njit(cache=True, nogil=True)
def _steps(cost):
    """Step that leads to each pair, int8 [T, T']: 0 both, 1 first only, 2 second only."""
    num_rows, num_columns = cost.shape
    total = np.empty(num_columns)
    steps = np.zeros((num_rows, num_columns), np.int8)
    for row in range(num_rows):
        corner = np.inf
        for column in range(num_columns):
            above = total[column] if row else np.inf
            left = total[column - 1] if column else np.inf
            best, step = corner, 0
            if above < best:
                best, step = above, 1
            if left < best:
                best, step = left, 2
            if row == 0 and column == 0:
                best = 0.0
            steps[row, column] = step
            total[column] = best + cost[row, column]
            corner = above
    return steps
