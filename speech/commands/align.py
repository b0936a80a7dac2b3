"""`speech align`: when each word and phone of a text is said."""

import argparse
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from speech.commands.inputs import Input
from speech.commands.options import chosen_formats, comma_list
from speech.commands.outputs import write_text
from speech.commands.progress import Progress
from speech.commands.transcribe import is_done, make_folder
from speech.errors import SpeechError
from speech.formats import WRITERS

if TYPE_CHECKING:
    from speech.aligner import Aligner, Alignment

ROUNDING_S = 0.05  # manifests give durations to some digits
LONG_S = 120.0  # recordings from here on are first aligned by a CTC model, in windows, then by phones piece by piece
UNLIKELY_SCORE = 0.01  # a word below was probably not said: so are 97 of 100 that were put in by mistake
SUSPICIOUS_SHARE = 0.5  # of unlikely words, from which a text is said not to match its audio

DESCRIPTION = """\
Find when each word and each phone of a text is said.

AUDIO is a recording and TEXT a file with what is said in it. Or give a manifest (JSON lines with
audio_filepath, duration, text), of which every row is aligned. Punctuation is ignored, but kept in txt,
srt and vtt; numbers have to be written in words.
"""

EPILOG = """\
examples:
  speech align talk.wav talk.txt                            # TextGrid on the screen
  speech align talk.wav talk.txt --format srt --level word
  speech align train.jsonl --format textgrid,ctm --output-dir aligned/
  speech align names.wav names.txt --lexicon names.tsv      # rows of a word, a tab, its phones

Each word has a score from 0 to 1: a word that is not what was said mostly shows a low one. A text most
of whose words score low is reported. With --output-dir a run that was interrupted goes on where it
stopped.

exit codes:
  0 all done; 1 some failed, the others are done; 2 wrong usage or nothing could be done; 130 interrupted
"""


@dataclass(frozen=True)
class Pair:
    """A recording, or part of one, and its text; `name` is that of the files written, without ending."""

    path: Path
    text: str
    name: str
    offset_s: float = 0.0
    duration_s: float | None = None  # None: to the end


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "align",
        help="when each word and phone of a text is said",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("audio", metavar="AUDIO", help="recording, or a manifest (.jsonl)")
    parser.add_argument("text", nargs="?", metavar="TEXT", help="file with what is said; none with a manifest")
    parser.add_argument("--level", default="phone,word", metavar="LEVELS", help="phone, word or both (default)")
    parser.add_argument(
        "--format",
        action="append",
        metavar="FORMAT",
        help=f"{', '.join(WRITERS)}; several with commas or by repeating (default: textgrid)",
    )
    parser.add_argument("--output-dir", metavar="DIR", help="write one file a recording and format into this folder")
    parser.add_argument("--overwrite", action="store_true", help="do finished recordings again")
    parser.add_argument("--channel", type=int, metavar="N", help="listen to this channel only (default: mean of all)")
    parser.add_argument("--model", metavar="FILE", help="model with a framewise head (default: the included aligner)")
    parser.add_argument("--lexicon", metavar="FILE", help="pronunciations that replace those of the dictionary")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Align; returns the exit code."""
    formats, levels = _choices(arguments)
    pairs, problems = _pairs(arguments)
    output_dir = Path(arguments.output_dir) if arguments.output_dir else None
    if output_dir is None and (len(pairs) + len(problems) > 1 or len(formats) > 1):
        raise SpeechError("several recordings or formats do not fit into one output; add --output-dir DIR")
    waiting = pairs
    if output_dir is not None:
        make_folder(output_dir)
        if not arguments.overwrite:
            waiting = [
                pair
                for pair in pairs
                if not is_done(Input(path=str(pair.path), output_stem=pair.name), output_dir, formats)
            ]
    progress = Progress(total=len(waiting) + len(problems))
    for problem in problems:
        progress.failed(problem.split(":")[0], problem)
    try:
        if waiting:
            _align(waiting, arguments, formats, levels, output_dir, progress)
    finally:
        progress.summary(num_skipped=len(pairs) - len(waiting), verb="aligned", skip_note="--overwrite redoes them")
    if not progress.failures:
        return 0
    return 1 if progress.num_done or len(waiting) < len(pairs) else 2


def _choices(arguments: argparse.Namespace) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Formats and levels, checked."""
    from speech.alignment_formats import LEVELS, PHONE_FORMATS

    levels = tuple(dict.fromkeys(comma_list(arguments.level.lower())))
    if not levels or set(levels) - set(LEVELS):
        raise SpeechError(f"--level {arguments.level}: known levels are {', '.join(LEVELS)}")
    formats = chosen_formats(arguments.format or ["textgrid"])
    wordless = [name for name in formats if name not in PHONE_FORMATS]
    if wordless and levels == ("phone",):
        raise SpeechError(f"--format {wordless[0]} holds words only; use --level word, or {', '.join(PHONE_FORMATS)}")
    return formats, levels


