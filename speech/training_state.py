"""What a training run leaves on disk and takes up again."""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from speech.checkpoint import write_atomically
from speech.config import from_dict, to_dict
from speech.errors import CheckpointError, ConfigError
from speech.experiment import ExperimentConfig
from speech.units import Units

logger = logging.getLogger(__name__)
STATE_FORMAT = 1
#: Parts of the configuration that a resumed run may not change.
FIXED = ("frontend", "model", "heads")


@dataclass
class Progress:
    """How far a run is.

    Attributes
    ----------
    step : updates of the weights
    epoch, batch : batches of the current epoch already used
    num_batches : of the current epoch, 0 in states that do not tell
    elapsed_s : time spent training, evaluation included
    audio_s : speech heard
    next_evaluation : epochs at which the dev sets are tried next
    best_error : lowest error rate on the dev sets
    stale_evaluations : evaluations since then
    decaying : the learning rate has begun to fall
    realigned : times that the frame targets were made anew
    skipped : updates left out since loss or gradient was not finite
    """

    step: int = 0
    epoch: int = 0
    batch: int = 0
    num_batches: int = 0
    elapsed_s: float = 0.0
    audio_s: float = 0.0
    next_evaluation: float = 0.0
    best_error: float = float("inf")
    stale_evaluations: int = 0
    skipped: int = 0
    decaying: bool = False
    realigned: int = 0

    def stopped(self, early_stopping: int) -> bool:
        """Whether the last `early_stopping` evaluations brought nothing better; never for 0."""
        return 0 < early_stopping <= self.stale_evaluations

    def enter(self, num_batches: int) -> None:
        """Go on in an epoch of `num_batches`: as far through it as before, be they more or fewer than were saved."""
        before = self.batch
        if self.num_batches:
            self.batch = self.batch * num_batches // self.num_batches
        self.batch = min(self.batch, num_batches - 1)
        if self.batch != before:
            logger.info("the epoch now has %d batches: goes on after %d, was %d", num_batches, self.batch, before)
        self.num_batches = num_batches

    @property
    def position(self) -> float:
        """Epochs done, counting the part of the current one."""
        return self.epoch + self.batch / self.num_batches


@dataclass
class TrainingState:
    """The state file of a run: `OUTPUT_DIR/state.pt`, and `before_decay.pt` from which a longer run goes on."""

    folder: Path
    config: dict[str, Any]
    symbols: dict[str, list[str]]
    progress: Progress = field(default_factory=Progress)
    saved: dict[str, Any] = field(default_factory=dict)
    recent: list[dict[str, Tensor]] = field(default_factory=list)
    feature_statistics: tuple[Tensor, Tensor] | None = None
    listening: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def open(cls, config: ExperimentConfig, units: dict[str, Units], *, restart: bool = False) -> "TrainingState":
        """The state in the output folder, or a new one.

        Raises
        ------
        ConfigError
            The folder holds a run of another frontend, model, heads or units.
        CheckpointError
            The state file is damaged or of another version.
        """
        folder = config.training.output_dir
        symbols = {name: list(inventory.symbols) for name, inventory in units.items()}
        state = cls(folder, to_dict(config), symbols)
        path = folder / "state.pt"
        if restart or not path.exists():
            return state
        saved = _read(path)
        longer = config.training.epochs > saved["config"]["training"]["epochs"]
        if saved["progress"]["decaying"] and longer and (folder / "before_decay.pt").exists():
            logger.info("%s: goes on from before the learning rate fell", folder)
            best = saved["progress"]["best_error"]
            saved = _read(folder / "before_decay.pt")
            saved["progress"] |= {"decaying": False, "best_error": best}
        if longer:
            saved["progress"]["stale_evaluations"] = 0
        changed = _differences(_completed(saved["config"], path), state.config)
        for key in changed:
            if key.split(".")[0] in FIXED:
                raise ConfigError(
                    f"{folder}: holds a run with another {key}; choose another training.output_dir or --restart"
                )
        for name, own in state.symbols.items():
            if saved["symbols"][name] != own:
                raise ConfigError(
                    f"{folder}: holds a run with other {name} units than these training texts give;"
                    " choose another training.output_dir or --restart"
                )
        if changed:
            logger.info("resumed with other values of: %s", ", ".join(changed))
        state.saved = saved
        state.progress = Progress(**saved["progress"])
        state.recent = saved["recent"]
        state.feature_statistics = saved["statistics"]
        state.listening = saved.get("listening", {})  # states of older versions have none
        logger.info("%s: resumes at step %d", folder, state.progress.step)
        return state

    def statistics(self, measure: Callable[[], tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        """Feature statistics of the run, measured once."""
        if self.feature_statistics is None:
            self.feature_statistics = measure()
        return self.feature_statistics

    def restore(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Put the saved weights and moments, if any, where they belong."""
        if self.saved:
            model.load_state_dict(self.saved["model"])
            optimizer.load_state_dict(self.saved["optimizer"])
            self.saved = {}

    def save(self, model: nn.Module, optimizer: torch.optim.Optimizer, name: str = "state.pt") -> None:
        """Write the state; the previous file survives a failure."""
        state = {
            "format": STATE_FORMAT,
            "config": self.config,
            "symbols": self.symbols,
            "progress": asdict(self.progress),
            "statistics": self.feature_statistics,
            "listening": self.listening,
            "recent": self.recent,
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
        }
        write_atomically(self.folder / name, lambda file: torch.save(state, file))

    def remember(self, model: nn.Module, count: int) -> None:
        """Keep a copy of the weights, the newest `count` of them."""
        weights = {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}
        self.recent = [*self.recent, weights][-count:]

    def averaged(self) -> dict[str, Tensor]:
        """Mean of the weights kept."""
        return {
            name: torch.stack([weights[name].float() for weights in self.recent]).mean(dim=0) for name in self.recent[0]
        }


def _read(path: Path) -> dict[str, Any]:
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many types for a damaged file; all mean the same here
        reason = str(error).splitlines()[0].split(". ")[0]
        raise CheckpointError(f"{path}: damaged ({reason}); remove it or pass --restart") from error
    if not isinstance(saved, dict) or saved.get("format") != STATE_FORMAT:
        raise CheckpointError(f"{path}: not a state of format {STATE_FORMAT}; remove it or pass --restart")
    return saved


def _completed(config: dict[str, Any], path: Path) -> dict[str, Any]:
    """A saved configuration with the defaults of keys that were not there when it was saved."""
    return to_dict(from_dict(ExperimentConfig, config, source=str(path)))


def _differences(old: Any, new: Any, prefix: str = "") -> list[str]:
    """Dotted keys whose values differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted(old.keys() | new.keys())
        return [name for key in keys for name in _differences(old.get(key), new.get(key), f"{prefix}{key}.")]
    return [] if old == new else [prefix.rstrip(".")]
