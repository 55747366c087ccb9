/* Eight numbers per AVX-512 register, 52-bit limbs, limb-major (Gueron and Krasnov 2016: IFMA for big integers).
 *
 * The inner step multiplies five limbs of x by one limb of y into a window of six columns that lives in
 * registers and slides with y; one load, one store and ten (twenty, thirty) multiply-adds per column. Columns
 * gather at most 3*2*k products of 52 bits, so they stay below 2^62 and carry only once per reduction.
 */
#include "kernel.h"

#if VFL_X86

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx512ifma,bmi2"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512bw,avx512ifma,bmi2")
#endif
#include <immintrin.h>

#define PATH path_ifma
#define PATH_NAME "ifma"
#define LIMB_BITS 52
enum { LANES = 8, K_MULTIPLE = 5, K_MIN = 10, K_MAX = 80, LIFT_REDUNDANT = 1, SHORT_WINDOW = 4, LOOKUPS = 4,
       TABLE_WINDOW = 7, TABLE_BYTES = 0 };
typedef limb vec __attribute__((vector_size(64), aligned(64)));
#include "limbs.h"

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif
#define LO(a, b, c) ((vec)_mm512_madd52lo_epu64((__m512i)(a), (__m512i)(b), (__m512i)(c)))
#define HI(a, b, c) ((vec)_mm512_madd52hi_epu64((__m512i)(a), (__m512i)(b), (__m512i)(c)))
#define ALL(x) ((vec)_mm512_set1_epi64((long long)(x)))
enum { ROWS = 5 };

/* Slide the window one column up and load the next column. */
#define SLIDE(w, next) \
    do {                                                                                              \
        (w)[0] = (w)[1]; (w)[1] = (w)[2]; (w)[2] = (w)[3]; (w)[3] = (w)[4]; (w)[4] = (w)[5];          \
        (w)[5] = (next);                                                                              \
    } while (0)
#define FIVE(w, x, y) \
    UNROLL for (int r_ = 0; r_ < ROWS; r_++) {       \
        (w)[r_] = LO((w)[r_], (x)[r_], y);           \
        (w)[r_ + 1] = HI((w)[r_ + 1], (x)[r_], y);   \
    }

enum { NOTHING, UP_TO_K, ALL_COLUMNS };

/* Five rows of one Montgomery product: acc += add + xa*ya + xb*yb + m*n, with m making five columns zero.
 * `products` says how many of xa*ya, xb*yb there are and `held` which columns of acc hold something; both are
 * constants at each call. `add` (five columns) may be NULL. `acc` points at the column of the first row; columns
 * 5..k + 5 are written; `digits` receives m. k >= 10. */
static inline __attribute__((always_inline)) void five_rows(
    const ring *R, vec *acc, const int held, const int products, const vec *xa, const vec *ya, const vec *xb,
    const vec *yb, const vec *add, vec *digits)
{
    const int k = R->k;
    const limb *n = R->n;
    const vec ninv = ALL(R->ninv), top = ALL(LIMB_MASK), zero = ALL(0);
    vec a[ROWS], b[ROWS], m[ROWS], w[ROWS + 1];
    UNROLL for (int r = 0; r < ROWS; r++) {
        if (products > 0) a[r] = xa[r];
        if (products > 1) b[r] = xb[r];
    }
    UNROLL for (int c = 0; c <= ROWS; c++) w[c] = held == NOTHING ? zero : acc[c];
    if (add) { UNROLL for (int c = 0; c < ROWS; c++) w[c] += add[c]; }
    UNROLL for (int j = 0; j < ROWS; j++) {
        if (products > 0) { const vec y = ya[j]; FIVE(w, a, y) }
        if (products > 1) { const vec y = yb[j]; FIVE(w, b, y) }
        const vec nj = ALL(n[j]);
        UNROLL for (int r = 0; r < ROWS; r++)
            if (r < j) { w[r] = LO(w[r], m[r], nj); w[r + 1] = HI(w[r + 1], m[r], nj); }
        m[j] = LO(zero, w[0], ninv);
        digits[j] = m[j];
        /* m makes the low 52 bits zero, so the carry is the column rounded up: no wait for lo(m*n[0]). */
        w[1] += (w[0] + top) >> 52;
        UNROLL for (int s = 0; s < ROWS; s++)
            if (s <= j) {
                const vec ns = ALL(n[s]);
                if (s) w[s] = LO(w[s], m[j], ns);
                w[s + 1] = HI(w[s + 1], m[j], ns);
            }
        SLIDE(w, held == NOTHING ? zero : acc[j + ROWS + 1]);
    }
#define COLUMN(next)                                                       \
    do {                                                                   \
        if (products > 0) { const vec y = ya[j + t]; FIVE(w, a, y) }       \
        if (products > 1) { const vec y = yb[j + t]; FIVE(w, b, y) }       \
        const vec nj = ALL(n[j + t]);                                      \
        FIVE(w, m, nj)                                                     \
        acc[j + t] = w[0];                                                 \
        SLIDE(w, next);                                                    \
    } while (0)
    int j = ROWS;
    for (; j < k - ROWS; j += ROWS) {
        UNROLL for (int t = 0; t < ROWS; t++) COLUMN(held == NOTHING ? zero : acc[j + t + ROWS + 1]);
    }
    UNROLL for (int t = 0; t < ROWS; t++) COLUMN(held == ALL_COLUMNS ? acc[j + t + ROWS + 1] : zero);
#undef COLUMN
    UNROLL for (int c = 0; c <= ROWS; c++) acc[k + c] = w[c];
}

