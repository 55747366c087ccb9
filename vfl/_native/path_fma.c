/* Eight numbers in pairs of AVX2 registers, 52-bit limbs, limb-major, multiplied by the floating-point unit (Emmart,
 * Zheng, Weems 2018: Faster modular exponentiation using double precision floating point arithmetic on the GPU).
 *
 * For integers a, b < 2^52 held as doubles, rounding toward zero,
 *     high = fma(a, b, 2^104)                     bits: 0x467 << 52, plus floor(a*b / 2^52)
 *     low  = fma(a, b, 2^104 + 2^52 - high)       bits: 0x433 << 52, plus a*b mod 2^52
 * are exact, and their bits add up as integers. The exponents among them, known in number, are taken off a column
 * beforehand ("offset"); sums wrap mod 2^64, and what is left at the end is the true column, below 2^62.
 *
 * A product of four limb pairs costs five instructions for the four vector ports, so everything else (loads, stores,
 * copies) has to stay beside them: rows are operands in memory, the window of six columns lives in registers.
 *
 * Constant time: operands are integers below 2^53, zero or normal, never subnormal, infinite or not a number, and on
 * such the time of additions and fused multiplications does not depend on values.
 */
#include "kernel.h"

#if VFL_X86

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi2")
#endif
#include <immintrin.h>

#ifndef HALVES
#define HALVES 2
#endif
#define PATH path_fma
#define PATH_NAME "fma"
#define LIMB_BITS 52
enum { LANES = 4 * HALVES, K_MULTIPLE = 5, K_MIN = 10, K_MAX = 80, LIFT_REDUNDANT = 1, SHORT_WINDOW = 4, LOOKUPS = 1 };
typedef limb vec __attribute__((vector_size(32 * HALVES), aligned(32 * HALVES)));
#include "limbs.h"

/* Half a vec: what a register holds, as integers and as doubles. */
typedef limb half __attribute__((vector_size(32), aligned(32)));
typedef double real __attribute__((vector_size(32), aligned(32)));

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif
#define ALL(x) ((half)_mm256_set1_epi64x((long long)(x)))
#define REAL(x) ((real)_mm256_set1_pd(x))
#define BITS(x) ((half)_mm256_castpd_si256((__m256d)(x)))
#define FMA(a, b, c) ((real)_mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
enum { ROWS = 5, COLUMNS = 2 * K_MAX + 1 };
static const limb LOW_EXPONENT = (limb)0x433 << 52, HIGH_EXPONENT = (limb)0x467 << 52;
#define HIGH_START 0x1p104
#define LOW_START (0x1p104 + 0x1p52)

/* low_ += low half of x*y, high_ += high half. In C, compilers put the additions off until after all the products of
 * a column, whose halves then go to memory and back: a third of the speed. MemorySanitizer needs to read it, though. */
#if defined(__has_feature)
#define READABLE __has_feature(memory_sanitizer)
#else
#define READABLE 0
#endif
#if READABLE
#define PRODUCT(low_, high_, x, y)                                     \
    do {                                                               \
        const real h__ = FMA(x, y, REAL(HIGH_START));                  \
        (low_) += BITS(FMA(x, y, REAL(LOW_START) - h__));              \
        (high_) += BITS(h__);                                          \
    } while (0)
#else
#define PRODUCT(low_, high_, x, y)                                                                       \
    do {                                                                                                 \
        real h__ = REAL(HIGH_START), l__;                                                                \
        __asm__("vfmadd231pd %[a], %[b], %[h]\n\t"                                                       \
                "vsubpd %[h], %[start], %[l]\n\t"                                                        \
                "vpaddq %[h], %[high], %[high]\n\t"                                                      \
                "vfmadd231pd %[a], %[b], %[l]\n\t"                                                       \
                "vpaddq %[l], %[low], %[low]"                                                            \
                : [h] "+&x"(h__), [l] "=&x"(l__), [high] "+&x"(high_), [low] "+&x"(low_)                 \
                : [a] "xm"(x), [b] "x"(y), [start] "x"(REAL(LOW_START)));                                \
    } while (0)
#endif
#define PRODUCT_HIGH(high_, x, y) ((high_) += BITS(FMA(x, y, REAL(HIGH_START))))

