"""Whether a column of a file, or of production logs, is of the kind that a contract says."""

from __future__ import annotations

from backends.data_files.columns import TableColumn
from backends.records import Column


def misfit(each: Column, column: TableColumn) -> str:
    """Why a column of the file is not what the contract says; empty when it is.

    A category may be written as a whole number or a truth value; in a file without types any text may look like a number or a time.
    """
    if column.kind == "empty":
        return ""
    fitting = {
        "numeric": {"numeric"},
        "timestamp": {"timestamp"},
        "boolean": {"boolean"},
        "categorical": {"categorical", "boolean"} | ({"numeric"} if column.whole or column.inferred else set()),
        "text": {"categorical", "boolean"} | ({"numeric", "timestamp"} if column.inferred else set()),
    }
    if column.kind in fitting[each.kind]:
        return ""
    return f"is {column.kind} ({column.type}), not {each.kind}"
