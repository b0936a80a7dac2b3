"""Being told to end, by a service manager or a terminal that closes, as Ctrl-C: files are cleaned up, states saved."""

import os
import signal
import threading
from types import FrameType

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class Termination:
    """A context in which signals that end a program do what Ctrl-C does; where they are ignored they stay so.

    Attributes
    ----------
    received : number of the signal, 0 before one came; a second one ends the program at once
    """

    received = 0

    def __enter__(self) -> "Termination":
        self._process, self._handled = os.getpid(), []
        if threading.current_thread() is threading.main_thread():
            self._handled = [number for number in _SIGNALS if signal.getsignal(number) == signal.SIG_DFL]
        for number in self._handled:
            signal.signal(number, self._stop)
        return self

    def __exit__(self, *_) -> None:
        for number in self._handled:
            signal.signal(number, signal.SIG_DFL)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        for handled in self._handled:
            signal.signal(handled, signal.SIG_DFL)
        if os.getpid() != self._process:  # a worker that was forked, which others clean up after
            os.kill(os.getpid(), number)
            return
        self.received = number
        interrupt = signal.getsignal(signal.SIGINT)
        if callable(interrupt):
            interrupt(signal.SIGINT, frame)
        else:  # ignored, as shells do for what runs in the background
            raise KeyboardInterrupt
