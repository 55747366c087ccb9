/* Eight numbers in pairs of AVX2 registers, 52-bit limbs, limb-major, multiplied by the floating-point unit (Emmart,
 * Zheng, Weems 2018: Faster modular exponentiation using double precision floating point arithmetic on the GPU).
 *
 * For integers a, b < 2^52 held as doubles, rounding toward zero,
 *     high = fma(a, b, 2^104)                     bits: 0x467 << 52, plus floor(a*b / 2^52)
 *     low  = fma(a, b, 2^104 + 2^52 - high)       bits: 0x433 << 52, plus a*b mod 2^52
 * are exact, and their bits add up as integers. The exponents among them, known in number, are taken off a column
 * beforehand ("offset"); sums wrap mod 2^64, and what is left at the end is the true column, below 2^62.
 *
 * A product of four limb pairs costs five instructions of the vector units, which set the pace; all else has to go
 * unnoticed beside them. So rows are operands in memory, the window of six columns slides in registers (path_ifma.c),
 * and its loops are not unrolled: copies of registers are cheaper than code that outgrows the cache of decoded
 * instructions.
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

#define PATH path_fma
#define PATH_NAME "fma"
#define LIMB_BITS 52
enum { LANES = 8, K_MULTIPLE = 5, K_MIN = 10, K_MAX = 80, LIFT_REDUNDANT = 1, SHORT_WINDOW = 4, LOOKUPS = 4,
       TABLE_WINDOW = 7, TABLE_BYTES = 1 };
typedef limb vec __attribute__((vector_size(64), aligned(64)));
/* How a vec is passed depends on the processor, and matters to nobody: what takes one is static. */
#pragma GCC diagnostic ignored "-Wpsabi"
#include "limbs.h"

/* Half a vec: what a register holds, as integers and as doubles. */
typedef limb half __attribute__((vector_size(32), aligned(32)));
typedef double real __attribute__((vector_size(32), aligned(32)));

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#define ONE_BY_ONE _Pragma("clang loop unroll(disable)")
#define ANYWHERE "x" /* of "xm" it always takes memory */
#else
#define ANYWHERE "xm"
#define UNROLL _Pragma("GCC unroll 8")
#define ONE_BY_ONE _Pragma("GCC unroll 1")
#endif
#define ALL(x) ((half)_mm256_set1_epi64x((long long)(x)))
#define REAL(x) ((real)_mm256_set1_pd(x))
#define BITS(x) ((half)_mm256_castpd_si256((__m256d)(x)))
#define FMA(a, b, c) ((real)_mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
enum { HALVES = 2, ROWS = 5, COLUMNS = 2 * K_MAX + 1 };
static const limb LOW_EXPONENT = (limb)0x433 << 52, HIGH_EXPONENT = (limb)0x467 << 52;
#define HIGH_START 0x1p104
#define LOW_START (0x1p104 + 0x1p52)

/* low_ += low half of x*y, high_ += high half. In C, compilers put the additions off until after all the products of
 * a column, whose halves then go to memory and back: half the speed. MemorySanitizer must be able to read it. */
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
                : [a] ANYWHERE(x), [b] "x"(y), [start] "x"(REAL(LOW_START)));                            \
    } while (0)
#endif
#define PRODUCT_HIGH(high_, x, y) ((high_) += BITS(FMA(x, y, REAL(HIGH_START))))

/* Integers below 2^52 to doubles. */
#define TO_REAL(x) ((real)((x) | ALL(LOW_EXPONENT)) - REAL(0x1p52))

/* Slide the window one column up and load the next column. */
#define SLIDE(w, next_)                                                   \
    do {                                                                  \
        UNROLL for (int c_ = 0; c_ < ROWS; c_++) (w)[c_] = (w)[c_ + 1];   \
        (w)[ROWS] = (next_);                                              \
    } while (0)
#define FIVE(w, x, y) \
    UNROLL for (int r_ = 0; r_ < ROWS; r_++) PRODUCT((w)[r_], (w)[r_ + 1], (x)[r_], y);

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

/* Columns that gather up to two products, a*b and c*d, and multiples of n. `products` is a constant at each use. */
typedef struct { halves *columns; int products; const reals *a, *b, *c, *d; } sum;
typedef struct { const double *n; half ninv, ninv1; } modulus;

