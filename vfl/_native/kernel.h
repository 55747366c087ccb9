/* The Paillier kernel: arithmetic mod n^2 in base-n form over flat arrays of limbs.
 *
 * A number x mod n^2 is held as x0 + x1*n: 2k limbs, x0 first, both in Montgomery form (times R = 2^(bits*k)).
 * x0 and x1 are redundant: any value below 8n stands for itself; k leaves at least 8 slack bits above n, so
 * products of products never need a final subtraction.
 *
 * Montgomery product (Montgomery 1985, quotient digits kept):
 *     t, m = REDC(x0*y0)                    R*t = x0*y0 + m*n
 *     u    = REDC(x0*y1 + x1*y0 + K - m)    K a multiple of n above R, so that nothing is negative
 *     x*y/R = t + u*n  (mod n^2)
 * That is 5k^2 limb products where the direct way mod n^2 takes 8k^2; a square takes 3.5k^2.
 *
 * No policy, no randomness, no threads and no allocation that outlives a call live here. Callers slice arrays
 * among threads; every function works on any slice. What is constant time says so at its definition.
 */
#ifndef VFL_KERNEL_H
#define VFL_KERNEL_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t limb;

enum {
    SLACK_BITS = 8,
    KEY_BITS_MAX = 4096,
    /* Return codes of the batch functions; values >= 0 are the index of an element that was refused. */
    DONE = -1,
    NO_MEMORY = -2,
};

/* Constants of one modulus, a view into the flat record that the caller made (layout: see `ring_view`). */
typedef struct {
    int k;             /* limbs of the modulus, slack included */
    limb ninv;         /* -1/n mod 2^bits */
    const limb *n;     /* k */
    const limb *lift;  /* k + 1: K = n*ceil(R/n); radix-52 paths take it with every digit >= 2^52 - 1 */
    const limb *one;   /* 2k: R   mod n^2, the number 1 */
    const limb *r2;    /* 2k: R^2 mod n^2 */
    const limb *r3;    /* 2k: R^3 mod n^2 */
} ring;

enum { RING_HEADER = 3 }; /* path, k, ninv */

static inline size_t ring_words(size_t k) { return RING_HEADER + k + (k + 1) + 6 * k; }

static inline ring ring_view(const limb *record)
{
    ring R;
    const size_t k = (size_t)record[1];
    R.k = (int)k;
    R.ninv = record[2];
    R.n = record + RING_HEADER;
    R.lift = R.n + k;
    R.one = R.lift + k + 1;
    R.r2 = R.one + 2 * k;
    R.r3 = R.r2 + 2 * k;
    return R;
}

/* One code path: the same functions for one way of multiplying. All pointers are to contiguous arrays;
 * an "element" is 2k limbs, a "residue" k limbs, both row by row. */
