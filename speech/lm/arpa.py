r"""The ARPA format: a text file of n-grams, log10 probability, words, and log10 back-off weight, one a line.

\data\
    ngram 1=4
ngram 2=2

\1-grams:
-1.2 <unk>
...
\end\
"""

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np

from ctc.ngram import BEGIN, END, MAX_ORDER, UNKNOWN, UNKNOWN_LOG10, Level, MissingContext, NGram
from speech.errors import CheckpointError
from speech.files import replacing, unreadable

OTHER_UNKNOWN = "<UNK>"
"""How SRILM writes <unk>; read as that."""
_BLANKS = " \t\r\n"  # KenLM's: others, such as one that does not break, stand in words
_COUNT = re.compile(r"ngram\s+(\d{1,99})\s*=\s*(\d{1,99})$")
_MOST_BACKOFF = 60_000  # quantised files hold those of single words in 16 bits, up to 65,504
_FIRST_ROWS = 1 << 16  # room for so many n-grams, then for twice as many: a count may be wrong


def read_arpa(path: str | Path) -> NGram:
    """Read a model.

    Parameters
    ----------
    path : path
        UTF-8; compressed if it begins as gzip does.

    Returns
    -------
    NGram
        With <unk> at log10 -100 if the file has none, as KenLM takes it.

    Raises
    ------
    CheckpointError
        Names the file, the line and what is wrong: a count that differs, a number that is none, a positive
        probability, a word outside the vocabulary, an n-gram twice or without its context, a missing back-off weight,
        an early end.
    """
    reader = _Reader(path)
    try:
        return reader.read()
    except UnicodeDecodeError as error:
        place = f", after line {reader.number}" if reader.number else ""
        raise CheckpointError(
            f"{path}{place}: is not text in UTF-8, so no ARPA file; only gzip's compression of one is read"
        ) from error
    except (OSError, EOFError, zlib.error) as error:
        place = f", after line {reader.number}" if reader.number else ""
        raise CheckpointError(f"{path}{place}: {unreadable(error)}") from error


