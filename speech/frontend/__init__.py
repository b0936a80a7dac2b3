"""Features for recognition and synthesis: filter banks, cepstra, vocoder mel.

Imported by name when wanted, because not everybody does: `pitch`, `energy`, `augment`, `augmenter`.
"""

from speech.frontend.config import FrontendConfig
from speech.frontend.features import Frontend, fbank
from speech.frontend.normalize import Normalize, StatisticsAccumulator

__all__ = ["Frontend", "FrontendConfig", "Normalize", "StatisticsAccumulator", "fbank"]
