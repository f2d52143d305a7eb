"""The versions of a model."""
