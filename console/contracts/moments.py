"""When rows are held against a contract. Apart from its form: what was kept of a check is read without it."""

from __future__ import annotations

from typing import Literal

Moment = Literal["training", "batch", "online", "logs"]
"""When rows are checked: before training, before batch scoring, at inference, on what was logged in production."""

MOMENTS: tuple[Moment, ...] = ("training", "batch", "online", "logs")
