"""`speech evaluate-tts`: measures of synthetic speech against recordings."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from speech.commands.manifests import named_rows
from speech.commands.options import comma_list, path_name, positive
from speech.commands.outputs import check_file, make_folder
from speech.commands.progress import Progress
from speech.errors import SpeechError

if TYPE_CHECKING:
    from tts.measures_run import Measure

EPILOG = """\
systems:
  natural   the recordings themselves
  copy      the vocoder on the recordings' own mel and pitch
  voice     the text of each recording, spoken

measures:
  spectrum  mel-cepstral distortion (dB), RMSE of log pitch, voicing error; frames paired by DTW
  words     word errors of PocketSphinx
  opinion   DNSMOS P.835: overall, speech, background
  timing    duration of phones, pauses at word ends, against the aligned recording: of the voice, and of
            the second reading of those texts that the speaker read twice (natural)

`words` and `opinion` need pip install 'speech-toolkit[measure]', and are left out without it unless
--measures asks for them. Of several readings of a text the first is the recording that the others are
compared with.

examples:
  speech evaluate-tts test.jsonl
  speech evaluate-tts test.jsonl --systems natural,copy --measures opinion --limit 20
  speech evaluate-tts test.jsonl --voice runs/voice --vocoder runs/voice/vocoder.safetensors --keep wav/

exit codes:
  0 all texts measured; 1 some rows are left out, each named: malformed, or of a recording that cannot be
  read or measured; 2 wrong usage or nothing could be done; 130 interrupted; 143 terminated
"""


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "evaluate-tts",
        help="measure synthetic speech against recordings",
        description="Speak the texts of a manifest and compare with its recordings.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "manifest", type=path_name, metavar="MANIFEST", help="JSON-lines manifest of held-out recordings"
    )
    parser.add_argument(
        "--systems",
        type=comma_list,
        default=["natural", "copy", "voice"],
        metavar="NAMES",
        help="what is measured, of those below, with commas (default: natural,copy,voice)",
    )
    parser.add_argument(
        "--measures",
        type=comma_list,
        metavar="NAMES",
        help="how, of those below, with commas (default: spectrum,words,opinion,timing, as far as their packages are "
        "installed)",
    )
    parser.add_argument(
        "--voice",
        type=path_name,
        metavar="PATH",
        help="folder of a voice, or an acoustic model (default: the voice that is included)",
    )
    parser.add_argument(
        "--vocoder", type=path_name, metavar="FILE", help="vocoder of `copy` (default: the one that is included)"
    )
    parser.add_argument("--limit", type=positive, metavar="N", help="only the first N texts")
    parser.add_argument("--keep", metavar="FOLDER", type=path_name, help="write the sounds there as wav")
    parser.add_argument("--report", metavar="FILE", type=path_name, help="write every utterance's figures as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate; returns the exit code."""
    import torch

    from speech.corpus import Utterance
    from tts import measures_run
    from tts.vocoder import Vocoder

    _check_names("--systems", arguments.systems, measures_run.SYSTEMS)
    measures = _measures(arguments.measures, arguments.systems)
    if arguments.report:
        check_file(
            Path(arguments.report), f"--report {arguments.report}", [arguments.manifest]
        )  # fail before the work, not after it
    if arguments.keep:
        arguments.keep = Path(arguments.keep)
        make_folder(arguments.keep, "--keep")
    named, problems = named_rows([arguments.manifest])
    rows = [utterance for _, utterance in named]
    labels = {utterance: label for label, utterance in reversed(named)}
    utterances = measures_run.first_readings(rows)[: arguments.limit]
    say = aligner = None
    if "voice" in arguments.systems:
        from tts import load_voice

        say = load_voice(arguments.voice).say if arguments.voice else load_voice().say
    if "timing" in measures:
        from speech.aligner import Aligner

        aligner = Aligner.load()
    vocoder = Vocoder.load(arguments.vocoder)
    again = measures_run.second_readings(rows)
    progress = Progress(total=len(utterances) + len(problems), unit="texts", interval_s=10.0)
    for label, problem in problems:
        progress.failed(label, problem)
    measured: list[Utterance] = []

    def tell(utterance: Utterance, error: SpeechError | None) -> None:
        label = labels[utterance]
        if error is not None:
            progress.failed(label, f"{label}: {error}")
            return
        measured.append(utterance)
        progress.done(label, utterance.duration)

    try:
        with torch.no_grad():
            scores = measures_run.evaluate_speech(
                utterances, arguments.systems, measures, vocoder, say, aligner, arguments.keep, again, tell
            )
    finally:
        progress.summary(verb="measured")
    if not measured:
        return 2
    if not any(found.summary() for found in scores.values()):
        systems, taken = ", ".join(arguments.systems), ", ".join(measures) or "timing"
        raise SpeechError(f"of {systems} alone there is nothing to measure by {taken}; add another system or measure")
    print(f"{len(measured)} texts of {arguments.manifest}")
    if progress.failures:
        print(f"{len(progress.failures)} rows are left out")
    print(measures_run.table(scores), end="")
    if arguments.report:
        measures_run.write_report(Path(arguments.report), measured, scores)
    return 1 if progress.failures else 0


def _measures(asked: "list[Measure] | None", systems: list[str]) -> "list[Measure]":
    """The measures that are asked for, or all whose packages are installed, but no timing of `copy` alone."""
    from tts.measures_peers import INSTALL, missing_peer
    from tts.measures_run import MEASURES

    if asked is not None:
        _check_names("--measures", asked, MEASURES)
    measures = [name for name in asked or MEASURES if name != "timing" or systems != ["copy"]]
    missing = {name: reason for name in measures if (reason := missing_peer(name))}
    if missing:
        names, reasons = " and ".join(missing), "; ".join(dict.fromkeys(missing.values()))
        told = f"{names} cannot be measured ({reasons}): {INSTALL}"
        if asked:
            raise SpeechError(f"--measures: {told}")
        print(f"speech: {told}", file=sys.stderr)
    return [name for name in measures if name not in missing]


def _check_names(option: str, found: Sequence[str], known: tuple[str, ...]) -> None:
    for name in found:
        if name not in known:
            raise SpeechError(f"{option} {name}: unknown; known: {', '.join(known)}")
    if not found:
        raise SpeechError(f"{option}: name at least one of {', '.join(known)}")
