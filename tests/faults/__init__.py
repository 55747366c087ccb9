"""Fault tests: whole jobs in one process under every mishap of network, disk and peers."""
