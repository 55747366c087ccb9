"""A job as a node follows it: what its documents and its folder have said so far."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

from vfl.runtime.agreement import Approval, Proposal
from vfl.runtime.journal import Journal
from vfl.service.folder import JobFolder, JobState

__all__ = ["FollowedJob"]


@dataclass(slots=True)
class FollowedJob:
    """One job at one party, while the node's process lives.

    Attributes
    ----------
    proposed : bool
        This process has published the proposal and waits for it in the book.
    finished : mapping of party to Event
        Set when that party has ended its part well.
    journal : Journal, optional
        Open while the job needs it.
    retry_at : float
        Monotonic time before which a paused job is left alone.
    troubled_at : float, optional
        Since when the coordinator or an awaited peer is away.
    settled : bool
        Ended, wiped, and the others know: nothing is left to do.
    """

    folder: JobFolder
    state: JobState
    proposal: Proposal | None = None
    approvals: dict[str, Approval] = field(default_factory=dict)
    proposed: bool = False
    finished: defaultdict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    journal: Journal | None = None
    task: asyncio.Task[None] | None = None
    retry_at: float = 0.0
    troubled_at: float | None = None
    settled: bool = False

    def __post_init__(self) -> None:
        self.settled = self.state.final and self.state.told and self.folder.file("closed").exists()

    @property
    def name(self) -> str:
        return self.folder.job

    @property
    def parties(self) -> tuple[str, ...]:
        """All parties of the proposal, none before there is one."""
        if self.proposal is None:
            return ()
        return (self.proposal.spec.bank, *self.proposal.spec.platforms)
