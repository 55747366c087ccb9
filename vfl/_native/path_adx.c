/* 64-bit limbs with two carry chains (mulx, adcx, adox): x86-64 since Broadwell and Zen. */
#include "kernel.h"

#if VFL_X86

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("bmi2,adx,avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("bmi2,adx,avx2")
#endif

#define PATH path_adx
#define PATH_NAME "adx"
#define LIMB_BITS 64
typedef limb vec;
enum { K_MAX = 65 };

/* acc += x*y. The low halves ride on CF (adcx), the accumulator on OF (adox); lea and jrcxz keep both flags.
 * Keys of 64j bits have 64j + 64 bits with their slack: k = 8i + 1 limbs, so the odd limb is part of the chain. */
static inline limb addmul(limb *acc, const limb *y, int k, limb x)
{
    limb carry = 0;
    for (; (k & 7) > 1 || k == 1; k--) {
        const unsigned __int128 t = (unsigned __int128)x * *y++ + *acc + carry;
        *acc++ = (limb)t;
        carry = (limb)(t >> 64);
    }
    if (k == 0) return carry;
    limb blocks = (limb)k >> 3, low, high;
#define STEP(offset, previous, next)                     \
    "mulx " offset "(%[y]), %[low], %[" next "]\n\t"     \
    "adcx %[" previous "], %[low]\n\t"                   \
    "adox " offset "(%[acc]), %[low]\n\t"                \
    "mov %[low], " offset "(%[acc])\n\t"
#define BLOCKS                                                                  \
    "\n1:\n\t"                                                                    \
    STEP("0", "carry", "high") STEP("8", "high", "carry")                       \
    STEP("16", "carry", "high") STEP("24", "high", "carry")                     \
    STEP("32", "carry", "high") STEP("40", "high", "carry")                     \
    STEP("48", "carry", "high") STEP("56", "high", "carry")                     \
    "lea 64(%[y]), %[y]\n\t"                                                    \
    "lea 64(%[acc]), %[acc]\n\t"                                                \
    "lea -1(%[blocks]), %[blocks]\n\t"                                          \
    "jrcxz 2f\n\t"                                                              \
    "jmp 1b\n"                                                                  \
    "2:\n\t"                                                                    \
    "mov $0, %k[low]\n\t"                                                       \
    "adcx %[low], %[carry]\n\t"                                                 \
    "adox %[low], %[carry]\n\t"
#define OPERANDS                                                                                         \
    : [y] "+r"(y), [acc] "+r"(acc), [blocks] "+c"(blocks), [carry] "+r"(carry), [low] "=&r"(low),        \
      [high] "=&r"(high)                                                                                 \
    : "d"(x)                                                                                             \
    : "cc", "memory"
    /* xor clears CF and OF. */
    if (k & 1)
        __asm__ volatile("xor %k[low], %k[low]\n\t" STEP("0", "carry", "high")
                         "lea 8(%[y]), %[y]\n\t"
                         "lea 8(%[acc]), %[acc]\n\t"
                         "mov %[high], %[carry]\n\t" BLOCKS OPERANDS);
    else
        __asm__ volatile("xor %k[low], %k[low]\n\t" BLOCKS OPERANDS);
#undef STEP
#undef BLOCKS
#undef OPERANDS
    return carry;
}

#include "rows.h"
#include "algorithms.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
