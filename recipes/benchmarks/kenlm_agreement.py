"""Scores of an n-gram model beside KenLM's own query on the same ARPA file.

    pip install kenlm
    python recipes/benchmarks/kenlm_agreement.py --arpa MODEL.arpa --text TEXT [--lines 2000]

Every word of every line is compared, those outside the vocabulary and the ends of sentences included; the largest
difference in log10 is printed, and the exit code is 1 if it is above 1e-4.
"""

import argparse
import itertools
import sys
import time

import numpy as np

from speech.cli import guarded
from speech.errors import SpeechError
from speech.lm import read_arpa, read_lines
from speech.text import normalize_text


def main() -> int:
    """Compare; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arpa", required=True)
    parser.add_argument("--text", required=True, help="one sentence a line")
    parser.add_argument("--lines", type=int, default=2000)
    arguments = parser.parse_args()
    try:
        import kenlm
    except ImportError as error:
        raise SpeechError("KenLM, which ours is compared with, is not installed: pip install kenlm") from error
    start = time.perf_counter()
    ours = read_arpa(arguments.arpa)
    loaded = time.perf_counter()
    theirs = kenlm.Model(arguments.arpa)
    print(f"reading the ARPA file: ours {loaded - start:.2f} s, KenLM {time.perf_counter() - loaded:.2f} s")
    lines = [normalize_text(line) for line in itertools.islice(read_lines(arguments.text), arguments.lines)]
    lines.append("a zyzzyva qwertyuiop went zyzzyva")  # whatever the text, some words are unknown
    worst, num_words, num_unknown = 0.0, 0, 0
    for line in filter(None, lines):
        words = line.split()
        peer = np.array([score for score, _, _ in theirs.full_scores(line, bos=True, eos=True)])
        worst = max(worst, float(np.abs(ours.word_scores(words) - peer).max()))
        num_words += len(words)
        num_unknown += int((ours.encode(words) == 0).sum())
    print(f"{num_words} words ({num_unknown} unknown) of {len(lines)} lines: largest difference {worst:.2e} in log10")
    return int(worst > 1e-4)


if __name__ == "__main__":
    sys.exit(guarded(main, "kenlm_agreement"))
