"""How mature the delivery of a system is: practices and badges, each with the evidence that the workspace holds."""
