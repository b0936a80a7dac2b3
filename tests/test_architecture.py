"""Imports point one way, nothing prints but the commands, and messages end alike."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(path for package in ("ctc", "speech", "tts") for path in (ROOT / package).rglob("*.py"))
#: What each package may import of ours.
ALLOWED = {"ctc": {"ctc"}, "speech": {"ctc", "speech"}, "tts": {"ctc", "speech", "tts"}}
OURS = {"ctc", "speech", "tts", "recipes", "tests", "notebooks"}
CTC_LIBRARIES = {"numpy", "numba", "torch"}


def imported(path: Path) -> set[str]:
    """Top-level modules that a file imports anywhere."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path):
    package = path.relative_to(ROOT).parts[0]
    assert imported(path) & OURS <= ALLOWED[package]


def test_ctc_needs_numpy_numba_and_torch_only():
    import sys

    for path in (ROOT / "ctc").rglob("*.py"):
        foreign = imported(path) - set(sys.stdlib_module_names) - {"ctc"}
        assert foreign <= CTC_LIBRARIES, path


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_commands_print(path):
    if "commands" in path.parts or path.name == "cli.py":
        return
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    assert not [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]


def endings(node: ast.expr) -> Iterator[str]:
    """How a text may end, as far as it is written out."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=[*_, last]):
            yield from endings(last)
        case ast.BinOp(right=right):
            yield from endings(right)
        case ast.IfExp(body=body, orelse=orelse):
            yield from [*endings(body), *endings(orelse)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_messages_of_errors_have_no_full_stop(path):
    """They are put together, as in `x.wav: is empty (left out)`."""
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    told = [call for call in calls if ast.unparse(call.func).endswith(("Error", ".failed", ".told"))]
    texts = [text for call in told for argument in call.args for text in endings(argument)]
    assert not [text for text in texts if text.endswith(".") and not text.endswith("..")]


def test_importing_compiles_nothing_and_needs_no_gpu():
    import subprocess
    import sys

    code = (
        "import sys; from numba.core import event; heard = event.RecordingListener();"
        "event.register('numba:compile', heard); import ctc, speech; speech.load_model; speech.train;"
        "assert not heard.buffer, heard.buffer; assert 'numba.cuda' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, cwd=ROOT, timeout=120)
