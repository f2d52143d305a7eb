"""Who answers a request while a rollout is under way: the rule that every serving process follows.

A request's place is the first eight bytes of SHA-256 over salt, newline, key, as a big-endian number divided by 2^64. Places below the
candidate's weight are the candidate's. The salt stays the same while the weight grows, so a request that once got the candidate
keeps it, and the groups of a comparison never mix.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from backends.protocol import AliasMove, TrafficSetting


def place_of(salt: str, key: str) -> float:
    """Where a request stands among all requests: evenly spread over [0, 1), and always the same for one salt and key."""
    digest = hashlib.sha256(f"{salt}\n{key}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def in_force(setting: TrafficSetting | None, alias: AliasMove | None) -> bool:
    """Whether a published rollout divides the traffic while `alias` is the move of the serving alias in force."""
    return (
        setting is not None and setting.running and alias is not None and (alias.key, alias.version) == (setting.stable_key, setting.stable)
    )


def earlier_versions(history: Sequence[AliasMove], alias: str) -> list[str]:
    """Versions to which `alias` goes back, the newest first: those that served before the one in force first did."""
    served: list[str] = []
    last: str | None = None
    for move in history:
        if move.alias == alias:
            last = move.version
            if move.version is not None and move.version not in served:
                served.append(move.version)
    return served[: served.index(last)][::-1] if last in served else []


def keeps_out(before: TrafficSetting | None, after: TrafficSetting) -> bool:
    """Whether `after` lets in no more of the candidate than `before`, which it follows: an end, a pause, a smaller share."""
    if not after.running:
        return True
    same = before is not None and before.running and (before.stable_key, before.candidate) == (after.stable_key, after.candidate)
    return same and before is not None and after.share <= before.share and (after.paused or not before.paused)


def answered_by(setting: TrafficSetting | None, alias: AliasMove | None, key: str) -> str | None:
    """The version that answers a request; None: nothing serves."""
    if setting is None or not in_force(setting, alias):
        return None if alias is None else alias.version
    return setting.candidate if place_of(setting.salt, key) < setting.share else setting.stable
