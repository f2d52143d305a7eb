"""How far the inputs and the scores of a model moved."""