/* Columns to 52-bit limbs. */
static inline void carry_two(int k, vec *out, const vec *t, const vec *u)
{
    vec ct = ALL(0), cu = ALL(0);
    for (int i = 0; i < k; i++) {
        ct += t[i]; out[i] = ct & LIMB_MASK; ct >>= 52;
        cu += u[i]; out[k + i] = cu & LIMB_MASK; cu >>= 52;
    }
}

enum { COLUMNS = 2 * K_MAX + ROWS + 1 };

/* K - m: what the second reduction starts from, five columns at a time. */
static inline __attribute__((always_inline)) void lift_minus(const ring *R, int i, vec *add, const vec *m)
{
    UNROLL for (int r = 0; r < ROWS; r++) add[r] = ALL(R->lift[i + r]) - m[r];
}

/* Rows i..i + 4 of x*y: first t, whose digits u then needs. `full`: y has a second half. */
static inline __attribute__((always_inline)) void mul_rows(
    const ring *R, vec *t, vec *u, const int held, const int full, int i, const vec *x, const vec *y)
{
    const int k = R->k;
    vec add[ROWS], m[ROWS], ignored[ROWS];
    five_rows(R, t + i, held, 1, x + i, y, NULL, NULL, NULL, m);
    lift_minus(R, i, add, m);
    if (full) five_rows(R, u + i, held, 2, x + i, y + k, x + k + i, y, add, ignored);
    else five_rows(R, u + i, held, 1, x + k + i, y, NULL, NULL, add, ignored);
}

static __attribute__((noinline)) void core_mul(const ring *R, vec *out, const vec *x, const vec *y)
{
    const int k = R->k;
    vec t[COLUMNS], u[COLUMNS];
    mul_rows(R, t, u, NOTHING, 1, 0, x, y);
    for (int i = ROWS; i < k; i += ROWS) mul_rows(R, t, u, UP_TO_K, 1, i, x, y);
    u[k] += ALL(R->lift[k]);
    carry_two(k, out, t + k, u + k);
    out[0] ^= PLANT(PLANT_MUL);
}

/* x*y where y = y0 + 0*n: 4k^2. Only the first k limbs of y are read. */
static __attribute__((noinline)) void core_mul_head(const ring *R, vec *out, const vec *x, const vec *y)
{
    const int k = R->k;
    vec t[COLUMNS], u[COLUMNS];
    mul_rows(R, t, u, NOTHING, 0, 0, x, y);
    for (int i = ROWS; i < k; i += ROWS) mul_rows(R, t, u, UP_TO_K, 0, i, x, y);
    u[k] += ALL(R->lift[k]);
    carry_two(k, out, t + k, u + k);
    out[0] ^= PLANT(PLANT_MUL_HEAD);
}

/* Five rows of the upper triangle of x^2 (without the diagonal) into acc, `length` >= 10 columns of x left. */
static inline __attribute__((always_inline)) void square_rows(vec *acc, const int held, int length, const vec *x)
{
    const vec zero = ALL(0);
    vec a[ROWS], w[ROWS + 1];
    UNROLL for (int r = 0; r < ROWS; r++) a[r] = x[r];
    UNROLL for (int c = 0; c <= ROWS; c++) w[c] = held == NOTHING ? zero : acc[c];
    UNROLL for (int j = 0; j < ROWS; j++) {
        UNROLL for (int r = 0; r < ROWS; r++)
            if (r < j) { w[r] = LO(w[r], a[r], a[j]); w[r + 1] = HI(w[r + 1], a[r], a[j]); }
        acc[j] = w[0];
        SLIDE(w, held == NOTHING ? zero : acc[j + ROWS + 1]);
    }
#define COLUMN(next)              \
    do {                          \
        const vec y = x[j + t];   \
        FIVE(w, a, y)             \
        acc[j + t] = w[0];        \
        SLIDE(w, next);           \
    } while (0)
    int j = ROWS;
    for (; j < length - ROWS; j += ROWS) {
        UNROLL for (int t = 0; t < ROWS; t++) COLUMN(held == NOTHING ? zero : acc[j + t + ROWS + 1]);
    }
    UNROLL for (int t = 0; t < ROWS; t++) COLUMN(zero);
#undef COLUMN
    UNROLL for (int c = 0; c <= ROWS; c++) acc[length + c] = w[c];
}

