/* Numbers mod p = 2^255 - 19 as five limbs of BITS bits, the last of TOP = 255 - 4 BITS, for any `word`.
 *
 * A path (path_*.c) chooses BITS and brings add, sub, mul, square and add_multiple, which know two kinds of fe:
 *   product  result of mul, square, add_multiple; or small(): value below 2^255 + 2^220;
 *   sum      result of add or sub of products, or a loaded number: value below 2^257.
 * Products take sums; sub takes a product on its right; limb bounds stand with each path.
 */
#include <string.h>

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 9")
#endif
#define INLINE inline __attribute__((always_inline))

enum { TOP = 255 - 4 * BITS };
#define LIMB_MASK ((UINT64_C(1) << BITS) - 1)
#define TOP_MASK ((UINT64_C(1) << TOP) - 1)

typedef struct { word l[5]; } fe;

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

/* Every limb but the top one below 2^BITS; what is above goes up one limb. */
static INLINE fe carry_up(fe a)
{
    const word mask = ALL(LIMB_MASK);
    UNROLL for (int i = 0; i < 4; i++) {
        a.l[i + 1] += a.l[i] >> BITS;
        a.l[i] &= mask;
    }
    return a;
}

/* What is above 2^255 comes back times 19. */
static INLINE fe fold_top(fe a)
{
    a.l[0] += (a.l[4] >> TOP) * NINETEEN;
    a.l[4] &= ALL(TOP_MASK);
    return a;
}

/* The limbs of the one representative below p. Two rounds of carries leave a value below 2^255; it is p or
 * more where adding 19 carries out of the top. */
static fe canonical(fe a)
{
    a = fold_top(carry_up(a));
    a = fold_top(carry_up(a));
    word over = (a.l[0] + ALL(19)) >> BITS;
    for (int i = 1; i < 4; i++) over = (a.l[i] + over) >> BITS;
    over = (a.l[4] + over) >> TOP;
    a.l[0] += over * NINETEEN;
    a = carry_up(a);
    a.l[4] &= ALL(TOP_MASK);
    return a;
}

static INLINE word is_zero(fe a)
{
    a = canonical(a);
    return zero_mask(a.l[0] | a.l[1] | a.l[2] | a.l[3] | a.l[4]);
}

/* One number of 256 bits per lane, as four little-endian words each; a sum. */
static INLINE fe from_words(uint64_t words[5][LANES])
{
    uint64_t limbs[5][LANES];
    fe out;
    for (int i = 0; i < 5; i++) {
        const int at = BITS * i / 64, shift = BITS * i % 64;
        for (int k = 0; k < LANES; k++) { /* two shifts, since a shift by 64 is undefined */
            limbs[i][k] = words[at][k] >> shift | (words[at + 1][k] << 1) << (63 - shift);
            if (i < 4) limbs[i][k] &= LIMB_MASK;
        }
    }
    memcpy(out.l, limbs, sizeof limbs);
    return out;
}

static INLINE void to_words(fe a, uint64_t words[5][LANES])
{
    uint64_t limbs[5][LANES];
    a = canonical(a);
    memcpy(limbs, a.l, sizeof limbs);
    memset(words, 0, sizeof limbs);
    for (int i = 0; i < 5; i++) {
        const int at = BITS * i / 64, shift = BITS * i % 64;
        for (int k = 0; k < LANES; k++) {
            words[at][k] |= limbs[i][k] << shift;
            words[at + 1][k] |= (limbs[i][k] >> 1) >> (63 - shift);
        }
    }
}
