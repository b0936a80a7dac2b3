"""`speech transcribe`: recordings to text, subtitles and tables of words."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from speech.commands.decoding_options import add_decoding_options, load_options
from speech.commands.inputs import STDIN, Input, find_recordings
from speech.commands.options import add_model_options, chosen_formats, raw_format
from speech.commands.outputs import make_folder, write_text
from speech.commands.progress import Progress
from speech.errors import SpeechError
from speech.formats import SUFFIXES, WRITERS, to_json_line
from speech.transcript import Transcript

if TYPE_CHECKING:  # the parser is built without loading the audio libraries
    from speech.transcribe import Transcriber

STREAMABLE = ("txt", "json", "ctm")  # several recordings make sense in one output

DESCRIPTION = """\
Write down what is said in recordings.

PATH is an audio file (wav, flac, mp3, ogg, opus, aiff, ...), a folder (all audio below it), a quoted
pattern such as 'talks/*.mp3', or - for standard input. Any sample rate, any number of channels, any
length. The text goes to standard output, everything else to standard error.
"""

EPILOG = """\
examples:
  speech transcribe talk.mp3
  speech transcribe call.wav --channel 0 --format json
  speech transcribe visit.wav --hotwords names.txt
  speech transcribe recordings/ --format srt,json --output-dir transcripts/
  cat talk.flac | speech transcribe -
  arecord -t raw -f S16_LE -r 16000 | speech transcribe --raw 16000 -

With --output-dir a run that was interrupted goes on where it stopped: recordings whose transcripts are
there, and are newer than the recording, are left alone unless --overwrite is given. With which other
options they were written is not looked at: add --overwrite when you change --units, --model, --lm,
--no-lm, --hotwords, --beam, --channel or --raw.

formats:
  txt       plain text, a new line after each long pause
  json      text, and words with start, end and confidence
  srt, vtt  subtitles, at most two lines of 42 characters for 7 seconds; in vtt each word has its time
  tsv       a table: start, end, word, confidence
  ctm       NIST's word list, for scoring tools
  textgrid  for Praat: a tier of words and one of confidences

exit codes:
  0 all recordings done; 1 some failed, the others are done; 2 wrong usage or nothing could be done;
  130 interrupted
"""


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "transcribe",
        help="write down what is said in recordings",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="file, folder, pattern or -")
    parser.add_argument(
        "--format",
        action="append",
        metavar="FORMAT",
        help=f"{', '.join(WRITERS)}; several with commas or by repeating (default: txt)",
    )
    parser.add_argument("--output-dir", metavar="DIR", help="write one file a recording and format into this folder")
    parser.add_argument("--overwrite", action="store_true", help="do finished recordings again")
    parser.add_argument(
        "--channel",
        type=int,
        metavar="N",
        help="listen to this channel only, from 0 (default: the mean of all)",
    )
    parser.add_argument(
        "--raw",
        type=raw_format,
        metavar="RATE,CHANNELS,ENCODING",
        help="recordings have no header: samples a second, channels (default: 1) and encoding, "
        "as libsndfile names it (default: PCM_16); of a folder .raw and .pcm files are taken",
    )
    parser.add_argument(
        "--units",
        choices=["word", "phone"],
        default="word",
        help="write words, or the phones that are heard (default: word); phones by the included aligner unless "
        "--model is given, with an n-gram of phones unless --no-lm is given",
    )
    add_model_options(parser)
    add_decoding_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Transcribe; returns the exit code."""
    formats = _formats(arguments)
    from speech.audio import HEADERLESS_SUFFIXES, MEDIA_SUFFIXES, SNDFILE_SUFFIXES

    suffixes = HEADERLESS_SUFFIXES if arguments.raw else SNDFILE_SUFFIXES | MEDIA_SUFFIXES
    inputs, problems = find_recordings(arguments.paths, suffixes)
    output_dir = Path(arguments.output_dir) if arguments.output_dir else None
    if output_dir is None and len(inputs) > 1 and set(formats) - set(STREAMABLE):
        raise SpeechError(f"several recordings as {formats[0]} do not fit into one output; add --output-dir DIR")
    waiting = inputs
    if output_dir is not None:
        make_folder(output_dir, "--output-dir")
        if not arguments.overwrite:
            waiting = [one for one in inputs if not is_done(one, output_dir, formats)]
    progress = Progress(total=len(waiting) + len(problems))
    for problem in problems:
        progress.failed(problem.split(":")[0], problem)
    try:
        if waiting:
            _transcribe(waiting, arguments, formats, output_dir, progress)
    except KeyboardInterrupt as interrupt:
        if output_dir is None:
            raise
        raise KeyboardInterrupt("what is done is kept; run it again to go on") from interrupt
    finally:
        progress.summary(
            num_skipped=len(inputs) - len(waiting), skip_note="perhaps by another model; --overwrite redoes them"
        )
    if not progress.failures:
        return 0
    return 1 if progress.num_done or len(waiting) < len(inputs) else 2


