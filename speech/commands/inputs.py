"""From what was typed to recordings, and to the names of the files written for them."""

import glob
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from speech.errors import SpeechError

STDIN = "-"
_DESCRIPTOR = re.compile(r"/(?:dev|proc/\w+)/fd/\d+")  # what a shell makes of <(command)


@dataclass(frozen=True, kw_only=True)
class Input:
    """A recording and the path, relative to the output folder and without ending, of its transcripts."""

    path: str
    output_stem: str


def read_text(path: str) -> str:
    """All of a text file, or of standard input if `path` is "-".

    Raises
    ------
    SpeechError
        It cannot be read, or is not UTF-8.
    """
    name = "standard input" if path == STDIN else path
    if path == STDIN and sys.stdin is None:
        raise SpeechError(f"{name}: is closed; name a file or send the text through a pipe")
    try:
        data = sys.stdin.buffer.read() if path == STDIN else Path(path).read_bytes()
        return data.decode("utf-8-sig")
    except FileNotFoundError as error:
        raise SpeechError(f"{name}: there is no such file") from error
    except UnicodeDecodeError as error:
        raise SpeechError(f"{name}: is not text in UTF-8 (byte {error.start + 1})") from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise SpeechError(f"{name}: cannot be read ({getattr(error, 'strerror', None) or error})") from error


def output_name(path: str) -> str:
    """The file name, ending kept, after which what is written for a recording is called.

    >>> output_name("talks/a.wav"), output_name("-"), output_name("/dev/fd/63")
    ('a.wav', 'stdin', 'pipe')
    """
    if path == STDIN:
        return "stdin"
    return "pipe" if _DESCRIPTOR.fullmatch(path) else os.path.basename(path)


def find_recordings(
    arguments: Sequence[str],
    suffixes: frozenset[str],
    names: Mapping[str, str] = MappingProxyType({}),
    output_dir: str | None = None,
) -> tuple[list[Input], list[tuple[str, str]]]:
    """Recordings named by files, folders, patterns and ``-``, without repeats, and what named none.

    Parameters
    ----------
    arguments : as typed
    suffixes : endings, in lower case, of the files that count in a folder
    names : what is there already where outputs go: output stem by real path of the recording
    output_dir : where outputs go; if a pattern leads there too, or a shell's, it need not hold recordings

    Returns
    -------
    inputs : list of Input
        Files of a folder keep their place below it; a file named by itself goes to the top. Recordings that
        would share a name keep their endings (``a.wav.txt``), or if that does not help as many of their
        folders as tell them apart (``monday/a.txt``), or both; those that have a name keep it.
    problems : list of (str, str)
        What was typed and a sentence, for each argument that leads to no recording and each folder that cannot be
        searched.
    """
    found: dict[str, str] = {}  # path -> relative path of its output, ending kept
    problems: list[tuple[str, str]] = []
    outputs: list[tuple[str, str]] = []
    for argument in arguments:
        matches = [argument]
        if argument != STDIN and not os.path.exists(argument) and glob.has_magic(argument):
            matches = sorted(glob.glob(argument, recursive=True))
            if not matches:
                problems.append((argument, f"{argument}: the pattern matches no file"))
        for match in matches:
            if os.path.isdir(match):
                files, unread = _files_below(match, suffixes)
                problems += unread
                if not files and not unread:
                    is_output = output_dir is not None and os.path.samefile(match, output_dir)
                    (outputs if is_output else problems).append((match, f"{match}: no audio file in this folder"))
                for file in files:
                    found.setdefault(file, os.path.relpath(file, match))
            elif match != argument and _is_special(match):
                problems.append((match, _SPECIAL.format(match)))
            elif match != STDIN and _absence(match):
                problems.append((match, f"{match}: {_absence(match)}"))
            else:
                found.setdefault(match, output_name(match))
    return _named(_unique(found), names), problems if found or problems else outputs


_SPECIAL = "{}: is a pipe or a device, which is read only if it is named by itself"


def _is_special(path: str) -> bool:
    """Whether there is something at a path that is no file, such as a pipe, for whose other end opening it waits."""
    return os.path.exists(path) and not os.path.isfile(path)