/* The last five rows: columns 0..5 of acc are held, 0..10 written. */
static inline void square_corner(vec *acc, const vec *x)
{
    vec w[2 * ROWS + 1];
    UNROLL for (int c = 0; c <= 2 * ROWS; c++) w[c] = c <= ROWS ? acc[c] : ALL(0);
    UNROLL for (int j = 0; j < ROWS; j++)
        UNROLL for (int r = 0; r < ROWS; r++)
            if (r < j) { w[r + j] = LO(w[r + j], x[r], x[j]); w[r + j + 1] = HI(w[r + j + 1], x[r], x[j]); }
    UNROLL for (int c = 0; c <= 2 * ROWS; c++) acc[c] = w[c];
}

static __attribute__((noinline)) void core_sqr(const ring *R, vec *out, const vec *x)
{
    const int k = R->k;
    vec t[COLUMNS], u[COLUMNS], twice[K_MAX], add[ROWS], m[ROWS], ignored[ROWS];
    /* x0^2: products off the diagonal once, doubled, then the diagonal. */
    square_rows(t, NOTHING, k, x);
    for (int i = ROWS; i < k - ROWS; i += ROWS) square_rows(t + 2 * i, UP_TO_K, k - i, x + i);
    square_corner(t + 2 * (k - ROWS), x + k - ROWS);
    twice[0] = (x[k] << 1) & LIMB_MASK;
    for (int i = 0; i < k; i++) {
        t[2 * i] = LO(t[2 * i] << 1, x[i], x[i]);
        t[2 * i + 1] = HI(t[2 * i + 1] << 1, x[i], x[i]);
        if (i) twice[i] = ((x[k + i] << 1) | (x[k + i - 1] >> 51)) & LIMB_MASK;
    }
    for (int i = 0; i < k; i += ROWS) {
        five_rows(R, t + i, ALL_COLUMNS, 0, NULL, NULL, NULL, NULL, NULL, m);
        lift_minus(R, i, add, m);
        if (i == 0) five_rows(R, u, NOTHING, 1, x, twice, NULL, NULL, add, ignored);
        else five_rows(R, u + i, UP_TO_K, 1, x + i, twice, NULL, NULL, add, ignored);
    }
    u[k] += ALL(R->lift[k]);
    carry_two(k, out, t + k, u + k);
    out[k] ^= PLANT(PLANT_SQR);
}

/* One residue: x*y/R mod n, below 2n. */
static __attribute__((noinline)) void core_fmul(const ring *R, vec *out, const vec *x, const vec *y)
{
    const int k = R->k;
    vec t[COLUMNS], ignored[ROWS], carry = ALL(0);
    five_rows(R, t, NOTHING, 1, x, y, NULL, NULL, NULL, ignored);
    for (int i = ROWS; i < k; i += ROWS) five_rows(R, t + i, UP_TO_K, 1, x + i, y, NULL, NULL, NULL, ignored);
    for (int i = 0; i < k; i++) {
        carry += t[k + i]; out[i] = carry & LIMB_MASK; carry >>= 52;
    }
    out[0] ^= PLANT(PLANT_FMUL);
}

/* Plain product x*y + add, 2k limbs; y is the same for all lanes. */
static void core_muladd(int k, vec *out, const vec *x, const limb *y, const vec *add)
{
    vec t[COLUMNS], carry = ALL(0);
    memset(t, 0, sizeof(vec) * (size_t)(2 * k));
    memcpy(t, add, sizeof(vec) * (size_t)k);
    for (int i = 0; i < k; i++) {
        const vec yi = ALL(y[i]);
        for (int j = 0; j < k; j++) {
            t[i + j] = LO(t[i + j], x[j], yi);
            t[i + j + 1] = HI(t[i + j + 1], x[j], yi);
        }
    }
    for (int i = 0; i < 2 * k; i++) {
        carry += t[i]; out[i] = carry & LIMB_MASK; carry >>= 52;
    }
    out[0] ^= PLANT(PLANT_MULADD);
}