def _formats(arguments: argparse.Namespace) -> tuple[str, ...]:
    """The formats asked for, checked."""
    formats = chosen_formats(arguments.format or ["txt"])
    if len(formats) > 1 and not arguments.output_dir:
        raise SpeechError(f"{len(formats)} formats do not fit into one output; add --output-dir DIR")
    return formats


def _transcribe(
    inputs: list[Input],
    arguments: argparse.Namespace,
    formats: tuple[str, ...],
    output_dir: Path | None,
    progress: Progress,
) -> None:
    """Transcribe `inputs` and put every transcript where it belongs as soon as it is there."""
    from speech.sources import Clip, source_name
    from speech.transcribe import load_model

    if arguments.units == "phone":
        recognizer = _phone_recognizer(arguments)
    else:
        recognizer = load_model(arguments.model, **load_options(arguments))
    outcomes = recognizer.transcribe_many(
        [Clip(path=one.path, raw=arguments.raw) for one in inputs],
        channel=arguments.channel,
        batch=arguments.batch,
        progress=lambda source, seconds: progress.working(source_name(source), seconds),
    )
    for one, outcome in zip(inputs, outcomes, strict=True):
        if outcome.transcript is None:
            progress.failed(one.path, str(outcome.error))
            continue
        _put(outcome.transcript, one, formats, output_dir, progress)


def _phone_recognizer(arguments: argparse.Namespace) -> "Transcriber":
    """What writes phones: by the included aligner unless a model is named.

    Raises
    ------
    SpeechError
        An option of the search for words, of which there is none.
    """
    for option in ("lm", "hotwords", "beam"):
        if getattr(arguments, option):
            raise SpeechError(f"--{option} is for words, and --units phone searches none; leave one of them out")
    from speech import checkpoint
    from speech.aligner import SHIPPED_MODEL
    from speech.phone_recognition import PhoneRecognizer

    loaded = checkpoint.load(arguments.model or SHIPPED_MODEL)
    return PhoneRecognizer(loaded, ngram_weight=0.0 if arguments.no_lm else None, device=arguments.device)


def _put(
    transcript: Transcript, one: Input, formats: tuple[str, ...], output_dir: Path | None, progress: Progress
) -> None:
    """Print a transcript or write its files."""
    progress.clear()
    try:
        if output_dir is None:
            _print(transcript, formats[0], many=progress.total > 1)
        else:
            write_files(transcript, output_dir, one, formats)
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = error.strerror or error
        progress.failed(one.path, f"{one.path}: its transcript cannot be written ({reason}).")
        return
    progress.done(one.path, transcript.duration_s)


def _print(transcript: Transcript, format_name: str, *, many: bool) -> None:
    """To standard output: as the format says, or one line a recording if there are many."""
    if many and format_name == "txt":
        text = f"{transcript.source}: {transcript.text}\n"
    elif many and format_name == "json":
        text = to_json_line(transcript)
    else:
        text = WRITERS[format_name](transcript)
    sys.stdout.write(text)
    sys.stdout.flush()


def output_path(one: Input, output_dir: Path, format_name: str) -> Path:
    """Where a transcript goes."""
    return output_dir / f"{one.output_stem}{SUFFIXES[format_name]}"


def is_done(one: Input, output_dir: Path, formats: tuple[str, ...]) -> bool:
    """Whether all transcripts of a recording are there and not older than it.

    They are written under another name and renamed, so what is there is complete. Which model or channel
    they come from is unknown; the summary says so.
    """
    if one.path == STDIN:
        return False
    try:
        recorded = os.stat(one.path).st_mtime
        return all(os.stat(output_path(one, output_dir, name)).st_mtime >= recorded for name in formats)
    except OSError:
        return False


def write_files(transcript: Transcript, output_dir: Path, one: Input, formats: tuple[str, ...]) -> None:
    """Write all formats of a transcript, each complete or not at all."""
    for name in formats:
        path = output_path(one, output_dir, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, WRITERS[name](transcript))
