"""The `speech` command: finds the subcommand, runs it, turns errors into one sentence and an exit code.

Exit codes: 0 all is well; 1 some inputs failed, the others are done; 2 wrong usage or nothing could be
done; 3 all done, but `align` doubts a text; 130 interrupted; 143 terminated (129: the terminal has closed);
141 whoever read the output has gone (as shells report these).
"""

import argparse
import atexit
import contextlib
import difflib
import errno
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import NoReturn

from speech.commands.options import add_choice
from speech.errors import SpeechError
from speech.files import ESCAPE
from speech.termination import Termination

COMMANDS = ("transcribe", "align", "evaluate", "tune", "lm", "prepare", "train", "info")
EXIT_NOTHING_DONE = 2
EXIT_INTERRUPTED = 130
EXIT_SIGNAL = 128  # and the number of the signal that ended the program
EXIT_BROKEN_PIPE = 141

DESCRIPTION = """\
Speech to text, and text to speech, with models that train on one machine.

  speech transcribe talk.mp3                     write down what is said
  speech transcribe recordings/ --format srt --output-dir subtitles/
  speech align talk.wav talk.txt                 when each word and phone is said
  speech evaluate test.jsonl                     count word errors on a manifest
  speech say "Hello, how are you?" -o hello.wav
  speech lm train text.txt -o mine.lm            a language model of your own, for --lm
  speech tune dev.jsonl --output my.safetensors  the search for recordings like yours
  speech prepare librispeech LibriSpeech/ --output-dir manifests/
  speech train my.toml                           train a model of your own
  speech info                                    the card of the model in use
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    argv : list of str, optional
        Arguments without the program's name; those of the process by default.

    Returns
    -------
    int
        The exit code.
    """
    return guarded(lambda: _command(argv))


def nested(argv: Sequence[str]) -> int:
    """Run a command within a program that is `guarded` itself: an interrupt ends that program, not the command alone.

    Parameters
    ----------
    argv : list of str
        Arguments without the program's name.

    Returns
    -------
    int
        The exit code of the command, 0 to 3; its errors are told.

    Raises
    ------
    KeyboardInterrupt, BrokenPipeError
        For the program around it: interrupted, terminated, or whoever read the output has gone.
    """
    return _reported(lambda: _command(argv), "speech")


def _command(argv: Sequence[str] | None) -> int:
    """Parse and run a command; the exit code."""
    try:
        arguments = build_parser(sys.argv[1:] if argv is None else argv).parse_args(argv)
        return arguments.run(arguments)
    except SystemExit as request:  # argparse: 0 after --help, 2 after wrong usage
        return request.code if isinstance(request.code, int) else EXIT_NOTHING_DONE


def run() -> NoReturn:
    """The program: run the command that the process was started with, and end the process.

    At once, after what `atexit` has been told to do: taking torch's libraries down again takes a second, and reads 80
    MiB of them for the first time.
    """
    code = main()
    atexit._run_exitfuncs()  # as Python does itself when it ends
    with contextlib.suppress(OSError):  # `main` has told if the output could not be written
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def guarded(function: Callable[[], int | None], program: str = "speech") -> int:
    """Run a program's main function; turn its errors into one sentence and an exit code.

    A script ends with ``sys.exit(guarded(main))`` to report errors as the `speech` command does.

    Parameters
    ----------
    function : callable without arguments
        What to do; returns the exit code, or None for 0.
    program : str
        The name that begins each message.

    Returns
    -------
    int
        The exit code, as this module's first lines list them. Errors that are not `SpeechError` pass
        through: they are defects and keep their traceback.
    """
    _open_outputs()
    try:
        with Termination() as termination:
            return _reported(function, program)
    except KeyboardInterrupt as interrupt:
        how = "terminated" if termination.received else "interrupted"
        _tell("; ".join([f"{program}: {how}", *map(str, interrupt.args)]))
        return EXIT_SIGNAL + termination.received if termination.received else EXIT_INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return EXIT_BROKEN_PIPE


