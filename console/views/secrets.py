"""Names of secrets and where they are kept; a value is in no view."""

from __future__ import annotations

from typing import Literal

from backends.text import Untrusted
from console.views.health.model import View


class SecretRow(View):
    """One place that has a secret of this name."""

    name: str
    place: Literal["keyring", "environment", "file"]
    used: bool
    """Whether it is taken from there; another place comes first where it is not."""
    problem: Untrusted | None
    """Why it cannot be taken from there now."""


class SecretsView(View):
    """Every secret that this user has for this program."""

    keyring: str | None
    """What the keyring is called; None: this machine has none."""
    file: str
    """Where hosts without a keyring keep them."""
    rows: tuple[SecretRow, ...]
