"""What a long computation of many short steps tells of how far it is."""

import logging
import time
from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

log = logging.getLogger(__name__)
LINE_S = 10.0  # between lines
RECENT = 200  # steps whose mean loss is told


class StepLog:
    """Tells every ten seconds how far a run is, and how long the rest will take; nothing of one that is over before.

    Parameters
    ----------
    first, total : steps that are done already, and all
    what : a step
    """

    def __init__(self, first: int, total: int, what: str = "step"):
        self.first, self.total, self.what = first, total, what
        self.began = self.last = time.monotonic()

    def tell(self, step: int, losses: Sequence[float] = ()) -> None:
        """Be told that `step` steps are done, and the losses so far."""
        now = time.monotonic()
        if now - self.last < LINE_S:
            return
        self.last = now
        left = tqdm.format_interval((now - self.began) / (step - self.first) * (self.total - step))
        loss = f"loss {np.mean(losses[-RECENT:]):.4f}, " if losses else ""
        log.info("%s %d of %d: %sabout %s left", self.what, step, self.total, loss, left)
