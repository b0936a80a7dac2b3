"""Configuration: frozen dataclasses are the schema, TOML is the value.

`from_dict` refuses a key it does not know and a value of the wrong type, naming the dotted key, before any data is
read. Overrides (`training.learning_rate=3e-4`) are parsed as TOML values, so they have types too.
"""

import dataclasses
import difflib
import tomllib
import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, Union

from speech.errors import ConfigError
from speech.files import unreadable

Config = TypeVar("Config")


def load_config(path: str | Path, cls: type[Config], overrides: Sequence[str] = ()) -> Config:
    """Read a TOML file into the dataclass `cls`.

    Parameters
    ----------
    path : path of a TOML file
    cls : a frozen dataclass; nested dataclasses are tables, tuples of dataclasses are arrays of tables
    overrides : strings `key.key=value`, applied in order over the file; value in TOML syntax or a bare word

    Raises
    ------
    ConfigError
        The file is missing or not TOML; a key is unknown (the nearest known one is suggested), missing or of the
        wrong type; an override does not parse.
    """
    try:
        data = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {unreadable(error)}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML ({error})") from error
    for override in overrides:
        _apply_override(data, override)
    return from_dict(cls, data, source=str(path))


class _MissingKeyError(ConfigError):
    """A value without a default was not given."""


def from_dict(cls: type[Config], data: Any, prefix: str = "", source: str = "config") -> Config:
    """Build the dataclass `cls` from nested dictionaries; inverse of `to_dict`."""
    if not isinstance(data, dict):
        raise ConfigError(f"{source}: {prefix.rstrip('.')} must be a table, got {data!r}")
    hints = typing.get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in data:
        if key not in fields:
            raise ConfigError(f"{source}: {prefix}{key} is unknown; {_suggest(key, fields)}")
    values: dict[str, Any] = {}
    missing: list[_MissingKeyError] = []
    for key, value in data.items():
        try:
            values[key] = _convert(value, hints[key], f"{prefix}{key}", source)
        except _MissingKeyError as error:  # told after what is misspelt, which may be that key
            missing.append(error)
    if missing:
        raise missing[0]
    for name, field in fields.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and name not in values:
            raise _MissingKeyError(f"{source}: {prefix}{name} is missing; add it")
    try:
        return cls(**values)
    except ValueError as error:  # range checks of __post_init__ name their own key
        raise ConfigError(f"{source}: {prefix}{error}") from error


def to_dict(config: Any, *, keep_paths: bool = False) -> Any:
    """Nested dictionaries, lists and plain values, fit for JSON and TOML; absent values are left out."""
    if dataclasses.is_dataclass(config):
        items = ((field.name, getattr(config, field.name)) for field in dataclasses.fields(config))
        return {name: to_dict(value, keep_paths=keep_paths) for name, value in items if value is not None}
    if isinstance(config, (tuple, list)):
        return [to_dict(value, keep_paths=keep_paths) for value in config]
    return str(config) if isinstance(config, Path) and not keep_paths else config


def _suggest(key: str, known: typing.Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(key, names, n=1)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(names)}"


def _convert(value: Any, expected: Any, key: str, source: str) -> Any:
    """`value` as the annotated type `expected`; no conversion but int to float and list to tuple."""
    origin, arguments = typing.get_origin(expected), typing.get_args(expected)
    if origin in (Union, types.UnionType):
        expected = next(argument for argument in arguments if argument is not types.NoneType)
        return None if value is None else _convert(value, expected, key, source)
    if origin is Literal:
        if value in arguments and type(value) in {type(argument) for argument in arguments}:
            return value
        choices = ", ".join(repr(argument) for argument in arguments)
        raise ConfigError(f"{source}: {key} must be one of {choices}, got {value!r}")
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise ConfigError(f"{source}: {key} must be a list, in [ ], got {value!r}")
        return tuple(_convert(v, arguments[0], f"{key}.{i}", source) for i, v in enumerate(value))
    if dataclasses.is_dataclass(expected):
        return from_dict(expected, value, f"{key}.", source)  # type: ignore[arg-type]
    if expected is float and type(value) is int:
        return float(value)
    if expected is Path and isinstance(value, str):
        return Path(value)
    if type(value) is not expected:
        raise ConfigError(f"{source}: {key} must be {expected.__name__}, got {value!r}")
    return value


def _apply_override(data: dict, override: str) -> None:
    key, separator, text = override.partition("=")
    if not separator or not key.strip():
        raise ConfigError(f"--set {override}: write key=value, e.g. training.learning_rate=3e-4")
    *parents, last = key.strip().split(".")
    table: Any = data
    for name in parents:
        table = table[_index(table, name, key)] if isinstance(table, list) else table.setdefault(name, {})
        if not isinstance(table, (dict, list)):
            raise ConfigError(f"--set {override}: {name} is a value, not a table")
    value = _parse_value(text.strip())
    if isinstance(value, str) and text.strip()[:1] in ("[", "{"):
        example = "--set 'data.train=[\"a.jsonl\"]'"
        raise ConfigError(f"--set {override}: no list or table; put all of it in single quotes, as in {example}")
    table[_index(table, last, key) if isinstance(table, list) else last] = value


def _index(table: list, name: str, key: str) -> int:
    if name.isdigit() and int(name) < len(table):
        return int(name)
    raise ConfigError(f"--set {key}: {name} must be an index below {len(table)}")


def _parse_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text  # a bare word: --set model.subsampling=stack
