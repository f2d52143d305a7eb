"""Contracts: what rows that go into a model, or come out of it, must look like; written by hand or proposed from a reference."""
