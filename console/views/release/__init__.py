"""How versions come to answer: gates, shares of traffic, triggers, switches."""
