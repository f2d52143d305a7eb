"""Two files of rows side by side."""
