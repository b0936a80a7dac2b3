"""Rows of the manifests that a command measures on: the good ones, and of each bad one its name and the reason."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from speech.errors import CorpusError

if TYPE_CHECKING:
    from speech.corpus import Utterance


def named_rows(
    manifests: Sequence[str], limit: int | None = None
) -> "tuple[list[tuple[str, Utterance]], list[tuple[str, str]]]":
    """Utterances with what messages call them, and names and reasons of the rows that are none.

    Parameters
    ----------
    manifests : paths
    limit : only the first rows of each

    Raises
    ------
    CorpusError
        A manifest cannot be read, or holds no good row.
    """
    from speech.corpus import checked_rows

    rows, problems = [], []
    for manifest in manifests:
        for number, row in checked_rows(manifest)[:limit]:
            label = f"{manifest}, row {number}"
            if isinstance(row, CorpusError):
                problems.append((label, str(row)))
            else:
                rows.append((label, row))
    return rows, problems
