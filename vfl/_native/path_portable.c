/* 32-bit limbs, 32 x 32 -> 64 products in standard C: any machine with a 64-bit type. */
#include "kernel.h"

#define PATH path_portable
#define PATH_NAME "portable"
#define LIMB_BITS 32
typedef limb vec;
enum { K_MAX = 129 };

static inline limb addmul(limb *acc, const limb *y, int k, limb x)
{
    limb carry = 0;
    for (int i = 0; i < k; i++) {
        const limb t = (limb)(uint32_t)x * (uint32_t)y[i] + acc[i] + carry;
        acc[i] = (uint32_t)t;
        carry = t >> 32;
    }
    return carry;
}

#include "rows.h"
#include "algorithms.h"
