"""What kind of file a file is, by its first bytes, so that one of another kind is named for what it is."""

import codecs
import gzip
import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

NGRAM_MAGIC = b"NGRAMLM\n"  # first bytes of the binary form of n-gram models
_MOST_HEADER_BYTES = 100_000_000  # of safetensors, which refuses larger ones
_HEAD_BYTES = 4096
_SOUNDS = (b"RIFF", b"fLaC", b"OggS", b"ID3", b"FORM", b"\xff\xfb")


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes
    ----------
    format : name of the format, as our safetensors files hold it; empty of what is no model of ours
    what : what messages call it
    use : what a user is to do with it
    """

    format: str
    what: str
    use: str


NGRAM = Kind("ngram", "an n-gram language model", "give it by --lm")
ARPA = Kind("arpa", "an n-gram language model in ARPA form", "give it by --lm")
_PACKED = (
    Kind("speech-model-1", "a recogniser or aligner", "give it by --model"),
    Kind("neural-lm-1", "a recurrent language model", "no option takes it: the included one scores beside the n-gram"),
    Kind("letter-to-sound-1", "a letter-to-sound model", "no option takes it: words that no dictionary has need it"),
    Kind("pronunciations-1", "the pronunciations of a language model's words", "no option takes it"),
    Kind("acoustic-1", "the acoustic model of a voice", "give it by --voice"),
    Kind("vocoder-1", "the vocoder of a voice", "give it by --vocoder of `speech evaluate-tts`"),
)
PACKED = {kind.format: kind for kind in _PACKED}
TEXT = Kind("", "text", "name a model's file")
_FOREIGN = Kind("", "a safetensors file of another program", "name one that `speech train` wrote")
_ALIGNMENTS = Kind("", "alignments that training keeps", "name the model.safetensors of the run")
_STATE = Kind("", "a zip archive, such as the state.pt of a training run", "name the model.safetensors of the run")
_SOUND = Kind("", "a recording", "name a model's file")
JSON = Kind("", "JSON, such as a card or a manifest", "name a model's file")


def kind_of(path: str | os.PathLike[str]) -> Kind | None:
    """The kind of a file; None if its first bytes do not tell.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    with open(path, "rb") as file:
        head = file.read(_HEAD_BYTES)
        if head.startswith(NGRAM_MAGIC):
            return NGRAM
        size = int.from_bytes(head[:8], "little")
        if head[8:9] == b"{" and size <= _MOST_HEADER_BYTES:
            file.seek(8)
            header = file.read(size)
            return _packed(header) if len(header) == size else None
    if head.startswith(_SOUNDS):
        return _SOUND
    if head.startswith(b"PK\x03\x04"):
        return _STATE
    return _text(_unzipped(path) if head.startswith(b"\x1f\x8b") else head)


def other_kind(path: Path, format_name: str) -> str:
    """A sentence if a file is of another kind than `format_name`, else ""; OSError if it cannot be read."""
    kind = kind_of(path)
    if kind is None or kind.format == format_name:
        return ""
    return f"{path}: is {kind.what}; {kind.use}"


def _packed(header: bytes) -> Kind | None:
    """Of a safetensors file with this header; None where that is damaged or of a version that is not known."""
    try:
        metadata = json.loads(header).get("__metadata__", {})
        packed = json.loads(metadata.get("speech", "{}"))
        name = metadata.get("format") or packed.get("format")
    except (ValueError, AttributeError):
        return None
    if "alignments" in metadata:
        return _ALIGNMENTS
    return PACKED.get(name) if "speech" in metadata or name in PACKED else _FOREIGN


def _unzipped(path: str | os.PathLike[str]) -> bytes:
    """First bytes of what a gzip file holds; none where it is damaged, as its reader then tells."""
    try:
        with gzip.open(path) as file:
            return file.read(_HEAD_BYTES)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return b""


def _text(head: bytes) -> Kind | None:
    """Of a text with this beginning; None where it is none."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"\\data\\"):
        return ARPA
    if start.startswith((b'{"', b"{\n", b"[")):
        return JSON
    try:
        readable = codecs.getincrementaldecoder("utf-8")().decode(start)  # the last character may be cut
    except UnicodeDecodeError:
        return None
    return TEXT if readable and "\0" not in readable else None
