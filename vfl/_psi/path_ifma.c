/* Eight numbers side by side: AVX-512 IFMA, whose products of 52 bits by 52 split exactly at our limbs.
 *
 * Four limbs are below 2^52, strictly: the multiplier ignores higher bits. The fifth has room instead: it is
 * below 2^47 + 2^13 in a product and below 2^49 in a sum, so that carries run up once and never come round.
 *
 * A product column gathers low and high halves, each below 2^52, those with a fifth limb's high half below 2^49.
 * Of the upper five columns, whose weight is 2^260 = 608 mod p times that of the lower, the largest are the sixth
 * (7.25 * 2^52) and the seventh (5.25 * 2^52); once the sixth is carried into the seventh, 608 times each stays
 * below 2^64, also with the lower column added (608 * 5.26 * 2^52 < 0.79 * 2^64).
 */
#include "curve.h"

#if VFL_PSI_IFMA

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx512ifma"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512bw,avx512ifma")
#endif
#include <immintrin.h>

#define PATH path_ifma
#define BITS 52
enum { LANES = 8, GROUPS = 16 };
typedef uint64_t word __attribute__((vector_size(64), aligned(64)));
#define ALL(x) ((word)_mm512_set1_epi64((long long)(x)))

/* One multiplication instruction is cheaper here than the shifts and additions a compiler makes of a constant. */
static inline __attribute__((always_inline)) word opaque(uint64_t constant)
{
    word out = ALL(constant);
    __asm__("" : "+v"(out));
    return out;
}
#define NINETEEN opaque(19)

#include "field.h"

#define LO(acc, a, b) ((word)_mm512_madd52lo_epu64((__m512i)(acc), (__m512i)(a), (__m512i)(b)))
#define HI(acc, a, b) ((word)_mm512_madd52hi_epu64((__m512i)(acc), (__m512i)(a), (__m512i)(b)))

static INLINE fe add(fe a, fe b)
{
    for (int i = 0; i < 5; i++) a.l[i] += b.l[i];
    return carry_up(a);
}

/* a - b + 2p, with 2p = 2^256 - 38 written so that no limb can fall below zero. */
static INLINE fe sub(fe a, fe b)
{
    const word middle = ALL((UINT64_C(1) << 53) - 2);
    a.l[0] += ALL((UINT64_C(1) << 53) - 38) - b.l[0];
    for (int i = 1; i < 4; i++) a.l[i] += middle - b.l[i];
    a.l[4] += ALL((UINT64_C(1) << 48) - 2) - b.l[4];
    return carry_up(a);
}

/* Ten columns to a product. */
static INLINE fe reduce(word z[10])
{
    const word fold = opaque(608);
    fe out;
    z[6] += z[5] >> 52;
    z[5] &= ALL(LIMB_MASK);
    for (int k = 0; k < 5; k++) out.l[k] = z[k] + z[k + 5] * fold;
    return carry_up(fold_top(out));
}

static INLINE fe mul(fe a, fe b)
{
    word z[10];
    for (int k = 0; k < 10; k++) z[k] = ALL(0);
    UNROLL for (int i = 0; i < 5; i++) {
        UNROLL for (int j = 0; j < 5; j++) z[i + j] = LO(z[i + j], a.l[i], b.l[j]);
        UNROLL for (int j = 0; j < 5; j++) z[i + j + 1] = HI(z[i + j + 1], a.l[i], b.l[j]);
    }
    return reduce(z);
}

static INLINE fe square(fe a)
{
    word z[10];
    for (int k = 0; k < 10; k++) z[k] = ALL(0);
    UNROLL for (int i = 0; i < 5; i++)
        UNROLL for (int j = i + 1; j < 5; j++) {
            z[i + j] = LO(z[i + j], a.l[i], a.l[j]);
            z[i + j + 1] = HI(z[i + j + 1], a.l[i], a.l[j]);
        }
    UNROLL for (int k = 1; k < 9; k++) z[k] += z[k];
    UNROLL for (int i = 0; i < 5; i++) {
        z[2 * i] = LO(z[2 * i], a.l[i], a.l[i]);
        z[2 * i + 1] = HI(z[2 * i + 1], a.l[i], a.l[i]);
    }
    return reduce(z);
}

/* a + factor * b, factor below 2^20 */
static INLINE fe add_multiple(fe a, fe b, uint64_t factor)
{
    const word by = ALL(factor);
    fe out;
    for (int i = 0; i < 5; i++) out.l[i] = LO(a.l[i], b.l[i], by);
    for (int i = 0; i < 4; i++) out.l[i + 1] = HI(out.l[i + 1], b.l[i], by);
    out.l[0] += HI(ALL(0), b.l[4], by) * opaque(608);
    return carry_up(fold_top(out));
}

#include "algorithms.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
