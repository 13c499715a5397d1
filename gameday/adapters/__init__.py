"""The only code that talks to Kubernetes, Chaos Mesh and Prometheus."""
