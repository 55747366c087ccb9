/* Numbers mod p = 2^255 - 19 as five limbs of 51 bits, for any `word` (path_*.c).
 *
 * Invariant of every fe between functions: limbs below 2^51 + 2^15. It bounds the products (path_ifma.c) and
 * lets 2p, added limb by limb, keep differences positive.
 */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 9")
#endif
#define INLINE inline __attribute__((always_inline))
#define MASK51 ((UINT64_C(1) << 51) - 1)

typedef struct { word l[5]; } fe;

/* Limbs below 2^60 to limbs below 2^51 + 2^14: all carries at once, the top one times 19 to the bottom. */
static INLINE fe carry(fe a)
{
    const word mask = ALL(MASK51);
    fe out;
    for (int i = 1; i < 5; i++) out.l[i] = (a.l[i] & mask) + (a.l[i - 1] >> 51);
    out.l[0] = (a.l[0] & mask) + (a.l[4] >> 51) * ALL(19);
    return out;
}

static INLINE fe add(fe a, fe b)
{
    for (int i = 0; i < 5; i++) a.l[i] += b.l[i];
    return carry(a);
}

static INLINE fe sub(fe a, fe b)
{
    a.l[0] += ALL((UINT64_C(1) << 52) - 38) - b.l[0];
    for (int i = 1; i < 5; i++) a.l[i] += ALL((UINT64_C(1) << 52) - 2) - b.l[i];
    return carry(a);
}

static INLINE fe small(uint64_t value)
{
    fe out = {{ALL(value), ALL(0), ALL(0), ALL(0), ALL(0)}};
    return out;
}

/* mask all ones: a, all zeros: b. */
static INLINE fe choose(word mask, fe a, fe b)
{
    for (int i = 0; i < 5; i++) b.l[i] ^= mask & (a.l[i] ^ b.l[i]);
    return b;
}

static INLINE void swap_if(word mask, fe *a, fe *b)
{
    for (int i = 0; i < 5; i++) {
        const word t = mask & (a->l[i] ^ b->l[i]);
        a->l[i] ^= t;
        b->l[i] ^= t;
    }
}

/* All ones where x is zero. */
static INLINE word zero_mask(word x)
{
    return ((x | (ALL(0) - x)) >> 63) - ALL(1);
}

/* The canonical limbs, below 2^51 each and below p in all. Two passes of carries leave a value below 2^255;
 * q is 1 where it is p or more, found as the carry out of value + 19. */
static INLINE fe canonical(fe a)
{
    const word mask = ALL(MASK51);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < 4; i++) {
            a.l[i + 1] += a.l[i] >> 51;
            a.l[i] &= mask;
        }
        a.l[0] += (a.l[4] >> 51) * ALL(19);
        a.l[4] &= mask;
    }
    word q = (a.l[0] + ALL(19)) >> 51;
    for (int i = 1; i < 5; i++) q = (a.l[i] + q) >> 51;
    a.l[0] += q * ALL(19);
    for (int i = 0; i < 4; i++) {
        a.l[i + 1] += a.l[i] >> 51;
        a.l[i] &= mask;
    }
    a.l[4] &= mask;
    return a;
}

static INLINE word is_zero(fe a)
{
    a = canonical(a);
    return zero_mask(a.l[0] | a.l[1] | a.l[2] | a.l[3] | a.l[4]);
}

static INLINE word is_equal(fe a, fe b)
{
    return is_zero(sub(a, b));
}
