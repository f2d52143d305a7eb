"""Model cards and data sheets: what is documented of a model and of what it was trained on, and what is missing."""
