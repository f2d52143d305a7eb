"""Where facts come from, and how old the newest is."""
