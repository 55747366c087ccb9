"""How jobs end before their time, and what is left of them: an audit trail and no secret."""

from __future__ import annotations

import logging
from functools import partial

from vfl.crypto.documents import SignedDocument
from vfl.crypto.identity import PartyIdentity
from vfl.errors import DataError, JobAborted, Text, TransportError
from vfl.runtime.audit import AUDIT_CONTEXT, AuditTrail
from vfl.runtime.clock import SystemClock
from vfl.runtime.journal import Journal
from vfl.runtime.switchboard import Switchboard
from vfl.service.follow import FollowedJob

__all__ = ["away", "defect", "ended_by_peer", "stopped_here", "wipe"]

log = logging.getLogger(__name__)


def wipe(job: FollowedJob, identity: PartyIdentity, journal_class: type[Journal], storage_key: bytes) -> None:
    """Close an ended job: seed, key and role state go, and what an unfinished one has written so far.

    Safe to repeat after a crash. TransportError when the disk does not let us.
    """
    journal_file = job.folder.file("journal.db")
    if job.folder.file("closed").exists():
        return
    if job.state.state != "done":
        job.folder.remove_results()
    try:
        if journal_file.exists():
            journal = job.journal or journal_class(journal_file, storage_key)
            if job.state.state != "done":
                _write_audit(job, identity, journal)
            journal.forget_secrets()
            journal.close()
    except DataError as error:
        # Nobody can wipe single entries of a damaged file; what is in it is sealed under the storage key.
        log.error("job %s: %s", job.name, error)
        with job.folder.writing("journal.db"):
            journal_file.replace(journal_file.with_name("journal.db.damaged"))
    job.journal = None
    job.folder.write("closed", b"")


def _write_audit(job: FollowedJob, identity: PartyIdentity, journal: Journal) -> None:
    """Close the trail of a job that did not end well; the trail of one that did is closed by its run."""
    lines = journal.audit_entries()
    trail = AuditTrail(identity.name, partial(identity.sign, AUDIT_CONTEXT), SystemClock(), lines)
    journal.record_audit(*trail.entry("stopped", state=job.state.state, code=job.state.code))
    job.folder.write("audit.jsonl", b"\n".join(journal.audit_entries()) + b"\n")
    job.state.facts["audit_head"] = trail.head
    job.folder.save(job.state)


def away(awaited: str, board: Switchboard) -> TransportError | None:
    """Why a running job may be waiting for long: the coordinator, or the ``awaited`` peer, is not there."""
    if not board.connected:
        return TransportError(
            "COORDINATOR_AWAY",
            Text(en="there is no connection to the coordinator; the job waits",
                 zh="与协调节点的连接已断开，任务等待中"),
            cure=Text(en="it connects again by itself; check the network if this lasts",
                      zh="系统会自动重连；如持续未恢复请检查网络"),
        )
    if awaited and awaited not in board.present:
        return TransportError(
            "PEER_AWAY",
            Text(en=f"{awaited} is not connected; the job waits for it", zh=f"{awaited} 未连接，任务等待其恢复"),
            cure=Text(en="the job goes on by itself once its node is back; ask its operator if this lasts",
                      zh="对方节点恢复后任务自动继续；如持续未恢复请联系对方管理员"),
        )
    return None


def ended_by_peer(document: SignedDocument) -> JobAborted:
    """The end of a job as another party's document tells it; of the code only known characters are kept."""
    code = "".join(c for c in document.body.decode("ascii", "replace") if c.isalnum() or c == "_")[:60]
    return JobAborted(
        "JOB_ENDED_BY_PEER",
        Text(en=f"{document.party} ended the job ({document.kind}: {code})",
             zh=f"{document.party} 终止了任务（{document.kind}：{code}）"),
        cure=Text(en=f"ask {document.party} for the cause; its log has the details",
                  zh=f"请向 {document.party} 询问原因，其日志有详细信息"),
    )


def stopped_here() -> JobAborted:
    """The operator left a ``cancel`` file."""
    return JobAborted(
        "JOB_CANCELLED",
        Text(en="cancelled by this party's operator; the job's keys were wiped",
             zh="本方管理员已取消任务，任务密钥已清除"),
        cure=Text(en="start a new job if it is still wanted", zh="如仍需要，请重新发起任务"),
    )


def defect(error: Exception) -> JobAborted:
    """Something raised what is not one of our errors."""
    return JobAborted(
        "JOB_DEFECT",
        Text(en=f"the program failed ({type(error).__name__})", zh=f"程序出错（{type(error).__name__}）"),
        cure=Text(en="report it with this node's log; the log holds no data",
                  zh="请附本节点日志报告该问题；日志不含数据"),
    )
