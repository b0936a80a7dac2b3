"""CMU ARCTIC: 1,132 prompts for speech synthesis, each read by one speaker a folder (`cmu_us_<voice>_arctic`).

Layout: `etc/txt.done.data`, lines `( arctic_a0001 "Text." )`, beside `wav/`. Several voices read the same prompts, so
the split goes by prompt: those 100 that `is_test_prompt` names are the test set of every voice. `root` is one voice or
a folder of voices.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from speech.errors import CorpusError
from speech.prepare.rows import Row, find_audio, index_audio, read_lines

_LINE = re.compile(r'^\(\s*(\S+)\s+"(.*)"\s*\)$')
_PROMPT = re.compile(r"^arctic_([ab])(\d{4})(?!\d)")


def is_test_prompt(name: str) -> bool:
    """Whether an id names one of the prompts arctic_b0440 to arctic_b0539.

    Examples
    --------
    >>> is_test_prompt("arctic_b0440"), is_test_prompt("arctic_b0540_1592748574")
    (True, False)
    """
    match = _PROMPT.match(name)
    return match is not None and match[1] == "b" and 440 <= int(match[2]) <= 539


def rows(root: Path) -> Iterator[Row]:
    """List the utterances of every voice."""
    tables = [root / "etc/txt.done.data", *sorted(root.glob("*/etc/txt.done.data"))]
    tables = [table for table in tables if table.is_file()]
    if not tables:
        raise CorpusError(f"{root}: has no etc/txt.done.data; is this a CMU ARCTIC folder?")
    for table in tables:
        yield from _voice_rows(table)


def _voice_rows(table: Path) -> Iterator[Row]:
    """List the utterances of one voice."""
    voice = re.sub(r"^cmu_us_|_arctic$", "", table.parent.parent.resolve().name)
    folder = table.parent.parent / "wav"
    index = index_audio(folder)
    for row, line in enumerate(read_lines(table), start=1):
        match = _LINE.match(line.strip())
        if match is None:
            raise CorpusError(f'{table}, row {row}: must be ( id "text" ), got {line[:60]}')
        yield Row(
            audio_filepath=find_audio(index, match[1], folder),
            text=match[2].replace('\\"', '"'),
            split="test" if is_test_prompt(match[1]) else "train",
            speaker=f"cmu_arctic-{voice}",
            corpus="cmu_arctic",
        )
