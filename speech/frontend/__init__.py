"""Features for recognition and synthesis: filter banks, cepstra, vocoder mel, pitch, energy."""

from speech.frontend.config import FrontendConfig
from speech.frontend.features import Frontend, fbank
from speech.frontend.normalize import Normalize, StatisticsAccumulator

__all__ = ["Frontend", "FrontendConfig", "Normalize", "StatisticsAccumulator", "fbank"]