/* Integers below 2^52 to doubles. */
#define TO_REAL(x) ((real)((x) | ALL(LOW_EXPONENT)) - REAL(0x1p52))

/* Slide the window one column up and load the next column. */
#define SLIDE(w, next) \
    do {                                                                                              \
        (w)[0] = (w)[1]; (w)[1] = (w)[2]; (w)[2] = (w)[3]; (w)[3] = (w)[4]; (w)[4] = (w)[5];          \
        (w)[5] = (next);                                                                              \
    } while (0)
#define FIVE(w, x, y) \
    UNROLL for (int r_ = 0; r_ < ROWS; r_++) PRODUCT((w)[r_], (w)[r_ + 1], (x)[r_], y);

/* What a column of a product of k by k limbs must start from, if `products` of them and m*n are added up (`reduced`).
 * Column c of one product takes as many low halves as there are i + j = c, and as many high halves as i + j = c - 1.
 * The lowest limb product of m*n never reaches its column: see below. */
static inline limb offset(int k, int c, int products, int reduced)
{
    const int low = c < k ? c + 1 : 2 * k - 1 - c > 0 ? 2 * k - 1 - c : 0, high = c <= k ? c : 2 * k - c;
    const int skipped = reduced && c < k;
    return (limb)0 - (limb)(low * (products + reduced) - skipped) * LOW_EXPONENT
                   - (limb)(high * (products + reduced)) * HIGH_EXPONENT;
}

/* The low 52 bits of a product of integers below 2^52: shorter waits than by doubles. `b` has its upper part in b1. */
static inline half low_product(half a, half b, half b1)
{
    const __m256i a0 = (__m256i)a, a1 = _mm256_srli_epi64((__m256i)a, 32);
    const half cross = (half)_mm256_mul_epu32(a0, (__m256i)b1) + (half)_mm256_mul_epu32(a1, (__m256i)b);
    return ((half)_mm256_mul_epu32(a0, (__m256i)b) + (cross << 32)) & ALL(LIMB_MASK);
}

/* The numbers of one call as doubles: halves side by side like in a vec. */
typedef struct { real v[HALVES]; } reals;
typedef struct { half v[HALVES]; } halves;

static inline void to_reals(reals *out, const vec *x, int words)
{
    const half *in = (const half *)x;
    for (int i = 0; i < words; i++)
        UNROLL for (int h = 0; h < HALVES; h++) out[i].v[h] = TO_REAL(in[HALVES * i + h]);
}

/* Five rows of one Montgomery product: acc += xa*ya + xb*yb + m*n, with m making five columns zero.
 * `products` says how many of xa*ya, xb*yb there are, a constant at each call. `acc` points at the column of the
 * first row; columns 5..k + 4 are written; `minus` (five columns, or NULL) is taken off; `digits` receives m. k >= 10.
 *
 * The digits come one after the other, each a long wait, so both halves take turns there. What follows is bound by
 * throughput and takes one half after the other. */
