"""A model in one file: weights as safetensors, everything else as JSON in its header.

The file holds what transcription needs and nothing to execute: the frontend's and the model's configuration, the units
of each head, the model's card. Weights are stored as `speech.packing` says. Files are written beside their final name
and renamed, so a full disk or a killed process leaves the old one.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from speech.config import from_dict, to_dict
from speech.errors import CheckpointError, ConfigError
from speech.files import replacing
from speech.frontend import Frontend, FrontendConfig
from speech.kinds import other_kind
from speech.models import AcousticModel, HeadConfig, ModelConfig
from speech.packing import Precision, pack, unpack
from speech.units import Units

FORMAT = "speech-model-1"


@dataclass
class LoadedModel:
    """An acoustic model with what it needs to hear and to write.

    Attributes
    ----------
    frontend : Frontend, waveforms to normalised features
    model : AcousticModel in evaluation mode
    units : Units of each head
    card : what the model is: data, licence, recipe, seed, measured results
    """

    frontend: Frontend
    model: AcousticModel
    heads: dict[str, HeadConfig]
    units: dict[str, Units]
    card: dict[str, Any] = field(default_factory=dict)

    @property
    def frame_step_s(self) -> float:
        """Seconds between two output frames."""
        return self.frontend.config.step_s * self.model.config.output_step


def build(
    frontend: FrontendConfig,
    model: ModelConfig,
    heads: dict[str, HeadConfig],
    units: dict[str, Units],
) -> LoadedModel:
    """An untrained model of the given configuration."""
    front = Frontend(frontend)
    sizes = {name: (head, len(units[name])) for name, head in heads.items()}
    return LoadedModel(front, AcousticModel(front.num_features, model, sizes), heads, units)


def save_model(path: str | Path, loaded: LoadedModel, precision: Precision = "float32") -> None:
    """Write `loaded` to `path`, atomically.

    Raises
    ------
    CheckpointError
        The file cannot be written; what stood at `path` before is untouched.
    """
    state = {f"model.{name}": value for name, value in loaded.model.state_dict().items()}
    state |= {f"frontend.{name}": value for name, value in loaded.frontend.state_dict().items()}
    header = {
        "frontend": to_dict(loaded.frontend.config),
        "model": to_dict(loaded.model.config),
        "heads": {name: to_dict(head) for name, head in loaded.heads.items()},
        "units": {name: {"kind": u.kind, "symbols": list(u.symbols)} for name, u in loaded.units.items()},
        "card": loaded.card,
    }
    write_packed(path, FORMAT, header, state, precision)


def load(path: str | Path) -> LoadedModel:
    """Read a model written by `save_model`.

    Raises
    ------
    CheckpointError
        The file is missing, truncated, not a model, of another format version, or its weights do not fit its
        configuration.
    """
    path = Path(path)
    header, tensors = read_packed(path, FORMAT, "model file")
    with building(path):
        frontend = from_dict(FrontendConfig, header["frontend"], "frontend.", str(path))
        config = from_dict(ModelConfig, header["model"], "model.", str(path))
        heads = {n: from_dict(HeadConfig, h, f"heads.{n}.", str(path)) for n, h in header["heads"].items()}
        units = {n: Units(u["kind"], tuple(u["symbols"])) for n, u in header["units"].items()}
        sizes = {name: (head, len(units[name])) for name, head in heads.items()}
        with torch.device("meta"):  # the weights come from the file, so none are drawn here
            model = AcousticModel(frontend.num_features, config, sizes)
        loaded = LoadedModel(Frontend(frontend), model, heads, units, header.get("card", {}))
        state = unpack(tensors)
        loaded.model.load_state_dict(_part(state, "model."), assign=True)
        loaded.frontend.load_state_dict(_part(state, "frontend."))
    loaded.model.requires_grad_(False).eval()
    loaded.frontend.eval()
    return loaded


def write_packed(
    path: str | Path, format_name: str, header: dict[str, Any], state: dict[str, Tensor], precision: Precision
) -> None:
    """Write weights with a header in JSON to one file, atomically; every kind of model is stored so.

    Raises
    ------
    CheckpointError
        The file cannot be written; what stood at `path` before is untouched.
    """
    data = save(pack(state, precision), metadata={"speech": json.dumps({"format": format_name, **header})})
    write_atomically(path, lambda file: file.write(data))


def read_packed(path: Path, format_name: str, kind: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Header and tensors, still packed, of a file by `write_packed`; `kind` is what messages call it.

    Raises
    ------
    CheckpointError
        The file is missing, damaged or of another format.
    """
    if not os.path.isfile(path):
        raise CheckpointError(
            f"{path}: is a folder; name a {kind}" if os.path.isdir(path) else f"{path}: no such {kind}"
        )
    try:
        strange = other_kind(path, format_name)
        if strange:
            raise CheckpointError(strange)
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get("speech", "null"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (SafetensorError, ValueError) as error:
        raise CheckpointError(f"{path}: damaged or not a model file ({error}); copy it again") from error
    if not isinstance(header, dict) or header.get("format") != format_name:
        raise CheckpointError(f"{path}: not a model of format {format_name}; export it with this version")
    return header, tensors


@contextmanager
def building(path: Path) -> Iterator[None]:
    """Build a model from what `read_packed` found in a file; the caller's random numbers stay as they are.

    Raises
    ------
    CheckpointError
        Header and tensors do not fit each other.
    """
    try:
        with torch.random.fork_rng(devices=[]):  # a network that is built draws numbers
            yield
    except (ConfigError, KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"{path}: its weights and configuration disagree ({reason})") from error


def _part(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name[len(prefix) :]: value for name, value in state.items() if name.startswith(prefix)}


def write_atomically(path: str | Path, write: Callable) -> None:
    """Call `write(file)` on a temporary file beside `path`, then rename it to `path`."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial, open(partial, "wb") as file:
            write(file)
            file.flush()
            if os.path.isfile(partial):  # a device cannot be synchronised
                os.fsync(file.fileno())
    except (OSError, RuntimeError) as error:  # torch reports a full disk as RuntimeError, in the midst of the OSError
        reason = getattr(error, "strerror", None) or getattr(error.__context__, "strerror", None) or error
        raise CheckpointError(f"{path}: cannot be written ({reason}); what was there is kept") from error


def with_hop(loaded: LoadedModel, hop_s: float) -> LoadedModel:
    """The model with a feature frame every `hop_s` seconds, be it trained with another step.

    With frames closer together speech is slower for the model, and it has more steps for each sound. What the card says
    of `speech.tempo` is left out.

    Raises
    ------
    ConfigError
        There is no such step at the model's sample rate.
    """
    config = loaded.frontend.config
    if abs(hop_s * config.sample_rate_hz - round(hop_s * config.sample_rate_hz)) > 1e-6:
        raise ConfigError(f"hop_s={hop_s:g} is no whole number of samples at {config.sample_rate_hz} Hz")
    try:
        frontend = Frontend(replace(config, hop_s=hop_s))
    except ValueError as error:
        raise ConfigError(str(error)) from error
    frontend.load_state_dict(loaded.frontend.state_dict())
    card = {key: value for key, value in loaded.card.items() if key != "tempo"}
    return replace(loaded, frontend=frontend.eval(), card=card)


def replace_card(
    path: str | Path, change: Callable[[dict[str, Any]], dict[str, Any]], output: str | Path | None = None
) -> None:
    """Write a model's file with another card, `change(card)`, over itself or to `output`; its tensors stay as they are.

    Raises
    ------
    CheckpointError
        The file is no model, or cannot be written.
    """
    load(path)  # refuses what is no model
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["speech"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    header["card"] = change(header["card"])
    data = save(tensors, metadata={"speech": json.dumps(header)})
    write_atomically(path if output is None else output, lambda file: file.write(data))
