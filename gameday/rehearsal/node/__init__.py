"""The node: it runs containers as local processes, each pod with a loopback address of its own."""
