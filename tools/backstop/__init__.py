"""Installs the backstop in a cluster, says how the cluster differs from it, and proves that it holds."""
