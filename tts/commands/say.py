"""`speech say`: text to speech."""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from speech.commands.inputs import STDIN, read_text
from speech.commands.options import natural, path_name
from speech.commands.outputs import check_file, write_text
from speech.errors import AudioError, SpeechError
from speech.files import replacing
from tts.controls import Controls

if TYPE_CHECKING:
    import numpy as np

    from tts.synthesize import Piece, TimedPhone, TimedWord, Voice

FORMATS = {".wav": "WAV", ".flac": "FLAC", ".ogg": "OGG", ".mp3": "MP3"}

DESCRIPTION = """\
Say a text.

TEXT is what to say, or - for standard input; --file reads a file. Without -o, raw 16-bit samples go to
standard output when that is a pipe or a file.
"""

EPILOG = """\
examples:
  speech say "Hello, how are you?" -o hello.wav
  speech say --file chapter.txt -o chapter.mp3
  echo "Dinner is ready." | speech say - | aplay -t raw -f S16_LE -r 24000
  speech say "It is {tomato|T AH0 M AA1 T OW2} soup." --rate 0.9 --pitch +2 -o soup.flac
  speech say --ssml --file play.ssml -o play.wav --json play.json

--rate changes phones alone and --pause pauses alone; for speech that is faster throughout, give both:
--rate 1.25 --pause 0.8.

The voice is as loud as the recordings it learned from, about 30 dB below full scale; --energy 8 brings
it to where broadcasts are. From about 12 dB up the highest peaks come near full scale and are rounded,
which a warning tells, as it does of a pitch that would be below 40 Hz or above 1000 and is held there.

{word|PHONES} in a text gives a word's ARPAbet phones; braces without a bar are punctuation, as
parentheses are.

SSML stands in <speak>...</speak>, with & written &amp;. Elements and attributes other than these are
refused: <p>, <s>, <sub alias="...">, <break time="300ms"> or strength="weak", <phoneme
alphabet="arpabet" ph="...">, <prosody rate="80%" pitch="+2st" volume="+6dB">, and
<say-as interpret-as="..."> with characters, spell-out, digits, cardinal or ordinal. What
nested <prosody> elements ask adds up; more than --rate, --pitch and --energy may be is refused.

exit codes:
  0 said; 2 wrong usage or nothing could be said; 130 interrupted; 143 terminated
"""


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "say",
        help="say a text",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("text", nargs="*", metavar="TEXT", help="what to say, or - for standard input")
    parser.add_argument("--file", "-f", type=path_name, metavar="FILE", help="say what this text file holds")
    parser.add_argument(
        "--output", "-o", type=path_name, metavar="FILE", help="wav, flac, ogg or mp3; - for raw samples"
    )
    parser.add_argument(
        "--json", type=path_name, metavar="FILE", help="write when each word and phone is said; - for standard output"
    )
    parser.add_argument("--ssml", action="store_true", help="the text is SSML")
    parser.add_argument(
        "--voice",
        type=path_name,
        default="kathleen",
        metavar="VOICE",
        help="kathleen, or a folder with a voice (default: kathleen)",
    )
    parser.add_argument("--speaker", metavar="NAME", help="one of several in the voice (default: its first)")
    parser.add_argument(
        "--lexicon", type=path_name, metavar="FILE", help="your pronunciations: word, tab, ARPAbet phones"
    )
    parser.add_argument("--rate", type=float, default=1.0, help="how much faster, 0.25 to 4 (default: 1)")
    parser.add_argument("--pitch", type=float, default=0.0, help="semitones up or down, -24 to 24 (default: 0)")
    parser.add_argument("--energy", type=float, default=0.0, help="dB up or down, -60 to 30 (default: 0)")
    parser.add_argument("--pause", type=float, default=1.0, help="how much longer pauses are, 0 to 20 (default: 1)")
    parser.add_argument("--seed", type=natural, default=0, help="of the voice's noise (default: 0)")
    parser.add_argument(
        "--unknown",
        choices=("error", "name", "skip"),
        default="error",
        help="what to do with emoji and other scripts: refuse the text, say the character's name, or leave it out "
        "(default: error)",
    )
    parser.add_argument(
        "--vocoder",
        choices=("neural", "griffin-lim"),
        default="neural",
        help="griffin-lim needs no trained vocoder (default: neural)",
    )
    parser.add_argument("--verbose", "-v", action="store_true", help="print how fast it was")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Say; returns the exit code."""
    controls = {name: getattr(arguments, name) for name in ("rate", "pitch", "energy", "pause")}
    Controls(**controls)  # refused before anything is read or loaded
    text = _text(arguments)
    inputs = (arguments.file, arguments.lexicon)
    output = _output(arguments, inputs)
    if arguments.json not in (None, "-"):
        check_file(Path(arguments.json), f"--json {arguments.json}", inputs)
        if output is not None and os.path.realpath(arguments.json) == os.path.realpath(output):
            raise SpeechError(f"-o and --json both name {output}; name another file for one of them")
    started = time.perf_counter()
    from tts.inline import check_inline
    from tts.script import plain_script
    from tts.ssml import parse_ssml
    from tts.synthesize import load_voice

    if not arguments.ssml and text.lstrip().startswith(("<speak", "<?xml")):
        raise SpeechError("the text looks like SSML; add --ssml to have it read as such, or take its tags away")
    try:
        script = parse_ssml(text) if arguments.ssml else plain_script(text)
        check_inline(script.inline, arguments.unknown)  # all of it, before the first sentence is heard
    except SpeechError as error:
        if not arguments.file or arguments.file == STDIN:
            raise
        raise type(error)(f"{arguments.file}: {error}") from error
    voice = load_voice(arguments.voice, lexicon=arguments.lexicon, speaker=arguments.speaker, vocoder=arguments.vocoder)
    loaded = time.perf_counter()
    pieces = voice.stream(script, **controls, seed=arguments.seed, on_unknown=arguments.unknown)
    watch = _Watch(pieces, voice.sample_rate)
    first = next(watch, None)  # what cannot be said is refused before a file is begun
    parts = _joined(first, watch)
    if output is None:
        for part in parts:
            sys.stdout.buffer.write(_pcm16(part))
            sys.stdout.buffer.flush()
    else:
        with _opened(output, voice.sample_rate) as write:
            for part in parts:
                write(part)
    _write_json(arguments.json, voice, watch)
    if arguments.verbose:
        said = watch.num_samples / voice.sample_rate
        spent = watch.finished - loaded
        print(
            f"{said:.2f} s of speech in {spent:.2f} s, real-time factor {spent / max(said, 1e-9):.3f}; "
            f"first sound after {1000 * (watch.first - loaded):.0f} ms, loading took {loaded - started:.2f} s",
            file=sys.stderr,
        )
    return 0


class _Watch:
    """Passes pieces on and keeps their times, and when they came."""

    def __init__(self, pieces: "Iterator[Piece]", sample_rate: int):
        self.pieces, self.sample_rate = pieces, sample_rate
        self.phones: list[TimedPhone] = []
        self.words: list[TimedWord] = []
        self.num_samples, self.first, self.finished = 0, 0.0, 0.0

    def __iter__(self) -> "_Watch":
        return self

    def __next__(self) -> "np.ndarray":
        try:
            piece = next(self.pieces)
        finally:
            self.finished = time.perf_counter()
        self.phones += piece.phones
        self.words += piece.words
        if not self.num_samples and len(piece.samples):
            self.first = self.finished
        self.num_samples += len(piece.samples)
        return piece.samples


def _joined(first: "np.ndarray | None", rest: _Watch) -> "Iterator[np.ndarray]":
    if first is not None:
        yield first
    yield from rest


def _text(arguments: argparse.Namespace) -> str:
    """What is to be said."""
    if arguments.text and arguments.file:
        raise SpeechError(f"the text is given twice, as words and by --file {arguments.file}; leave one out")
    if not arguments.text and not arguments.file:
        raise SpeechError('give the text: speech say "Hello!", speech say --file FILE, or speech say - < FILE')
    if arguments.text and arguments.text != ["-"]:
        return " ".join(arguments.text)
    return read_text(arguments.file or STDIN)


def _output(arguments: argparse.Namespace, inputs: tuple[str | None, ...]) -> Path | None:
    """The file to write, none of those that are read; None for raw samples to standard output."""
    if arguments.output in (None, "-"):
        if arguments.json == "-":
            raise SpeechError("--json - and the samples do not fit into one output; add -o FILE")
        if arguments.output is None and sys.stdout.isatty():
            raise SpeechError("name a file with -o, e.g. -o speech.wav, or pipe the samples to a player")
        return None
    path = Path(arguments.output)
    if path.suffix.lower() not in FORMATS:
        raise SpeechError(f"-o {path}: the suffix must be one of {', '.join(FORMATS)}")
    check_file(path, f"-o {path}", inputs)
    return path


def _pcm16(samples: "np.ndarray") -> bytes:
    """Samples in [-1, 1] as 16-bit integers, little-endian, as libsndfile writes them to files."""
    import numpy as np

    return np.clip(np.floor(samples * 32_768.0), -32_768, 32_767).astype("<i2").tobytes()


@contextmanager
def _opened(path: Path, sample_rate: int):
    """Yield a function that appends samples; the file appears whole or not at all."""
    import soundfile

    from speech.audio import WRITE_FRAMES

    format_name = FORMATS[path.suffix.lower()]
    try:
        with (
            replacing(path) as partial,
            soundfile.SoundFile(_path(partial), "w", sample_rate, 1, format=format_name) as file,
        ):

            def write(samples: "np.ndarray") -> None:
                for start in range(0, len(samples), WRITE_FRAMES):
                    file.write(samples[start : start + WRITE_FRAMES])

            yield write
    except (soundfile.SoundFileError, OSError) as error:
        raise AudioError(f"-o {path}: cannot be written ({_reason(error)})") from error


def _path(path: Path) -> Path | bytes:
    """A path as libsndfile understands it, be its name text or not."""
    return os.fsencode(path) if os.name == "posix" else path


def _reason(error: Exception) -> str:
    """What kept a sound from being written, without the name that it had meanwhile."""
    text = getattr(error, "strerror", None) or re.sub(r"^Error opening .*?: ", "", str(error)).strip(" .")
    return "the disk is full, or does not take it" if text == "System error" else text  # libsndfile tells no more


def _write_json(target: str | None, voice: "Voice", watch: _Watch) -> None:
    """Words and phones with their times."""
    if target is None:
        return
    from tts.sound import timings

    found = timings(watch.words, watch.phones, watch.num_samples / voice.sample_rate, voice.sample_rate)
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    if target == "-":
        sys.stdout.write(text)
        return
    try:
        write_text(Path(target), text)
    except OSError as error:
        raise SpeechError(f"--json {target}: cannot be written ({error.strerror})") from error
