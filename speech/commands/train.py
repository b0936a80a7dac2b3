"""`speech train`: a model from a configuration file."""

import argparse
import logging

from speech.commands.options import path_name


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "train",
        help="train a model that a TOML file describes",
        description="Train the model that CONFIG describes. Stopped (Ctrl-C, power cut), the same command\n"
        "goes on where it was.",
        epilog="examples:\n"
        "  speech train my.toml          a copy of recipes/digits/ctc.toml with your manifests in it\n"
        "  speech train my.toml --set training.learning_rate=3e-4 --set training.epochs=40",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", type=path_name, metavar="CONFIG", help="a TOML file")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="another value for a key of the file, e.g. training.epochs=40; may be repeated",
    )
    parser.add_argument("--restart", action="store_true", help="begin anew even if there is a run to go on with")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train; prints the path of the model and returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")  # standard error
    from speech.training import train

    print(train(arguments.config, arguments.set, restart=arguments.restart))
    return 0