static inline __attribute__((always_inline)) void five_rows(
    const int k, halves *acc, const int products, const reals *xa, const reals *ya, const reals *xb, const reals *yb,
    const double *n, const limb ninv_, const halves *minus, halves *digits)
{
    const half ninv = ALL(ninv_), ninv1 = ALL(ninv_ >> 32), top = ALL(LIMB_MASK);
    half column[HALVES], next[HALVES];
    reals m[ROWS];
#define HELD(c) (minus && (c) < ROWS ? acc[c].v[h] - minus[c].v[h] : acc[c].v[h])
    UNROLL for (int h = 0; h < HALVES; h++) { column[h] = HELD(0); next[h] = HELD(1); }
    UNROLL for (int j = 0; j < ROWS; j++)
        UNROLL for (int h = 0; h < HALVES; h++) {
            UNROLL for (int r = 0; r <= j; r++) {
                if (products > 0) PRODUCT(column[h], next[h], xa[r].v[h], ya[j - r].v[h]);
                if (products > 1) PRODUCT(column[h], next[h], xb[r].v[h], yb[j - r].v[h]);
            }
            UNROLL for (int r = 0; r < j; r++) PRODUCT(column[h], next[h], m[r].v[h], REAL(n[j - r]));
            const half digit = low_product(column[h], ninv, ninv1);
            digits[j].v[h] = digit;
            m[j].v[h] = TO_REAL(digit);
            /* m makes the low 52 bits zero, so the carry is the column rounded up: no wait for low(m*n[0]). */
            next[h] += (column[h] + top) >> 52;
            PRODUCT_HIGH(next[h], m[j].v[h], REAL(n[0]));
            column[h] = next[h];
            next[h] = HELD(j + 2);
        }
#undef HELD
    for (int h = 0; h < HALVES; h++) {
        half w[ROWS + 1];
        UNROLL for (int c = 0; c <= ROWS; c++) w[c] = c == 0 ? column[h] : c == 1 ? next[h] : acc[ROWS + c].v[h];
        /* The rest of the first five limbs of y and n. */
        UNROLL for (int s = 1; s < ROWS; s++) {
            UNROLL for (int r = 1; r < ROWS; r++)
                if (r + s >= ROWS) {
                    if (products > 0) PRODUCT(w[r + s - ROWS], w[r + s - ROWS + 1], xa[r].v[h], ya[s].v[h]);
                    if (products > 1) PRODUCT(w[r + s - ROWS], w[r + s - ROWS + 1], xb[r].v[h], yb[s].v[h]);
                    PRODUCT(w[r + s - ROWS], w[r + s - ROWS + 1], m[r].v[h], REAL(n[s]));
                }
        }
        real a[ROWS], b[ROWS], q[ROWS];
        UNROLL for (int r = 0; r < ROWS; r++) {
            if (products > 0) a[r] = xa[r].v[h];
            if (products > 1) b[r] = xb[r].v[h];
            q[r] = m[r].v[h];
        }
        for (int j = ROWS; j < k; j += ROWS) {
            UNROLL for (int t = 0; t < ROWS; t++) {
                if (products > 0) { const real y = ya[j + t].v[h]; FIVE(w, a, y) }
                if (products > 1) { const real y = yb[j + t].v[h]; FIVE(w, b, y) }
                const real y = REAL(n[j + t]);
                FIVE(w, q, y)
                acc[j + t].v[h] = w[0];
                SLIDE(w, acc[j + t + ROWS + 1].v[h]);
            }
        }
        UNROLL for (int c = 0; c < ROWS; c++) acc[k + c].v[h] = w[c];
    }
}

/* Columns to 52-bit limbs. */
static inline void carry(int k, vec *out, const halves *t)
{
    half *o = (half *)out, c[HALVES];
    UNROLL for (int h = 0; h < HALVES; h++) c[h] = ALL(0);
    for (int i = 0; i < k; i++)
        UNROLL for (int h = 0; h < HALVES; h++) {
            c[h] += t[i].v[h]; o[HALVES * i + h] = c[h] & ALL(LIMB_MASK); c[h] >>= 52;
        }
}

/* `columns` of acc start at their offsets; with `lift` at its digits (k + 1) besides. */
static inline void start(int k, halves *acc, int products, const limb *lift)
{
    for (int c = 0; c <= 2 * k; c++) {
        const half v = ALL(offset(k, c, products, 1) + (lift && c <= k ? lift[c] : 0));
        UNROLL for (int h = 0; h < HALVES; h++) acc[c].v[h] = v;
    }
}

/* A modulus as doubles. */
static inline void modulus(const ring *R, double *n)
{
    for (int i = 0; i < R->k; i++) n[i] = (double)(int64_t)R->n[i];
}

/* Rounding toward zero between these two; the arithmetic is in functions of its own, so that none of it moves out. */
static inline unsigned round_to_zero(void)
{
    const unsigned old = _mm_getcsr(), wanted = 0x7f80;
    __asm__ volatile("ldmxcsr %0" : : "m"(wanted) : "memory");
    return old;
}

static inline void round_as_before(unsigned old) { __asm__ volatile("ldmxcsr %0" : : "m"(old) : "memory"); }

