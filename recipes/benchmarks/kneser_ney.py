"""Perplexity of our Kneser-Ney estimates beside KenLM's lmplz on the same text, in one run.

    python recipes/benchmarks/kneser_ney.py --lmplz PATH/TO/lmplz --text TEXT [--order 4] [--lines 200000]

The pip package of KenLM has no lmplz, but its source has: `pip download --no-binary :all: kenlm`, then cmake and
`make lmplz` (with Boost). Of the text's normalised lines every tenth is scored and the others are what both estimate
from. Both models are read and scored by us, whose queries agree with KenLM's (`kenlm_agreement.py`). The exit code is 1
if the perplexities differ by more than 1 %.
"""

import argparse
import itertools
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from speech.cli import guarded
from speech.errors import SpeechError
from speech.lm import EstimationConfig, estimate, perplexity, read_arpa, read_lines
from speech.text import normalize_text


def main() -> int:
    """Print a table; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lmplz", required=True)
    parser.add_argument("--text", required=True, help="one sentence a line")
    parser.add_argument("--order", type=int, default=4)
    parser.add_argument("--prune", type=int, nargs="+", default=[0])
    parser.add_argument("--lines", type=int, default=200_000)
    arguments = parser.parse_args()
    if not shutil.which(arguments.lmplz):
        raise SpeechError(f"--lmplz {arguments.lmplz}: is no program; build lmplz from KenLM's source")
    lines = [normalize_text(line) for line in itertools.islice(read_lines(arguments.text), arguments.lines)]
    lines = [line for line in lines if line]
    training = [line for number, line in enumerate(lines) if number % 10]
    held_out = lines[::10]
    print(f"{len(training)} lines to estimate from, {len(held_out)} to score; order {arguments.order}")
    start = time.perf_counter()
    ours = estimate(training, EstimationConfig(order=arguments.order, prune=tuple(arguments.prune)))
    ours_s = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder:
        text, arpa = Path(folder) / "text", Path(folder) / "model.arpa"
        text.write_text("\n".join(training) + "\n")
        command = [arguments.lmplz, "-o", str(arguments.order), "--text", str(text), "--arpa", str(arpa)]
        command += ["-T", folder, "-S", "1G", "--prune", *map(str, arguments.prune)]
        start = time.perf_counter()
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        theirs_s = time.perf_counter() - start
        theirs = read_arpa(arpa)
    scores = {}
    for name, model, seconds in (("ours", ours, ours_s), ("lmplz", theirs, theirs_s)):
        score = scores[name] = perplexity(model, held_out)
        print(
            f"  {name:6s} perplexity {score.with_unknown:9.3f}, without unknown words {score.without_unknown:9.3f};"
            f" {sum(model.level_sizes)} n-grams in {seconds:.1f} s"
        )
    ratio = scores["ours"].with_unknown / scores["lmplz"].with_unknown
    print(f"  ratio {ratio:.6f}")
    return int(abs(ratio - 1.0) > 0.01)


if __name__ == "__main__":
    sys.exit(guarded(main, "kneser_ney"))
