"""`speech evaluate`: error rates of a model on manifests."""

import argparse
from dataclasses import fields, replace
from pathlib import Path

from speech.commands.decoding_options import add_decoding_options, load_options
from speech.commands.manifests import named_rows
from speech.commands.options import add_model_options, comma_list, path_name, positive
from speech.commands.outputs import check_file, write_text
from speech.commands.progress import Progress
from speech.errors import SpeechError

EPILOG = """\
examples:
  speech evaluate manifests/test.jsonl
  speech evaluate dev.jsonl test.jsonl --model runs/english/model.safetensors --by corpus,speaker
  speech evaluate test.jsonl --report errors.txt
  speech evaluate test.jsonl --no-lm

The interval beside each rate holds it in 95 % of bootstrap resamples of the utterances.

exit codes:
  0 all rows counted; 1 some are left out, each named: malformed, or of a recording that cannot be read;
  2 wrong usage or nothing could be done; 130 interrupted; 143 terminated
"""


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "evaluate",
        help="count the word and character errors of a model",
        description="Transcribe the recordings of manifests (as `speech prepare` writes them) and\n"
        "count the word and character errors.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("manifests", nargs="+", type=path_name, metavar="MANIFEST", help="JSON-lines manifest")
    parser.add_argument(
        "--by",
        type=comma_list,
        default=["corpus"],
        metavar="FIELDS",
        help="a table for each of these fields, e.g. corpus,speaker (default: corpus)",
    )
    parser.add_argument(
        "--report", type=path_name, metavar="FILE", help="write every utterance with its errors marked, worst first"
    )
    parser.add_argument("--limit", type=positive, metavar="N", help="only the first N utterances of each manifest")
    add_model_options(parser, short_ones="rows of the manifests")
    add_decoding_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate; returns the exit code."""
    from speech.corpus import Utterance
    from speech.evaluate import alignment_report, evaluate, tables
    from speech.loading import load_model

    known = [field.name for field in fields(Utterance)]
    for name in arguments.by:
        if name not in known:
            raise SpeechError(f"--by {name}: no such field; known: {', '.join(known)}")
    rows, problems = named_rows(arguments.manifests, arguments.limit)
    if arguments.report:
        inputs = [*arguments.manifests, arguments.model, arguments.lm, arguments.hotwords]
        inputs += [row.audio_filepath for _, row in rows]
        check_file(Path(arguments.report), f"--report {arguments.report}", inputs)  # fail before the work, not after it
    transcriber = load_model(arguments.model, **load_options(arguments))
    if transcriber.unit == "phone":
        raise SpeechError(
            f"{transcriber.name} writes phones, which cannot be compared with words; "
            "`python -m recipes.phones.evaluate errors` counts the errors of phones"
        )
    progress = Progress(total=len(rows) + len(problems), unit="utterances", interval_s=10.0)
    for label, problem in problems:
        progress.failed(label, problem)
    labels = iter(label for label, _ in rows)  # utterances are told in their order

    def tell(utterance: Utterance, failure: str | None) -> None:
        label = next(labels)
        if failure is None:
            progress.done(label, utterance.duration)
        else:
            progress.failed(label, f"{label}: {failure}")

    try:
        utterances = [utterance for _, utterance in rows]
        with progress.noting():
            evaluation = evaluate(transcriber, utterances, batch=arguments.batch, progress=tell)
    finally:
        progress.summary(verb="evaluated")
    if not evaluation.results:
        return 2
    print(f"model {transcriber.name}" + (f" ({arguments.model})" if arguments.model else ""))
    if progress.failures:
        print(f"{len(progress.failures)} of {progress.total} rows are left out")
    print(tables(evaluation, arguments.by), end="", flush=True)
    if arguments.report:
        _write_report(arguments.report, alignment_report(replace(evaluation, failures=tuple(progress.failures))))
    return 1 if progress.failures else 0


def _write_report(path: str, text: str) -> None:
    try:
        write_text(Path(path), text)
    except OSError as error:
        raise SpeechError(f"--report {path}: cannot be written ({error.strerror})") from error
