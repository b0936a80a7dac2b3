"""Beam search beside fast-ctc-decode, flashlight-text and pyctcdecode, in one run, one thread each.

    python recipes/benchmarks/decoding.py [--arpa MODEL.arpa] [--repeats 7]

Scores are random and peaked: T = 1000 frames of K = 32 units, of which one, the blank in six of ten frames, is 7 nats
above standard normal noise. `--arpa` adds a word model, and scores that spell words. Times are CPU time of the process,
so other work on the machine counts little: the best of the repeats, in which all take turns, after a first call each.
Hot-words are 1,000 made of random letters, or words of the model, with the default boost and a small one.

Pruning is each one's default, where it has one: ours drops prefixes 20 nats below the best, pyctcdecode those 10 nats
below and tokens less likely than exp(-5), flashlight-text is given 50 nats.

Of the others those that are missing are named and left out; `pip install fast-ctc-decode flashlight-text pyctcdecode
kenlm` brings them.
"""

import argparse
import functools
import importlib
import sys
import time
from collections.abc import Callable

import numpy as np

from ctc.beam import BeamDecoder
from speech.cli import guarded

PACKAGES = {
    "fast_ctc_decode": "fast-ctc-decode",
    "flashlight.lib.text.decoder": "flashlight-text",
    "flashlight.lib.text.decoder.kenlm": "flashlight-text with KenLM",
    "kenlm": "kenlm",
    "pyctcdecode": "pyctcdecode",
}
LETTERS = ["<blank>", " ", "'", *"abcdefghijklmnopqrstuvwxyz", "1", "2", "3"]


def peaked_scores(num_frames: int = 1000, seed: int = 0) -> np.ndarray:
    """Logits float32 [T, 32]."""
    random = np.random.default_rng(seed)
    scores = random.standard_normal((num_frames, len(LETTERS)))
    units = np.where(random.random(num_frames) < 0.6, 0, random.integers(1, len(LETTERS), num_frames))
    scores[np.arange(num_frames), units] += 7.0
    return scores.astype(np.float32)


def log_softmax(scores: np.ndarray) -> np.ndarray:
    """Log probabilities, float32."""
    return (scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))).astype(np.float32)


def spelt_scores(words: list[str], seed: int = 0) -> np.ndarray:
    """Logits in which words are spelt, two frames a letter, a fifth of them misheard: text for a word model."""
    random = np.random.default_rng(seed)
    units = [LETTERS.index(letter) for letter in " ".join(words) if letter in LETTERS]
    rows = [unit for pair in units for unit in (pair, 0)]
    scores = random.standard_normal((len(rows), len(LETTERS)))
    scores[np.arange(len(rows)), rows] += random.choice([7.0, 2.0], len(rows), p=[0.8, 0.2])
    return scores.astype(np.float32)


def best_times_ms(runs: dict[str, Callable[[], str]], repeats: int) -> dict[str, tuple[float, str]]:
    """Least CPU time of each, and its text; all take turns, so none has a quieter machine."""
    texts = {name: decode() for name, decode in runs.items()}
    least = dict.fromkeys(runs, float("inf"))
    for _ in range(repeats):
        for name, decode in runs.items():
            start = time.process_time()
            decode()
            least[name] = min(least[name], 1e3 * (time.process_time() - start))
    return {name: (least[name], texts[name]) for name in runs}


def random_words(count: int = 1000, seed: int = 0) -> list[str]:
    """Words of 3 to 10 letters."""
    random = np.random.default_rng(seed)
    letters = LETTERS[3:29]
    return ["".join(random.choice(letters, size)) for size in random.integers(3, 11, count)]


def with_hot_words(words: list[str], model, **settings) -> dict[str, BeamDecoder]:
    """Our decoders with hot-words, by name."""
    return {
        f"ours, {len(words)} hot-words +{boost:g}": BeamDecoder(
            LETTERS, model, hotwords=dict.fromkeys(words, boost), num_threads=1, **settings
        )
        for boost in (2.0, 8.0)
    }


def without_model(scores: np.ndarray, beam_size: int) -> dict[str, Callable[[], str]]:
    """Decoders of tokens alone."""
    ours = BeamDecoder(LETTERS, beam_size=beam_size, num_threads=1)
    exact = BeamDecoder([f"t{k}" for k in range(len(LETTERS))], beam_size=beam_size)
    runs = {"ours": lambda: ours.decode(scores)[0].text}
    runs["ours, search only"] = lambda: str(exact.stream().push(scores))
    for name, hot in with_hot_words(random_words(), None, beam_size=beam_size).items():
        runs[name] = lambda hot=hot: hot.decode(scores)[0].text
    if fast := _import("fast_ctc_decode"):
        probs = np.exp(log_softmax(scores))
        runs["fast-ctc-decode"] = lambda: fast.beam_search(probs, "_" + "".join(LETTERS[1:]), beam_size, 1e-4)[0]
    if decoder := _import("flashlight.lib.text.decoder"):
        options = decoder.LexiconFreeDecoderOptions(
            beam_size=beam_size, beam_size_token=8, beam_threshold=50.0, lm_weight=0.0, sil_score=0.0, log_add=True,
            criterion_type=decoder.CriterionType.CTC,
        )  # fmt: skip
        runs["flashlight-text"] = _flashlight(decoder.LexiconFreeDecoder(options, decoder.ZeroLM(), 1, 0, []), scores)
    if peer := _import("pyctcdecode"):
        built, log_probs = peer.build_ctcdecoder(["", *LETTERS[1:]]), log_softmax(scores)
        runs["pyctcdecode"] = lambda: built.decode(log_probs, beam_width=beam_size)
    return runs


