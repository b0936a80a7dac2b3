"""What a long run tells on standard error: one changing line on a terminal, plain lines elsewhere."""

import contextlib
import logging
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TextIO

LINE_CHARACTERS = 78  # of a terminal's 80: a longer line could not be taken away


@dataclass
class Progress:
    """Counts recordings and reports them.

    Attributes
    ----------
    total : recordings to do
    unit : what they are called
    interval_s : plain lines come no more often than this, and say how long the rest will take
    """

    total: int
    unit: str = "files"
    interval_s: float = 0.0
    out: TextIO = field(default_factory=lambda: sys.stderr)
    num_done: int = 0
    audio_s: float = 0.0
    failures: list[str] = field(default_factory=list)
    _status_shown: bool = False
    _before: tuple[int, float] = (0, 0.0)  # how many were finished when the last one was, and after how many seconds

    def __post_init__(self):
        self.started = self._last_line_s = time.monotonic()
        self.live = self.out.isatty()

    def working(self, name: str, seconds_done: float) -> None:
        """On a terminal, show which recording is under way; of a long name the end."""
        if self.live:
            before, after = f"[{self._number()}/{self.total}] ", f"  {clock(seconds_done)}"
            room = LINE_CHARACTERS - len(before) - len(after)
            self.clear()
            self.out.write(before + (name if len(name) <= room else f"...{name[3 - room :]}") + after)
            self.out.flush()
            self._status_shown = True

    def clear(self) -> None:
        """Take the status line away before something else is printed."""
        if self._status_shown:
            self.out.write("\r\x1b[K")
            self.out.flush()
            self._status_shown = False

    def done(self, name: str, duration_s: float) -> None:
        """One recording is finished."""
        self.num_done += 1
        self.audio_s += duration_s
        if self.live:
            self.working(name, duration_s)
        else:
            self._line(f"{name}  {clock(duration_s)}{self._left()}")
        self._before = (self.num_done + len(self.failures), time.monotonic() - self.started)

    def failed(self, name: str, reason: str) -> None:
        """One recording could not be done."""
        self.failures.append(reason)
        self._line(f"{name}  failed", always=True)

    def note(self, text: str) -> None:
        """Say something of a recording that was done."""
        self.clear()
        print(f"speech: {text}", file=self.out, flush=True)

    @contextlib.contextmanager
    def noting(self) -> Iterator[None]:
        """While it lasts, what the packages warn of is noted."""
        handler = _Notes(self)
        logger = logging.getLogger("speech")
        logger.addHandler(handler)
        try:
            yield
        finally:
            logger.removeHandler(handler)

    def summary(self, num_skipped: int = 0, verb: str = "transcribed", skip_note: str = "", num_left: int = 0) -> None:
        """Say what was done, what was not and why; nothing for one recording that went well.

        `skip_note` follows the number of those that were done before; `num_left` are neither done nor begun.
        """
        self.clear()
        if self.total > 1 or num_skipped or num_left:
            elapsed_s = time.monotonic() - self.started
            text = f"{self.num_done} of {self.total + num_skipped + num_left} {self.unit} {verb}"
            if self.num_done:
                text += f" ({clock(self.audio_s)} of audio in {clock(elapsed_s)})"
            if num_skipped:
                text += f", {num_skipped} already done"
                text += f" ({skip_note})" if skip_note else ""
            if num_left:
                text += f", {num_left} left as {'it is' if num_left == 1 else 'they are'}"
            if self.failures:
                text += f", {len(self.failures)} failed:"
            print(text, file=self.out)
        for reason in self.failures:
            print(f"speech: {reason}", file=self.out)

    def _number(self) -> int:
        return min(self.num_done + len(self.failures) + 1, self.total)

    def _left(self) -> str:
        """How long the rest will take, by those finished before this one, which may be the first of a batch."""
        number, elapsed_s = self._before
        if not self.interval_s or not number:
            return ""
        left_s = (self.total - number) * elapsed_s / number - (time.monotonic() - self.started - elapsed_s)
        return f", about {clock(max(left_s, 0.0))} left"

    def _line(self, text: str, always: bool = False) -> None:
        """A plain line, unless there is one recording only or the last line is too recent."""
        self.clear()
        now = time.monotonic()
        if self.total > 1 and (always or now - self._last_line_s >= self.interval_s):
            self._last_line_s = now
            number = self.num_done + len(self.failures)
            print(f"[{number}/{self.total}] {text}", file=self.out, flush=True)


class _Notes(logging.Handler):
    """Takes warnings to where notes are told."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(logging.WARNING)
        self._progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        """Tell one."""
        self._progress.note(record.getMessage())


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss, m:ss or s.

    >>> clock(3661.0), clock(75.2), clock(9.94)
    ('1:01:01', '1:15', '9.9 s')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