class _Reader:
    """One pass over the lines of a file."""

    def __init__(self, path: str | Path):
        self.path = path
        self.number = 0
        self.ids: dict[str, int] = {UNKNOWN: 0, BEGIN: 1, END: 2}
        self._seen: set[str] = set()

    def error(self, what: str, number: int | None = None) -> CheckpointError:
        """Error at a line, the current one by default."""
        return CheckpointError(f"{self.path}: line {self.number if number is None else number}: {what}")

    def read(self) -> NGram:
        """The whole file."""
        with open(self.path, "rb") as file:
            gzipped = file.read(2) == b"\x1f\x8b"
        opener = gzip.open if gzipped else open
        with opener(self.path, "rt", encoding="utf-8-sig") as stream:
            lines = self._lines(stream)
            counts = self._header(lines)
            levels = []
            for order, count in enumerate(counts, 1):
                levels.append(self._section(lines, order, count, order == len(counts)))
            for text in lines:
                if text:
                    if text != "\\end\\":
                        raise self.error(f"expected \\end\\, got {text[:40]!r}")
                    break
            else:
                raise self.error("the file ends before \\end\\; get a complete copy")
            while stream.buffer.read(1 << 16):  # gzip compares its checksum at the end
                pass
        return self._build(levels)

    def _lines(self, stream: TextIO) -> Iterator[str]:
        """Lines without blanks at their ends, counted."""
        for line in stream:
            self.number += 1
            yield line.strip(_BLANKS)

    def _header(self, lines: Iterator[str]) -> list[int]:
        """Counts of each order."""
        for text in lines:
            if text == "\\data\\":
                break
            if text and not text.startswith("#"):
                raise self.error(
                    f"expected \\data\\, got {text[:40]!r}; this is no ARPA file: `speech lm train` makes one of text"
                )
        counts: list[int] = []
        for text in lines:
            if not text:
                if counts:
                    break
                continue
            found = _COUNT.match(text)
            if not found:
                raise self.error(f"expected ngram N=COUNT, got {text[:40]!r}")
            if int(found[1]) != len(counts) + 1:
                raise self.error(f"expected the count of order {len(counts) + 1}, got that of order {found[1]}")
            counts.append(int(found[2]))
        if not self.number:
            raise CheckpointError(f"{self.path}: is empty; name a file that `speech lm train` wrote or ARPA")
        if not counts:
            raise self.error("the header holds no counts")
        if len(counts) > MAX_ORDER:
            raise self.error(f"the model has order {len(counts)}; up to {MAX_ORDER} can be read")
        return counts

    def _section(self, lines: Iterator[str], order: int, count: int, highest: bool) -> "_Section":
        r"""The n-grams of one order, with "\N-grams:" before them."""
        for text in lines:
            if text:
                if text != f"\\{order}-grams:":
                    raise self.error(
                        f"expected \\{order}-grams:, got {text[:40]!r}; is the count of order {order - 1} right"
                    )
                break
        else:
            raise self.error(f"the file ends before \\{order}-grams:; get a complete copy")
        first = self.number + 1
        section = _Section.of_rows(min(count, _FIRST_ROWS), order, first)
        grams, values, has_backoff = section.arrays
        ids = self.ids
        for row in range(count):
            if row == len(grams):
                section = section.joined(_Section.of_rows(min(count - row, row), order, first + row))
                grams, values, has_backoff = section.arrays
            fields = [field for field in next(lines, "").replace("\t", " ").split(" ") if field]
            if len(fields) not in (order + 1, order + 2):
                raise self._bad_line(fields, order, row, count)
            try:
                values[row, 0] = float(fields[0])
                if len(fields) == order + 2:
                    values[row, 1] = float(fields[-1])
                    has_backoff[row] = True
            except ValueError:
                raise self.error(f"{fields[0]!r} or {fields[-1]!r} is not a number") from None
            if order == 1:
                grams[row, 0] = self._new_word(fields[1])
                continue
            try:
                grams[row] = [ids[_own(word)] for word in fields[1 : order + 1]]
            except KeyError as error:
                raise self.error(f"the word {error.args[0]!r} is not among the 1-grams") from None
        self._check_values(section, highest)
        return section

    def _bad_line(self, fields: list[str], order: int, row: int, count: int) -> CheckpointError:
        """What is wrong with a line of too few or too many fields."""
        if not fields or fields[0].startswith("\\"):
            return self.error(f"order {order} ends after {row} n-grams, but the header counts {count}")
        return self.error(f"expected a number, {order} words and perhaps a back-off weight, got {len(fields)} fields")

    def _new_word(self, word: str) -> int:
        """Id of a word of the 1-grams."""
        word = _own(word)
        if word in self._seen:
            raise self.error(f"the word {word!r} stands twice among the 1-grams")
        self._seen.add(word)
        return self.ids.setdefault(word, len(self.ids))

    def _check_values(self, section: "_Section", highest: bool) -> None:
        """Probabilities are numbers up to 1, back-off weights finite, and 0 at the highest order if there are any."""
        log_probs, backoffs = section.values.T
        bad = ~(np.abs(backoffs) <= _MOST_BACKOFF) | np.isnan(log_probs) | (log_probs > 1e-6)
        for row in np.flatnonzero(bad)[:1]:
            raise self.error(
                f"log10 probability {log_probs[row]:g} or back-off weight {backoffs[row]:g} is out of range",
                section.line(row),
            )
        for row in np.flatnonzero(backoffs)[:1] if highest else ():
            raise self.error(
                f"an n-gram of the highest order has the back-off weight {backoffs[row]:g}; only 0 may stand there",
                section.line(row),
            )
        np.maximum(log_probs, UNKNOWN_LOG10, out=section.values[:, 0])

    def _build(self, sections: "list[_Section]") -> NGram:
        """Sort the n-grams and hang them in a tree."""
        for word in (BEGIN, END):
            if word not in self._seen:
                raise CheckpointError(f"{self.path}: the 1-grams lack {word}")
        if UNKNOWN not in self._seen:
            unknown = _Section.of_rows(1, 1, sections[0].first_line - 1)
            unknown.values[0, 0], unknown.has_backoff[0] = UNKNOWN_LOG10, True
            sections[0] = unknown.joined(sections[0])
        levels = []
        for section in sections:
            order = np.lexsort(section.grams.T[::-1])
            grams = section.grams[order]
            twice = np.flatnonzero((grams[1:] == grams[:-1]).all(axis=1))
            for row in twice[:1]:
                lines = sorted(section.line(order[row + k]) for k in (0, 1))
                raise self.error(f"the n-gram of line {lines[0]} stands here again", lines[1])
            levels.append(Level(grams, section.values[order, 0], section.values[order, 1]))
            section.order = order
        try:
            model = NGram.from_levels(tuple(self.ids), levels)
        except MissingContext as error:
            section = sections[error.order - 1]
            line = section.line(section.order[error.row])
            raise self.error(
                f"its first {error.order - 1} words are no n-gram of order {error.order - 1}", line
            ) from None
        self._check_backoffs(model, sections)
        return model

    def _check_backoffs(self, model: NGram, sections: "list[_Section]") -> None:
        """Every n-gram that others continue needs a back-off weight; a missing one elsewhere means 0."""
        first = 1
        for section in sections[:-1]:
            num_children = np.diff(model.arrays.begins[first : first + len(section.order) + 1])
            bad = section.order[(num_children > 0) & ~section.has_backoff[section.order]]
            if len(bad):
                line = section.line(bad.min())
                raise self.error("the back-off weight is missing, though longer n-grams begin with these words", line)
            first += len(section.order)