static __attribute__((noinline)) void rounded_mul(const ring *R, vec *out, const vec *x, const vec *y)
{
    const int k = R->k;
    halves t[COLUMNS], u[COLUMNS], m[ROWS], ignored[ROWS];
    reals a[2 * K_MAX], b[2 * K_MAX];
    double n[K_MAX];
    to_reals(a, x, 2 * k);
    to_reals(b, y, 2 * k);
    modulus(R, n);
    start(k, t, 1, NULL);
    start(k, u, 2, R->lift);
    for (int i = 0; i < k; i += ROWS) {
        five_rows(k, t + i, 1, a + i, b, NULL, NULL, n, R->ninv, NULL, m);
        five_rows(k, u + i, 2, a + i, b + k, a + k + i, b, n, R->ninv, m, ignored);
    }
    carry(k, out, t + k);
    carry(k, out + k, u + k);
}

static __attribute__((noinline)) void rounded_mul_head(const ring *R, vec *out, const vec *x, const vec *y)
{
    const int k = R->k;
    halves t[COLUMNS], u[COLUMNS], m[ROWS], ignored[ROWS];
    reals a[2 * K_MAX], b[K_MAX];
    double n[K_MAX];
    to_reals(a, x, 2 * k);
    to_reals(b, y, k);
    modulus(R, n);
    start(k, t, 1, NULL);
    start(k, u, 1, R->lift);
    for (int i = 0; i < k; i += ROWS) {
        five_rows(k, t + i, 1, a + i, b, NULL, NULL, n, R->ninv, NULL, m);
        five_rows(k, u + i, 1, a + k + i, b, NULL, NULL, n, R->ninv, m, ignored);
    }
    carry(k, out, t + k);
    carry(k, out + k, u + k);
}

/* Five rows of the upper triangle of x^2 (without the diagonal) into acc, `length` columns of x left. */
static inline __attribute__((always_inline)) void square_rows(halves *acc, int length, const reals *x)
{
    for (int h = 0; h < HALVES; h++) {
        half w[ROWS + 1];
        real a[ROWS];
        UNROLL for (int r = 0; r < ROWS; r++) a[r] = x[r].v[h];
        UNROLL for (int c = 0; c <= ROWS; c++) w[c] = acc[c].v[h];
        UNROLL for (int j = 0; j < ROWS; j++) {
            UNROLL for (int r = 0; r < ROWS; r++)
                if (r < j) PRODUCT(w[r], w[r + 1], a[r], a[j]);
            acc[j].v[h] = w[0];
            SLIDE(w, acc[j + ROWS + 1].v[h]);
        }
        for (int j = ROWS; j < length; j += ROWS) {
            UNROLL for (int t = 0; t < ROWS; t++) {
                const real y = x[j + t].v[h];
                FIVE(w, a, y)
                acc[j + t].v[h] = w[0];
                SLIDE(w, acc[j + t + ROWS + 1].v[h]);
            }
        }
        UNROLL for (int c = 0; c < ROWS; c++) acc[length + c].v[h] = w[c];
    }
}

static __attribute__((noinline)) void rounded_sqr(const ring *R, vec *out, const vec *x)
{
    const int k = R->k;
    halves t[COLUMNS], u[COLUMNS], m[ROWS], ignored[ROWS];
    reals a[K_MAX], twice[K_MAX];
    double n[K_MAX];
    const half *tail = (const half *)(x + k), zero = ALL(0);
    to_reals(a, x, k);
    modulus(R, n);
    UNROLL for (int h = 0; h < HALVES; h++) {
        half below = zero;
        for (int i = 0; i < k; i++) {
            const half own = tail[HALVES * i + h];
            twice[i].v[h] = TO_REAL(((own << 1) | (below >> 51)) & ALL(LIMB_MASK));
            below = own;
        }
    }
    /* x0^2: products off the diagonal once, doubled, then the diagonal. */
    for (int c = 0; c <= 2 * k; c++) UNROLL for (int h = 0; h < HALVES; h++) t[c].v[h] = zero;
    for (int i = 0; i < k; i += ROWS) square_rows(t + 2 * i, k - i, a + i);
    for (int i = 0; i < k; i++) {
        /* Doubled and with the diagonal, a column has as many terms as one of a full product. */
        const half low = ALL(offset(k, 2 * i, 1, 1)), high = ALL(offset(k, 2 * i + 1, 1, 1));
        UNROLL for (int h = 0; h < HALVES; h++) {
            t[2 * i].v[h] = (t[2 * i].v[h] << 1) + low;
            t[2 * i + 1].v[h] = (t[2 * i + 1].v[h] << 1) + high;
            PRODUCT(t[2 * i].v[h], t[2 * i + 1].v[h], a[i].v[h], a[i].v[h]);
        }
    }
    start(k, u, 1, R->lift);
    for (int i = 0; i < k; i += ROWS) {
        five_rows(k, t + i, 0, NULL, NULL, NULL, NULL, n, R->ninv, NULL, m);
        five_rows(k, u + i, 1, a + i, twice, NULL, NULL, n, R->ninv, m, ignored);
    }
    carry(k, out, t + k);
    carry(k, out + k, u + k);
}

