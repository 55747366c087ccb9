"""The laboratory in Python: whole joint jobs on one machine, for data scientists, researchers and notebooks."""

from vfl.lab.model import JointCard, JointModel
from vfl.lab.simulation import LedgerRow, Result, Simulation
from vfl.lab.wiretap import Tapped, Wiretap

__all__ = ["JointCard", "JointModel", "LedgerRow", "Result", "Simulation", "Tapped", "Wiretap"]
