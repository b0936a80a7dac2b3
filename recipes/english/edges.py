"""How far words reach beyond the frames of their units, found on development sets, and how good word times are.

    python -m recipes.english.edges --model MODEL manifests/english/dev_*.jsonl [--count 100] [--write]

Words of the search and of the best path are compared with those of the transcripts as the included aligner places them,
where both have the same words. What errs least stands on the model's card as `edges` afterwards, for each head.
"""

import argparse
import random
import sys
from collections.abc import Sequence
from dataclasses import asdict
from difflib import SequenceMatcher
from itertools import product
from pathlib import Path

import numpy as np

from speech.aligner import Aligner
from speech.checkpoint import replace_card
from speech.cli import guarded
from speech.corpus import Utterance, read_manifest
from speech.edges import EdgesConfig, with_edges
from speech.errors import SpeechError
from speech.loading import DEFAULT_MODEL, load_model
from speech.sources import Clip
from speech.transcript import Transcript

BEFORE_S = np.arange(0.0, 0.13, 0.01).round(2).tolist()
AFTER_S = np.arange(0.0, 0.09, 0.01).round(2).tolist()
Pair = tuple[Transcript, Transcript, list[tuple[int, int]]]  # heard, aligned, and which words are the same


def main() -> int:
    """Print errors as the frames are, and as they are best."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifests", nargs="+", type=Path)
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL)
    parser.add_argument("--count", type=int, default=100, help="utterances of each manifest (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="into the model's card")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    rows = [read_manifest(path) for path in arguments.manifests]
    picked = [row for rows_of_one in rows for row in rng.sample(rows_of_one, min(arguments.count, len(rows_of_one)))]
    aligned = align(picked)
    found = {}
    for name, lm in (("search", None), ("best path", False)):
        transcriber = load_model(arguments.model, lm=lm)
        transcriber.edges = EdgesConfig()
        pairs = [pair(transcriber.transcribe(Clip.of(row)), words) for row, words in aligned]
        best = min((EdgesConfig(before_s=b, after_s=a) for b, a in product(BEFORE_S, AFTER_S)), key=lost_by(pairs))
        for edges in (EdgesConfig(), best):
            starts, ends = errors_s(pairs, edges)
            print(
                f"{name}: {len(starts)} words, {edges.before_s:.2f} s before and {edges.after_s:.2f} s after:"
                f" starts {middle(starts)}, ends {middle(ends)}"
            )
        found[transcriber.heads[0]] = asdict(best)
    if arguments.write:
        replace_card(arguments.model, lambda card: card | {"edges": found})
    return 0


def align(rows: Sequence[Utterance]) -> list[tuple[Utterance, Transcript]]:
    """Utterances with their words as the included aligner places them; what it cannot align is left out."""
    aligner, found = Aligner.load(None), []
    for row in rows:
        try:
            found.append((row, aligner.align(Clip.of(row), row.text).as_transcript()))
        except SpeechError as error:
            print(f"{row.audio_filepath}: {error}", file=sys.stderr)
    if not found:
        raise SpeechError("no utterance could be aligned")
    return found


def pair(heard: Transcript, aligned: Transcript) -> Pair:
    """Two transcripts of an utterance, with the words that both have."""
    sides = [[word.text.lower() for word in side.words] for side in (heard, aligned)]
    blocks = SequenceMatcher(None, *sides, autojunk=False).get_matching_blocks()
    return heard, aligned, [(block.a + i, block.b + i) for block in blocks for i in range(block.size)]


def lost_by(pairs: Sequence[Pair]):
    """Mean absolute error of starts and ends as a function of the edges."""
    return lambda edges: sum(float(np.abs(errors).mean()) for errors in errors_s(pairs, edges))


def errors_s(pairs: Sequence[Pair], edges: EdgesConfig) -> tuple[np.ndarray, np.ndarray]:
    """How much later than aligned words start and end, seconds [N] each."""
    found = []
    for heard, aligned, same in pairs:
        words = with_edges(heard.words, edges, heard.duration_s)
        for i, j in same:
            word, other = words[i], aligned.words[j]
            found.append((word.start_s - other.start_s, word.end_s - other.end_s))
    if not found:
        raise SpeechError("no word was heard as it stands in the transcripts")
    starts, ends = np.array(found).T
    return starts, ends


def middle(errors: np.ndarray) -> str:
    """Median and median absolute error."""
    return f"{1e3 * np.median(errors):+.0f} ms (median absolute error {1e3 * np.median(np.abs(errors)):.0f} ms)"


if __name__ == "__main__":
    sys.exit(guarded(main))
