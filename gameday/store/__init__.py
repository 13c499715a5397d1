"""The run folder: what happens live is appended here, and everything else is computed from it."""
