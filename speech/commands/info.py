"""`speech info`: what a model's file is, and its card."""

import argparse
import json

from speech.commands.options import path_name


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
        print("\n".join(_lines(card)))
    return 0


def _lines(card: dict, indent: str = "") -> list[str]:
    """Nested keys and values as indented lines."""
    lines = []
    for key, value in card.items():
        name = f"{indent}{key.replace('_', ' ')}:"
        if isinstance(value, dict):
            lines += [name, *_lines(value, indent + "  ")]
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            lines.append(name)
            for item in value:
                lines += ["", *_lines(item, indent + "  ")][1:]
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, list) else value
            lines.append(f"{name} {shown}")
    return lines
