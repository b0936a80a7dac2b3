"""Training: one readable loop, safe to interrupt, resumed to the bit on the CPU.

Every random number of a step comes from generators seeded by (seed, step), the order of batches from (seed, epoch), so
the state to save is weights, optimizer and counters alone.
"""

import logging
import math
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from speech import checkpoint
from speech.checkpoint import LoadedModel
from speech.config import load_config, to_dict
from speech.corpus import read_manifest
from speech.errors import ConfigError, SpeechError
from speech.experiment import ExperimentConfig, TrainingConfig
from speech.files import no_empty_folder
from speech.loudness import trained_loudness
from speech.models import BiLSTMLayer, HeadConfig
from speech.precision import autocast
from speech.scoring import ErrorCounts, best_texts, score
from speech.store import measure_statistics
from speech.training_alignments import initial_alignments, read_alignments, realign, use_alignments
from speech.training_augment import build_augmenter
from speech.training_data import (
    TrainingData,
    open_dev_data,
    open_training_data,
    select_dev_utterances,
    select_utterances,
    warn_of_shared,
)
from speech.training_log import InterruptGuard, TrainingLog, read_curve
from speech.training_state import TrainingState
from speech.training_step import check_feasible, update
from speech.units import Units, build_units
from speech.workers import Workers

logger = logging.getLogger(__name__)
LISTENING = ("decoding", "decoding_lm", "best_path", "tempo", "edges")
"""Of a card, what the outputs are made words by."""


def train(config_path: str | Path, overrides: Sequence[str] = (), *, restart: bool = False) -> Path:
    """Train the model that a TOML file describes.

    Parameters
    ----------
    config_path : TOML file of `speech.experiment.ExperimentConfig`
    overrides : strings `key.key=value`
    restart : begin anew even if the output folder holds a state to resume

    Returns
    -------
    Path : the exported model, `OUTPUT_DIR/model.safetensors`

    Raises
    ------
    ConfigError, CorpusError, CheckpointError
        As the message says; nothing already trained is lost.
    """
    config = load_config(config_path, ExperimentConfig, overrides)
    with no_empty_folder(config.training.output_dir), no_empty_folder(config.data.cache_dir):
        return _train(config, restart=restart)


def _train(config: ExperimentConfig, *, restart: bool) -> Path:
    """`train` by a configuration that has been read."""
    check_device(config.training.device)
    for key, folder in (("training.output_dir", config.training.output_dir), ("data.cache_dir", config.data.cache_dir)):
        make_folder(key, folder)
    alignments = read_alignments(config.alignment)
    augmenter = build_augmenter(config.augment)
    rows = [row for manifest in config.data.train for row in read_manifest(manifest)]
    heads: dict[str, HeadConfig] = {head.name: head for head in config.heads}
    units: dict[str, Units] = {
        name: build_units(head.units, (row.text for row in rows), framewise=head.framewise)
        for name, head in heads.items()
    }
    state = TrainingState.open(config, units, restart=restart)
    primary = units[config.heads[0].name]
    training_set = f"training set {', '.join(map(str, config.data.train))}"
    utterances = select_utterances(rows, config.data, primary, training_set)
    dev_utterances = select_dev_utterances(config.data, primary)
    warn_of_shared(utterances, dev_utterances)
    torch.manual_seed(config.training.seed)
    loaded = checkpoint.build(config.frontend, config.model, heads, units)
    if config.training.init_from is not None and not state.progress.step:
        state.listening = initialize_from(loaded, config.training.init_from, config.training.seed)
    loaded.card |= state.listening
    with Workers(config.data.num_workers) as workers:  # of the statistics, of all copies and of the dev set
        if config.frontend.normalization == "global":
            statistics = state.statistics(lambda: measure_statistics(utterances, config.frontend, workers))
            loaded.frontend.normalize.set_statistics(*statistics)
            loaded.card["loudness"] = trained_loudness(utterances, config.frontend.sample_rate_hz)
            if not loaded.card["loudness"]:
                logger.warning(
                    "no recording could be read to find out how loud they are; quiet ones will not be made louder"
                )
        data = open_training_data(config, utterances, loaded.frontend, units, augmenter, workers)
        check_feasible(data, loaded)
        for head in config.heads:
            if head.loss == "ctc_crf":
                trigram = data.trigram(head.name, len(units[head.name]))
                loaded.model.log_trigram(head.name).copy_(torch.from_numpy(np.log(trigram)))
        dev = open_dev_data(config, dev_utterances, loaded.frontend, units, workers)
    if any(head.framewise for head in config.heads):
        use_alignments(initial_alignments(config, alignments, data, state.progress.realigned), loaded, data)
    return fit(config, loaded, data, dev, state)


