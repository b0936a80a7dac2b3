"""Word error rates of each output of a model: alone, with the language model, and two together, on development sets.

    python recipes/english/compare.py --model MODEL manifests/english/dev_*.jsonl

The acoustic model, as users load it, runs once for each view. "Best path" is without language model, for characters
only: phones need words. Phones are searched with the lexicon. All rows but the last hear as many views as the best path
does. Rows with two outputs score the best hypotheses of the first once more by the second. Settings are the defaults of
`speech.decoding.DecodingConfig` unless `--tune` searches the weights of each row on these sets. The last row's stand on
the model's card.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

from speech.best_path import BestPath
from speech.checkpoint import LoadedModel, with_hop
from speech.cli import guarded
from speech.corpus import read_manifest
from speech.decoding import (
    DecodingConfig,
    build_decoding,
    decoding_config,
    included_neural_lm,
    read_heads,
    read_language_model,
)
from speech.errors import ConfigError
from speech.loading import DEFAULT_MODEL, load_to_listen
from speech.tuning import model_outputs, search_all, tune, word_error_rate

CARD = "as on the model's card"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifests", nargs="+", type=Path)
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL)
    parser.add_argument("--lm", type=Path, help="by default the one that is included")
    parser.add_argument("--beam", type=int, default=DecodingConfig().beam)
    parser.add_argument(
        "--hop-s", type=float, help="seconds between feature frames; as the card's tempo says by default"
    )
    parser.add_argument("--head", help="only the rows that search this output, and the best path; all by default")
    parser.add_argument("--tune", action="store_true", help="search the weights of every row")
    arguments = parser.parse_args()
    loaded, lm = load_to_listen(arguments.model, "cpu"), read_language_model(arguments.lm)
    if arguments.hop_s is not None:
        loaded = with_hop(loaded, arguments.hop_s)
    utterances = [read_manifest(path) for path in arguments.manifests]
    alone = BestPath.of_model(loaded)
    configs = searches(loaded, arguments.beam, alone.num_views)
    if arguments.head is not None:
        configs = {name: config for name, config in configs.items() if config.head == arguments.head}
        if not configs:
            raise ConfigError(f"--head {arguments.head}: the model has {', '.join(loaded.units)}")
    heads = tuple(dict.fromkeys([alone.head, *(head for one in configs.values() for head in read_heads(loaded, one))]))
    num_views = max(alone.num_views, *(config.views for config in configs.values()))
    sets = [(rows, model_outputs(loaded, rows, heads, num_views=num_views)) for rows in utterances]
    seconds = sum(row.duration for rows in utterances for row in rows)
    print(f"{'outputs':34s} " + " ".join(f"{path.stem[:26]:>26s}" for path in arguments.manifests) + "   search, s/h")
    if alone.units.kind == "character":
        show(f"{alone.head}, best path", [search_all(alone, outputs) for _, outputs in sets], utterances, None)
    for name, config in configs.items():

        def build(candidate: DecodingConfig):
            neural = None if arguments.lm else included_neural_lm(candidate)
            return build_decoding(loaded, candidate, lm, neural=neural)

        if arguments.tune and name != CARD:
            names = ["lm_weight", "word_bonus"] + ["second_weight"] * bool(config.second_head)
            config = tune(build, config, sets, names=names, rounds=2).config
            name += f" {config.lm_weight:g}/{config.word_bonus:g}"
        decoding = build(config)
        start = time.process_time()
        texts = [search_all(decoding, outputs) for _, outputs in sets]
        show(name, texts, utterances, 3600 * (time.process_time() - start) / seconds)


def searches(loaded: LoadedModel, beam: int, num_views: int) -> dict[str, DecodingConfig]:
    """Settings of each row; with as many views as the best path is read in."""
    rows = {}
    for head, units in loaded.units.items():
        if units.kind == "word":
            continue
        config = DecodingConfig(head=head, beam=beam, views=1 if loaded.heads[head].framewise else num_views)
        rows[f"{head}, language model"] = config
        for second, others in loaded.units.items():
            if second != head and not others.framewise and "phone" in units.kind:
                rows[f"{head} + {second}, language model"] = replace(config, second_head=second)
    card = decoding_config(loaded, "the model's card")
    return rows if card is None else rows | {CARD: card}


def show(name: str, texts: list[list[str]], utterances: list, seconds_an_hour: float | None) -> None:
    """Print a row."""
    rates = [100 * word_error_rate(rows, found) for rows, found in zip(utterances, texts, strict=True)]
    cost = "" if seconds_an_hour is None else f"{seconds_an_hour:12.1f}"
    print(f"{name:34s} " + " ".join(f"{rate:25.2f}%" for rate in rates) + cost, flush=True)


if __name__ == "__main__":
    raise SystemExit(guarded(main, "compare"))
