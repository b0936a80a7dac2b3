"""`speech transcribe`: recordings to text, subtitles and tables of words."""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from speech.commands.decoding_options import add_decoding_options, check_decoding_files, load_options
from speech.commands.done import left_alone
from speech.commands.inputs import Input, find_recordings
from speech.commands.options import (
    add_model_options,
    add_output_options,
    chosen_formats,
    natural,
    path_name,
    raw_format,
)
from speech.commands.outputs import check_file, hint, is_final, write_text
from speech.commands.progress import Progress
from speech.commands.transcripts import TranscriptFolder, written
from speech.errors import SpeechError
from speech.files import no_empty_folder
from speech.formats import to_json_line
from speech.transcript import Transcript

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
  speech transcribe talk.mp3 -o talk.srt
  speech transcribe call.wav --channel 0 --format json
  speech transcribe visit.wav --hotwords names.txt
  speech transcribe recordings/ --format srt,json --output-dir transcripts/
  cat talk.flac | speech transcribe -
  arecord -t raw -f S16_LE -r 16000 | speech transcribe --raw 16000 -

With --output-dir a run that was interrupted goes on where it stopped: transcripts of the same recording
with the same model and options are left alone (.speech-transcribe.jsonl in that folder tells), and so
are files that this command did not write or that were changed since. --overwrite does all again.
Recordings of one name get longer ones (a.wav.txt and a.mp3.txt, else monday/a.txt and tuesday/a.txt);
what has a name there keeps it.

formats:
  txt       plain text, a new line after each long pause; the longer the line, the shorter the pause
  json      text, and words with start, end and confidence
  srt, vtt  subtitles, at most two lines of 42 characters for 7 seconds; in vtt each word has its time
  tsv       a table: start, end, word, confidence
  ctm       NIST's word list, for scoring tools
  textgrid  for Praat: a tier of words and one of confidences
Confidences, from 0 to 1, are of what is heard, without the language model: they rank words, and say
no share of right ones (of clear recordings more are right).
With --units phone, json, tsv and textgrid say phones and phone where they say words and word.

exit codes:
  0 all recordings done; 1 some failed, the others are done; 2 wrong usage or nothing could be done;
  130 interrupted; 143 terminated
"""


@dataclass(frozen=True)
class _Job:
    """A recording, the formats to write and a checksum of what they are made from."""

    one: Input
    formats: tuple[str, ...]
    key: str = ""


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "transcribe",
        help="write down what is said in recordings",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="+", type=path_name, metavar="PATH", help="file, folder, pattern or -")
    add_output_options(parser, "txt")
    parser.add_argument("--overwrite", action="store_true", help="do finished recordings again")
    parser.add_argument(
        "--channel",
        type=natural,
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
        help="write words, or the phones that are heard (default: word); phones are found by way of words, unless "
        "--no-lm is given or the model has another way",
    )
    add_model_options(parser)
    add_decoding_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Transcribe; returns the exit code."""
    with no_empty_folder(arguments.output_dir):
        return _run(arguments)


def _run(arguments: argparse.Namespace) -> int:
    """Transcribe into a folder that goes again if nothing is written into it."""
    formats = _formats(arguments)
    check_decoding_files(arguments)
    from speech.audio import HEADERLESS_SUFFIXES, MEDIA_SUFFIXES, SNDFILE_SUFFIXES

    suffixes = HEADERLESS_SUFFIXES if arguments.raw else SNDFILE_SUFFIXES | MEDIA_SUFFIXES
    folder = TranscriptFolder(Path(arguments.output_dir), arguments, formats) if arguments.output_dir else None
    names = folder.names if folder is not None else {}
    inputs, problems = find_recordings(arguments.paths, suffixes, names, arguments.output_dir)
    if folder is None and len(inputs) + len(problems) > 1 and (arguments.output or set(formats) - set(STREAMABLE)):
        into = f"--output {arguments.output}: " if arguments.output else ""
        raise SpeechError(f"{into}several recordings as {formats[0]} do not fit into one output; use --output-dir DIR")
    if arguments.output:
        read = [*(one.path for one in inputs), arguments.model, arguments.lm, arguments.hotwords]
        check_file(Path(arguments.output), f"--output {arguments.output}", read)
    jobs, taken = _jobs(inputs, formats, folder)
    problems += taken
    progress = Progress(total=len(jobs) + len(problems))
    for name, problem in problems:
        progress.failed(name, problem)
    if folder is not None and folder.strange:
        progress.note(left_alone(folder.strange))
    num_skipped = len(inputs) - len(jobs) - len(taken)
    num_left = folder.num_untouched if folder is not None else 0
    try:
        if jobs:
            with progress.noting():
                _transcribe(jobs, arguments, folder or arguments.output, progress)
    except KeyboardInterrupt as interrupt:
        if folder is None:
            raise
        raise KeyboardInterrupt("what is done is kept; run it again to go on") from interrupt
    finally:
        progress.summary(num_skipped - num_left, skip_note="--overwrite redoes them", num_left=num_left)
    if not progress.failures:
        return 0
    return 1 if progress.num_done or num_skipped else 2


