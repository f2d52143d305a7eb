"""What a view cannot be about, because nobody has heard of it. Imports nothing: the fast path of a plan reads it too."""

from __future__ import annotations


class NothingKnown(LookupError):
    """The store has no facts about any model."""


class NoSuchModel(LookupError):
    """A model that nothing is known of; the message lists the nearest."""


class NoSuchColumn(LookupError):
    """A column that is no input of the model."""
