"""Configuration: types, ranges, suggestions, overrides."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from speech.config import from_dict, load_config, to_dict
from speech.errors import ConfigError
from speech.experiment import ExperimentConfig

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*/ctc.toml"))


@dataclass(frozen=True, kw_only=True)
class Inner:
    rate: float = 0.5
    kind: Literal["plain", "fancy"] = "plain"

    def __post_init__(self):
        if self.rate <= 0:
            raise ValueError(f"rate must be positive, got {self.rate}")


@dataclass(frozen=True, kw_only=True)
class Outer:
    folder: Path
    inner: Inner = field(default_factory=Inner)
    many: tuple[Inner, ...] = ()
    count: int | None = None


def write(tmp_path, text):
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


def test_values_nested_tables_and_overrides(tmp_path):
    path = write(tmp_path, 'folder = "x"\n[inner]\nrate = 1\n[[many]]\nkind = "fancy"\n')
    config = load_config(path, Outer, ["inner.rate=2.5", "many.0.kind=plain", "count=3"])
    assert config == Outer(folder=Path("x"), inner=Inner(rate=2.5), many=(Inner(),), count=3)
    assert from_dict(Outer, to_dict(config)) == config


@pytest.mark.parametrize(
    ("text", "overrides", "message"),
    [
        ("", ["factors=[a.jsonl]"], r"--set factors=\[a\.jsonl\]: no list or table; put all of it in single quotes"),
        ('folder = "x"\n[inner]\nrte = 1', [], "inner.rte is unknown; did you mean rate"),
        ('folder = "x"\n[inner]\nrate = "fast"', [], "inner.rate must be float, got 'fast'"),
        ('folder = "x"\n[inner]\nrate = -1', [], "inner.rate must be positive"),
        ('folder = "x"\n[inner]\nkind = "odd"', [], "inner.kind must be one of 'plain', 'fancy'"),
        ('folder = "x"', ["many=a.jsonl"], r"many must be a list, in \[ \], got 'a\.jsonl'"),
        ('folder = "x"\ncount = 1.5', [], "count must be int"),
        ('folder = "x"\ncount = true', [], "count must be int"),
        ("", [], "folder is missing"),
        ("folder = ", [], "not valid TOML"),
        ('folder = "x"', ["inner.rate"], "write key=value"),
        ('folder = "x"', ["folder.deep=1"], "folder is a value"),
        ('folder = "x"\n[[many]]', ["many.3.rate=1"], "index below 1"),
    ],
)
def test_mistakes_are_named(tmp_path, text, overrides, message):
    with pytest.raises(ConfigError, match=message):
        load_config(write(tmp_path, text), Outer, overrides)


@dataclass(frozen=True, kw_only=True)
class Both:
    first: Outer
    second: Inner


def test_a_misspelt_key_is_told_before_a_missing_one():
    with pytest.raises(ConfigError, match="second.rte is unknown"):
        from_dict(Both, {"first": {}, "second": {"rte": 1}})
    with pytest.raises(ConfigError, match="first.folder is missing"):
        from_dict(Both, {"first": {}, "second": {"rate": 1.0}})


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml"):
        load_config(tmp_path / "none.toml", Outer)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_recipe_loads(path):
    config = load_config(path, ExperimentConfig)
    assert from_dict(ExperimentConfig, to_dict(config)) == config
