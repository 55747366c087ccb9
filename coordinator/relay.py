"""The relay: passes envelopes on without opening them, in memory only, never letting one peer hold up another.

It knows who is connected, checks that an envelope is signed by the party whose stream it came on, enters it in
the witness, and queues it for the receiver. It answers for nothing else: what it drops (receiver away, queue
full) the receiver asks for again and the sender sends again. No gRPC here; :mod:`coordinator.node` carries the
frames.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from coordinator.witness import Witness
from vfl.crypto.envelope import Envelope, Link, other
from vfl.crypto.identity import PartyRecord
from vfl.errors import CryptoError, RemoteProtocolError, Text, VflError
from vfl.pb.v1 import node_pb2
from vfl.runtime.transport import WINDOW_BYTES

__all__ = ["Limits", "Peer", "Relay"]

log = logging.getLogger(__name__)

_SLACK = 1.25  # a sender may overshoot its window by what was in flight when it was told to resume


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Room per peer. What exceeds it is dropped, not held."""

    link_bytes: int = int(WINDOW_BYTES * _SLACK)
    sender_bytes: int = 4 * WINDOW_BYTES
    """Of one sender: so that none can take up all the room of a receiver."""
    peer_bytes: int = 16 * WINDOW_BYTES
    positions: int = 4096
    heartbeat_s: float = 10.0


