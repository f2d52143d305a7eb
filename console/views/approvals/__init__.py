"""What waits for a second person: requests, their signatures, the facts they rest on, and what was done without one."""
