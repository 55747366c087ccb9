/* One number at a time, row by row: the core shared by the paths with full-width limbs.
 *
 * The including file defines LIMB_BITS (64 or 32), K_MAX and
 *     limb addmul(limb *acc, const limb *y, int k, limb x)    acc[0..k) += x*y, returns the carry limb
 */

#include "limbs.h"

enum { LANES = 1, K_MULTIPLE = 1, K_MIN = 2, LIFT_REDUNDANT = 0, SHORT_WINDOW = 4, LOOKUPS = 1, TABLE_WINDOW = 5,
       TABLE_BYTES = 0 };
enum { COLUMNS = 2 * K_MAX + 3 };

/* acc[0..k] += x*y where the two columns above have seen nothing but carries, so they cannot run over. */
static inline void add_row(limb *acc, const limb *y, int k, limb x)
{
    limb carry = 0;
    acc[k] = add_step(acc[k], addmul(acc, y, k, x), &carry);
    acc[k + 1] += carry;
}


/* A full product in acc[0..2k) becomes its Montgomery quotient in acc[k..2k); m receives the digits. */
static inline void reduce(const ring *R, limb *acc, limb *m)
{
    limb carry = 0;
    for (int i = 0; i < R->k; i++) {
        m[i] = acc[i] * R->ninv & LIMB_MASK;
        acc[i + R->k] = add_step(acc[i + R->k], addmul(acc + i, R->n, R->k, m[i]), &carry);
    }
}

/* K - m, k + 1 limbs, then room for carries. */
static inline void lift_minus(const ring *R, limb *out, const limb *m)
{
    limb borrow = 0;
    for (int i = 0; i < R->k; i++) out[i] = sub_step(R->lift[i], m[i], &borrow);
    out[R->k] = R->lift[R->k] - borrow;
    memset(out + R->k + 1, 0, sizeof(limb) * (size_t)(R->k + 2));
}

/* x*y; a `full` product reads all of y, else y stands for y0 + 0*n. */
static inline void mul_rows(const ring *R, limb *out, const limb *x, const limb *y, const int full)
{
    const int k = R->k;
    limb t[COLUMNS], u[COLUMNS], m[K_MAX];
    memset(t, 0, sizeof(limb) * (size_t)(2 * k + 3));
    for (int i = 0; i < k; i++) {
        add_row(t + i, y, k, x[i]);
        m[i] = t[i] * R->ninv & LIMB_MASK;
        add_row(t + i, R->n, k, m[i]);
    }
    lift_minus(R, u, m);
    for (int i = 0; i < k; i++) {
        if (full) add_row(u + i, y + k, k, x[i]);
        add_row(u + i, y, k, x[k + i]);
        add_row(u + i, R->n, k, u[i] * R->ninv & LIMB_MASK);
    }
    memcpy(out, t + k, sizeof(limb) * (size_t)k);
    memcpy(out + k, u + k, sizeof(limb) * (size_t)k);
}

static void core_mul(const ring *R, limb *out, const limb *x, const limb *y)
{
    mul_rows(R, out, x, y, 1);
    out[0] ^= PLANT(PLANT_MUL);
}

static void core_mul_head(const ring *R, limb *out, const limb *x, const limb *y)
{
    mul_rows(R, out, x, y, 0);
    out[0] ^= PLANT(PLANT_MUL_HEAD);
}

static void core_sqr(const ring *R, limb *out, const limb *x)
{
    const int k = R->k;
    limb t[COLUMNS], u[COLUMNS], m[K_MAX], twice[K_MAX], spill = 0, carry = 0;
    memset(t, 0, sizeof(limb) * (size_t)(2 * k + 3));
    /* x0^2: products off the diagonal once, doubled, then the diagonal. */
    for (int i = 0; i < k; i++) t[i + k] = addmul(t + 2 * i + 1, x + i + 1, k - i - 1, x[i]);
    for (int i = 0; i < k; i++) {
        limb square[2] = {0, 0};
        square[1] = addmul(square, x + i, 1, x[i]);
        for (int c = 0; c < 2; c++) {
            const limb column = t[2 * i + c];
            t[2 * i + c] = add_step((column << 1 | spill) & LIMB_MASK, square[c], &carry);
            spill = column >> (LIMB_BITS - 1);
        }
    }
    reduce(R, t, m);
    lift_minus(R, u, m);
    spill = 0;
    for (int i = 0; i < k; i++) {
        twice[i] = (x[k + i] << 1 | spill) & LIMB_MASK;
        spill = x[k + i] >> (LIMB_BITS - 1);
    }
    for (int i = 0; i < k; i++) {
        add_row(u + i, twice, k, x[i]);
        add_row(u + i, R->n, k, u[i] * R->ninv & LIMB_MASK);
    }
    memcpy(out, t + k, sizeof(limb) * (size_t)k);
    memcpy(out + k, u + k, sizeof(limb) * (size_t)k);
    out[k] ^= PLANT(PLANT_SQR);
}

static void core_fmul(const ring *R, limb *out, const limb *x, const limb *y)
{
    const int k = R->k;
    limb t[COLUMNS];
    memset(t, 0, sizeof(limb) * (size_t)(2 * k + 3));
    for (int i = 0; i < k; i++) {
        add_row(t + i, y, k, x[i]);
        add_row(t + i, R->n, k, t[i] * R->ninv & LIMB_MASK);
    }
    memcpy(out, t + k, sizeof(limb) * (size_t)k);
    out[0] ^= PLANT(PLANT_FMUL);
}

/* Plain product x*y + add, 2k limbs. */
static void core_muladd(int k, limb *out, const limb *x, const limb *y, const limb *add)
{
    limb t[COLUMNS];
    memset(t, 0, sizeof(limb) * (size_t)(2 * k + 3));
    memcpy(t, add, sizeof(limb) * (size_t)k);
    for (int i = 0; i < k; i++) add_row(t + i, x, k, y[i]);
    memcpy(out, t, sizeof(limb) * 2 * (size_t)k);
    out[0] ^= PLANT(PLANT_MULADD);
}

static void gather(limb *group, const limb *const *rows, int words)
{
    memcpy(group, rows[0], sizeof(limb) * (size_t)words);
    group[0] ^= PLANT(PLANT_GATHER);
}

static void scatter(limb *const *rows, const limb *group, int words)
{
    memcpy(rows[0], group, sizeof(limb) * (size_t)words);
}

#define HAVE_LOOKUP 0
