"""The README's commands are commands."""

import re
import shlex
from pathlib import Path

import pytest

from speech.cli import build_parser

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, flags=re.M | re.S)
COMMANDS = [
    part.strip()
    for block in BLOCKS
    for line in block.splitlines()
    for part in re.split(r"\||&&", line)
    if re.match(r"\s*(\.venv/bin/)?speech\s", part)
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_speech_command_parses(command):
    arguments = shlex.split(command, comments=True)[1:]
    assert build_parser(arguments).parse_args(arguments).run


def test_there_are_commands_and_no_gaps():
    assert len(COMMANDS) >= 6
    assert not re.search(r"^[A-Z]{5,}$", README, flags=re.M)


@pytest.mark.parametrize("path", re.findall(r"recipes/[a-z_/]+\.(?:py|toml)", README))
def test_every_recipe_named_is_there(path):
    assert (Path(__file__).parents[1] / path).is_file()
