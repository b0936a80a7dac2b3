"""Where `speech align` writes to, and the record of what its files were made from."""

import argparse
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from speech.commands.done import DoneRecord, contents_digest, digest
from speech.commands.outputs import make_folder, write_text
from speech.commands.pairs import Pair
from speech.files import stamp, unique_names

if TYPE_CHECKING:
    from speech.aligner import Alignment


class AlignmentOutput:
    """Where alignments go: standard output, a file, or a folder and the record of what was made there."""

    def __init__(
        self, arguments: argparse.Namespace, formats: tuple[str, ...], levels: tuple[str, ...], folder: Path | None
    ):
        from speech.aligner import SHIPPED_MODEL

        self.formats, self.levels, self.folder, self.file = formats, levels, folder, arguments.output
        self.strange: list[Path] = []  # files that others wrote
        self.read: list[Path] = []  # files that this command reads
        if folder is not None:
            make_folder(folder, "--output-dir")
            self.record = DoneRecord(folder, "align")
            model = arguments.model or SHIPPED_MODEL
            self._made_by = [arguments.channel, *levels, contents_digest(model), contents_digest(arguments.lexicon)]
            self._overwrite = arguments.overwrite

    @property
    def is_screen(self) -> bool:
        """Whether alignments are printed."""
        return self.folder is None and self.file is None

    def named(self, pairs: list[Pair]) -> list[Pair]:
        """Pairs with a name of their own each; what has files in the folder keeps its name."""
        numbers, kept = [pair.number for pair in pairs], self._kept_names(pairs)
        names = unique_names([pair.name for pair in pairs], numbers)
        names = unique_names([kept.get(place, name) for place, name in enumerate(names)], numbers, fixed=kept)
        return [replace(pair, name=name) for pair, name in zip(pairs, names, strict=True)]

    def _kept_names(self, pairs: list[Pair]) -> dict[int, str]:
        """By place, names in the folder of pairs that have files there: of the same, or the only ones of a source."""
        if self.folder is None:
            return {}
        there, kept = self.record.names_by_key(), {}
        sources = [_source(pair) for pair in pairs]
        counts = Counter(sources)
        for place, (pair, source) in enumerate(zip(pairs, sources, strict=True)):
            by_key = there.get(source, {})
            same = by_key.get(self.key(pair), [])
            names = [name for found in by_key.values() for name in found] if counts[source] == 1 else []
            if same:
                kept[place] = same.pop(0)
            elif len(names) == 1:
                kept[place] = names[0]
        return kept

    def done(self, pair: Pair) -> dict | None:
        """The entry of a pair that is done, unless it shall be done again."""
        if self.folder is None or self._overwrite or not os.path.isfile(pair.path):
            return None
        entry = self.record.find(pair.name, self.key(pair), self.formats)
        self.strange += [self.folder / file for file in entry["left"]] if entry else []
        return entry

    def put(self, pair: Pair, key: str, alignment: "Alignment", doubt: str) -> None:
        """Print an alignment or write its files, made from what `key` tells; OSError if that fails."""
        from speech.alignment_formats import write_alignment

        files: dict[str, dict[str, str]] = {}
        named = replace(alignment, source=f"{pair.name}.ctm")  # there, two rows of a recording are two recordings
        for name in self.formats:
            texts = write_alignment(named if name == "ctm" else alignment, name, self.levels, pair.text)
            files[name] = {f"{pair.name}{suffix}": text for suffix, text in texts.items()}
        together = {file: text for texts in files.values() for file, text in texts.items()}
        if self.folder is None:
            text = "".join(together.values())
            if self.file is None:
                print(text, end="", flush=True)
            else:
                write_text(Path(self.file), text)
            return
        read = [file for file in together if any(_is_same(self.folder / file, one) for one in pair.inputs)]
        strange = [] if self._overwrite else [file for file in together if self.record.is_strange(pair.name, file)]
        strange = [file for file in strange if file not in read]
        written = {file: text for file, text in together.items() if file not in strange + read}
        self.record.begin(pair.name, key, written, _source(pair))
        for file, text in written.items():
            write_text(self.folder / file, text)
        self.record.add(pair.name, key, self.formats, written, doubt, left=strange + read)
        self.read += [self.folder / file for file in read]
        self.strange += [self.folder / file for file in strange]

    def taken(self, pair: Pair) -> str:
        """A sentence if the files of another recording stand under the name of this one, else ""."""
        if self.folder is None or self._overwrite:
            return ""
        other = self.record.other_source(pair.name, _source(pair))
        if not other:
            return ""
        stands = f"{self.folder / pair.name} is for {other}"
        return pair.told(f"{stands}; name another --output-dir, or add --overwrite to replace it")

    def key(self, pair: Pair) -> str:
        """Checksum of all that the files of a pair depend on, as it is now; empty where none are written."""
        if self.folder is None:
            return ""
        recording = (os.path.abspath(pair.path), *stamp(pair.path))
        return digest(recording, pair.offset_s, pair.duration_s, pair.text, *self._made_by)


def _source(pair: Pair) -> str:
    """Which recording it is, and of which manifest if it is a part; empty for a pipe."""
    if not os.path.isfile(pair.path):
        return ""
    part = f"\n(a part, by {os.path.realpath(pair.text_path)})" if pair.offset_s else ""
    return os.path.realpath(pair.path) + part


def _is_same(path: Path, other: str) -> bool:
    return os.path.exists(path) and os.path.exists(other) and os.path.samefile(path, other)
