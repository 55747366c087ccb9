/* One number at a time: 64-bit words, 128-bit products. Any 64-bit processor under gcc or clang.
 *
 * Limbs of a product are below 2^51 + 2^13, of a sum below 2^53. Sums need no carry: with limbs below 2^53 a
 * column is below 77 * 2^106 and its carry fits a word, also times 19 where it leaves the top.
 */
#include "curve.h"

#define PATH path_int64
#define BITS 51
enum { LANES = 1, GROUPS = 64 };
typedef uint64_t word;
typedef unsigned __int128 wide;
#define ALL(x) ((word)(x))
#define NINETEEN 19

#include "field.h"

static INLINE fe narrow(wide z[5])
{
    fe out;
    for (int i = 0; i < 4; i++) z[i + 1] += (uint64_t)(z[i] >> 51);
    for (int i = 0; i < 5; i++) out.l[i] = (uint64_t)z[i] & LIMB_MASK;
    out.l[0] += 19 * (uint64_t)(z[4] >> 51);
    out.l[1] += out.l[0] >> 51;
    out.l[0] &= LIMB_MASK;
    return out;
}

static INLINE fe add(fe a, fe b)
{
    for (int i = 0; i < 5; i++) a.l[i] += b.l[i];
    return a;
}

/* a - b + 2p */
static INLINE fe sub(fe a, fe b)
{
    a.l[0] += (UINT64_C(1) << 52) - 38 - b.l[0];
    for (int i = 1; i < 5; i++) a.l[i] += (UINT64_C(1) << 52) - 2 - b.l[i];
    return a;
}

static INLINE fe mul(fe a, fe b)
{
    wide z[5] = {0};
    UNROLL for (int i = 0; i < 5; i++)
        UNROLL for (int j = 0; j < 5; j++)
            z[(i + j) % 5] += (wide)a.l[i] * (i + j < 5 ? b.l[j] : 19 * b.l[j]);
    return narrow(z);
}

static INLINE fe square(fe a)
{
    const uint64_t a0 = a.l[0], a1 = a.l[1], a2 = a.l[2], a3 = a.l[3], a4 = a.l[4], c3 = 19 * a3, c4 = 19 * a4;
    wide z[5] = {
        (wide)a0 * a0 + (wide)(2 * a1) * c4 + (wide)(2 * a2) * c3,
        (wide)(2 * a0) * a1 + (wide)(2 * a2) * c4 + (wide)a3 * c3,
        (wide)(2 * a0) * a2 + (wide)a1 * a1 + (wide)(2 * a3) * c4,
        (wide)(2 * a0) * a3 + (wide)(2 * a1) * a2 + (wide)a4 * c4,
        (wide)(2 * a0) * a4 + (wide)(2 * a1) * a3 + (wide)a2 * a2,
    };
    return narrow(z);
}

/* a + factor * b, factor below 2^20 */
static INLINE fe add_multiple(fe a, fe b, uint64_t factor)
{
    wide z[5];
    for (int i = 0; i < 5; i++) z[i] = (wide)b.l[i] * factor + a.l[i];
    return narrow(z);
}

#include "algorithms.h"
