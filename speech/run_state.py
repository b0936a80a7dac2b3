"""What a run over many short steps leaves on disk: weights, optimiser, random numbers, and what the run belongs to.

`speech.training_state` is that of acoustic models, which keep more.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from speech.checkpoint import write_atomically
from speech.errors import CheckpointError

log = logging.getLogger(__name__)


def save_run(
    path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, step: int, belongs_to: Mapping[str, str]
) -> None:
    """Write the state, atomically; `belongs_to` names what the run may not change, and its value in words."""
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
    state |= {"belongs_to": dict(belongs_to), "random": torch.get_rng_state()}
    write_atomically(path, lambda file: torch.save(state, file))


def first_other(saved: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    """The first of what a run may not change that is another in its saved state; empty if there is none."""
    return next((name for name, value in wanted.items() if saved.get(name) != value), "")


def resume_run(
    path: Path | None, model: nn.Module, optimizer: torch.optim.Optimizer, belongs_to: Mapping[str, str]
) -> int:
    """Restore a saved state, if there is one; the number of steps done.

    Raises
    ------
    CheckpointError
        The state belongs to something else, or cannot be read.
    """
    if path is None or not path.is_file():
        return 0
    try:
        state = torch.load(path, weights_only=True)
        if other := first_other(state["belongs_to"], belongs_to):
            raise ValueError(f"it belongs to other {other}")
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["random"])
    except Exception as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"{path}: cannot continue from it ({reason}); delete it to start anew") from error
    log.info("continuing at step %d", state["step"])
    return state["step"]
