"""Options that several commands share."""

import argparse


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """--model, --device, --batch."""
    parser.add_argument("--model", metavar="FILE", help="model to use (default: the English one that is included)")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda for a graphics card (default: cpu)")
    parser.add_argument(
        "--batch",
        type=positive,
        default=8,
        metavar="N",
        help="30-second windows taken at once; more needs more memory (default: 8)",
    )


def positive(text: str) -> int:
    """A whole number from 1 up."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return value


def comma_list(text: str) -> list[str]:
    """Names between commas."""
    return [name.strip() for name in text.split(",") if name.strip()]
