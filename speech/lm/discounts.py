"""How much modified Kneser-Ney smoothing takes from the counts of an order.

Chen and Goodman, "An empirical study of smoothing techniques for language modeling", Harvard TR-10-98 (1998), section
4.1.6.
"""

import numpy as np
import numpy.typing as npt

from speech.errors import CorpusError

DISCOUNT_FALLBACK = (0.5, 1.0, 1.5)
"""What lmplz offers for texts too small to estimate discounts from."""


def estimated_discounts(adjusted: npt.NDArray[np.int64]) -> npt.NDArray[np.float64] | None:
    """D of adjusted counts 0, 1, 2 and 3 or more, [4] (Chen and Goodman 1998, equation 26); None without estimate."""
    t = np.bincount(np.minimum(adjusted, 5), minlength=6)[:5].astype(float)
    if not (t[1:5] > 0).all():
        return None
    y = t[1] / (t[1] + 2 * t[2])
    discounts = np.array([0.0, *(k - (k + 1) * y * t[k + 1] / t[k] for k in (1, 2, 3))])
    return discounts if ((discounts >= 0) & (discounts <= np.arange(4))).all() else None


def too_little_text(order: int) -> CorpusError:
    """Error of an order without discounts."""
    return CorpusError(
        f"the text is too small or too regular to estimate discounts of order {order} (it needs n-grams with"
        " adjusted counts of 1, 2, 3 and 4); use more text, a lower order or"
        " --discount-fallback (in Python: discount_fallback=True)"
    )
