"""What others hear: words that an independent recogniser understands, and an estimate of what listeners would say.

Both come from PyPI with their models in the package (``pip install speech-toolkit[measure]``): PocketSphinx 5 with its
US English model, and speechmos with DNSMOS. Neither shares code, data or features with ours.

References
----------
Huggins-Daines et al., PocketSphinx, ICASSP 2006.
Reddy, Gopal and Cutler, DNSMOS P.835, ICASSP 2022.
"""

import importlib
import warnings
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from speech import audio
from speech.errors import SpeechError

INSTALL = "pip install 'speech-toolkit[measure]'"
_PEERS = {"words": "pocketsphinx", "opinion": "speechmos.dnsmos"}
_PEER_RATE_HZ = 16_000
# Both peers depend on the level: recordings and synthetic speech are brought to the same one.
_LEVEL_DB = -26.0


@dataclass(frozen=True)
class Opinion:
    """Estimated mean opinion scores, 1 (bad) to 5 (excellent).

    Attributes
    ----------
    overall, speech, background : of DNSMOS P.835
    """

    overall: float
    speech: float
    background: float


class PeerRecognizer:
    """PocketSphinx with the model and language model that it ships."""

    def __init__(self):
        pocketsphinx = _peer("words")
        self._decoder = pocketsphinx.Decoder(samprate=_PEER_RATE_HZ, loglevel="FATAL")

    def transcribe(self, waveform: np.ndarray, sample_rate_hz: int) -> str:
        """Words heard, lower case, in float [N]."""
        samples = np.clip(np.rint(_for_peers(waveform, sample_rate_hz) * 32_768.0), -32_768, 32_767).astype(np.int16)
        if not len(samples):
            return ""
        self._decoder.start_utt()
        self._decoder.process_raw(samples.tobytes(), full_utt=True)
        self._decoder.end_utt()
        found = self._decoder.hyp()
        return found.hypstr if found else ""


def opinion(waveform: np.ndarray, sample_rate_hz: int) -> Opinion:
    """DNSMOS of float [N]; shorter ones than 9 s are repeated, as its authors do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of librosa's, about the sizes that DNSMOS asks of it
        scores = opinion_model().run(_for_peers(waveform, sample_rate_hz), sr=_PEER_RATE_HZ)
    return Opinion(float(scores["ovrl_mos"]), float(scores["sig_mos"]), float(scores["bak_mos"]))


def opinion_model() -> ModuleType:
    """The module that holds DNSMOS; SpeechError if it is not installed."""
    return _peer("opinion")


def _for_peers(waveform: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """At 16 kHz and -26 dB below full scale, float32 [N']."""
    samples = audio.resample(waveform, sample_rate_hz, _PEER_RATE_HZ)
    level = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0
    if level == 0.0:
        return samples
    return np.clip(samples * np.float32(10 ** (_LEVEL_DB / 20) / level), -1.0, 1.0)


def missing_peer(measure: str) -> str | None:
    """Why the package of "words" or "opinion" cannot be used; None if it can, or if the measure needs none."""
    try:
        if measure in _PEERS:
            importlib.import_module(_PEERS[measure])
    except ImportError as error:
        return str(error)
    return None


def _peer(measure: str) -> ModuleType:
    """Import the package of a measure.

    Raises
    ------
    SpeechError
        It is not installed.
    """
    missing = missing_peer(measure)
    if missing:
        raise SpeechError(f'the measure "{measure}" cannot be had ({missing}): {INSTALL}')
    return importlib.import_module(_PEERS[measure])
