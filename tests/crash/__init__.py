"""Crash tests: real processes on loopback, killed at chosen instants and started again."""
