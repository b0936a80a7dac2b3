"""What a model file is: its kind, checksum and size, then its card."""

import hashlib
import json
from pathlib import Path
from typing import Any

from speech.checkpoint import load, read_packed
from speech.decoding import read_language_model
from speech.errors import CheckpointError
from speech.files import unreadable
from speech.kinds import ARPA, NGRAM, PACKED, Kind, kind_of
from speech.loading import model_path
from speech.pronunciations import FORMAT as PRONUNCIATIONS
from speech.pronunciations import DecodingLexicon


def describe(path: str | Path | None = None) -> dict[str, Any]:
    """What a model file holds: its kind, checksum and size, then its card; damage is found.

    Parameters
    ----------
    path : path, optional
        A recogniser, a language model, a part of a voice, ...; by default the recogniser that ships with this package.

    Returns
    -------
    dict, fit for JSON

    Raises
    ------
    CheckpointError
        The file is missing, damaged or no model (says what it is instead).
    """
    path = model_path(path)
    try:
        kind = kind_of(path) if path.is_file() else None
    except OSError as error:
        raise CheckpointError(f"{path}: {unreadable(error)}") from error
    if kind is not None and not kind.format:
        raise CheckpointError(f"{path}: is {kind.what}; {kind.use}")
    found = _recogniser(path) if kind is None or kind.format == "speech-model-1" else _other(path, kind)
    about = {"kind": kind.what} if kind is not None else {}
    size_mib = round(path.stat().st_size / 2**20, 2)
    return {"file": str(path), **about, "sha256": _sha256(path), "size_mib": size_mib, **found}


def _recogniser(path: Path) -> dict[str, Any]:
    """Shape and card of an acoustic model."""
    loaded = load(path)
    return {
        "parameters": sum(p.numel() for p in loaded.model.parameters()),
        "sample_rate_hz": loaded.frontend.config.sample_rate_hz,
        "frames_per_second": round(1 / loaded.frame_step_s, 3),
        "units": {name: len(units) for name, units in loaded.units.items()},
        **loaded.card,
    }


def _other(path: Path, kind: Kind) -> dict[str, Any]:
    """Contents and card of any other file of ours."""
    if kind in (NGRAM, ARPA):
        return {"ngrams": list(read_language_model(path).level_sizes), **_card_beside(path)}
    if kind.format == PRONUNCIATIONS:
        lexicon = DecodingLexicon.load(path)
        return {"words": len(lexicon.words), "pronunciations": len(lexicon.lengths), "phones": len(lexicon.symbols)}
    header, _ = read_packed(path, kind.format, PACKED[kind.format].what)
    return header.get("card", {})


def _card_beside(path: Path) -> dict[str, Any]:
    """The card in the JSON file beside a language model, where there is one and it is of that very file."""
    beside = path.with_name(f"{path.name}.json")
    if not beside.is_file():
        return {}
    try:
        card = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{beside}: cannot be read as the card of {path.name} ({error}); remove it") from error
    if not isinstance(card, dict):
        raise CheckpointError(f"{beside}: is no card of {path.name}; remove it or name it otherwise")
    if card.get("sha256") != _sha256(path):
        return {"card": f"{beside.name} is that of another file (sha256 differs)"}
    return card


def _sha256(path: Path) -> str:
    """Checksum of a file as `sha256sum` prints it."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