/* Column j < 5 of five rows of s, in half h, and the digit m[j] that makes it zero; `next` is the column above. */
static inline __attribute__((always_inline)) half next_digit(
    const sum s, const modulus N, const int j, const int h, half *column, half *next, reals *m, const half minus)
{
    UNROLL for (int r = 0; r <= j; r++) {
        if (s.products > 0) PRODUCT(*column, *next, s.a[r].v[h], s.b[j - r].v[h]);
        if (s.products > 1) PRODUCT(*column, *next, s.c[r].v[h], s.d[j - r].v[h]);
    }
    UNROLL for (int r = 0; r < j; r++) PRODUCT(*column, *next, m[r].v[h], REAL(N.n[j - r]));
    const half now = *column - minus, digit = low_product(now, N.ninv, N.ninv1);
    m[j].v[h] = TO_REAL(digit);
    /* The digit makes the low 52 bits zero, so the carry is the column rounded up: no wait for low(m*n[0]). */
    *next += (now + ALL(LIMB_MASK)) >> 52;
    PRODUCT_HIGH(*next, m[j].v[h], REAL(N.n[0]));
    *column = *next;
    *next = s.columns[j + 2].v[h];
    return digit;
}

/* Columns 5..k + 4 of the same rows. */
static inline __attribute__((always_inline)) void other_columns(
    const int k, const sum s, const modulus N, const int h, const half column, const half next, const reals *m)
{
    half w[ROWS + 1];
    UNROLL for (int c = 0; c <= ROWS; c++) w[c] = c == 0 ? column : c == 1 ? next : s.columns[ROWS + c].v[h];
    UNROLL for (int j = 1; j < ROWS; j++)
        UNROLL for (int r = 1; r < ROWS; r++)
            if (r + j >= ROWS) {
                half *const own = w + (r + j - ROWS);
                if (s.products > 0) PRODUCT(own[0], own[1], s.a[r].v[h], s.b[j].v[h]);
                if (s.products > 1) PRODUCT(own[0], own[1], s.c[r].v[h], s.d[j].v[h]);
                PRODUCT(own[0], own[1], m[r].v[h], REAL(N.n[j]));
            }
    real a[ROWS], c[ROWS], q[ROWS];
    UNROLL for (int r = 0; r < ROWS; r++) {
        if (s.products > 0) a[r] = s.a[r].v[h];
        if (s.products > 1) c[r] = s.c[r].v[h];
        q[r] = m[r].v[h];
    }
    const reals *y = s.products > 0 ? s.b + ROWS : NULL, *z = s.products > 1 ? s.d + ROWS : NULL;
    halves *at = s.columns + ROWS;
    ONE_BY_ONE for (const double *n = N.n + ROWS, *end = N.n + k; n < end; n++) {
        if (s.products > 0) { const real v = (y++)->v[h]; FIVE(w, a, v) }
        if (s.products > 1) { const real v = (z++)->v[h]; FIVE(w, c, v) }
        const real v = REAL(*n);
        FIVE(w, q, v)
        at->v[h] = w[0];
        SLIDE(w, at[ROWS + 1].v[h]);
        at++;
    }
    UNROLL for (int r = 0; r < ROWS; r++) at[r].v[h] = w[r];
}

/* Five rows of two Montgomery products, the second less the digits of the first; `both` is a constant at each use.
 *
 * The digits come one after the other, each a long wait, so both halves of both sums take turns there. What follows
 * is bound by throughput and takes one after the other. */
static inline __attribute__((always_inline)) void five_rows(
    const int k, const sum t, const sum u, const int both, const modulus N)
{
    half column[2][HALVES], next[2][HALVES], digits[ROWS][HALVES];
    reals m[ROWS], q[ROWS];
    UNROLL for (int h = 0; h < HALVES; h++) {
        column[0][h] = t.columns[0].v[h];
        next[0][h] = t.columns[1].v[h];
        if (both) { column[1][h] = u.columns[0].v[h]; next[1][h] = u.columns[1].v[h]; }
    }
    UNROLL for (int j = 0; j <= ROWS; j++) {
        UNROLL for (int h = 0; h < HALVES; h++)
            if (j < ROWS) digits[j][h] = next_digit(t, N, j, h, &column[0][h], &next[0][h], m, ALL(0));
        UNROLL for (int h = 0; h < HALVES; h++)
            if (both && j) next_digit(u, N, j - 1, h, &column[1][h], &next[1][h], q, digits[j - 1][h]);
    }
    for (int h = 0; h < HALVES; h++) {
        other_columns(k, t, N, h, column[0][h], next[0][h], m);
        if (both) other_columns(k, u, N, h, column[1][h], next[1][h], q);
    }
}