class Peer:
    """One connected party: what is queued for it, and when it was last heard."""

    def __init__(self, name: str, limits: Limits) -> None:
        self.name = name
        self.heard = asyncio.get_running_loop().time()
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Set when the relay hangs up."""
        self._limits = limits
        self._control: OrderedDict[tuple[object, ...], node_pb2.Frame] = OrderedDict()
        self._links: OrderedDict[Link, deque[bytes]] = OrderedDict()
        self._queued: Counter[Link | str] = Counter()
        self.queued_bytes = 0
        self._ready = asyncio.Event()

    def tell(self, frame: node_pb2.Frame, *about: object) -> None:
        """Queue a frame that goes before all envelopes; it replaces an older one of its kind and subject."""
        self._control[frame.WhichOneof("kind"), *about] = frame
        self._ready.set()

    def tell_position(self, frame: node_pb2.Frame, position: node_pb2.Position) -> None:
        """An ack or resume: the newest of a link says all. Dropped when a sender invents links without end."""
        if len(self._control) < self._limits.positions:
            self.tell(frame, position.job, position.epoch, position.sender, position.receiver)

    def deliver(self, link: Link, raw: bytes) -> None:
        """Queue an envelope, or drop it when there is no room."""
        size, limits = len(raw), self._limits
        if (
            self._queued[link] + size > limits.link_bytes
            or self._queued[link.sender] + size > limits.sender_bytes
            or self.queued_bytes + size > limits.peer_bytes
        ):
            return
        self._links.setdefault(link, deque()).append(raw)
        self._count(link, size)
        self._ready.set()

    async def next(self) -> node_pb2.Frame:
        """The next frame for this peer: control first, then the links in turn."""
        while not self._control and not self._links:
            self._ready.clear()
            await self._ready.wait()
        if self._control:
            return self._control.popitem(last=False)[1]
        link, queue = self._links.popitem(last=False)
        raw = queue.popleft()
        self._count(link, -len(raw))
        if queue:
            self._links[link] = queue  # to the end: the other links come first now
        else:
            del self._queued[link]
        return node_pb2.Frame(deliver=raw)

    def _count(self, link: Link, size: int) -> None:
        self._queued[link] += size
        self._queued[link.sender] += size
        self.queued_bytes += size

    def end(self, code: str, *, reconnect: bool = False) -> None:
        """Hang up; the code is the last frame."""
        if not self.ended.done():
            self._control.clear()
            self._links.clear()
            self.tell(node_pb2.Frame(goodbye=node_pb2.Goodbye(code=code, reconnect=reconnect)))
            self.ended.set_result(None)


class Relay:
    """All connected parties of one network.

    Parameters
    ----------
    record_of : callable
        The verified record of a party, or None: its signing key checks its envelopes.
    """

    def __init__(
        self, record_of: Callable[[str], PartyRecord | None], witness: Witness, limits: Limits | None = None
    ) -> None:
        self.limits = limits or Limits()
        self.peers: dict[str, Peer] = {}
        self._record_of = record_of
        self._witness = witness

    def join(self, name: str) -> Peer:
        """Connect a party. A second connection of the same party ends the first."""
        earlier = self.peers.pop(name, None)
        if earlier is not None:
            earlier.end("REPLACED")
        peer = Peer(name, self.limits)
        for present in self.peers:
            peer.tell(_presence(present, up=True), present)
        self.peers[name] = peer
        self._announce(name, up=True)
        return peer

    def leave(self, peer: Peer) -> None:
        """The stream is gone; what was queued for it goes with it."""
        if self.peers.get(peer.name) is peer:
            del self.peers[peer.name]
            self._announce(peer.name, up=False)

    def receive(self, peer: Peer, frame: node_pb2.Frame) -> None:
        """One frame from a party's stream. What it may not say is refused by code, without repeating it."""
        peer.heard = asyncio.get_running_loop().time()
        kind = frame.WhichOneof("kind")
        if kind == "ping":
            peer.tell(node_pb2.Frame(pong=node_pb2.Pong(id=frame.ping.id)))
        elif kind == "pong":
            pass
        elif kind in ("deliver", "ack", "resume"):
            try:
                if kind == "deliver":
                    self.pass_on(peer, frame.deliver)
                else:
                    self._pass_position(peer, frame, getattr(frame, kind))
            except VflError as error:
                log.warning("refused a frame of %s: %s", peer.name, error.code)
                peer.tell(node_pb2.Frame(refused=node_pb2.Refused(code=error.code)), error.code)
        else:
            peer.end("FRAME_UNEXPECTED")

    def pass_on(self, peer: Peer, raw: bytes) -> None:
        """Check, witness and queue one envelope; the errors of its checks."""
        envelope = Envelope.parse(raw)
        link = envelope.header.link
        record = self._record_of(peer.name)
        if link.sender != peer.name:
            raise other("OTHER_SENDER", "names another sender than its stream", "所署发送方与其连接不符")
        if record is None:
            raise CryptoError(
                "NO_RECORD",
                Text(en=f"{peer.name} has shown no valid record", zh=f"{peer.name} 未出示有效的身份记录"),
                cure=Text(en="renew its certificate and connect again", zh="请续期证书后重新连接"),
            )
        envelope.check_signature(record)
        self._witness.note(envelope)
        receiver = self.peers.get(link.receiver)
        if receiver is not None:
            receiver.deliver(link, raw)

    def _pass_position(self, peer: Peer, frame: node_pb2.Frame, position: node_pb2.Position) -> None:
        if position.receiver != peer.name:
            raise RemoteProtocolError(
                "OTHER_RECEIVER",
                Text(en="an acknowledgement for another party's link", zh="确认消息针对的是其他机构的链路"),
                cure=Text(en="it was refused", zh="已拒收"),
            )
        sender = self.peers.get(position.sender)
        if sender is not None:
            sender.tell_position(frame, position)

    def sweep(self, may_stay: Callable[[str], str]) -> None:
        """Hang up on silent peers, and on those for whom ``may_stay(name)`` gives the code of a reason."""
        now = asyncio.get_running_loop().time()
        for peer in list(self.peers.values()):
            if now > peer.heard + 3 * self.limits.heartbeat_s:
                peer.end("SILENT", reconnect=True)
            elif code := may_stay(peer.name):
                peer.end(code, reconnect=code == "CERT_EXPIRED")  # it may have been renewed meanwhile

    def _announce(self, name: str, *, up: bool) -> None:
        for peer in self.peers.values():
            if peer.name != name:
                peer.tell(_presence(name, up=up), name)


def _presence(party: str, *, up: bool) -> node_pb2.Frame:
    return node_pb2.Frame(presence=node_pb2.Presence(party=party, up=up))
