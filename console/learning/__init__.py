"""Learning from rows with scikit-learn: arrays out to a process of its own, and what it found back."""
