"""The errors a user can cause; each message is one sentence that says what to do."""


class SpeechError(Exception):
    """Base of every error caused by what the user gave us: files, rows, keys."""


class AudioError(SpeechError):
    """An audio file that cannot be read or written; the message names it."""


class ConfigError(SpeechError):
    """A configuration key or value that is not understood; the message names it."""


class CorpusError(SpeechError):
    """A manifest or corpus folder that is not as it should be; the message names file and row."""


class CheckpointError(SpeechError):
    """A model file that is damaged or does not fit; the message names it."""
