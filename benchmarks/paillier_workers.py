"""One contender of paillier.py in a process of its own: JSON lines in, seconds out.

Runs under any Python from 3.9 on, in the environment that holds the contender's package; only the contender asked
for is imported. Request: ``{"op": name, "count": numbers}``; answer: seconds of wall time, or null where the
contender has no such operation. Every contender decrypts what it made and refuses to start if that is wrong.
"""

from __future__ import annotations

import json
import random
import sys
import time

SOURCE = random.Random(20)
BINS = 32
PACK_PER, PACK_WIDTH = 8, 128


def primes(bits):
    import gmpy2

    found = []
    while len(found) < 2:
        candidate = int(gmpy2.next_prime(SOURCE.getrandbits(bits // 2) | 3 << (bits // 2 - 2)))
        if candidate.bit_length() == bits // 2:
            found.append(candidate)
    return found


class Backend:
    """One of our backends behind vfl.crypto.backends.base."""

    def __init__(self, bits, threads, module, **options):
        import numpy as np

        from vfl.crypto import limbs

        self.np, self.limbs, self.bits = np, limbs, bits
        self.p, self.q = primes(bits)
        self.n = self.p * self.q
        bases = (pow(3, self.n, self.p**2), pow(5, self.n, self.q**2))
        self.backend = module.secret(self.p, self.q, bases=bases, threads=threads, **options)
        self.table = self.backend.fixed_base_table(pow(7, self.n, self.n**2), bits // 2)
        self.cipher = self.encrypt_holder(64)
        if limbs.to_ints(self.backend.decrypt(self.cipher)) != limbs.to_ints(self.plain(64)):
            raise SystemExit("wrong decryption")

    def numbers(self, count, bound, width):
        seen = [SOURCE.randrange(bound) for _ in range(64)]
        return self.limbs.from_ints((seen[i % 64] for i in range(count)), width)

    def plain(self, count):
        return self.limbs.from_ints((3**400 + i % 64 for i in range(count)), self.bits // 64)

    def many(self, count):
        return self.backend.take(self.cipher, self.np.arange(count) % 64)

    def prepare(self, op, count):
        """A closure to be timed."""
        b, n, half = self.backend, self.n, self.bits // 128
        plain = self.plain(count)
        if op == "encrypt_holder":
            e_p, e_q = self.numbers(count, self.p - 1, half), self.numbers(count, self.q - 1, half)
            return lambda: b.mul(b.trivial(plain), b.holder_randomisers(e_p, e_q))
        if op == "encrypt_public":
            e = self.numbers(count, 1 << (self.bits // 2), half)
            return lambda: b.mul(b.trivial(plain), b.fixed_base_powers(self.table, e))
        if op == "encrypt_full":
            r = self.numbers(count, n, self.bits // 64)
            return lambda: b.mul(b.trivial(plain), b.nth_powers(r))
        many = self.many(count)
        if op == "decrypt":
            return lambda: b.decrypt(many)
        if op == "add":
            return lambda: b.mul(many, many)
        if op == "times32":
            exponents = self.limbs.from_ints((1 << 31 | SOURCE.getrandbits(31) for _ in range(count)), 1)
            return lambda: b.power(many, exponents)
        if op == "bucket":
            rows = max(1, count // 8)
            many = self.many(rows)
            bins = self.np.random.default_rng(1).integers(0, BINS, (rows, 8), dtype=self.np.uint8)
            sizes = self.np.full(8, BINS, dtype=self.np.int32)
            return lambda: b.bucket_products(many, bins, None, sizes)
        if op == "pack":
            return lambda: b.pack(many, PACK_PER, PACK_WIDTH)
        if op == "load":
            data = b.dump(many)
            return lambda: b.load(data)
        if op == "dump":
            return lambda: b.dump(many)
        return None

    def encrypt_holder(self, count):
        return self.prepare("encrypt_holder", count)()


class Hand:
    """Textbook Paillier on gmpy2, as one writes it by hand: r^n, CRT decryption."""

    def __init__(self, bits, threads):
        import gmpy2

        self.g = gmpy2
        self.p, self.q = map(gmpy2.mpz, primes(bits))
        self.n = self.p * self.q
        self.n2, self.p2, self.q2 = self.n**2, self.p**2, self.q**2
        self.h_p, self.h_q = gmpy2.invert(-self.q, self.p), gmpy2.invert(-self.p, self.q)
        self.inverse = gmpy2.invert(self.q, self.p)
        self.r = [gmpy2.mpz(SOURCE.randrange(int(self.n))) for _ in range(64)]
        self.plain = [gmpy2.mpz(3**400 + i) for i in range(64)]
        self.cipher = [self.encrypt(i) for i in range(16)] * 4
        if [self.decrypt(c) for c in self.cipher[:16]] != self.plain[:16]:
            raise SystemExit("wrong decryption")

    def encrypt(self, i):
        return (1 + self.plain[i % 64] * self.n) * self.g.powmod(self.r[i % 64], self.n, self.n2) % self.n2

    def decrypt(self, c):
        m_p = (self.g.powmod(c % self.p2, self.p - 1, self.p2) - 1) // self.p * self.h_p % self.p
        m_q = (self.g.powmod(c % self.q2, self.q - 1, self.q2) - 1) // self.q * self.h_q % self.q
        return m_q + self.q * ((m_p - m_q) * self.inverse % self.p)

    def prepare(self, op, count):
        cipher = [self.cipher[i % 64] for i in range(count)]
        if op == "encrypt_full":
            return lambda: [self.encrypt(i) for i in range(count)]
        if op == "decrypt":
            return lambda: [self.decrypt(c) for c in cipher]
        if op == "add":
            return lambda: [c * c % self.n2 for c in cipher]
        if op == "times32":
            exponents = [1 << 31 | SOURCE.getrandbits(31) for _ in range(count)]
            return lambda: [self.g.powmod(c, e, self.n2) for c, e in zip(cipher, exponents)]  # noqa: B905
        return None


class Phe:
    """python-paillier, the raw operations (no float encoding), with gmpy2."""

    def __init__(self, bits, threads):
        import phe
        import phe.util

        if not phe.util.HAVE_GMP:
            raise SystemExit("phe without gmpy2")
        p, q = primes(bits)
        self.public = phe.PaillierPublicKey(p * q)
        self.private = phe.PaillierPrivateKey(self.public, p, q)
        self.number = phe.EncryptedNumber
        self.plain = [3**400 + i for i in range(64)]
        self.cipher = [self.public.raw_encrypt(m) for m in self.plain[:8]]
        if [self.private.raw_decrypt(c) for c in self.cipher] != self.plain[:8]:
            raise SystemExit("wrong decryption")

    def prepare(self, op, count):
        numbers = [self.number(self.public, self.cipher[i % 8]) for i in range(count)]
        if op == "encrypt_full":
            return lambda: [self.public.raw_encrypt(self.plain[i % 64]) for i in range(count)]
        if op == "decrypt":
            return lambda: [self.private.raw_decrypt(self.cipher[i % 8]) for i in range(count)]
        if op == "add":
            return lambda: [x._raw_add(self.cipher[0], self.cipher[i % 8]) for i, x in enumerate(numbers)]
        if op == "times32":
            return lambda: [x._raw_mul(1 << 31 | i) for i, x in enumerate(numbers)]
        return None


class Heu:
    """SecretFlow HEU, ZPaillier, its own array operations. Encryption uses its cached fixed-base randomisers."""

    def __init__(self, bits, threads):
        import numpy as np
        from heu import numpy as hnp
        from heu import phe

        self.hnp, self.np = hnp, np
        self.kit = hnp.setup(phe.SchemaType.ZPaillier, bits)
        self.coder = self.kit.bigint_encoder()
        self.ciphers = {}
        self.cipher = self.kit.encryptor().encrypt(self.plain(64))
        back = self.kit.decryptor().decrypt(self.cipher).to_numpy(self.coder)
        if back.tolist() != [3**400 + i for i in range(64)]:
            raise SystemExit("wrong decryption")

    def plain(self, count):
        return self.hnp.array([3**400 + i % 64 for i in range(count)], self.coder)

    def prepare(self, op, count):
        evaluator, plain = self.kit.evaluator(), self.plain(count)
        if op == "encrypt_public":
            return lambda: self.kit.encryptor().encrypt(plain)
        if op not in ("decrypt", "add", "times32", "bucket"):
            return None
        if count not in self.ciphers:
            self.ciphers[count] = self.kit.encryptor().encrypt(plain)
        cipher = self.ciphers[count]
        if op == "decrypt":
            return lambda: self.kit.decryptor().decrypt(cipher)
        if op == "add":
            return lambda: evaluator.add(cipher, cipher)
        if op == "times32":
            factors = self.hnp.array([1 << 31 | SOURCE.getrandbits(31) for _ in range(count)], self.coder)
            return lambda: evaluator.mul(cipher, factors)
        if op == "bucket":
            rows = max(1, count // 8)
            if ("column", rows) not in self.ciphers:
                numbers = self.hnp.array([[i] for i in range(rows)], self.coder)
                self.ciphers["column", rows] = self.kit.encryptor().encrypt(numbers)
            column = self.ciphers["column", rows]
            bins = self.np.random.default_rng(1).integers(0, BINS, (rows, 8)).astype(self.np.int8)
            everyone = self.np.ones((1, rows), dtype=self.np.int8)
            return lambda: evaluator.feature_wise_bucket_sum(column, everyone, bins, BINS, False)
        return None


class Fate:
    """FATE's Rust core (fate_utils)."""

    def __init__(self, bits, threads):
        import numpy as np
        from fate_utils import paillier

        self.np = np
        self.secret, self.public, self.coder = paillier.keygen(bits)
        self.cipher = self.encrypt(16)
        decrypted = self.coder.decode_i64_vec(self.secret.decrypt_to_encoded(self.cipher))
        if list(decrypted) != list(range(16)):
            raise SystemExit("wrong decryption")

    def encrypt(self, count):
        return self.public.encrypt_encoded(self.coder.encode_i64_vec(self.np.arange(count)), True)

    def prepare(self, op, count):
        if op == "encrypt_full":
            plain = self.coder.encode_i64_vec(self.np.arange(count))
            return lambda: self.public.encrypt_encoded(plain, True)
        cipher = self.cipher.slice_indexes([i % 16 for i in range(count)])
        if op == "decrypt":
            return lambda: self.secret.decrypt_to_encoded(cipher)
        if op == "add":
            return lambda: cipher.add(self.public, cipher)
        if op == "times32":
            factors = self.coder.encode_i64_vec(self.np.arange(count) + (1 << 31))
            return lambda: cipher.mul(self.public, factors)
        return None


def make(name, bits, threads):
    if name.startswith("native"):
        from vfl.crypto.backends import native

        return Backend(bits, threads, native, path=name.split(":")[1])
    if name == "fallback":
        from vfl.crypto.backends import gmpy2

        return Backend(bits, threads, gmpy2)
    return {"hand": Hand, "phe": Phe, "heu": Heu, "fate": Fate}[name](bits, threads)


def main():
    name, bits, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    contender = make(name, bits, threads)
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        work = contender.prepare(request["op"], request["count"])
        if work is None:
            print("null", flush=True)
            continue
        start = time.perf_counter()
        work()
        print(json.dumps(time.perf_counter() - start), flush=True)


if __name__ == "__main__":
    main()
