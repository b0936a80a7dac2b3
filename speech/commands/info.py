"""`speech info`: what a model's file is, and its card."""

import argparse
import json

from speech.commands.options import path_name

#: What a reader asks first; how it was trained and is searched follows, the whole configuration last.
FIRST = (
    "file", "kind", "name", "description", "language", "licence", "data", "intended_use", "results",
    "results_best_path",
)  # fmt: skip
LAST = ("config",)


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "info",
        help="show what a model is: data, licence, size, measured errors",
        description="Show what a file is and its card: what it was trained on, its licence and size, how many errors\n"
        "it makes. The file may hold a recogniser, an aligner, a language model (of which the card is the\n"
        "file FILE.json beside it), a voice or a vocoder.",
        epilog="examples:\n  speech info\n  speech info runs/english/model.safetensors --json\n  speech info books.lm",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "model", nargs="?", type=path_name, metavar="MODEL", help="a model file (default: the included one)"
    )
    parser.add_argument("--json", action="store_true", help="everything, as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the card; returns the exit code."""
    from speech.cards import describe

    card = describe(arguments.model)
    if arguments.json:
        print(json.dumps(card, indent=1, ensure_ascii=False))
    else:
        print("\n".join(_lines(_ordered(card))))
    return 0


def _ordered(card: dict) -> dict:
    """The card with the entries that matter most in front."""
    rest = [key for key in card if key not in FIRST + LAST]
    return {key: card[key] for key in (*FIRST, *rest, *LAST) if key in card}


def _lines(card: dict, indent: str = "") -> list[str]:
    """Nested keys and values as indented lines."""
    lines = []
    for key, value in card.items():
        name = f"{indent}{key.replace('_', ' ')}:"
        if isinstance(value, dict):
            lines += [name, *_lines(value, indent + "  ")]
        elif isinstance(value, list) and any(isinstance(item, dict) or ", " in str(item) for item in value):
            lines += [name, *(line for item in value for line in _item(item, indent + "  "))]
        else:
            lines.append(f"{name} {', '.join(map(_shown, value)) if isinstance(value, list) else _shown(value)}")
    return lines


def _item(item: object, indent: str) -> list[str]:
    """One entry of a list after a dash."""
    if not isinstance(item, dict):
        return [f"{indent}- {_shown(item)}"]
    first, *others = _lines(item, indent + "  ") or [""]
    return [f"{indent}- {first.lstrip()}", *others]


def _shown(value: object) -> str:
    """A value as text, numbers with the digits that say something."""
    return str(float(f"{value:.6g}")) if isinstance(value, float) else str(value)
