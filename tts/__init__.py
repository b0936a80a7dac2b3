"""Text to speech: a small voice with control over rate, pitch, energy and pauses.

import tts

voice = tts.load_voice()
voice.say("Hello, how are you?", rate=0.9, pitch=1.0).save("hello.wav")
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tts.prosody import Prosody
    from tts.sound import Audio
    from tts.ssml import parse_ssml
    from tts.synthesize import Voice, load_voice

__all__ = ["Audio", "Prosody", "Voice", "load_voice", "parse_ssml"]
_HOMES = {
    "Audio": "tts.sound",
    "Prosody": "tts.prosody",
    "Voice": "tts.synthesize",
    "load_voice": "tts.synthesize",
    "parse_ssml": "tts.ssml",
}


def __getattr__(name: str):
    """Load a public name at its first use, so that importing `tts` is quick."""
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module 'tts' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
