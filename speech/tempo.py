"""How fast somebody speaks, and feature frames closer together for those who speak fast.

A model takes its steps at one tempo, and fast speech has fewer of them for each sound. With frames closer together the
same recording is slower for the model.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ctc import greedy_decode
from speech.checkpoint import LoadedModel, with_hop
from speech.config import from_dict
from speech.errors import ConfigError
from speech.frontend import Frontend


@dataclass(frozen=True, kw_only=True)
class TempoConfig:
    """Which speech is heard in which steps; a model's card holds it as `tempo`.

    Attributes
    ----------
    hops_s : tuple of float
        Seconds between two feature frames, for slow speech first. None: as the model was trained, for all. Recordings
        longer than a window (`speech.chunks`), in which many may speak, take the last.
    rates : tuple of float, one fewer
        Units a second from which the next of `hops_s` is taken, increasing.
    """

    hops_s: tuple[float, ...] = ()
    rates: tuple[float, ...] = ()

    def __post_init__(self):
        if len(self.rates) != max(0, len(self.hops_s) - 1) or list(self.rates) != sorted(self.rates):
            raise ValueError("rates must be one fewer than hops_s, and increase")


@dataclass(frozen=True, eq=False)
class Pace:
    """Features in certain steps.

    Attributes
    ----------
    frontend : Frontend
    frame_step_s : seconds between two output frames of the model
    step_samples : samples between two steps of its LSTM
    """

    frontend: Frontend
    frame_step_s: float
    step_samples: int


def pace_of(loaded: LoadedModel) -> Pace:
    """The model's own."""
    config = loaded.frontend.config
    return Pace(loaded.frontend, loaded.frame_step_s, config.hop_samples * loaded.model.config.subsampling_factor)


class Tempo:
    """Chooses the pace of a recording.

    Parameters
    ----------
    loaded : LoadedModel
        Its card's `tempo` says how.
    source : str
        What errors call the model.

    Attributes
    ----------
    own : Pace
        In which the model was trained, and in which it is found out how fast somebody speaks.
    paces : tuple of Pace
        For slow speech first; only `own` if the card says nothing.

    Raises
    ------
    ConfigError
        The card's settings are unknown or cannot be.
    """

    def __init__(self, loaded: LoadedModel, source: str = "the model"):
        config = from_dict(TempoConfig, loaded.card.get("tempo", {}), "tempo.", source)
        self.own, self._rates = pace_of(loaded), config.rates
        try:
            paces = [self._pace_with(loaded, hop_s) for hop_s in config.hops_s]
        except ConfigError as error:
            raise ConfigError(f"{source}: tempo: {error}") from error
        self.paces = tuple(paces) or (self.own,)

    def _pace_with(self, loaded: LoadedModel, hop_s: float) -> Pace:
        return self.own if hop_s == loaded.frontend.config.hop_s else pace_of(with_hop(loaded, hop_s))

    def pace(self, log_probs: NDArray[np.float32]) -> Pace:
        """For a recording that has outputs [V, K], the blank first, in the model's own pace."""
        rate = units_a_second(log_probs, self.own.frame_step_s)
        return self.paces[sum(rate >= least for least in self._rates)]


def units_a_second(log_probs: NDArray[np.float32], frame_step_s: float) -> float:
    """Units on the best path of outputs [V, K], from the first to the last one; 0 if there are none."""
    units = greedy_decode(torch.from_numpy(log_probs)[None])[0]
    return len(units) / ((units[-1].end_frame - units[0].start_frame) * frame_step_s) if units else 0.0
