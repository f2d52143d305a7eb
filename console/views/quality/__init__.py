"""Scores against outcomes: of a live model, of a file, and how outcomes come."""