static inline void transpose8(__m512i r[8])
{
    __m512i t[8];
    UNROLL for (int i = 0; i < 4; i++) {
        t[2 * i] = _mm512_unpacklo_epi64(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_epi64(r[2 * i], r[2 * i + 1]);
    }
    UNROLL for (int h = 0; h < 2; h++) {
        const __m512i a = _mm512_shuffle_i64x2(t[h], t[2 + h], 0x88), b = _mm512_shuffle_i64x2(t[h], t[2 + h], 0xdd);
        const __m512i c = _mm512_shuffle_i64x2(t[4 + h], t[6 + h], 0x88);
        const __m512i d = _mm512_shuffle_i64x2(t[4 + h], t[6 + h], 0xdd);
        r[h] = _mm512_shuffle_i64x2(a, c, 0x88);
        r[4 + h] = _mm512_shuffle_i64x2(a, c, 0xdd);
        r[2 + h] = _mm512_shuffle_i64x2(b, d, 0x88);
        r[6 + h] = _mm512_shuffle_i64x2(b, d, 0xdd);
    }
}

/* Eight rows of `words` limbs to lanes, and back. */
static void gather(vec *group, const limb *const *rows, int words)
{
    __m512i r[8];
    for (int w = 0; w < words; w += 8) {
        const __mmask8 live = words - w >= 8 ? 0xff : (__mmask8)((1u << (words - w)) - 1);
        UNROLL for (int l = 0; l < 8; l++) r[l] = _mm512_maskz_loadu_epi64(live, rows[l] + w);
        transpose8(r);
        UNROLL for (int l = 0; l < 8; l++)
            if (live >> l & 1) group[w + l] = (vec)r[l];
    }
    group[0] ^= PLANT(PLANT_GATHER);
}

static void scatter(limb *const *rows, const vec *group, int words)
{
    __m512i r[8];
    for (int w = 0; w < words; w += 8) {
        const __mmask8 live = words - w >= 8 ? 0xff : (__mmask8)((1u << (words - w)) - 1);
        UNROLL for (int l = 0; l < 8; l++) r[l] = live >> l & 1 ? (__m512i)group[w + l] : _mm512_setzero_si512();
        transpose8(r);
        UNROLL for (int l = 0; l < 8; l++) _mm512_mask_storeu_epi64(rows[l] + w, live, r[l]);
    }
}

/* One of 2^w neighbouring words, a different one in each lane: vpermt2q picks among 16, then halves are merged by
 * the next bit of the index. */
typedef struct { __m512i low; __mmask8 bit4, bit5, bit6, bit7; } chosen;
#define PICK static inline __attribute__((always_inline)) __m512i
PICK pick4(const limb *p, const chosen *c)
{
    return _mm512_permutex2var_epi64(_mm512_loadu_si512(p), c->low, _mm512_loadu_si512(p + 8));
}
PICK pick5(const limb *p, const chosen *c) { return _mm512_mask_mov_epi64(pick4(p, c), c->bit4, pick4(p + 16, c)); }
PICK pick6(const limb *p, const chosen *c) { return _mm512_mask_mov_epi64(pick5(p, c), c->bit5, pick5(p + 32, c)); }
PICK pick7(const limb *p, const chosen *c) { return _mm512_mask_mov_epi64(pick6(p, c), c->bit6, pick6(p + 64, c)); }
PICK pick8(const limb *p, const chosen *c) { return _mm512_mask_mov_epi64(pick7(p, c), c->bit7, pick7(p + 128, c)); }

/* out[g][word] = column[word][index[g]] for LOOKUPS groups, window 4..8.
 * Constant time: all of the column is read whatever the index. Groups run inside words, so that a word's entries
 * come from the second-level cache once. */
#define HAVE_LOOKUP 1
static void lookup(vec *out, const limb *column, int words, const vec *index, int window)
{
    chosen c[LOOKUPS];
    for (int g = 0; g < LOOKUPS; g++) {
        const __m512i i = (__m512i)index[g];
        c[g].low = _mm512_and_si512(i, (__m512i)ALL(15));
        c[g].bit4 = _mm512_test_epi64_mask(i, (__m512i)ALL(16));
        c[g].bit5 = _mm512_test_epi64_mask(i, (__m512i)ALL(32));
        c[g].bit6 = _mm512_test_epi64_mask(i, (__m512i)ALL(64));
        c[g].bit7 = _mm512_test_epi64_mask(i, (__m512i)ALL(128));
    }
#define EACH(pick)                                                             \
    for (int w = 0; w < words; w++)                                            \
        UNROLL for (int g = 0; g < LOOKUPS; g++)                               \
            out[g * words + w] = (vec)pick(column + ((size_t)w << window), &c[g])
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