/* Columns to 52-bit limbs: out[i] of t and, unless NULL, out[k + i] of u. */
static inline __attribute__((always_inline)) void carry(int k, vec *out, const halves *t, const halves *u)
{
    half *low = (half *)out, *high = (half *)(out + k), c[HALVES], d[HALVES];
    UNROLL for (int h = 0; h < HALVES; h++) c[h] = d[h] = ALL(0);
    for (int i = 0; i < k; i++)
        UNROLL for (int h = 0; h < HALVES; h++) {
            c[h] += t[i].v[h]; low[HALVES * i + h] = c[h] & ALL(LIMB_MASK); c[h] >>= 52;
            if (u) { d[h] += u[i].v[h]; high[HALVES * i + h] = d[h] & ALL(LIMB_MASK); d[h] >>= 52; }
        }
}

/* What columns start from: less all exponents that sums of k by k products will add, plus `more` (k + 1, or NULL).
 * Column c takes as many low halves as there are i + j = c and as many high halves as i + j = c - 1, all products
 * together `low` and `high` each time. But column 0 takes `first`, and so the others one `low` less: the lowest limb
 * product of m*n never reaches its column. */
static inline __attribute__((always_inline)) void offsets(
    int k, limb first, limb low, limb high, halves *columns, const limb *more)
{
    half v = ALL((limb)0 - first);
    for (int c = 0; c < k; c++, v -= ALL(low + high))
        UNROLL for (int h = 0; h < HALVES; h++) columns[c].v[h] = more ? v + ALL(more[c]) : v;
    v = ALL((limb)0 - (limb)(k - 1) * low - (limb)k * high);
    for (int c = k; c <= 2 * k; c++, v += ALL(low + high))
        UNROLL for (int h = 0; h < HALVES; h++) columns[c].v[h] = v;
    if (more) UNROLL for (int h = 0; h < HALVES; h++) columns[k].v[h] += ALL(more[k]);
}

/* The modulus as doubles, kept in `n`. */
static inline modulus as_real(const ring *R, double *n)
{
    for (int i = 0; i < R->k; i++) {
        const limb bits = R->n[i] | LOW_EXPONENT;
        double value;
        memcpy(&value, &bits, sizeof value);
        n[i] = value - 0x1p52;
    }
    return (modulus){n, ALL(R->ninv), ALL(R->ninv >> 32)};
}

/* Between these two the processor rounds toward zero and masks all exceptions; the arithmetic is in functions of its
 * own, so that none of it moves out. */
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
    halves t[COLUMNS], u[COLUMNS];
    reals a[2 * K_MAX], b[2 * K_MAX];
    double n[K_MAX];
    const modulus N = as_real(R, n);
    to_reals(a, x, 2 * k);
    to_reals(b, y, 2 * k);
    offsets(k, LOW_EXPONENT, 2 * LOW_EXPONENT, 2 * HIGH_EXPONENT, t, NULL);
    offsets(k, 2 * LOW_EXPONENT, 3 * LOW_EXPONENT, 3 * HIGH_EXPONENT, u, R->lift);
    for (int i = 0; i < k; i += ROWS)
        five_rows(k, (sum){t + i, 1, a + i, b, NULL, NULL}, (sum){u + i, 2, a + i, b + k, a + k + i, b}, 1, N);
    carry(k, out, t + k, u + k);
}

