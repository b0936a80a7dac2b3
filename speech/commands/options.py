"""Options that several commands share."""

import argparse
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from speech.errors import SpeechError
from speech.formats import SUFFIXES, WRITERS, check_formats

if TYPE_CHECKING:  # the parser is built without loading the audio libraries
    from speech.audio import RawFormat


def add_model_options(parser: argparse.ArgumentParser, short_ones: str = "recordings") -> None:
    """--model, --device, --batch; `short_ones` is what shares a batch if shorter than a window."""
    parser.add_argument(
        "--model", type=path_name, metavar="FILE", help="model to use (default: the English one that is included)"
    )
    parser.add_argument("--device", default="cpu", help="cpu, or cuda for a graphics card (default: cpu)")
    parser.add_argument(
        "--batch",
        type=positive,
        default=8,
        metavar="N",
        help="audio taken at once: N windows of 30 seconds, or as much in shorter "
        f"{short_ones}; more needs more memory (default: 8)",
    )


def add_choice(parser: argparse.ArgumentParser, title: str, metavar: str) -> "argparse._SubParsersAction":
    """The commands of a parser; where none is named, its help is shown, and the exit code is that of wrong usage."""

    def run(_: argparse.Namespace) -> int:
        parser.print_help(sys.stderr)
        return 2

    parser.set_defaults(run=run)
    return parser.add_subparsers(title=title, metavar=metavar)


def path_name(text: str) -> str:
    """A path that is not empty, as that of a variable is that was never set."""
    if not text:
        raise argparse.ArgumentTypeError("the name is empty")
    return text


def positive(text: str) -> int:
    """A whole number from 1 up."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return value


def natural(text: str) -> int:
    """A whole number from 0 up."""
    try:
        value = int(text)
    except ValueError:
        value = -1
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 up")
    return value


def comma_list(text: str) -> list[str]:
    """Names between commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def add_output_options(parser: argparse.ArgumentParser, default: str) -> None:
    """--format, and where to write: -o for one file, --output-dir for many."""
    parser.add_argument(
        "--format",
        action="append",
        metavar="FORMAT",
        help=f"{', '.join(WRITERS)}; several with commas or by repeating (default: {default})",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "-o",
        "--output",
        type=_file_or_none,
        metavar="FILE",
        help="write into this file; its ending names the format unless --format does",
    )
    where.add_argument(
        "--output-dir", type=path_name, metavar="DIR", help="write one file a recording and format into this folder"
    )


def _file_or_none(text: str) -> str | None:
    """A file's name; none for -, which is standard output."""
    if text.endswith(("/", os.sep)):
        raise argparse.ArgumentTypeError(f"{text} is a folder; name a file, or use --output-dir {text}")
    return None if text == "-" else path_name(text)


def chosen_formats(arguments: argparse.Namespace, default: str) -> tuple[str, ...]:
    """Formats that the options of `add_output_options` name; SpeechError if one is unknown."""
    output = arguments.output
    suffix = Path(output).suffix if output and not arguments.format else ""
    if suffix:
        named = [name for name, known in SUFFIXES.items() if known.lower() == suffix.lower()]
        if not named:
            raise SpeechError(
                f"--output {output}: no format has this ending; add --format, one of {', '.join(WRITERS)}"
            )
        return tuple(named)
    values = arguments.format or [default]
    try:
        formats = check_formats([name for value in values for name in comma_list(value.lower())])
    except ValueError as error:
        raise SpeechError(f"--format: {error}") from error
    if not formats:
        raise SpeechError("--format: name a format")
    return formats


def raw_format(text: str) -> "RawFormat":
    """RATE[,CHANNELS[,ENCODING]] of headerless audio, e.g. ``16000`` or ``8000,2,PCM_16``."""
    import soundfile

    from speech.audio import RawFormat
    from speech.errors import AudioError

    parts = [part.strip() for part in text.split(",")]
    if len(parts) > 3 or "" in parts:
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate, channels and encoding such as 8000,2,PCM_16")
    rate, channels, encoding = parts + ["16000", "1", "PCM_16"][len(parts) :]
    if not 100 <= positive(rate) <= 10_000_000:
        raise argparse.ArgumentTypeError(f"a rate of {rate} Hz is not from 100 to 10000000")
    try:
        raw = RawFormat(sample_rate_hz=int(rate), num_channels=positive(channels), encoding=encoding)
        layout = {"samplerate": raw.sample_rate_hz, "channels": raw.num_channels, "subtype": encoding}
        with soundfile.SoundFile(io.BytesIO(bytes(4096)), format="RAW", **layout) as file:
            file.read(1)
    except AudioError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    except (soundfile.SoundFileError, OverflowError) as error:
        raise argparse.ArgumentTypeError(f"{text!r}: cannot read {channels} channels of {encoding}") from error
    return raw
