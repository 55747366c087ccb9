/* Eight numbers side by side: AVX-512 IFMA, 52-bit products of 51-bit limbs.
 *
 * A product of limbs a_i b_j = lo + 2^52 hi adds lo to column i+j and, the limbs having 51 bits, 2 hi to column
 * i+j+1. Limbs below 2^51 + 2^15 (field.h) give lo < 2^52 and hi < 2^50 + 2^16, hence columns below
 * 5 * 2^52 + 10 * (2^50 + 2^16) < 2^55, and below 2^55 + 19 * 2^55 < 2^60 once the upper five are folded in.
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
enum { LANES = 8, GROUPS = 16 };
typedef uint64_t word __attribute__((vector_size(64), aligned(64)));
#define ALL(x) ((word)_mm512_set1_epi64((long long)(x)))

#include "field.h"

#define LO(acc, a, b) ((word)_mm512_madd52lo_epu64((__m512i)(acc), (__m512i)(a), (__m512i)(b)))
#define HI(acc, a, b) ((word)_mm512_madd52hi_epu64((__m512i)(acc), (__m512i)(a), (__m512i)(b)))

/* Nine columns of low and of high halves to five limbs. */
static INLINE fe fold(const word lo[9], const word hi[9])
{
    word z[10];
    z[0] = lo[0];
    for (int k = 1; k < 9; k++) z[k] = lo[k] + (hi[k - 1] + hi[k - 1]);
    z[9] = hi[8] + hi[8];
    fe out;
    for (int k = 0; k < 5; k++) out.l[k] = z[k] + z[k + 5] * ALL(19);
    return carry(out);
}

static INLINE fe mul(fe a, fe b)
{
    word lo[9], hi[9];
    for (int k = 0; k < 9; k++) lo[k] = hi[k] = ALL(0);
    UNROLL for (int i = 0; i < 5; i++)
        UNROLL for (int j = 0; j < 5; j++) {
            lo[i + j] = LO(lo[i + j], a.l[i], b.l[j]);
            hi[i + j] = HI(hi[i + j], a.l[i], b.l[j]);
        }
    return fold(lo, hi);
}

static INLINE fe square(fe a)
{
    word lo[9], hi[9];
    for (int k = 0; k < 9; k++) lo[k] = hi[k] = ALL(0);
    UNROLL for (int i = 0; i < 5; i++)
        UNROLL for (int j = i + 1; j < 5; j++) {
            lo[i + j] = LO(lo[i + j], a.l[i], a.l[j]);
            hi[i + j] = HI(hi[i + j], a.l[i], a.l[j]);
        }
    UNROLL for (int k = 0; k < 9; k++) { lo[k] += lo[k]; hi[k] += hi[k]; }
    UNROLL for (int i = 0; i < 5; i++) {
        lo[2 * i] = LO(lo[2 * i], a.l[i], a.l[i]);
        hi[2 * i] = HI(hi[2 * i], a.l[i], a.l[i]);
    }
    return fold(lo, hi);
}

/* a + small * b */
static INLINE fe add_multiple(fe a, fe b, uint64_t small)
{
    word hi[5];
    fe out;
    for (int i = 0; i < 5; i++) {
        out.l[i] = LO(a.l[i], b.l[i], ALL(small));
        hi[i] = HI(ALL(0), b.l[i], ALL(small));
    }
    for (int i = 0; i < 4; i++) out.l[i + 1] += hi[i] + hi[i];
    out.l[0] += hi[4] * ALL(38);
    return carry(out);
}

#include "algorithms.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