def with_model(scores: np.ndarray, beam_size: int, arpa: str) -> dict[str, Callable[[], str]]:
    """Decoders with a word model."""
    from speech.lm import read_arpa

    model = read_arpa(arpa)
    settings = {"beam_size": beam_size, "lm_weight": 0.5, "word_bonus": 1.5}
    ours = BeamDecoder(LETTERS, model, num_threads=1, **settings)
    runs = {"ours": lambda: ours.decode(scores)[0].text}
    words = list(model.vocabulary[3:])
    thousand = [word for word in words[100:20100] if set(word) <= set(LETTERS)][::19][:1000]
    for name, hot in with_hot_words(thousand, model, **settings).items():
        runs[name] = lambda hot=hot: hot.decode(scores)[0].text
    peer = _import("pyctcdecode")
    if _import("kenlm") and peer:
        built = peer.build_ctcdecoder(["", *LETTERS[1:]], arpa, words, alpha=0.5, beta=1.5)
        log_probs = log_softmax(scores)
        runs["pyctcdecode"] = lambda: built.decode(log_probs, beam_width=beam_size)
    decoder = _import("flashlight.lib.text.decoder")
    if decoder and (kenlm := _import("flashlight.lib.text.decoder.kenlm")):
        runs["flashlight-text"] = _flashlight(_flashlight_with_words(decoder, kenlm, words, beam_size, arpa), scores)
    return runs


def _flashlight_with_words(decoder, kenlm, words: list[str], beam_size: int, arpa: str):
    """Flashlight's lexicon decoder over letters."""
    dictionary = importlib.import_module("flashlight.lib.text.dictionary")
    table = dictionary.Dictionary()
    for word in ["<unk>", *words]:
        table.add_entry(word)
    lm = kenlm.KenLM(arpa, table)
    trie = decoder.Trie(len(LETTERS), 1)
    start = lm.start(False)
    for word in words:
        if set(word) <= set(LETTERS):
            _, score = lm.score(start, table.get_index(word))
            trie.insert([LETTERS.index(letter) for letter in word] + [1], table.get_index(word), score)
    trie.smear(decoder.SmearingMode.MAX)
    options = decoder.LexiconDecoderOptions(
        beam_size=beam_size, beam_size_token=len(LETTERS), beam_threshold=50.0, lm_weight=0.5, word_score=1.5,
        unk_score=-float("inf"), sil_score=0.0, log_add=True, criterion_type=decoder.CriterionType.CTC,
    )  # fmt: skip
    return decoder.LexiconDecoder(options, trie, lm, 1, 0, table.get_index("<unk>"), [], False)


def _flashlight(decoder, scores: np.ndarray) -> Callable[[], str]:
    """Flashlight takes addresses and gives paths of units, frame by frame."""
    emissions = np.ascontiguousarray(log_softmax(scores))

    def decode() -> str:
        path = [unit for unit in decoder.decode(emissions.ctypes.data, *emissions.shape)[0].tokens if unit >= 0]
        kept = [unit for k, unit in enumerate(path) if unit != 0 and (k == 0 or unit != path[k - 1])]
        return "".join(LETTERS[unit] for unit in kept)

    return decode


@functools.cache
def _import(name: str):
    """Return the module, or None after naming what is missing, once."""
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{PACKAGES[name]} is not installed and left out: pip install {PACKAGES[name].split()[0]}")
        return None


def show(title: str, runs: dict[str, Callable[[], str]], repeats: int) -> None:
    """Time all and print ratios to ours."""
    print(title)
    measured = best_times_ms(runs, repeats)
    ours_ms, ours_text = measured["ours"]
    for name, (elapsed_ms, text) in measured.items():
        agrees = "same text" if " ".join(text.split()) == ours_text else "another text"
        print(f"  {name:26s} {elapsed_ms:9.2f} ms   {elapsed_ms / ours_ms:7.2f} x   {agrees}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arpa", help="word model for the second table")
    parser.add_argument("--text", default="the cat sat on the mat and said nothing at all " * 10, help="what is spelt")
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    for beam_size in (10, 100):
        show(f"no model, beam {beam_size}", without_model(peaked_scores(), beam_size), arguments.repeats)
    if arguments.arpa:
        scores = spelt_scores(arguments.text.split())
        show(f"word model, beam 100, {len(scores)} frames", with_model(scores, 100, arguments.arpa), arguments.repeats)


if __name__ == "__main__":
    sys.exit(guarded(main, "decoding"))
