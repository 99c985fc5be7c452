"""What the worker does for the whole product."""