def _own(word: str) -> str:
    """A word of the file as it is called here."""
    return UNKNOWN if word == OTHER_UNKNOWN else word


class _Section:
    """N-grams as read: `values` hold log10 probability and back-off weight; `order` sorts the rows."""

    def __init__(self, grams: np.ndarray, values: np.ndarray, has_backoff: np.ndarray, first_line: int):
        self.grams, self.values, self.has_backoff, self.first_line = grams, values, has_backoff, first_line
        self.order = np.zeros(0, dtype=np.int64)

    @classmethod
    def of_rows(cls, count: int, order: int, first_line: int) -> "_Section":
        """Room for so many n-grams."""
        return cls(np.zeros((count, order), np.uint32), np.zeros((count, 2)), np.zeros(count, bool), first_line)

    def line(self, row: int) -> int:
        """Line of a row as read."""
        return self.first_line + int(row)

    def joined(self, other: "_Section") -> "_Section":
        """Both; the lines of `other` follow."""
        grams, values, has_backoff = map(np.concatenate, zip(self.arrays, other.arrays, strict=True))
        return _Section(grams, values, has_backoff, self.first_line)

    @property
    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What is joined."""
        return self.grams, self.values, self.has_backoff


def write_arpa(path: str | Path, model: NGram) -> None:
    """Write a model, gzipped if the name ends in .gz; the file appears when it is complete.

    Numbers keep 7 significant digits, so that scores read back differ by less than 1e-6.
    """
    path = Path(path)
    with replacing(path) as partial, open(partial, "wb") as file:
        # Neither name nor time in the gzip header: equal models give equal files.
        binary = gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) if path.suffix.lower() == ".gz" else file
        with io.TextIOWrapper(binary, encoding="utf-8", newline="\n") as stream:
            _write(stream, model)


def _write(stream: TextIO, model: NGram) -> None:
    """All sections."""
    stream.write("\\data\\\n")
    for order, size in enumerate(model.level_sizes, 1):
        stream.write(f"ngram {order}={size}\n")
    words = np.array(model.vocabulary, dtype=object)
    for order, level in enumerate(model.levels(), 1):
        stream.write(f"\n\\{order}-grams:\n")
        ends = (
            [""] * len(level.grams) if order == model.order else [f"\t{value:.7g}" for value in level.backoffs.tolist()]
        )
        log_probs = level.log_probs.tolist()
        for row, end, value in zip(words[level.grams], ends, log_probs, strict=True):
            stream.write(f"{value:.7g}\t{' '.join(row)}{end}\n")
    stream.write("\n\\end\\\n")
