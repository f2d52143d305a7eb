"""The rows of a model held against what is agreed of them."""
