"""What all nodes of the joint credit lab must agree on."""

__version__ = "0.1.0"
__all__ = ["__version__"]
