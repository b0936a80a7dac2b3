"""The folder that `speech transcribe` writes into, and the record of what its files were made from."""

import argparse
import os
import re
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from speech.commands.done import DoneRecord, contents_digest, digest
from speech.commands.inputs import Input
from speech.commands.outputs import make_folder, write_text
from speech.files import stamp
from speech.formats import SUFFIXES, WRITERS
from speech.transcript import Transcript


class TranscriptFolder:
    """Files of transcripts, and which of them need not be written again.

    What was made of the same recording with the same model and options is done. Files that this command did not write
    are left as they are, unless all shall be overwritten.

    Parameters
    ----------
    folder : Path
        Made when missing.
    arguments : of the command
    formats : to write

    Attributes
    ----------
    names : dict of str
        Output stem of each recording that has one here, by its real path.
    strange : list of Path
        Files that `missing` has found to be somebody else's.
    num_untouched : int
        Recordings of which all files are.
    """

    def __init__(self, folder: Path, arguments: argparse.Namespace, formats: tuple[str, ...]):
        make_folder(folder, "--output-dir")
        self.folder, self.formats, self.strange, self.num_untouched = folder, formats, list[Path](), 0
        self._arguments = arguments
        self._record = DoneRecord(folder, "transcribe")
        self.names = self._record.names()

    def missing(self, one: Input) -> tuple[str, ...]:
        """Formats of a recording that are to be written; what a pipe holds is never known to be done."""
        if self._arguments.overwrite:
            return self.formats
        stem, files = one.output_stem, {name: _file(one, name) for name in self.formats}
        if os.path.isfile(one.path):
            key = self.key(one)
            files = {name: file for name, file in files.items() if not self._record.has(stem, key, file)}
        strange = {name: file for name, file in files.items() if self._record.is_strange(stem, file)}
        self.strange += [self.folder / file for file in strange.values()]
        self.num_untouched += len(strange) == len(self.formats)
        return tuple(name for name in files if name not in strange)

    def taken(self, one: Input) -> str:
        """A sentence if another recording's transcripts stand under the name of this one, else ""."""
        other = "" if self._arguments.overwrite else self._record.other_source(one.output_stem, _source(one))
        if not other:
            return ""
        path = self.folder / _file(one, self.formats[0])
        return f"{one.path}: {path} is for {other}; name another --output-dir, or add --overwrite to replace it"

    def write(self, transcript: Transcript, one: Input, key: str, formats: tuple[str, ...]) -> None:
        """Write a transcript made from what `key` tells, each file complete or not at all; OSError if that fails."""
        files = {_file(one, name): written(transcript, name, one) for name in formats}
        self._record.begin(one.output_stem, key, files, _source(one))
        for file, text in files.items():
            path = self.folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, text)
        self._record.add(one.output_stem, key, formats, files)

    def key(self, one: Input) -> str:
        """Checksum of all that a transcript depends on, as it is now."""
        return digest(os.path.realpath(one.path), *stamp(one.path), *self._made_by)

    @cached_property
    def _made_by(self) -> list[Any]:
        """Options, and the contents of the files that they name."""
        from speech.aligner import SHIPPED_MODEL
        from speech.decoding import SHIPPED_LM, SHIPPED_NEURAL_LM
        from speech.decoding_config import DecodingConfig
        from speech.loading import DEFAULT_MODEL

        options = self._arguments
        lm = None if options.no_lm else options.lm or SHIPPED_LM
        neural = SHIPPED_NEURAL_LM if lm == SHIPPED_LM else None
        default = SHIPPED_MODEL if options.units == "phone" and options.no_lm else DEFAULT_MODEL
        files = (options.model or default, lm, neural, options.hotwords)
        made_by = [options.units, options.channel, repr(options.raw), options.no_lm, options.beam]
        made_by.append(repr(DecodingConfig()))  # what a model's card leaves open
        return made_by + [contents_digest(file) for file in files]


def written(transcript: Transcript, format_name: str, one: Input) -> str:
    """A transcript as a format says; in CTM, recordings that share a file name are told apart by their folders."""
    if format_name == "ctm":
        transcript = replace(transcript, source=re.sub(r"[/\\]", "_", one.output_stem) + ".ctm")
    return WRITERS[format_name](transcript)


def _file(one: Input, format_name: str) -> str:
    """Where a transcript goes, below the folder."""
    return f"{one.output_stem}{SUFFIXES[format_name]}"


def _source(one: Input) -> str:
    """Which recording it is; empty for a pipe."""
    return os.path.realpath(one.path) if os.path.isfile(one.path) else ""
