"""Paillier on this machine: our paths beside phe, gmpy2 by hand, SecretFlow HEU and FATE's core, one run.

    python benchmarks/paillier.py  # 2,048 bits; writes benchmarks/results/paillier-2048.*, or -2048-avx2.* without IFMA
    python benchmarks/paillier.py --bits 3072 --rounds 3 --heu ENV/bin/python --fate ENV/bin/python

HEU (``pip install sf-heu``) and FATE's core (``pip install fate_utils``) need Python environments of their own;
without ``--heu`` or ``--fate`` they are left out and the table says so. Every contender is a process; one works
at a time, and rounds go through all operations and contenders in turn, so that a disturbance of the machine hits
all alike. Reported: the smallest time of all rounds (what the code takes when undisturbed) and, in the JSON, the
median. Compare columns of one run with each other, never with another machine's.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, cast

from paillier_report import markdown, svg

HERE = Path(__file__).parent
OPERATIONS = {
    "encrypt_holder": "encrypt, key holder",
    "encrypt_public": "encrypt, public key, fixed base",
    "encrypt_full": "encrypt, full-size r^n",
    "decrypt": "decrypt",
    "add": "add",
    "times32": "ciphertext × 32 bits",
    "bucket": "bucket sum, per (row, feature)",
    "pack": "pack, per bin (8 slots of 128 bits)",
    "load": "load and check",
    "dump": "dump",
}
TITLES = {
    "fallback": "ours, gmpy2 backend", "hand": "gmpy2 by hand", "phe": "phe + gmpy2", "heu": "SecretFlow HEU",
    "fate": "FATE core",
}
SECONDS_PER_MEASUREMENT = 0.25
LARGEST_BATCH = 1 << 15


class Contender:
    """A worker process, pinned to ``cores``."""

    def __init__(self, name: str, python: str, bits: int, cores: set[int]) -> None:
        self.name = name
        command = [python, str(HERE / "paillier_workers.py"), name, str(bits), str(len(cores))]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
        self._in, self._out = cast(IO[str], self._process.stdin), cast(IO[str], self._process.stdout)
        self._counts: dict[str, int] = {}
        self.ready = self._answer() == "ready"

    def _answer(self) -> object:
        """The next line that is ours: some libraries log to stdout."""
        for line in self._out:
            with contextlib.suppress(json.JSONDecodeError):
                return json.loads(line)
        return None

    def _ask(self, op: str, count: int) -> float | None:
        self._in.write(json.dumps({"op": op, "count": count}) + "\n")
        self._in.flush()
        answer = self._answer()
        return answer if isinstance(answer, float) else None

    def measure(self, op: str) -> float | None:
        """µs per number; the first call of an operation finds a count that takes long enough."""
        if op not in self._counts:
            count = 8
            while True:
                taken = self._ask(op, count)
                if taken is None:
                    self._counts[op] = 0
                    break
                if taken >= SECONDS_PER_MEASUREMENT / 4 or count >= LARGEST_BATCH:
                    fitting = int(count * SECONDS_PER_MEASUREMENT / taken) // 128 * 128
                    self._counts[op] = min(LARGEST_BATCH, max(fitting, count))
                    break
                count *= 4
        count = self._counts[op]
        if count == 0:
            return None
        taken = self._ask(op, count)
        return None if taken is None else taken / count * 1e6

    def close(self) -> None:
        self._in.close()
        self._process.wait()


Times = dict[str, dict[str, list[float]]]
"""µs per number: contender → operation → one value per round."""


def run(arguments: argparse.Namespace, teams: list[tuple[set[int], list[str]]]) -> list[Times]:
    """All rounds; one result per team, a team being a set of cores and those who work on it."""
    made: list[tuple[int, Contender]] = []
    try:
        for team, (cores, names) in enumerate(teams):
            for name in names:
                python = {"heu": arguments.heu, "fate": arguments.fate}.get(name, sys.executable)
                one = Contender(name, python, arguments.bits, cores)
                made.append((team, one))
                if not one.ready:
                    print(f"{name} did not start", file=sys.stderr)
        out: list[Times] = [{} for _ in teams]
        for turn in range(arguments.rounds):
            for op in OPERATIONS:
                for team, one in made:
                    taken = one.measure(op) if one.ready else None
                    if taken is not None:
                        out[team].setdefault(one.name, {}).setdefault(op, []).append(taken)
            print(f"round {turn + 1} of {arguments.rounds}", file=sys.stderr)
        return out
    finally:
        for _, one in made:
            one.close()


def rate(path: str) -> float | None:
    """What PATH_rate.c measures: IFMA instructions, or limb products of the FMA path, per ns; None without them."""
    compiler, flags = shutil.which("cc"), {"ifma": ["-mavx512f", "-mavx512ifma"], "fma": ["-mavx2", "-mfma"]}[path]
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        program = str(Path(folder) / "rate")
        source = str(HERE / f"{path}_rate.c")
        done = subprocess.run([compiler, "-O2", *flags, source, "-o", program], capture_output=True)
        if done.returncode != 0:
            return None
        # The most of ten times: other work on the machine only takes away.
        measured = [subprocess.run([program], capture_output=True, text=True) for _ in range(10)]
        return max((float(one.stdout.split()[0]) for one in measured if one.returncode == 0), default=None)


def limb_products(bits: int) -> dict[str, float]:
    """52-bit limb products per number, of the IFMA and of the FMA path."""
    k = -(-(bits + 8) // 52)
    k += -k % 5
    half = -(-(bits // 2 + 8) // 52)
    half += -half % 5
    window = 7
    windows_half, windows_public = -(-bits // 2 // window), -(-bits // 2 // window)
    mul, sqr, head, residue = 5, 3.5, 4, 2
    into_cipher = (residue + mul) * k * k  # trivial, then the product with the randomiser
    join = (2 * head) * k * k + 2 * half * half
    chain = bits // 2 * sqr + (bits // 8 + 7) * mul + 7 * sqr  # windows of four bits, table of sixteen
    return {
        "encrypt_holder": 2 * ((windows_half - 1) * head + 2 * residue) * half * half + join + into_cipher,
        "encrypt_public": ((windows_public - 1) * head + 2 * residue) * k * k + into_cipher,
        "decrypt": 2 * (chain + 2 * head + mul + 4 * residue) * half * half,
        "add": mul * k * k,
        "times32": (32 * sqr + (11 + 6) * mul) * k * k,
        "bucket": mul * k * k,
        "pack": (128 * 7 / 8 * sqr + mul) * k * k,
    }


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bits", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--heu", help="Python of an environment with sf-heu")
    parser.add_argument("--fate", help="Python of an environment with fate_utils")
    parser.add_argument("--dry", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    from vfl._native import paths

    cores = os.sched_getaffinity(0)
    native = [f"native:{path}" for path in paths()]
    outside = [name for name in ("heu", "fate") if getattr(arguments, name)]
    threaded = [*native[:2], "fallback", *(["heu"] if arguments.heu else [])]
    one, many = run(arguments, [({min(cores)}, [*native, "fallback", "hand", "phe", *outside]), (cores, threaded)])
    load = os.getloadavg()[0]
    result = {
        "bits": arguments.bits, "rounds": arguments.rounds, "processor": processor(), "cores": len(cores),
        "python": platform.python_version(), "load_average_at_end": round(load, 1),
        "command": shlex.join(["python", *(Path(a).name if "/" in a else a for a in sys.argv)]),
        "left_out": [TITLES[name] for name in ("heu", "fate") if name not in one],
        "operations": OPERATIONS,
        "titles": {name: TITLES.get(name, f"ours, {name.partition(':')[2]}") for name in one},
        "one_core": _summary(one), "all_cores": _summary(many),
        "ifma_per_ns": rate("ifma") if "native:ifma" in one else None,
        "fma_products_per_ns": rate("fma") if "native:fma" in one else None,
        "limb_products": limb_products(arguments.bits),
    }
    text = markdown(result)
    print(text)
    if not arguments.dry:
        folder = HERE / "results"
        folder.mkdir(exist_ok=True)
        stem = folder / f"paillier-{arguments.bits}{'-avx2' if native[0] == 'native:fma' else ''}"
        stem.with_suffix(".json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
        stem.with_suffix(".md").write_text(text)
        stem.with_suffix(".svg").write_text(svg(result))


def _summary(times: Times) -> dict[str, dict[str, dict[str, float]]]:
    return {
        name: {
            op: {"least": round(min(values), 4), "median": round(statistics.median(values), 4)}
            for op, values in ops.items()
        }
        for name, ops in times.items()
    }


if __name__ == "__main__":
    main()