def _jobs(
    inputs: list[Input], formats: tuple[str, ...], folder: TranscriptFolder | None
) -> tuple[list[_Job], list[tuple[str, str]]]:
    """What there is to do, and the recordings whose place another one has, with a sentence each."""
    if folder is None:
        return [_Job(one, formats) for one in inputs], []
    jobs, taken = [], []
    for one in inputs:
        problem = folder.taken(one)
        missing = () if problem else folder.missing(one)
        if problem:
            taken.append((one.path, problem))
        elif missing:
            jobs.append(_Job(one, missing, folder.key(one)))
    return jobs, taken


def _formats(arguments: argparse.Namespace) -> tuple[str, ...]:
    """The formats asked for, checked."""
    formats = chosen_formats(arguments, "txt")
    if len(formats) > 1 and not arguments.output_dir:
        raise SpeechError(f"{len(formats)} formats do not fit into one output; use --output-dir DIR")
    return formats


def _transcribe(
    jobs: list[_Job], arguments: argparse.Namespace, output: TranscriptFolder | str | None, progress: Progress
) -> None:
    """Transcribe and put every transcript where it belongs as soon as it is there."""
    options = load_options(arguments)
    from speech.loading import load_model
    from speech.sources import Clip, source_name

    load = load_model
    if arguments.units == "phone":
        from speech.phone_recognition import load_phone_model as load
    recognizer = load(arguments.model, **options)
    outcomes = recognizer.transcribe_many(
        [Clip(path=job.one.path, raw=arguments.raw) for job in jobs],
        channel=arguments.channel,
        batch=arguments.batch,
        progress=lambda source, seconds: progress.working(source_name(source), seconds),
    )
    for job, outcome in zip(jobs, outcomes, strict=True):
        if outcome.transcript is None:
            progress.failed(job.one.path, str(outcome.error))
            continue
        if not _put(outcome.transcript, job, output, progress):
            return


def _put(transcript: Transcript, job: _Job, output: TranscriptFolder | str | None, progress: Progress) -> bool:
    """Print a transcript, or write its files or the one that `output` names; whether there is room for others."""
    progress.clear()
    path = job.one.path
    if output is None:
        _print(transcript, job, many=progress.total > 1)
    else:
        try:
            if isinstance(output, str):
                write_text(Path(output), written(transcript, job.formats[0], job.one))
            else:
                output.write(transcript, job.one, job.key, job.formats)
        except OSError as error:
            progress.failed(path, f"{path}: its transcript cannot be written ({error.strerror or error}){hint(error)}")
            return not is_final(error)
    progress.done(path, transcript.duration_s)
    return True


def _print(transcript: Transcript, job: _Job, *, many: bool) -> None:
    """To standard output: as the format says, or one line a recording if there are many."""
    format_name = job.formats[0]
    if many and format_name == "txt":
        name = "\\n".join(transcript.source.splitlines())  # a name may hold line breaks
        text = f"{name}: {transcript.text}\n"
    elif many and format_name == "json":
        text = to_json_line(transcript)
    else:
        text = written(transcript, format_name, job.one)
    sys.stdout.write(text)
    sys.stdout.flush()
