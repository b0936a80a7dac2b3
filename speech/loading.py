"""Which model hears, and how what it hears is searched."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from speech.checkpoint import LoadedModel, load
from speech.decoding import (
    Decoding,
    DecodingConfig,
    build_decoding,
    decoding_config,
    default_head,
    included_neural_lm,
    read_language_model,
    with_beam,
)
from speech.errors import CheckpointError, ConfigError
from speech.hotwords import Hotwords, as_transcribed
from speech.listening import listening_device
from speech.precision import has_bfloat16_lstm
from speech.transcribe import Transcriber

if TYPE_CHECKING:
    from ctc import NGram

DEFAULT_MODEL = Path(__file__).parent / "weights" / "english.safetensors"


def load_model(
    path: str | Path | None = None,
    device: str = "cpu",
    *,
    lm: "bool | str | Path | NGram | None" = None,
    hotwords: Hotwords | None = None,
    beam: int | None = None,
) -> Transcriber:
    """Load a recogniser.

    Parameters
    ----------
    path : path, optional
        A model file; by default the English model that ships with this package.
    device : str
        "cpu", "cuda" or "cuda:1".
    lm : bool, path or NGram, optional
        Language model: an n-gram of your own, as a file (binary or ARPA) or loaded, which replaces both included ones,
        since the recurrent one is used beside the included n-gram only; True for those two; False for none, which
        reads the best path. By default the included ones with models whose card says how to search (`decoding`), none
        with others; it must be given if the search was tuned with another one.
    hotwords : mapping of str to float, or sequence of str, optional
        Words or phrases to be favoured, and their boost in nats (8 by default).
    beam : int, optional
        Hypotheses that the search keeps; by default as the model's card says.

    Returns
    -------
    Transcriber

    Raises
    ------
    CheckpointError
        A file is missing, damaged or of another kind.
    ConfigError
        There is no such device; the language model or the hot-words do not fit the model.

    Examples
    --------
    >>> load_model().transcribe("talk.flac").text  # doctest: +SKIP
    'the birch canoe slid on the smooth planks'
    """
    path = model_path(path)
    loaded = load_to_listen(path, device)
    decoding = choose_search(loaded, path, lm, as_transcribed(hotwords), beam)
    return Transcriber(loaded, name=str(loaded.card.get("name", path.stem)), device=device, decoding=decoding)


def load_to_listen(path: str | Path, device: str) -> LoadedModel:
    """A model that is not to be trained: on processors that do so much faster its LSTMs compute in bfloat16.

    Raises
    ------
    CheckpointError
        As `speech.checkpoint.load`.
    ConfigError
        There is no such device.
    """
    loaded = load(path)
    if listening_device(device).type == "cpu" and has_bfloat16_lstm():
        loaded.model.recur_in_bfloat16()
    return loaded


def choose_search(
    loaded: LoadedModel, path: Path, lm, hotwords: Hotwords | None, beam: int | None, *, lm_share: float = 1.0
) -> Decoding | None:
    """The search that `load_model` is asked for, its language models weighed by `lm_share`; None for the best path."""
    config = decoding_config(loaded, str(path))
    if lm is None and "decoding_lm" in loaded.card:
        raise ConfigError(
            f"{path}: its search was tuned with the language model {loaded.card['decoding_lm']}; name that file or "
            "another one with --lm, or none with --no-lm (in Python: lm=FILE, lm=False)"
        )
    if lm is None:
        lm = config is not None or path == DEFAULT_MODEL
    if lm is False and not hotwords and beam is None:
        return None
    chosen = with_beam(config or DecodingConfig(), beam)
    chosen = replace(chosen, lm_weight=lm_share * chosen.lm_weight)
    model, source, neural = None, "the language model", None
    if lm is True:
        model, source, neural = read_language_model(), "the included language model", included_neural_lm(chosen)
    elif isinstance(lm, (str, Path)):
        model, source = read_language_model(lm), str(lm)
    elif lm is not False:
        model = lm
    if model is None:  # only an open vocabulary can be searched without one
        chosen = replace(chosen, head=default_head(loaded), second_head="", word_bonus=0.0)
    return build_decoding(loaded, chosen, model, hotwords=hotwords, lm_source=source, neural=neural)


def model_path(path: str | Path | None) -> Path:
    """`path`, or the model that ships with this package; CheckpointError if that is missing."""
    if path is None and not DEFAULT_MODEL.is_file():
        raise CheckpointError(f"{DEFAULT_MODEL}: the included model is missing; name a model file or install again")
    return Path(path or DEFAULT_MODEL)