static __attribute__((noinline)) void rounded_fmul(const ring *R, vec *out, const vec *x, const vec *y)
{
    const int k = R->k;
    halves t[COLUMNS], ignored[ROWS];
    reals a[K_MAX], b[K_MAX];
    double n[K_MAX];
    to_reals(a, x, k);
    to_reals(b, y, k);
    modulus(R, n);
    start(k, t, 1, NULL);
    for (int i = 0; i < k; i += ROWS) five_rows(k, t + i, 1, a + i, b, NULL, NULL, n, R->ninv, NULL, ignored);
    carry(k, out, t + k);
}

static __attribute__((noinline)) void rounded_muladd(int k, vec *out, const vec *x, const limb *y, const vec *add)
{
    halves t[COLUMNS];
    reals a[K_MAX];
    to_reals(a, x, k);
    for (int c = 0; c <= 2 * k; c++) {
        const half v = ALL(offset(k, c, 1, 0));
        UNROLL for (int h = 0; h < HALVES; h++) t[c].v[h] = c < k ? v + ((const half *)add)[HALVES * c + h] : v;
    }
    for (int i = 0; i < k; i++) {
        const real yi = REAL((double)(int64_t)y[i]);
        for (int j = 0; j < k; j++)
            UNROLL for (int h = 0; h < HALVES; h++)
                PRODUCT(t[i + j].v[h], t[i + j + 1].v[h], a[j].v[h], yi);
    }
    carry(2 * k, out, t);
}

static void core_mul(const ring *R, vec *out, const vec *x, const vec *y)
{
    const unsigned old = round_to_zero();
    rounded_mul(R, out, x, y);
    round_as_before(old);
    out[0] ^= PLANT(PLANT_MUL);
}

/* x*y where y = y0 + 0*n: 4k^2. Only the first k limbs of y are read. */
static void core_mul_head(const ring *R, vec *out, const vec *x, const vec *y)
{
    const unsigned old = round_to_zero();
    rounded_mul_head(R, out, x, y);
    round_as_before(old);
    out[0] ^= PLANT(PLANT_MUL_HEAD);
}

static void core_sqr(const ring *R, vec *out, const vec *x)
{
    const unsigned old = round_to_zero();
    rounded_sqr(R, out, x);
    round_as_before(old);
    out[R->k] ^= PLANT(PLANT_SQR);
}

/* One residue: x*y/R mod n, below 2n. */
static void core_fmul(const ring *R, vec *out, const vec *x, const vec *y)
{
    const unsigned old = round_to_zero();
    rounded_fmul(R, out, x, y);
    round_as_before(old);
    out[0] ^= PLANT(PLANT_FMUL);
}

/* Plain product x*y + add, 2k limbs; y is the same for all lanes. */
static void core_muladd(int k, vec *out, const vec *x, const limb *y, const vec *add)
{
    const unsigned old = round_to_zero();
    rounded_muladd(k, out, x, y, add);
    round_as_before(old);
    out[0] ^= PLANT(PLANT_MULADD);
}

static inline void transpose4(__m256i r[4])
{
    const __m256i a = _mm256_unpacklo_epi64(r[0], r[1]), b = _mm256_unpackhi_epi64(r[0], r[1]);
    const __m256i c = _mm256_unpacklo_epi64(r[2], r[3]), d = _mm256_unpackhi_epi64(r[2], r[3]);
    r[0] = _mm256_permute2x128_si256(a, c, 0x20);
    r[1] = _mm256_permute2x128_si256(b, d, 0x20);
    r[2] = _mm256_permute2x128_si256(a, c, 0x31);
    r[3] = _mm256_permute2x128_si256(b, d, 0x31);
}