def check_device(device: str) -> None:
    """Raise ConfigError unless torch can compute on `device`, a processor or a CUDA device."""
    try:
        if torch.device(device).type not in ("cpu", "cuda"):
            raise RuntimeError("neither the processor nor a CUDA device")
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise ConfigError(f"training.device={device}: cannot be used ({reason}); set it to cpu or cuda") from error


def make_folder(key: str, folder: Path) -> None:
    """Make a folder that the configuration names, or say why that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigError(f"{key}={folder}: cannot be written ({error.strerror}); choose another folder") from error


def initialize_from(loaded: LoadedModel, path: Path, seed: int) -> dict[str, Any]:
    """Start from the weights of another model of the same shape; heads it lacks stay as drawn.

    Returns what its card says of how it is searched, if the model hears alike and has all heads of the other.

    It may have fewer layers: those it lacks begin as the identity, which the skip connections make possible, so that
    the deeper model starts with the outputs of the other (zero-initialised residuals, Goyal et al. 2017).

    Says so if the other was trained with the same seed: masks and changes of rate and colour would be drawn once more
    as it has seen them. Measured on the English recogniser: 0.33 nats a phone in such an epoch, 0.56 with new ones.
    """
    other = checkpoint.load(path)
    if other.card.get("config", {}).get("training", {}).get("seed") == seed:
        logger.warning(
            "training.seed=%d is also that of %s, which has seen these batches and changes: set another", seed, path
        )
    for name, inventory in loaded.units.items():
        if name in other.units and other.units[name] != inventory:
            raise ConfigError(f"training.init_from={path}: its {name} units are others than these training texts give")
    own = loaded.model.state_dict()
    taken = {k: v for k, v in other.model.state_dict().items() if k in own}
    wrong = [name for name, value in taken.items() if value.shape != own[name].shape]
    if wrong or not taken:
        raise ConfigError(f"training.init_from={path}: another shape of model ({(wrong or ['nothing shared'])[0]})")
    loaded.model.load_state_dict(own | taken)
    try:
        for layer in loaded.model.layers[other.model.config.num_layers :]:
            assert isinstance(layer, BiLSTMLayer)
            layer.make_identity()
    except ValueError as error:
        raise ConfigError(f"training.init_from={path}: has fewer layers than model.num_layers, and {error}") from error
    alike = other.frontend.config == loaded.frontend.config and other.units.keys() <= loaded.units.keys()
    listening = {key: other.card[key] for key in LISTENING if key in other.card} if alike else {}
    if listening:
        logger.info("training.init_from=%s: its search is kept; speech tune finds the weights for the new model", path)
    return listening


def fit(
    config: ExperimentConfig,
    loaded: LoadedModel,
    data: TrainingData,
    dev: TrainingData,
    state: TrainingState,
) -> Path:
    """Update the weights of `loaded` until the epochs are over, evaluating and saving on the way.

    An interrupt (Ctrl-C) takes effect between two steps, after the state is saved, as KeyboardInterrupt.
    """
    training, progress = config.training, state.progress
    model = loaded.model.to(training.device)
    optimizer = build_optimizer(model, training)
    state.restore(model, optimizer)
    progress.next_evaluation = progress.next_evaluation or training.evaluate_every
    batches = data.batches(config, progress.epoch)
    progress.enter(len(batches))
    if progress.position >= training.epochs or progress.stopped(training.early_stopping):
        logger.info("%s: this run is over; raise training.epochs, or begin anew with --restart", training.output_dir)
    log = TrainingLog(training, progress)
    with log, InterruptGuard() as interrupt:
        saved_at = clock = time.monotonic()
        while progress.position < training.epochs and not progress.stopped(training.early_stopping):
            position = progress.position
            if not progress.decaying and position >= training.epochs * (1 - training.decay_fraction):
                state.save(model, optimizer, "before_decay.pt")
                progress.decaying = True
            due = config.alignment.realign_at[progress.realigned : progress.realigned + 1]
            if data.unit_ids and due and position >= due[0]:
                realign(config, loaded, data, state)
                clock = time.monotonic()
                state.save(model, optimizer)
            last = min(progress.batch + training.accumulate, len(batches))
            loaded_batches = [data.load(indices, progress.epoch) for indices in batches[progress.batch : last]]
            learning_rate = learning_rate_at(progress.step, position, training)
            losses = update(loaded, optimizer, loaded_batches, learning_rate, position, config, state)
            progress.step += 1
            progress.batch = last
            progress.audio_s += sum(u.duration for batch in loaded_batches for u in batch.utterances)
            if progress.batch >= len(batches):
                progress.epoch, progress.batch = progress.epoch + 1, 0
                batches = data.batches(config, progress.epoch)
                progress.enter(len(batches))
            clock, before = time.monotonic(), clock
            progress.elapsed_s += clock - before
            position = progress.position
            log.step(progress, position, losses, learning_rate)
            if position >= progress.next_evaluation or position >= training.epochs:
                evaluate_and_keep(config, loaded, dev, state, log, position)
                clock = time.monotonic()  # the evaluation counted its own time
                saved_at = -math.inf  # an evaluation's weights are worth keeping at once
            if interrupt.requested or time.monotonic() - saved_at > training.save_every_s:
                state.save(model, optimizer)
                saved_at = time.monotonic()
            if interrupt.requested:
                raise KeyboardInterrupt("the state is saved; run it again to go on")
        state.save(model, optimizer)
    return export(config, loaded, dev, state)


def learning_rate_at(step: int, position: float, training: TrainingConfig) -> float:
    """Linear warm-up over steps, a plateau, and a linear fall to zero over the last part of the epochs."""
    warm = min(1.0, (step + 1) / max(1, training.warmup_steps))
    decay_epochs = training.epochs * training.decay_fraction
    left = (training.epochs - position) / decay_epochs if decay_epochs else 1.0
    return training.learning_rate * warm * min(1.0, max(0.0, left))


def build_optimizer(model: nn.Module, training: TrainingConfig) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter 2019); biases and normalisation are not decayed."""
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    others = [p for p in model.parameters() if p.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": training.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=training.learning_rate, betas=(0.9, 0.98), fused=True)


def evaluate(loaded: LoadedModel, dev: TrainingData, training: TrainingConfig) -> dict[str, float]:
    """Error rates of best paths over the dev sets, the first head's first: `wer` and `cer`, `per` or `per_frames`.

    Of several heads that have a rate of one name the first counts.
    """
    model = loaded.model.eval()
    counts: dict[str, dict[str, ErrorCounts]] = {name: {} for name in loaded.units}
    with torch.inference_mode():
        for _, batch in dev.ordered(4 * training.batch_frames):
            with autocast(training.device, training.autocast):
                logits, lengths = model(batch.features.to(training.device), batch.lengths)
            if not all(torch.isfinite(scores).all() for scores in logits.values()):
                raise SpeechError("the model's outputs are not finite; lower training.learning_rate")
            for name, units in loaded.units.items():
                trigram = loaded.model.log_trigram(name).cpu() if loaded.heads[name].loss == "ctc_crf" else None
                texts = best_texts(logits[name].float(), lengths, units, trigram)
                for row, text in enumerate(texts):
                    count = int(batch.target_lengths[name][row])
                    if count >= 0:
                        ids = batch.targets[name][row, :count].tolist()
                        _count(counts[name], units, units.decode(ids), text)
    rates: dict[str, float] = {}
    for of_head in counts.values():
        for name, errors in of_head.items():
            rates.setdefault(name, errors.rate)
    return rates


def _count(counts: dict[str, ErrorCounts], units: Units, reference: str, hypothesis: str) -> None:
    """Add the errors of one text to the counts of a head."""
    none = ErrorCounts(0, 0)
    phones = units.kind in ("phone", "stressed_phone")
    name = ("per_frames" if units.framewise else "per") if phones else "wer"
    counts[name] = counts.get(name, none) + score(reference.split(), hypothesis.split())
    if units.kind == "character":
        counts["cer"] = counts.get("cer", none) + score(reference, hypothesis)


def evaluate_and_keep(
    config: ExperimentConfig,
    loaded: LoadedModel,
    dev: TrainingData,
    state: TrainingState,
    log: TrainingLog,
    position: float,
) -> None:
    """Try the dev sets and write the model to `best.safetensors` if it is the best so far."""
    training, progress = config.training, state.progress
    started = time.monotonic()
    results = evaluate(loaded, dev, training)
    progress.elapsed_s += time.monotonic() - started
    log.evaluation(progress, position, results)
    progress.next_evaluation = position + training.evaluate_every
    state.remember(loaded.model, training.average_last)
    error = next(iter(results.values()))
    if error < progress.best_error:
        progress.best_error, progress.stale_evaluations = error, 0
        checkpoint.save_model(training.output_dir / "best.safetensors", loaded, "float32")
    else:
        progress.stale_evaluations += 1


def export(config: ExperimentConfig, loaded: LoadedModel, dev: TrainingData, state: TrainingState) -> Path:
    """Write `model.safetensors`: the mean of the last evaluations' weights, or the best ones if those err less."""
    training = config.training
    best = training.output_dir / "best.safetensors"
    if not state.recent:  # the run was over before its first evaluation
        state.remember(loaded.model, training.average_last)
    loaded.model.load_state_dict(state.averaged())
    name, averaged = next(iter(evaluate(loaded, dev, training).items()))
    use_averaged = averaged <= state.progress.best_error or not best.exists()
    chosen = loaded if use_averaged else checkpoint.load(best)
    logger.info(
        "dev sets: %s %.1f %% with the last %d weights averaged, %.1f %% at best; kept: %s",
        name, 100 * averaged, len(state.recent), 100 * state.progress.best_error,
        "the average" if use_averaged else "the best",
    )  # fmt: skip
    progress = state.progress
    chosen.card = loaded.card | {
        "seed": training.seed,
        "config": described(config),
        "steps": progress.step,
        "training_hours": round(progress.elapsed_s / 3600, 3),
        "audio_hours_heard": round(progress.audio_s / 3600, 1),
        "dev_error": min(averaged, progress.best_error),
        "curve": read_curve(training.output_dir / "log.jsonl"),
    }
    path = training.output_dir / "model.safetensors"
    checkpoint.save_model(path, chosen, training.precision)
    return path


def described(config: ExperimentConfig) -> dict:
    """The configuration as a model's card shows it: of each path only the name, which means something elsewhere."""

    def shorten(value):
        if isinstance(value, dict):
            return {key: shorten(item) for key, item in value.items() if key not in ("cache_dir", "output_dir")}
        if isinstance(value, (list, tuple)):
            return [shorten(item) for item in value]
        return value.name if isinstance(value, Path) else value

    return shorten(to_dict(config, keep_paths=True))
