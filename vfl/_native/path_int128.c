/* 64-bit limbs through the compiler's 128-bit product: Arm64, and x86-64 without ADX. */
#include "kernel.h"

#if VFL_INT128

#define PATH path_int128
#define PATH_NAME "int128"
#define LIMB_BITS 64
typedef limb vec;
enum { K_MAX = 65 };

static inline limb addmul(limb *acc, const limb *y, int k, limb x)
{
    limb carry = 0;
    for (int i = 0; i < k; i++) {
        const unsigned __int128 t = (unsigned __int128)x * y[i] + acc[i] + carry;
        acc[i] = (limb)t;
        carry = (limb)(t >> 64);
    }
    return carry;
}

#include "rows.h"
#include "algorithms.h"

#endif
