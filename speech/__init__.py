"""Speech recognition: audio, features, acoustic models, training and transcription.

>>> import speech
>>> speech.load_model().transcribe("talk.flac").text  # doctest: +SKIP
'the birch canoe slid on the smooth planks'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from speech.aligner import Aligner
    from speech.corpus import Utterance, read_manifest, write_manifest
    from speech.errors import AudioError, CheckpointError, ConfigError, CorpusError, SpeechError
    from speech.frontend import Frontend, FrontendConfig
    from speech.loading import load_model
    from speech.phone_recognition import load_phone_model
    from speech.training import train
    from speech.transcribe import Transcriber
    from speech.transcript import Transcript, Word

#: Public names and the modules they come from; each is imported when first used, so that `speech --help` need not
#: wait for torch.
_SOURCES = {
    "speech.aligner": ("Aligner",),
    "speech.corpus": ("Utterance", "read_manifest", "write_manifest"),
    "speech.errors": ("AudioError", "CheckpointError", "ConfigError", "CorpusError", "SpeechError"),
    "speech.frontend": ("Frontend", "FrontendConfig"),
    "speech.loading": ("load_model",),
    "speech.phone_recognition": ("load_phone_model",),
    "speech.training": ("train",),
    "speech.transcribe": ("Transcriber",),
    "speech.transcript": ("Transcript", "Word"),
}
_MODULES = {name: module for module, names in _SOURCES.items() for name in names}
__all__ = [
    "Aligner",
    "AudioError",
    "CheckpointError",
    "ConfigError",
    "CorpusError",
    "Frontend",
    "FrontendConfig",
    "SpeechError",
    "Transcriber",
    "Transcript",
    "Utterance",
    "Word",
    "load_model",
    "load_phone_model",
    "read_manifest",
    "train",
    "write_manifest",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'speech' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