typedef struct {
    const char *name;
    int limb_bits;
    int lanes;      /* numbers handled together */
    int k_multiple; /* k must be a multiple of this */
    int k_min, k_max;
    int lift_redundant;
    int window;      /* bits of a window of a fixed-base table, where both speed and memory are good */
    int table_bytes; /* columns of such a table stand byte by byte: lowest bytes of all entries first */

    /* Canonical bytes (`width` each, below `square` = n^2) to elements. `units` receives `lanes` residues whose
     * product shares a factor with n if and only if some number does. Returns the index of a number >= n^2. */
    ptrdiff_t (*load)(const ring *R, limb *out, const uint8_t *raw, size_t count, size_t width,
                      const uint8_t *square, limb *units);
    ptrdiff_t (*dump)(const ring *R, uint8_t *raw, const limb *a, size_t count, size_t width);
    /* (1 + n)^m for plain m < R, `words` 64-bit words each. */
    ptrdiff_t (*trivial)(const ring *R, limb *out, const limb *m, size_t count, size_t words);
    ptrdiff_t (*mul)(const ring *R, limb *out, const limb *a, const limb *b, size_t count);
    /* Montgomery's trick, both halves: running products per lane, then unwinding from inverted totals. */
    ptrdiff_t (*running)(const ring *R, limb *prefix, limb *totals, const limb *a, size_t count);
    ptrdiff_t (*unwind)(const ring *R, limb *out, const limb *prefix, const limb *inverse_totals, const limb *a,
                        size_t count);
    /* a^e, one exponent per element. */
    ptrdiff_t (*power)(const ring *R, limb *out, const limb *a, const limb *exponents, size_t count, size_t words);
    /* a^e, one exponent for all. */
    ptrdiff_t (*power_shared)(const ring *R, limb *out, const limb *a, const limb *exponent, size_t count,
                              size_t words);
    /* Products of powers: out[g][o] = prod_j a[g][j]^(exponent of digits[g][o][...][j]); see multi.h. */
    ptrdiff_t (*multi_power)(const ring *R, limb *out, const limb *a, const uint8_t *digits, const int32_t *steps,
                             size_t groups, size_t bases, size_t outputs, size_t positions, int window);
    /* out[s] = product of a[order[i]] for bounds[2s] <= i < bounds[2s + 1]; an empty segment gives 1. */
    ptrdiff_t (*segments)(const ring *R, limb *out, const limb *a, const int32_t *order, const int64_t *bounds,
                          size_t count);
    ptrdiff_t (*pack)(const ring *R, limb *out, const limb *a, size_t count, size_t per, size_t width);
    /* Fixed base: the entries of all windows, their split form, and products of split entries. */
    ptrdiff_t (*table)(const ring *R, limb *out, const limb *base, size_t windows, int window);
    ptrdiff_t (*split)(const ring *R, limb *out, const limb *a, const limb *inverse, size_t count);
    ptrdiff_t (*table_powers)(const ring *R, limb *out, const limb *table, size_t windows, int window,
                              const limb *exponents, size_t count, size_t words);
    /* Key holder. `P` is the ring of one prime, `R` that of n; see the definitions for the constants. */
    ptrdiff_t (*half_plain)(const ring *P, limb *out, const limb *a, size_t k_outer, const limb *constants,
                            const limb *exponent, size_t words, size_t count);
    ptrdiff_t (*join_plain)(const ring *P, limb *out, const limb *mp, const limb *mq, const limb *constants,
                            size_t count, size_t words);
    ptrdiff_t (*join_elements)(const ring *R, const ring *P, const ring *Q, limb *out, const limb *ap,
                               const limb *aq, const limb *constants, size_t count);
} path_ops;

#if defined(__GNUC__) && defined(__x86_64__)
#define VFL_X86 1
extern const path_ops path_ifma, path_fma, path_adx;
#else
#define VFL_X86 0
#endif
#if defined(__SIZEOF_INT128__)
#define VFL_INT128 1
extern const path_ops path_int128;
#else
#define VFL_INT128 0
#endif
extern const path_ops path_portable;

/* Counting sort of rows by bin, feature by feature; see order.c. */
ptrdiff_t bin_order(const void *bins, int item_bytes, size_t features, const int32_t *rows,
                    size_t selected, const int32_t *n_bins, int32_t *order, int64_t *offsets);

/* Deliberate one-bit errors for tests/native: -DVFL_PLANTED=<id> makes one function wrong. 0 in every release. */
#ifndef VFL_PLANTED
#define VFL_PLANTED 0
#endif
enum planted {
    PLANT_NONE, PLANT_MUL, PLANT_MUL_HEAD, PLANT_SQR, PLANT_FMUL, PLANT_MULADD, PLANT_ADD, PLANT_CANON,
    PLANT_GATHER, PLANT_SELECT, PLANT_LOOKUP, PLANT_LOAD, PLANT_DUMP, PLANT_TRIVIAL, PLANT_RUNNING,
    PLANT_UNWIND, PLANT_POWER, PLANT_SHARED, PLANT_SEGMENTS, PLANT_PACK, PLANT_TABLE, PLANT_SPLIT,
    PLANT_TABLE_POWERS, PLANT_HALF, PLANT_JOIN_PLAIN, PLANT_JOIN_ELEMENTS, PLANT_UNITS, PLANT_RANGE,
    PLANT_ORDER, PLANT_MULTI, PLANT_MULTI_SELECT, PLANT_END
};
#define PLANT(id) ((limb)(VFL_PLANTED == (id)))

/* Memory that held secrets is overwritten before it is given back; the barrier keeps the compiler from
 * dropping stores that nothing reads. */
static inline void wipe(void *p, size_t bytes)
{
    memset(p, 0, bytes);
    __asm__ volatile("" : : "r"(p) : "memory");
}

#endif
