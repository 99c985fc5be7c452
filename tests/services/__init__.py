"""Real servers on loopback that tests start, break and stop."""
