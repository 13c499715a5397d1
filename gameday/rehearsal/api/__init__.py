"""The Kubernetes API of the stage: what a client sees on the wire and the semantics behind it."""
