"""What a model file is: its kind, checksum and size, then its card."""

from pathlib import Path
from typing import Any

from speech.checkpoint import load, read_packed
from speech.decoding import read_language_model
from speech.errors import CheckpointError
from speech.files import unreadable
from speech.kinds import ARPA, NGRAM, PACKED, Kind, kind_of
from speech.lm.card import read_card, sha256
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
    return {"file": str(path), **about, "sha256": sha256(path), "size_mib": size_mib, **found}


def _recogniser(path: Path) -> dict[str, Any]:
    """What an acoustic model is for, its shape and card."""
    loaded = load(path)
    aligns = all(head.framewise for head in loaded.heads.values())
    return {
        "kind": "an aligner" if aligns else "a recogniser",
        "parameters": sum(p.numel() for p in loaded.model.parameters()),
        "sample_rate_hz": loaded.frontend.config.sample_rate_hz,
        "frames_per_second": round(1 / loaded.frame_step_s, 3),
        "units": {name: len(units) for name, units in loaded.units.items()},
        **loaded.card,
    }


def _other(path: Path, kind: Kind) -> dict[str, Any]:
    """Contents and card of any other file of ours."""
    if kind in (NGRAM, ARPA):
        return {"ngrams": list(read_language_model(path).level_sizes), **read_card(path)}
    if kind.format == PRONUNCIATIONS:
        lexicon = DecodingLexicon.load(path)
        return {"words": len(lexicon.words), "pronunciations": len(lexicon.lengths), "phones": len(lexicon.symbols)}
    header, _ = read_packed(path, kind.format, PACKED[kind.format].what)
    return header.get("card", {})
