"""One module a subject; a probe measures and never judges."""
