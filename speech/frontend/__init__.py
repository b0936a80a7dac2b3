"""Features for recognition and synthesis: filter banks, cepstra, vocoder mel, pitch, energy."""

from speech.frontend.features import Frontend, FrontendConfig, fbank
from speech.frontend.normalize import Normalize, StatisticsAccumulator

__all__ = ["Frontend", "FrontendConfig", "Normalize", "StatisticsAccumulator", "fbank"]
