/* One number at a time: 64-bit words, 128-bit products. Any 64-bit processor under gcc or clang. */
#include "curve.h"

#define PATH path_int64
enum { LANES = 1, GROUPS = 64 };
typedef uint64_t word;
#define ALL(x) ((word)(x))

#include "field.h"

typedef unsigned __int128 wide;

static INLINE fe carry_wide(wide z[5])
{
    fe out;
    for (int i = 0; i < 4; i++) z[i + 1] += (uint64_t)(z[i] >> 51);
    out.l[0] = ((uint64_t)z[0] & MASK51) + 19 * (uint64_t)(z[4] >> 51);
    for (int i = 1; i < 5; i++) out.l[i] = (uint64_t)z[i] & MASK51;
    out.l[1] += out.l[0] >> 51;
    out.l[0] &= MASK51;
    return out;
}

static INLINE fe mul(fe a, fe b)
{
    wide z[5] = {0};
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 5; j++)
            z[(i + j) % 5] += (wide)a.l[i] * (i + j < 5 ? b.l[j] : 19 * b.l[j]);
    return carry_wide(z);
}

static INLINE fe square(fe a)
{
    const uint64_t a0 = a.l[0], a1 = a.l[1], a2 = a.l[2], a3 = a.l[3], a4 = a.l[4];
    const uint64_t b0 = 2 * a0, b1 = 2 * a1, c3 = 19 * a3, c4 = 19 * a4;
    wide z[5] = {
        (wide)a0 * a0 + (wide)b1 * c4 + (wide)(2 * a2) * c3,
        (wide)b0 * a1 + (wide)(2 * a2) * c4 + (wide)a3 * c3,
        (wide)b0 * a2 + (wide)a1 * a1 + (wide)(2 * a3) * c4,
        (wide)b0 * a3 + (wide)b1 * a2 + (wide)a4 * c4,
        (wide)b0 * a4 + (wide)b1 * a3 + (wide)a2 * a2,
    };
    return carry_wide(z);
}

/* a + small * b */
static INLINE fe add_multiple(fe a, fe b, uint64_t small)
{
    wide z[5];
    for (int i = 0; i < 5; i++) z[i] = (wide)b.l[i] * small + a.l[i];
    return carry_wide(z);
}

#include "algorithms.h"
