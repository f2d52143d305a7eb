"""The bins of two profiles side by side, with labels that a person reads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from backends.profile.profile import BINNED, NAMED, Profile
from backends.text import Untrusted
from console.views.health.model import View

LISTED: Final = 10
"""Categories that get a bar of their own; the rest share one."""

OTHER: Final = "(other)"


class Bin(View):
    """One bin: the shares of the values of both periods that lie in it."""

    label: Untrusted
    reference: float
    current: float


def bins_of(reference: Profile, current: Profile) -> tuple[Bin, ...]:
    """Bins of two profiles that were counted in one way; empty when a side has no values, or the column is free text."""
    if not reference.n or not current.n:
        return ()
    if reference.kind in BINNED:
        labels = edge_labels(reference.edges, times=reference.kind == "timestamp")
        pairs = zip(labels, reference.counts, current.counts, strict=True)
        return tuple(Bin(label=Untrusted(label), reference=r / reference.n, current=c / current.n) for label, r, c in pairs)
    if reference.kind not in NAMED:
        return ()
    before, now = dict(reference.categories), dict(current.categories)
    shares = {name: (before.get(name, 0) / reference.n, now.get(name, 0) / current.n) for name in before.keys() | now.keys()}
    ranked = sorted(shares, key=lambda name: (-max(shares[name]), name))
    kept = [Bin(label=Untrusted(name), reference=shares[name][0], current=shares[name][1]) for name in ranked[:LISTED]]
    left = [shares[name] for name in ranked[LISTED:]] + [(reference.other / reference.n, current.other / current.n)]
    if any(r or c for r, c in left):
        kept.append(Bin(label=Untrusted(OTHER), reference=sum(r for r, _ in left), current=sum(c for _, c in left)))
    return tuple(kept)


def edge_labels(edges: Sequence[float], *, times: bool = False) -> list[str]:
    """One label a bin: `to 33.1`, `33.1-36`, `51.1 up`; a value that was split off is `= 0`."""
    if not edges:
        return ["all"]
    shown = _moments(edges) if times else _numbers(edges)
    labels = [f"to {shown[0]}"]
    for place in range(1, len(edges)):
        if edges[place] == math.nextafter(edges[place - 1], math.inf):
            labels[-1] = f"under {shown[place - 1]}"
            labels.append(f"= {shown[place - 1]}")
        else:
            between = " to " if edges[place - 1] < 0 or times else "-"
            labels.append(f"{shown[place - 1]}{between}{shown[place]}")
    last_split = len(edges) > 1 and edges[-1] == math.nextafter(edges[-2], math.inf)
    labels.append(f"over {shown[-2]}" if last_split else f"{shown[-1]} up")
    return labels


def _numbers(edges: Sequence[float]) -> list[str]:
    """As few digits as keep the edges apart."""
    for digits in range(3, 17):
        texts = [f"{edge + 0.0:.{digits}g}" for edge in edges]
        distinct = len({text for text, edge, later in zip(texts, edges, [*edges[1:], math.inf], strict=True)
                        if later != math.nextafter(edge, math.inf)})  # fmt: skip
        kept = sum(later != math.nextafter(edge, math.inf) for edge, later in zip(edges, [*edges[1:], math.inf], strict=True))
        if distinct == kept:
            return texts
    return [repr(edge) for edge in edges]


def _moments(edges: Sequence[float]) -> list[str]:
    texts = []
    for edge in edges:
        try:
            texts.append(datetime.fromtimestamp(edge, UTC).strftime("%Y-%m-%d %H:%M"))
        except (OverflowError, OSError, ValueError):
            texts.append(f"{edge:g}")
    return texts