def _pairs(arguments: argparse.Namespace) -> tuple[list[Pair], list[str]]:
    """What to align, and a sentence for each row that cannot be."""
    audio = Path(arguments.audio)
    if arguments.text is None:
        if audio.suffix != ".jsonl":
            raise SpeechError(f"{audio}: add the file with its text, or give a manifest (.jsonl)")
        return _rows(audio)
    try:
        text = Path(arguments.text).read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise SpeechError(f"{arguments.text}: there is no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SpeechError(f"{arguments.text}: cannot be read as text in UTF-8 ({error})") from error
    if not text.strip():
        raise SpeechError(f"{arguments.text}: holds no text to align")
    return [Pair(audio, text, audio.stem)], []


def _rows(manifest: Path) -> tuple[list[Pair], list[str]]:
    """Rows of a manifest; a name that several share gets the row's number."""
    from speech.corpus import read_manifest

    rows = read_manifest(manifest)
    counts = Counter(row.audio_filepath.stem for row in rows)
    pairs, problems = [], []
    for number, row in enumerate(rows, start=1):
        if not row.text.strip():
            problems.append(f"{manifest}, row {number}: has no text to align")
            continue
        stem = row.audio_filepath.stem
        name = stem if counts[stem] == 1 else f"{stem}_{number}"
        pairs.append(Pair(row.audio_filepath, row.text, name, row.offset, row.duration))
    return pairs, problems


def _align(
    pairs: list[Pair],
    arguments: argparse.Namespace,
    formats: tuple[str, ...],
    levels: tuple[str, ...],
    output_dir: Path | None,
    progress: Progress,
) -> None:
    """Align each pair and put its files where they belong as soon as they are there."""
    from speech.aligner import Aligner
    from speech.alignment_formats import write_alignment
    from speech.audio import info
    from speech.sources import Clip

    aligner = Aligner.load(arguments.model, arguments.lexicon)
    for pair in pairs:
        progress.working(str(pair.path), 0.0)
        try:
            if (pair.duration_s or LONG_S) >= LONG_S and _is_long_and_whole(pair, info(pair.path).duration_s):
                alignment = _align_long(aligner, pair, arguments.channel, progress)
            else:
                clip = Clip(path=pair.path, offset_s=pair.offset_s, duration_s=pair.duration_s)
                alignment = aligner.align(clip, pair.text, channel=arguments.channel)
        except SpeechError as error:
            message = str(error)
            progress.failed(str(pair.path), message if str(pair.path) in message else f"{pair.path}: {message}")
            continue
        progress.clear()
        unlikely = [word for word in alignment.words if word.score < UNLIKELY_SCORE]
        if len(unlikely) > SUSPICIOUS_SHARE * len(alignment.words):
            progress.note(
                f"{pair.path}: {len(unlikely)} of {len(alignment.words)} words do not sound like the text, the first"
                f' "{unlikely[0].word}" at {unlikely[0].start_s:.2f} s; is it the right one?'
            )
        for name in formats:
            files = write_alignment(alignment, name, levels, pair.text)
            if output_dir is None:
                print("".join(files.values()), end="", flush=True)
                continue
            for suffix, text in files.items():
                try:
                    write_text(output_dir / f"{pair.name}{suffix}", text)
                except OSError as error:
                    raise SpeechError(f"{output_dir}: cannot be written ({error.strerror or error})") from error
        progress.done(str(pair.path), alignment.duration_s)


def _is_long_and_whole(pair: Pair, file_s: float) -> bool:
    """Whether the pair is a whole file, but for rounding, and too long to be aligned at once."""
    whole = not pair.offset_s and (pair.duration_s is None or pair.duration_s >= file_s - ROUNDING_S)
    return whole and file_s > LONG_S


def _align_long(aligner: "Aligner", pair: Pair, channel: int | None, progress: Progress) -> "Alignment":
    """Align a recording of hours; stretches whose text is not what is heard are told."""
    from speech.long_alignment import align_long
    from speech.phones import pronounce_transcript
    from speech.piecewise import align_pieces
    from speech.transcribe import load_model

    def tell(seconds: float) -> None:
        progress.working(str(pair.path), seconds)

    pronounce_transcript(pair.text, aligner.lexicon)  # a word without a pronunciation is found before the long work
    found = align_long(
        str(pair.path), pair.text, load_model(lm=False), channel=channel, progress=lambda _, seconds: tell(seconds)
    )
    for stretch in found.mismatches:
        progress.note(
            f'{pair.path}, {stretch.start_s:.1f} to {stretch.end_s:.1f} s: the text "{stretch.text}" is not what is'
            f' heard there ("{stretch.heard}", {stretch.error_rate:.0%} of it differs)'
        )
    return align_pieces(aligner, found, pair.path, channel=channel, progress=tell)