def _reported(function: Callable[[], int | None], program: str) -> int:
    """Run `function` to the end of its output; the exit code, after telling an error of which a sentence says all."""
    try:
        code = function()
        sys.stdout.flush()
    except SpeechError as error:
        _tell(f"{program}: {error}")
        return EXIT_NOTHING_DONE
    except MemoryError as error:
        _tell(f"{program}: there is not enough memory ({str(error) or 'no size is known'}); ask for less at once")
        return EXIT_NOTHING_DONE
    except RuntimeError as error:
        if "allocate" not in str(error) or "memory" not in str(error):  # torch tells it so, and by no type of its own
            raise
        _tell(f"{program}: there is not enough memory; ask for less at once ({str(error).splitlines()[0]})")
        return EXIT_NOTHING_DONE
    except OSError as error:
        if os.name == "nt" and error.errno == errno.EINVAL and error.filename is None:  # a closed pipe, on Windows
            raise BrokenPipeError from error
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        _discard_output()
        _tell(f"{program}: {error.filename or 'the output'}: cannot be written ({error.strerror})")
        return EXIT_NOTHING_DONE
    return code or 0


def _tell(message: str) -> None:
    """A line on standard error; where nobody takes it, the exit code has to do."""
    with contextlib.suppress(OSError):
        print(message, file=sys.stderr)


def _open_outputs() -> None:
    """Make standard output and error take any text; what has been closed goes nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))
        stream = getattr(sys, name)
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=ESCAPE)
            # On Windows a file would get the code page of old, but JSON and WebVTT are UTF-8.
            if os.name == "nt" and not stream.isatty() and "PYTHONIOENCODING" not in os.environ:
                stream.reconfigure(encoding="utf-8")


def _discard_output() -> None:
    """Python flushes stdout once more when it ends; let that go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Parser(argparse.ArgumentParser):
    """A parser, of a command too, that suggests what was meant, and takes options before, after and between names."""

    _intermixed = (
        False  # within `parse_known_intermixed_args`, which calls `parse_known_args` in some versions of Python
    )

    def _check_value(self, action, value):
        """Refuse a command or a value that is not among the choices."""
        known = [] if action.choices is None else [str(choice) for choice in action.choices]
        near = [] if str(value) in known else difflib.get_close_matches(str(value), known, n=1)
        if near:
            raise argparse.ArgumentError(action, f"{value!r} is not known; did you mean {near[0]}?")
        super()._check_value(action, value)

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[override]
        """What is known; the rest is refused here, where the usage shown is that of the command."""
        found, rest = super().parse_known_args(args, namespace)
        if self._intermixed:
            return found, rest
        if rest and self._subparsers is None:  # names behind options, perhaps
            self._intermixed = True
            try:
                found, rest = self.parse_known_intermixed_args(args)
            finally:
                self._intermixed = False
        known = [option for action in self._actions for option in action.option_strings]
        for text in rest:
            if text.startswith("-") and os.path.exists(text):
                self.error(f"{text}: no such option; the file of that name is written ./{text}")
            near = difflib.get_close_matches(text.partition("=")[0], known, n=1) if text.startswith("--") else []
            if near:
                self.error(f"{text}: no such option; did you mean {near[0]}?")
        if rest:
            self.error(f"unrecognized arguments: {' '.join(rest)}")
        return found, rest


def build_parser(argv: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Parser of all commands; those of other packages are looked for unless `argv` names one of ours."""
    parser = Parser(prog="speech", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="version", version=f"speech-toolkit {_version()}")
    subparsers = add_choice(parser, "commands", "COMMAND")
    for name in COMMANDS:
        importlib.import_module(f"speech.commands.{name}").add_parser(subparsers)
    if not argv or argv[0] not in COMMANDS:
        for module in _foreign_commands():
            module.add_parser(subparsers)
    return parser


def _foreign_commands() -> list[ModuleType]:
    """Modules that installed packages offer in the entry-point group ``speech.commands``."""
    from importlib.metadata import entry_points

    modules = []
    for entry_point in sorted(entry_points(group="speech.commands"), key=lambda point: point.name):
        try:
            modules.append(entry_point.load())
        except (ImportError, AttributeError) as error:
            print(
                f"speech: the command {entry_point.name!r} cannot be loaded ({error}); "
                f"install {entry_point.value} again",
                file=sys.stderr,
            )
    return modules


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("speech-toolkit")
    except PackageNotFoundError:
        return "(not installed)"


if __name__ == "__main__":
    run()
