"""`speech prepare`: manifests of a corpus."""

import argparse
import logging
import os
from pathlib import Path

from speech.commands.options import comma_list, path_name
from speech.commands.outputs import make_folder
from speech.errors import SpeechError
from speech.files import no_empty_folder

CORPORA = (
    "librispeech, common_voice, speechocean762, cmu_arctic, ljspeech, fsdd, timit, folder "
    "(audio with a .txt beside each file)"
)


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "prepare",
        help="list the recordings and texts of a corpus as manifests",
        description="Write one manifest (JSON lines: audio_filepath, duration, text, ...) for each part\n"
        "of a corpus, which `speech train` and `speech evaluate` read.",
        epilog="examples:\n"
        "  speech prepare librispeech LibriSpeech/ --output-dir manifests/librispeech\n"
        "  speech prepare librispeech corpora/ --download --parts dev-clean --output-dir manifests\n"
        "  speech prepare folder my_recordings/ --output-dir manifests/mine",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("corpus", metavar="CORPUS", help=f"one of {CORPORA}")
    parser.add_argument("root", type=path_name, metavar="ROOT", help="the corpus's folder, as it was unpacked")
    parser.add_argument("--output-dir", required=True, type=path_name, metavar="DIR", help="folder for the manifests")
    parser.add_argument(
        "--download",
        action="store_true",
        help="fetch the corpus into ROOT first, going on where an earlier download stopped",
    )
    parser.add_argument(
        "--parts",
        type=comma_list,
        default=[],
        metavar="NAMES",
        help="what to download of a corpus that has several parts, e.g. dev-clean,train-clean-100",
    )
    parser.add_argument(
        "--skip-bad", action="store_true", help="leave out recordings and texts that are missing or damaged"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prepare; prints the manifests and returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")  # standard error
    from speech.prepare import BadRecordingsError, check_corpus, download, prepare

    root = arguments.root
    if arguments.parts and not arguments.download:
        raise SpeechError("--parts is for --download; name the folder of the part as ROOT instead")
    check_corpus(arguments.corpus)
    if not arguments.download and not os.path.isdir(root):
        raise SpeechError(f"{root}: there is no such folder")
    with no_empty_folder(Path(arguments.output_dir)):
        make_folder(Path(arguments.output_dir), "--output-dir")  # fail before the work, not after it
        if arguments.download:
            root = download(arguments.corpus, root, arguments.parts)
        try:
            manifests = prepare(arguments.corpus, root, arguments.output_dir, skip_bad=arguments.skip_bad)
        except BadRecordingsError as error:
            raise SpeechError(f"{error}; --skip-bad leaves them out") from error
    for split, path in manifests.items():
        print(f"{split}\t{path}")
    return 0