/* Rows of `words` limbs to lanes, and back. */
static void gather(vec *group, const limb *const *rows, int words)
{
    half *g = (half *)group;
    for (int h = 0; h < HALVES; h++) {
        const limb *const *own = rows + 4 * h;
        int w = 0;
        for (; w + 4 <= words; w += 4) {
            __m256i r[4];
            UNROLL for (int l = 0; l < 4; l++) r[l] = _mm256_loadu_si256((const __m256i *)(own[l] + w));
            transpose4(r);
            UNROLL for (int l = 0; l < 4; l++) g[HALVES * (w + l) + h] = (half)r[l];
        }
        for (; w < words; w++) g[HALVES * w + h] = (half){own[0][w], own[1][w], own[2][w], own[3][w]};
    }
    group[0] ^= PLANT(PLANT_GATHER);
}

static void scatter(limb *const *rows, const vec *group, int words)
{
    const half *g = (const half *)group;
    for (int h = 0; h < HALVES; h++) {
        limb *const *own = rows + 4 * h;
        int w = 0;
        for (; w + 4 <= words; w += 4) {
            __m256i r[4];
            UNROLL for (int l = 0; l < 4; l++) r[l] = (__m256i)g[HALVES * (w + l) + h];
            transpose4(r);
            UNROLL for (int l = 0; l < 4; l++) _mm256_storeu_si256((__m256i *)(own[l] + w), r[l]);
        }
        for (; w < words; w++)
            for (int l = 0; l < 4; l++) own[l][w] = g[HALVES * w + h][l];
    }
}

/* out[word] = column[word][index], an index per lane, window 4..8.
 * Constant time: all of the column is read whatever the index. vpermd picks among four neighbouring entries, then
 * neighbours are merged by the next bit of the index, from the lowest up. */
#define HAVE_LOOKUP 1
typedef struct { __m256i low; __m256d bit[6]; } chosen;
#define PICK static inline __attribute__((always_inline)) __m256d
PICK pick2(const limb *p, const chosen *c)
{
    return _mm256_castsi256_pd(_mm256_permutevar8x32_epi32(_mm256_loadu_si256((const __m256i *)p), c->low));
}
PICK pick3(const limb *p, const chosen *c) { return _mm256_blendv_pd(pick2(p, c), pick2(p + 4, c), c->bit[0]); }
PICK pick4(const limb *p, const chosen *c) { return _mm256_blendv_pd(pick3(p, c), pick3(p + 8, c), c->bit[1]); }
PICK pick5(const limb *p, const chosen *c) { return _mm256_blendv_pd(pick4(p, c), pick4(p + 16, c), c->bit[2]); }
PICK pick6(const limb *p, const chosen *c) { return _mm256_blendv_pd(pick5(p, c), pick5(p + 32, c), c->bit[3]); }
PICK pick7(const limb *p, const chosen *c) { return _mm256_blendv_pd(pick6(p, c), pick6(p + 64, c), c->bit[4]); }
PICK pick8(const limb *p, const chosen *c) { return _mm256_blendv_pd(pick7(p, c), pick7(p + 128, c), c->bit[5]); }

static void lookup(vec *out, const limb *column, int words, const vec *index, int window)
{
    half *o = (half *)out;
    chosen c[HALVES];
    for (int h = 0; h < HALVES; h++) {
        const half i = ((const half *)index)[h];
        /* Words 2i and 2i + 1 of eight make entry i of four. */
        const half even = (i & ALL(3)) << 1;
        c[h].low = (__m256i)(even | (even << 32) | ALL((limb)1 << 32));
        for (int b = 0; b < 6; b++) c[h].bit[b] = _mm256_castsi256_pd((__m256i)(i << (61 - b)));
    }
#define EACH(pick)                                                                 for (int w = 0; w < words; w++)                                                    UNROLL for (int h = 0; h < HALVES; h++)                                            o[HALVES * w + h] = (half)_mm256_castpd_si256(pick(column + ((size_t)w << window), &c[h]))
    switch (window) {
    case 4: EACH(pick4); break;
    case 5: EACH(pick5); break;
    case 6: EACH(pick6); break;
    case 7: EACH(pick7); break;
    default: EACH(pick8); break;
    }
#undef EACH
    out[0] ^= PLANT(PLANT_LOOKUP);
}

#include "algorithms.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
