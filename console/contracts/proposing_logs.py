"""A contract from what a model scored while all was well: the stretch of time that its distributions are compared with."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from backends.data_files.logged import logged
from console.contracts.proposing import proposed_from
from console.lookout import Lookout

WITHOUT_REFERENCE: Final = timedelta(days=30)
"""What is taken where there is no reference yet."""


def proposed_from_logs(lookout: Lookout, model: str, name: str) -> tuple[str, dict[str, Any]]:
    """Where the rows are from, and the content of the contract. Raises NoSuchModel, DataFileProblem and StoreError."""
    health, sight = lookout.model(model), lookout.sight()
    start = health.reference_from or sight.at - WITHOUT_REFERENCE
    end = health.reference_to or sight.at
    with sight.reader() as reader:
        body = proposed_from(logged(reader, sight.environment, model, start, end), name, model).body
    return f"what {model} scored from {start:%Y-%m-%d} to {end:%Y-%m-%d}", body
