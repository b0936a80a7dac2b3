"""Corpora in their official layouts -> manifests.

One small module a corpus lists its rows; `prepare` adds durations and writes `<output_dir>/<split>.jsonl`.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from speech.corpus import write_manifest
from speech.errors import CorpusError
from speech.prepare import (
    cmu_arctic,
    common_voice,
    folder,
    fsdd,
    librispeech,
    ljspeech,
    speechocean762,
    timit,
)
from speech.prepare.archives import ARCHIVES, download
from speech.prepare.rows import BadRecordingsError, Row, to_utterances

__all__ = ["ARCHIVES", "CORPORA", "BadRecordingsError", "check_corpus", "download", "prepare"]

CORPORA: Mapping[str, Callable[[Path], Iterator[Row]]] = MappingProxyType(
    {
        "librispeech": librispeech.rows,
        "common_voice": common_voice.rows,
        "speechocean762": speechocean762.rows,
        "cmu_arctic": cmu_arctic.rows,
        "ljspeech": ljspeech.rows,
        "fsdd": fsdd.rows,
        "timit": timit.rows,
        "folder": folder.rows,
    }
)


def check_corpus(corpus: str) -> None:
    """CorpusError if there is no such corpus."""
    if corpus not in CORPORA:
        raise CorpusError(f'there is no corpus "{corpus}"; known: {", ".join(CORPORA)}')


def prepare(
    corpus: str,
    root: str | os.PathLike[str],
    output_dir: str | os.PathLike[str],
    *,
    num_workers: int = 1,
    skip_bad: bool = False,
) -> dict[str, Path]:
    """Write one manifest a split.

    Parameters
    ----------
    corpus : str
        A key of `CORPORA`.
    root : path
        The corpus's folder, as its archive unpacks.
    output_dir : path
        Made when missing; gets `<split>.jsonl`.
    num_workers : int
        Threads that read headers (0.25 ms a file with one). More help only where opening a file takes long, as over a
        network: measured on a local disk, 2 threads were no faster than one and 8 took twice as long.
    skip_bad : bool
        Leave out (and log) recordings that, or whose transcripts, are missing or unreadable; an error by default.

    Returns
    -------
    dict of split name to manifest path

    Raises
    ------
    CorpusError
        Unknown corpus, not its layout, or bad recordings (`BadRecordingsError`); names the file and row.
    """
    check_corpus(corpus)
    root = Path(root)
    if not root.is_dir():
        raise CorpusError(
            f"{root}: {'is a file; name the folder of a corpus' if root.exists() else 'there is no such folder'}"
        )
    if num_workers < 1:
        raise CorpusError(f"num_workers must be at least 1, got {num_workers}")
    splits = to_utterances(CORPORA[corpus](root), num_workers=num_workers, skip_bad=skip_bad)
    if not splits:
        raise CorpusError(f'{root}: no usable utterances found, read as corpus "{corpus}"')
    manifests = {}
    for split, utterances in splits.items():
        manifests[split] = Path(output_dir) / f"{split}.jsonl"
        write_manifest(manifests[split], utterances)
    return manifests