static __attribute__((noinline)) void rounded_mul_head(const ring *R, vec *out, const vec *x, const vec *y)
{
    const int k = R->k;
    halves t[COLUMNS], u[COLUMNS];
    reals a[2 * K_MAX], b[K_MAX];
    double n[K_MAX];
    const modulus N = as_real(R, n);
    to_reals(a, x, 2 * k);
    to_reals(b, y, k);
    offsets(k, LOW_EXPONENT, 2 * LOW_EXPONENT, 2 * HIGH_EXPONENT, t, NULL);
    offsets(k, LOW_EXPONENT, 2 * LOW_EXPONENT, 2 * HIGH_EXPONENT, u, R->lift);
    for (int i = 0; i < k; i += ROWS)
        five_rows(k, (sum){t + i, 1, a + i, b, NULL, NULL}, (sum){u + i, 1, a + k + i, b, NULL, NULL}, 1, N);
    carry(k, out, t + k, u + k);
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
        halves *at = acc + ROWS;
        ONE_BY_ONE for (const reals *y = x + ROWS, *end = x + length; y < end; y++, at++) {
            const real v = y->v[h];
            FIVE(w, a, v)
            at->v[h] = w[0];
            SLIDE(w, at[ROWS + 1].v[h]);
        }
        UNROLL for (int c = 0; c < ROWS; c++) at[c].v[h] = w[c];
    }
}

static __attribute__((noinline)) void rounded_sqr(const ring *R, vec *out, const vec *x)
{
    const int k = R->k;
    halves t[COLUMNS], u[COLUMNS];
    reals a[K_MAX], twice[K_MAX];
    double n[K_MAX];
    const modulus N = as_real(R, n);
    const half *tail = (const half *)(x + k);
    to_reals(a, x, k);
    UNROLL for (int h = 0; h < HALVES; h++) {
        half below = ALL(0);
        for (int i = 0; i < k; i++) {
            const half own = tail[HALVES * i + h];
            twice[i].v[h] = TO_REAL(((own << 1) | (below >> 51)) & ALL(LIMB_MASK));
            below = own;
        }
    }
    /* x0^2: products off the diagonal once, doubled together with half the offsets, then the diagonal. */
    offsets(k, LOW_EXPONENT / 2, LOW_EXPONENT, HIGH_EXPONENT, t, NULL);
    for (int i = 0; i < k; i += ROWS) square_rows(t + 2 * i, k - i, a + i);
    for (int i = 0; i < k; i++)
        UNROLL for (int h = 0; h < HALVES; h++) {
            half low = t[2 * i].v[h] << 1, high = t[2 * i + 1].v[h] << 1;
            PRODUCT(low, high, a[i].v[h], a[i].v[h]);
            t[2 * i].v[h] = low;
            t[2 * i + 1].v[h] = high;
        }
    offsets(k, LOW_EXPONENT, 2 * LOW_EXPONENT, 2 * HIGH_EXPONENT, u, R->lift);
    for (int i = 0; i < k; i += ROWS)
        five_rows(k, (sum){t + i, 0, NULL, NULL, NULL, NULL}, (sum){u + i, 1, a + i, twice, NULL, NULL}, 1, N);
    carry(k, out, t + k, u + k);
}

static __attribute__((noinline)) void rounded_fmul(const ring *R, vec *out, const vec *x, const vec *y)
{
    const int k = R->k;
    halves t[COLUMNS];
    reals a[K_MAX], b[K_MAX];
    double n[K_MAX];
    const modulus N = as_real(R, n);
    to_reals(a, x, k);
    to_reals(b, y, k);
    offsets(k, LOW_EXPONENT, 2 * LOW_EXPONENT, 2 * HIGH_EXPONENT, t, NULL);
    for (int i = 0; i < k; i += ROWS)
        five_rows(k, (sum){t + i, 1, a + i, b, NULL, NULL}, (sum){NULL, 0, NULL, NULL, NULL, NULL}, 0, N);
    carry(k, out, t + k, NULL);
}

