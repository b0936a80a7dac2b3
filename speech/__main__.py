"""`python -m speech` is the `speech` command."""

from speech.cli import run

if __name__ == "__main__":
    run()
