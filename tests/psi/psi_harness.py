"""A whole run in one process, with the list of everything that crossed between owners; and a plain ladder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from vfl.crypto.psi import Alignment, PsiOwner, PsiReceiver, PsiSender
from vfl.crypto.psi_set import PsiSet
from vfl.crypto.randomness import JobSeed


@dataclass
class Run:
    alignments: dict[str, Alignment]
    transcript: list[tuple[str, str, str, int]] = field(default_factory=list)  # step, from, to, bytes
    views: dict[str, list[bytes]] = field(default_factory=dict)  # what each owner received

    def ids(self, sets: dict[str, list[str]]) -> dict[str, list[str]]:
        return {name: [sets[name][row] for row in a.rows] for name, a in self.alignments.items()}


def run_psi(
    sets: dict[str, list[str]], *, job: bytes = b"job", floor: int = 1, seeds: dict[str, JobSeed] | None = None,
    tables: dict[str, PsiSet] | None = None, context: bytes | None = None,
) -> Run:
    """The first owner of ``sets`` receives, the others send; the order of steps of vfl.crypto.psi."""
    names = list(sets)
    receiver_name, sender_names = names[0], names[1:]
    seeds = seeds or {name: JobSeed.fresh() for name in names}
    tables = tables or {
        name: PsiSet(sets[name], context=context or job, owner=name, seed=seeds[name]) for name in names
    }
    run = Run({}, [], {name: [] for name in names})

    def cross(step: str, source: str, target: str, body: np.ndarray | bytes) -> None:
        raw = body if isinstance(body, bytes) else body.tobytes()
        run.transcript.append((step, source, target, len(raw)))
        run.views[target].append(raw)

    def others(name: str) -> list[str]:
        return [n for n in names if n != name]

    receiver = PsiReceiver(
        tables[receiver_name], owner=receiver_name, others=others(receiver_name), job=job,
        seed=seeds[receiver_name], floor=floor,
    )
    senders = {
        name: PsiSender(
            tables[name], owner=name, others=others(name), receiver=receiver_name, job=job, seed=seeds[name],
            floor=floor,
        )
        for name in sender_names
    }
    owners: dict[str, PsiOwner] = {receiver_name: receiver, **senders}

    def to_all(step: str, say: Callable[[PsiOwner], bytes]) -> None:
        for source in names:
            for target in others(source):
                cross(step, source, target, say(owners[source]))

    hellos = {name: owner.hello() for name, owner in owners.items()}
    to_all("hello", lambda o: o.hello().size.to_bytes(8, "big") + o.hello().order + o.hello().share_key)
    for owner in owners.values():
        owner.meet(hellos)
    queries = list(receiver.queries())
    for name, sender in senders.items():
        for chunk in queries:
            cross("queries", receiver_name, name, chunk)
        answers = [sender.answer(chunk) for chunk in queries]
        for chunk in answers:
            cross("answers", name, receiver_name, chunk)
        receiver.read_answers(name, answers)
        store = list(sender.store())
        for words in store:
            cross("store", name, receiver_name, words)
        receiver.read_store(name, store)
    receiver.intersect()
    for name, sender in senders.items():
        matches = list(receiver.matches(name))
        for tags in matches:
            cross("matches", receiver_name, name, tags)
        sender.read_matches(matches)
    openings = {name: owner.opening() for name, owner in owners.items()}
    to_all("opening", lambda o: o.opening())
    run.alignments = {name: owner.align(openings) for name, owner in owners.items()}
    roots = {name: a.root for name, a in run.alignments.items()}
    for name, owner in owners.items():
        owner.check_roots(run.alignments[name], roots)
    for source in names:
        for target in others(source):
            cross("root", source, target, roots[source])
    return run


def firms(numbers: Iterable[int]) -> list[str]:
    """Made-up identifiers of 18 characters, one per number."""
    return [f"91{number:016d}" for number in numbers]


P = 2**255 - 19


def multiple(n: int, u: int) -> tuple[int, int]:
    """(x : z) of n·P for any n ≥ 1, over Python integers; the paths take clamped scalars only."""
    (x2, z2), (x3, z3) = (1, 0), (u, 1)
    for bit in f"{n:b}":
        if bit == "1":
            x2, z2, x3, z3 = x3, z3, x2, z2
        total, difference = x2 + z2, x2 - z2
        da, cb = (x3 - z3) * total, (x3 + z3) * difference
        x3, z3 = (da + cb) ** 2 % P, u * (da - cb) ** 2 % P
        aa, bb = total**2 % P, difference**2 % P
        x2, z2 = aa * bb % P, (aa - bb) * (aa + 121665 * (aa - bb)) % P
        if bit == "1":
            x2, z2, x3, z3 = x3, z3, x2, z2
    return x2, z2