static __attribute__((noinline)) void rounded_muladd(int k, vec *out, const vec *x, const limb *y, const vec *add)
{
    halves t[COLUMNS];
    reals a[K_MAX];
    to_reals(a, x, k);
    offsets(k, LOW_EXPONENT, LOW_EXPONENT, HIGH_EXPONENT, t, NULL);
    for (int i = 0; i < k; i++)
        UNROLL for (int h = 0; h < HALVES; h++) t[i].v[h] += ((const half *)add)[HALVES * i + h];
    for (int i = 0; i < k; i++) {
        const real yi = REAL((double)(int64_t)y[i]);
        for (int j = 0; j < k; j++)
            UNROLL for (int h = 0; h < HALVES; h++)
                PRODUCT(t[i + j].v[h], t[i + j + 1].v[h], a[j].v[h], yi);
    }
    carry(2 * k, out, t, NULL);
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

/* out[g][word] = column[word][index[g]] for LOOKUPS groups, 32 numbers, window 4..8.
 *
 * A column of the table stands byte by byte: the lowest bytes of all entries of a word, then the next. vpshufb picks
 * one of 16 bytes for each of 32 numbers and gives 0 for those whose entry is among another 16. Seven bytes hold a
 * limb; three rounds of interleaving make limbs of them. Constant time: the whole column is read whatever the index. */
#define HAVE_LOOKUP 1
enum { LIMB_BYTES = 7, CHUNK = 16 };

static inline __attribute__((always_inline)) void look_up(
    vec *out, const limb *column, const int words, const __m256i *which, const int chunks)
{
    for (int w = 0; w < words; w++) {
        const uint8_t *entries = (const uint8_t *)(column + (size_t)w * CHUNK * (size_t)chunks);
        __m256i byte[8], pair[8], four[8];
        byte[LIMB_BYTES] = _mm256_setzero_si256();
        UNROLL for (int b = 0; b < LIMB_BYTES; b++) {
            byte[b] = _mm256_setzero_si256();
            UNROLL for (int c = 0; c < chunks; c++, entries += CHUNK) {
                const __m256i some = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)entries));
                byte[b] = _mm256_or_si256(byte[b], _mm256_shuffle_epi8(some, which[c]));
            }
        }
        UNROLL for (int i = 0; i < 4; i++) {
            pair[i] = _mm256_unpacklo_epi8(byte[2 * i], byte[2 * i + 1]);
            pair[4 + i] = _mm256_unpackhi_epi8(byte[2 * i], byte[2 * i + 1]);
        }
        UNROLL for (int i = 0; i < 4; i++) {
            four[2 * i] = _mm256_unpacklo_epi16(pair[2 * i], pair[2 * i + 1]);
            four[2 * i + 1] = _mm256_unpackhi_epi16(pair[2 * i], pair[2 * i + 1]);
        }
        UNROLL for (int g = 0; g < LOOKUPS; g++) {
            const int i = g % 2 + 4 * (g / 2);
            half *o = (half *)(out + g * words + w);
            o[0] = (half)_mm256_unpacklo_epi32(four[i], four[i + 2]);
            o[1] = (half)_mm256_unpackhi_epi32(four[i], four[i + 2]);
        }
    }
}

static void lookup(vec *out, const limb *column, int words, const vec *index, int window)
{
    /* Interleaving brings bytes 2i, 2i + 1, 2i + 16 and 2i + 17 together in register i. */
    uint8_t picked[32];
    __m256i which[1 << (8 - 4)];
    for (int n = 0; n < 32; n++) picked[n / 4 * 2 + n % 2 + n / 2 % 2 * 16] = (uint8_t)((const limb *)index)[n];
    const __m256i all = _mm256_loadu_si256((const __m256i *)picked), low = _mm256_set1_epi8(CHUNK - 1);
    const __m256i chunk = _mm256_andnot_si256(low, all);
    for (int c = 0; c < 1 << (window - 4); c++) {
        const __m256i here = _mm256_cmpeq_epi8(chunk, _mm256_set1_epi8((char)(CHUNK * c)));
        which[c] = _mm256_or_si256(_mm256_and_si256(all, low), _mm256_andnot_si256(here, _mm256_set1_epi8((char)0x80)));
    }
    switch (window) {
    case 4: look_up(out, column, words, which, 1); break;
    case 5: look_up(out, column, words, which, 2); break;
    case 6: look_up(out, column, words, which, 4); break;
    case 7: look_up(out, column, words, which, 8); break;
    default: look_up(out, column, words, which, 16); break;
    }
    out[0] ^= PLANT(PLANT_LOOKUP);
}

#include "algorithms.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
