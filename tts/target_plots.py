"""What the acoustic model is about to learn from, in pictures: statistics of its targets, and what lies far out."""

import html
from collections import defaultdict

import numpy as np

from tts.picture import Picture
from tts.training_data import Recordings

_WIDTH, _HEIGHT, _BINS = 620, 180, 60
_MOST_OUTLIERS = 12
_FAR = 6.0  # times the median distance from the median


def draw_targets(recordings: Recordings) -> list[Picture]:
    """Pictures of durations by phone, of all durations, pauses, pitch and level, and a list of outliers.

    Parameters
    ----------
    recordings : with their targets

    Returns
    -------
    list of Picture
    """
    hop_ms = 1000.0 * recordings.contract.hop_s
    by_phone: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
    pauses, pitches, levels = [], [], []
    for one in recordings.targets:
        gaps = (one.rows.is_pause | one.rows.is_silence).tolist()
        durations = (one.durations * hop_ms).tolist()
        rows = zip(one.rows.phones, durations, gaps, strict=True)
        for phone, duration, is_gap in rows:
            if not is_gap:
                by_phone[phone.rstrip("012")].append((duration, one.name))
        pauses += [d for d, gap in zip(durations, one.rows.is_pause.tolist(), strict=True) if gap and d > 0]
        voiced = one.voiced_share > 0.5
        pitches += one.pitch[voiced].exp().tolist()
        levels += one.energy_db[one.durations > 0].tolist()
    everything = [duration for found in by_phone.values() for duration, _ in found]
    return [
        _bars({phone: [d for d, _ in found] for phone, found in by_phone.items()}),
        _histogram("duration of phones, ms", everything),
        _histogram("length of pauses, ms", pauses),
        _histogram("pitch of voiced phones, Hz", pitches),
        _histogram("level of phones, dB", levels),
        _outliers(by_phone),
    ]


def _histogram(title: str, values: list[float]) -> Picture:
    """How often each value is found."""
    if not values:
        return _picture(title, [_text(10, 40, "none")])
    low, high = np.percentile(values, 0.2), np.percentile(values, 99.8)
    counts, edges = np.histogram(values, bins=_BINS, range=(low, max(high, low + 1e-6)))
    width, scale = _WIDTH / _BINS, (_HEIGHT - 50) / counts.max()
    parts = [
        f'<rect x="{index * width:.1f}" y="{_HEIGHT - 20 - count * scale:.1f}" width="{width - 1:.1f}" '
        f'height="{count * scale:.1f}" fill="#47a"/>'
        for index, count in enumerate(counts)
    ]
    parts += [
        _text(share * (_WIDTH - 40), _HEIGHT - 5, f"{edges[0] + share * (edges[-1] - edges[0]):.0f}")
        for share in (0, 0.25, 0.5, 0.75, 1)
    ]
    return _picture(f"{title}: {len(values)}, median {np.median(values):.0f}", parts)


def _bars(by_phone: dict[str, list[float]]) -> Picture:
    """Median duration of each phone, and the range that holds nine of ten."""
    names = sorted(by_phone, key=lambda phone: float(np.median(by_phone[phone])))
    high = max(float(np.percentile(by_phone[name], 95)) for name in names)
    width, scale, floor = _WIDTH / len(names), (_HEIGHT - 50) / high, _HEIGHT - 20
    parts = []
    for index, name in enumerate(names):
        low, middle, top = np.percentile(by_phone[name], (5, 50, 95))
        x = (index + 0.5) * width
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{floor - low * scale:.1f}" y2="{floor - top * scale:.1f}" '
            f'stroke="#47a" stroke-width="3"/><circle cx="{x:.1f}" cy="{floor - middle * scale:.1f}" r="3"/>'
        )
        parts.append(_text(x - 6, _HEIGHT - 5, name, 8))
    return _picture(f"duration by phone: median, 5 to 95 %, up to {high:.0f} ms", parts)


def _outliers(by_phone: dict[str, list[tuple[float, str]]]) -> Picture:
    """Phones that are much longer than others of their kind, which may be faults of transcript or alignment."""
    found = []
    for phone, rows in by_phone.items():
        values = np.array([duration for duration, _ in rows])
        middle = np.median(values)
        spread = max(float(np.median(np.abs(values - middle))), 5.0)
        found += [((d - middle) / spread, phone, d, name) for d, name in rows if d - middle > _FAR * spread]
    worst = sorted(found, reverse=True)[:_MOST_OUTLIERS]
    lines = [_text(10, 36 + 14 * n, f"{phone} of {d:.0f} ms in {name}") for n, (_, phone, d, name) in enumerate(worst)]
    return _picture(f"{len(found)} phones far longer than others of their kind, the longest first", lines)


def _text(x: float, y: float, text: str, size: int = 11) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}">{html.escape(text)}</text>'


def _picture(title: str, parts: list[str]) -> Picture:
    frame = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT + 30}" font-family="sans-serif">'
    )
    return Picture("\n".join([frame, _text(10, 16, title, 13), *parts, "</svg>"]))
