"""The Service proxy: kube-proxy's part, as a TCP load balancer on loopback, with fault switches."""