def _absence(path: str) -> str:
    """Why there is nothing at a path, or ""."""
    try:
        os.stat(path)
    except FileNotFoundError:
        return "there is no such file"
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        return f"cannot be read ({getattr(error, 'strerror', None) or error})"
    return ""


def _files_below(folder: str, suffixes: frozenset[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Audio files in a folder and its subfolders, hidden ones left out, sorted; a sentence for what cannot be read."""
    files: list[str] = []
    problems: list[tuple[str, str]] = []

    def closed(error: OSError) -> None:
        problems.append((error.filename, f"{error.filename}: this folder cannot be searched ({error.strerror})"))

    seen = {os.path.realpath(folder)}  # links may lead back
    for parent, folders, names in os.walk(folder, onerror=closed, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        real = {name: os.path.realpath(os.path.join(parent, name)) for name in folders}
        folders[:] = [name for name in folders if real[name] not in seen]
        seen |= set(real.values())
        files += [
            os.path.join(parent, name)
            for name in names
            if os.path.splitext(name)[1].lower() in suffixes and not name.startswith(".")
        ]
    special = [path for path in files if _is_special(path)]
    problems += [(path, _SPECIAL.format(path)) for path in special]
    return sorted({*files} - {*special}), sorted(problems)


def _unique(found: dict[str, str]) -> dict[str, str]:
    """Leave out paths that lead to a file that is already there."""
    seen = set()
    result = {}
    for path, relative in found.items():
        real = path if path == STDIN else os.path.realpath(path)
        if real not in seen:
            seen.add(real)
            result[path] = relative
    return result


def _named(found: dict[str, str], names: Mapping[str, str]) -> list[Input]:
    """Give every recording an output name of its own: those that would share one get longer names, alike.

    What has a name already keeps it, so that names do not change with what else is asked for.
    """
    real = {path: os.path.realpath(path) for path in found if path != STDIN}
    kept = {path: names[real[path]] for path in real if real[path] in names}
    stems = {path: _output_stem(path, relative, 0) for path, relative in found.items() if path not in kept}
    groups: dict[str, list[str]] = {}
    for path, stem in stems.items():
        groups.setdefault(stem.lower(), []).append(path)  # some file systems fold case
    levels = dict.fromkeys(groups, 0)
    highest = 2 * max((len(Path(os.path.abspath(path)).parts) for path in stems), default=0)
    folds = {key: _fold(paths) for key, paths in groups.items()}
    while True:
        folded = {path: folds[key](stems[path]) for key, paths in groups.items() for path in paths}
        counts = Counter([*folded.values(), *map(str.lower, kept.values())])
        clashing = [key for key, paths in groups.items() if any(counts[folded[path]] > 1 for path in paths)]
        clashing = [key for key in clashing if levels[key] < highest]
        if not clashing:
            return [Input(path=path, output_stem=(kept | stems)[path]) for path in found]
        for key in clashing:
            levels[key] += 1
            stems |= {path: _output_stem(path, found[path], levels[key]) for path in groups[key]}


def _fold(paths: Sequence[str]) -> Callable[[str], str]:
    """What names of these paths are compared by: without case, unless that is all the paths differ in."""
    return str.lower if len({os.path.abspath(path).lower() for path in paths}) == len(paths) else str


def _output_stem(path: str, relative: str, level: int) -> str:
    """The output name of a recording, the longer the higher the level.

    >>> [_output_stem("/talks/monday/a.wav", "a.wav", level) for level in range(5)]
    ['a', 'a.wav', 'monday/a', 'monday/a.wav', 'talks/monday/a']
    >>> _output_stem("/dev/fd/63", "pipe", 1)
    'pipe63'
    """
    depth, with_ending = divmod(level, 2)
    if _DESCRIPTOR.fullmatch(path):
        return f"pipe{os.path.basename(path)}" if level else relative
    if depth:
        parts = Path(os.path.abspath(path)).parts[1:]  # without the root
        relative = os.path.join(*parts[-len(Path(relative).parts) - depth :])
    return relative if with_ending else os.path.splitext(relative)[0]
