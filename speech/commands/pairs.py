"""What `speech align` works on: a recording and a text, or the rows of a manifest, each with a name of its own."""

import itertools
from dataclasses import dataclass
from pathlib import Path

from speech.commands.inputs import STDIN, output_name, read_text
from speech.errors import CorpusError, SpeechError


@dataclass(frozen=True)
class Pair:
    """A recording, or part of one, and its text.

    Attributes
    ----------
    path : of the recording, or "-" for standard input
    name : of the files written, without ending; rows may share one
    row : what messages call a row of a manifest; empty where there is none
    number : of that row
    offset_s, duration_s : the part; None is to the end
    text_path : where the text comes from; a manifest, or empty if that is no file
    """

    path: str
    text: str
    name: str
    row: str = ""
    number: int = 0
    offset_s: float = 0.0
    duration_s: float | None = None
    text_path: str = ""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Files that are read, and so must not be written."""
        return tuple(path for path in (self.path, self.text_path) if path not in ("", STDIN))

    @property
    def label(self) -> str:
        """What messages call it."""
        return self.row or self.path

    def told(self, message: str) -> str:
        """A message that says where it comes from, which it may say by itself."""
        return message if not self.row and self.path in message else f"{self.label}: {message}"

    def told_of_text(self, message: str) -> str:
        r"""A message on a word of the text, which it cites between quotation marks: with the file and line of the text.

        Examples
        --------
        >>> Pair("a.wav", "one\n2 three", "a", text_path="a.txt").told_of_text('"2" has digits')
        'a.txt, line 2: "2" has digits'
        """
        if self.row or not self.text_path:
            return self.told(message)
        cited = message.split('"')[1] if message.count('"') > 1 else ""
        lines = list(enumerate(self.text.splitlines(), 1)) if cited else []
        whole = (number for number, line in lines if cited in line.split())
        within = (number for number, line in lines if cited in line.lower())
        number = next(itertools.chain(whole, within), 0)
        name = "standard input" if self.text_path == STDIN else self.text_path
        return f"{name}, line {number}: {message}" if number else f"{name}: {message}"


def find_pairs(audio: str, text: str | None) -> tuple[list[Pair], list[tuple[str, str]]]:
    """Pairs to align, and of each row that cannot be its name and the reason.

    Parameters
    ----------
    audio : a recording, "-", or a manifest if there is no `text`
    text : file with what is said, or "-"

    Raises
    ------
    SpeechError
        The text or the manifest cannot be read, or holds nothing.
    """
    if text is None:
        if Path(audio).suffix != ".jsonl":
            raise SpeechError(f"{audio}: add the file with its text, or give a manifest, whose name ends in .jsonl")
        return _rows(Path(audio))
    if Path(audio).suffix == ".jsonl":
        raise SpeechError(f"{audio}: the rows of a manifest hold their texts; leave {text} out")
    if audio == text == STDIN:
        raise SpeechError("standard input holds the recording or the text, not both; name a file for one of them")
    return [Pair(audio, _text_of(text), Path(output_name(audio)).stem, text_path=text)], []


def _text_of(path: str) -> str:
    """What is said."""
    text = read_text(path)
    if not text.strip():
        raise SpeechError(f"{'standard input' if path == STDIN else path}: holds no text to align")
    return text


def _rows(manifest: Path) -> tuple[list[Pair], list[tuple[str, str]]]:
    """Rows of a manifest that can be aligned, and why the others cannot."""
    from speech.corpus import checked_rows

    found, problems = [], []
    for number, row in checked_rows(manifest):
        label = f"{manifest}, row {number}"
        if isinstance(row, CorpusError):
            problems.append((label, str(row)))
        elif row.text.strip():
            path = str(row.audio_filepath)
            name = Path(path).stem
            found.append(Pair(path, row.text, name, label, number, row.offset, row.duration, str(manifest)))
        else:
            problems.append((label, f"{label}: has no text to align"))
    return found, problems
