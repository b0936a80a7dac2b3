"""A record, beside the files that a command wrote into a folder, of what they were made from."""

import hashlib
import json
import os
import secrets
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from speech.errors import SpeechError

_NOTHING: dict[str, Any] = {"key": "", "formats": [], "files": [], "left": [], "note": "", "digests": {}}


class DoneRecord:
    """Lines of JSON in a hidden file of the output folder, one for each recording that was done.

    Parameters
    ----------
    folder : Path
        The output folder.
    command : str
        Named in the file's name.
    """

    def __init__(self, folder: Path, command: str):
        self.folder, self.path = folder, folder / f".speech-{command}.jsonl"
        self._entries = self._read()

    def find(self, name: str, key: str, formats: Iterable[str]) -> dict[str, Any] | None:
        """The entry of what was written under `name` from `key`, in all `formats`, if the files are still there.

        Those that were left alone must be there too: without them, there is something to write.
        """
        entry = self._entries.get(name)
        if entry is None or entry["key"] != key or set(formats) - set(entry["formats"]):
            return None
        return entry if all((self.folder / file).is_file() for file in entry["files"] + entry["left"]) else None

    def has(self, name: str, key: str, file: str) -> bool:
        """Whether one file under `name` was made from `key` and is still there."""
        entry = self._entries.get(name, _NOTHING)
        return entry["key"] == key and file in entry["files"] and (self.folder / file).is_file()

    def owns(self, name: str, file: str) -> bool:
        """Whether the command wrote a file, or began to; others are somebody else's."""
        entry = self._entries.get(name, _NOTHING)
        return file in entry["files"] or file in entry.get("begun", ())

    def is_strange(self, name: str, file: str) -> bool:
        """Whether a file is there that the command did not write, or that was changed since."""
        if not (self.folder / file).is_file():
            return False
        written = self._entries.get(name, _NOTHING)["digests"].get(file)
        return not self.owns(name, file) or written is not None and written != contents_digest(self.folder / file)

    def other_source(self, name: str, source: str) -> str:
        """The recording under whose `name` files are there if it is another than `source` and still there, or "".

        A source is a path, or a path, a line break and which part of it.
        """
        entry = self._entries.get(name, _NOTHING)
        before = entry.get("source", "")
        path, _, part = before.partition("\n")
        early = not part and not entry["digests"] and path == source.partition("\n")[0]  # told of no parts yet
        if before in ("", source) or early or not os.path.exists(path):
            return ""
        return f"{path} {part}" if part else path

    def names(self) -> dict[str, str]:
        """The first name of every source that files were written for."""
        found: dict[str, str] = {}
        for name, entry in self._entries.items():
            found.setdefault(entry.get("source", ""), name)
        found.pop("", None)
        return found

    def names_by_key(self) -> dict[str, dict[str, list[str]]]:
        """Every source that files were written for: names by what they were made from."""
        found: dict[str, dict[str, list[str]]] = {}
        for name, entry in self._entries.items():
            if entry.get("source"):
                found.setdefault(entry["source"], {}).setdefault(entry["key"], []).append(name)
        return found

    def begin(self, name: str, key: str, files: Collection[str], source: str = "") -> None:
        """Files under `name` are about to be written; what was made from another `key` counts no more from here on."""
        before = self._entries.get(name, {"name": name, **_NOTHING})
        kept = before if before["key"] == key else {"name": name, **_NOTHING}
        kept = {**kept, "digests": {file: one for file, one in before["digests"].items() if file not in files}}
        begun = {*before["files"], *before.get("begun", ()), *files} - {*kept["files"]}
        entry = {**kept, "begun": sorted(begun), "source": source}
        if entry != before:
            self._append(entry)

    def add(
        self,
        name: str,
        key: str,
        formats: Iterable[str],
        files: Iterable[str],
        note: str = "",
        left: Iterable[str] = (),
    ) -> None:
        """Take down that `files` are complete and others were left alone; OSError if that cannot be written."""
        before = self._entries.get(name, _NOTHING)
        written = list(files)
        if before["key"] == key:  # further formats of the same
            formats, files = {*before["formats"], *formats}, {*before["files"], *files}
            left = {*before["left"], *left} - {*files}
        complete = {"key": key, "formats": sorted(formats), "files": sorted(files), "left": sorted(left), "note": note}
        begun = sorted({*before.get("begun", ())} - {*complete["files"]})
        digests = {**before["digests"], **{file: contents_digest(self.folder / file) for file in written}}
        known = {"begun": begun, "source": before.get("source", ""), "digests": digests}
        self._append({"name": name, **complete, **known})

    def _append(self, entry: dict[str, Any]) -> None:
        """Take down an entry, on disk first; a run that failed beside may have taken the folder away, empty."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.path, "a", encoding="utf-8", newline="\n") as file:
            file.write(f"\n{json.dumps(entry)}\n")  # what a crash has cut stays a line of its own
        self._entries[entry["name"]] = entry

    def _read(self) -> dict[str, dict[str, Any]]:
        """Last entry of each name."""
        entries = {}
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
            for entry in (json.loads(line) for line in lines if line.endswith("}")):  # others were cut by a crash
                entries[entry["name"]] = {**_NOTHING, **entry}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SpeechError(f"{self.path}: cannot be read ({error}); remove it and run again") from error
        return entries


def left_alone(paths: Sequence[Path]) -> str:
    """A sentence on files that others wrote or changed."""
    if len(paths) == 1:
        return f"{paths[0]}: not written by this command, or changed since, so left as it is; --overwrite replaces it"
    names = f"{paths[0]} and {len(paths) - 1} more"
    return f"{names}: not written by this command, or changed since, so left as they are; --overwrite replaces them"


def digest(*parts: Any) -> str:
    """Checksum of values that JSON can hold."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def contents_digest(path: str | os.PathLike[str] | None) -> str:
    """Checksum of a file, of a pipe one that is like no other; empty for none or what only its reader can refuse."""
    if path is None or not os.path.exists(path) or os.path.isdir(path):
        return ""
    if not os.path.isfile(path):
        return secrets.token_hex(16)
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
