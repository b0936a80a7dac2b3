r"""From a trained aligner to the included one: a card with measured results.

    python -m recipes.phones.release --model runs/aligner/aligner.safetensors --timit TIMIT --test TEST.jsonl \
        --output speech/weights/aligner.safetensors

So the included aligner is replaced once the new one is measured.
"""

import argparse
import contextlib
import io
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # run by its path, a script sees its own folder alone

from recipes.phones import evaluate
from recipes.phones.mixtures import store
from speech import checkpoint
from speech.aligner import Aligner
from speech.cli import guarded
from speech.errors import SpeechError
from speech.flat_start import load_mixtures

CARD = {
    "name": "english-aligner",
    "description": "English phones: a bidirectional LSTM by cross-entropy every 10 ms, Gaussian mixtures every 5 ms",
    "language": "en",
    "licence": "Apache-2.0 for the weights; licences of the data below",
    "data": [
        "LibriSpeech: train-clean-100 and dev-clean speakers, CC BY 4.0 (Panayotov et al. 2015), www.openslr.org/12",
        "Common Voice English, validated clips: CC0",
        "speechocean762: free for commercial and non-commercial use (Zhang et al. 2021), www.openslr.org/101",
        "CMU ARCTIC slt and bdl: free (Kominek & Black 2004)",
        "kathleen: CC0",
        "LJSpeech, 142 utterances: public domain",
        "CMU Pronouncing Dictionary: BSD-2-Clause",
    ],
    "recipe": "python -m recipes.phones.run --data DATA",
    "intended_use": "times of words and phones whose text is known; scores tell wrong words only roughly",
}


def main() -> int:
    """Measure, describe, store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="aligner.safetensors of the recipe")
    parser.add_argument("--timit", type=Path, help="hand-labelled phones to measure with")
    parser.add_argument("--test", type=Path, action="append", default=[], help="manifests in which words are swapped")
    parser.add_argument("--output", type=Path, required=True, help="where card and weights go")
    parser.add_argument("--note", default="", help="a sentence on how it was trained, for the card")
    arguments = parser.parse_args()
    loaded, mixtures = checkpoint.load(arguments.model), load_mixtures(arguments.model)
    if mixtures is None:
        raise SpeechError(f"{arguments.model}: has no mixtures; name the aligner.safetensors of the recipe")
    aligner = Aligner.load(arguments.model)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        if arguments.timit:
            evaluate.boundaries(aligner, evaluate.timit_utterances(arguments.timit))
        if arguments.test:
            evaluate.swapped(aligner, arguments.test, count=200, seed=1)
    results = printed.getvalue().splitlines()
    print("\n".join(results))
    described = {name: value for name, value in loaded.card.items() if name not in CARD}
    note = {"training": arguments.note} if arguments.note else {}
    loaded.card = {**described, **CARD, **note, "results": results}
    store(loaded, mixtures, arguments.output)
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
