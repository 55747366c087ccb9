/* Powers: of each number, of all to one exponent, packing, and of one fixed base. */

/* ---- powers --------------------------------------------------------------------------------------------------- */

/* Table entries are picked by masks; only the longest exponent of a group shows, in the number of windows. */
static ptrdiff_t path_power(const ring *R, limb *out, const limb *a, const limb *exponents, size_t count, size_t words)
{
    const int k = R->k;
    const size_t e = 2 * (size_t)k, scratch = (3 + (1 << SHORT_WINDOW)) * e;
    vec *x = grab(scratch);
    if (!x) return NO_MEMORY;
    vec *y = x + e, *sink = y + e, *table = sink + e;
    for (size_t first = 0; first < count; first += LANES) {
        const limb *exponent[LANES];
        size_t bits = 0;
        for (int l = 0; l < LANES; l++) {
            exponent[l] = exponents + least(first + (size_t)l, count - 1) * words;
            const size_t own = bit_length(exponent[l], words);
            bits = own > bits ? own : bits;
        }
        int window = 1;
        for (int w = 2; w <= SHORT_WINDOW; w++)
            if (((size_t)1 << w) + (bits + (size_t)w - 1) / (size_t)w <
                ((size_t)1 << window) + (bits + (size_t)window - 1) / (size_t)window) window = w;
        const size_t windows = (bits + (size_t)window - 1) / (size_t)window;
        gather_from(y, a, first, count, 2 * k);
        small_powers(R, table, 1 << window, y);
        memcpy(x, table, sizeof(vec) * e);
        for (size_t i = windows; i-- > 0;) {
            limb index[LANES];
            for (int l = 0; l < LANES; l++) index[l] = bits_at(exponent[l], words, i * (size_t)window, window);
            if (i + 1 < windows) for (int s = 0; s < window; s++) core_sqr(R, x, x);
            select_entry(y, table, 1 << window, 2 * k, index);
            if (i + 1 < windows) core_mul(R, x, x, y);
            else memcpy(x, y, sizeof(vec) * e);
        }
        LANE(x, 0, 0) ^= PLANT(PLANT_POWER);
        scatter_to(out, x, first, count, 2 * k, (limb *)sink);
    }
    give(x, scratch);
    return DONE;
}

/* One public exponent for all (n itself): sliding windows over odd powers; time depends on the exponent only. */
static ptrdiff_t path_power_shared(const ring *R, limb *out, const limb *a, const limb *exponent, size_t count,
                                   size_t words)
{
    enum { WINDOW = 6 };
    const int k = R->k;
    const size_t e = 2 * (size_t)k, scratch = (3 + (1 << (WINDOW - 1))) * e;
    const ptrdiff_t bits = (ptrdiff_t)bit_length(exponent, words);
    vec *x = grab(scratch);
    if (!x) return NO_MEMORY;
    vec *square = x + e, *sink = square + e, *odd = sink + e;
    for (size_t first = 0; first < count; first += LANES) {
        gather_from(odd, a, first, count, 2 * k);
        core_sqr(R, square, odd);
        if (bits > WINDOW)
            for (size_t i = 1; i < 1 << (WINDOW - 1); i++) core_mul(R, odd + i * e, odd + (i - 1) * e, square);
        broadcast(x, R->one, 2 * k);
        for (ptrdiff_t at = bits - 1; at >= 0;) {
            if (!bits_at(exponent, words, (size_t)at, 1)) { core_sqr(R, x, x); at--; continue; }
            const int room = bits > WINDOW ? WINDOW : 1;
            ptrdiff_t low = at - room + 1 > 0 ? at - room + 1 : 0;
            while (!bits_at(exponent, words, (size_t)low, 1)) low++;
            for (ptrdiff_t s = low; s <= at; s++) core_sqr(R, x, x);
            core_mul(R, x, x, odd + (size_t)(bits_at(exponent, words, (size_t)low, (int)(at - low + 1)) >> 1) * e);
            at = low - 1;
        }
        LANE(x, 0, 0) ^= PLANT(PLANT_SHARED);
        scatter_to(out, x, first, count, 2 * k, (limb *)sink);
    }
    give(x, scratch);
    return DONE;
}

/* Horner from the last of each group of `per`: shift by `width` squarings, then add. A short last group is allowed. */
static ptrdiff_t path_pack(const ring *R, limb *out, const limb *a, size_t count, size_t per, size_t width)
{
    const int k = R->k;
    const size_t e = 2 * (size_t)k, groups = (count + per - 1) / per;
    vec *x = grab(3 * e);
    if (!x) return NO_MEMORY;
    vec *y = x + e, *sink = y + e;
    for (size_t first = 0; first < groups; first += LANES) {
        broadcast(x, R->one, 2 * k);
        for (size_t j = least(per, count); j-- > 0;) {
            const limb *rows[LANES];
            for (int l = 0; l < LANES; l++) {
                const size_t i = least(first + (size_t)l, groups - 1) * per + j;
                rows[l] = i < count ? a + i * e : R->one;
            }
            if (j + 1 < least(per, count)) for (size_t s = 0; s < width; s++) core_sqr(R, x, x);
            gather(y, rows, 2 * k);
            core_mul(R, x, x, y);
        }
        LANE(x, 0, 0) ^= PLANT(PLANT_PACK);
        scatter_to(out, x, first, groups, 2 * k, (limb *)sink);
    }
    give(x, 3 * e);
    return DONE;
}

/* ---- fixed base (Brickell, Gordon, McCurley, Wilson 1992) ------------------------------------------------------- */

/* out[i * 2^window + d] = base^(d * 2^(window*i)). */
static ptrdiff_t path_table(const ring *R, limb *out, const limb *base, size_t windows, int window)
{
    const int k = R->k;
    const size_t e = 2 * (size_t)k, entries = (size_t)1 << window;
    vec *x = grab(3 * e);
    limb *bases = malloc(sizeof(limb) * windows * e);
    ptrdiff_t status = DONE;
    if (!x || !bases) { status = NO_MEMORY; goto end; }
    vec *y = x + e, *sink = y + e;
    broadcast(x, base, 2 * k);
    for (size_t i = 0; i < windows; i++) {
        for (size_t w = 0; w < e; w++) bases[i * e + w] = LANE(x, w, 0);
        for (int s = 0; s < window; s++) core_sqr(R, x, x);
    }
    for (size_t first = 0; first < windows; first += LANES) {
        gather_from(y, bases, first, windows, 2 * k);
        broadcast(x, R->one, 2 * k);
        for (size_t d = 0; d < entries; d++) {
            limb *rows[LANES];
            for (int l = 0; l < LANES; l++)
                rows[l] = first + (size_t)l < windows ? out + ((first + (size_t)l) * entries + d) * e : (limb *)sink;
            scatter(rows, x, 2 * k);
            core_mul(R, x, x, y);
        }
    }
    out[0] ^= PLANT(PLANT_TABLE);
end:
    give(x, 3 * e);
    if (bases) wipe(bases, sizeof(limb) * windows * e);
    free(bases);
    burn_stack();
    return status;
}

/* Split form: t + u*n = t*(1 + s*n) with s = u/t mod n. A product of many split numbers costs 4k^2 each for the
 * heads and one plain addition for the tails. `inverse` holds the inverses of the elements t + 0*n. */
static ptrdiff_t path_split(const ring *R, limb *out, const limb *a, const limb *inverse, size_t count)
{
    const int k = R->k;
    const size_t e = 2 * (size_t)k;
    vec *x = grab(4 * e);
    if (!x) return NO_MEMORY;
    vec *y = x + e, *one = y + e, *sink = one + e;
    plain_one(one, k);
    for (size_t first = 0; first < count; first += LANES) {
        gather_from(x, a, first, count, 2 * k);
        gather_from(y, inverse, first, count, 2 * k);
        core_fmul(R, x + k, x + k, y); /* u * (R^2/t) / R, */
        core_fmul(R, x + k, x + k, one); /* and once more by R */
        canon(k, x + k, R->n);
        LANE(x, k, 0) ^= PLANT(PLANT_SPLIT);
        scatter_to(out, x, first, count, 2 * k, (limb *)sink);
    }
    give(x, 4 * e);
    burn_stack();
    return DONE;
}

/* Sum of tails: lazily where limbs leave room for 2^12 terms, with carries where they do not. */
static inline void add_tail(int k, vec *sum, const vec *tail)
{
#if LIMB_BITS == 64
    add_residues(k, sum, sum, tail);
#else
    for (int i = 0; i < k; i++) sum[i] += tail[i];
#endif
}

/* x *= 1 + sum*n; `work` has 2k vecs. */
static void apply_tail(const ring *R, vec *x, vec *sum, vec *work)
{
    const int k = R->k;
    memset(work, 0, sizeof(vec) * (size_t)k);
    add_residues(k, sum, sum, work);
    broadcast(work, R->r2, k);
    core_fmul(R, work, sum, work);
    core_fmul(R, work, work, x);
    add_residues(k, x + k, x + k, work);
}

#if !HAVE_LOOKUP
/* out[word] = column[word][index]. Constant time: every entry is read and masked. */
static void lookup(vec *out, const limb *column, int words, const vec *index, int window)
{
    limb mask[256];
    const size_t entries = (size_t)1 << window;
    for (size_t d = 0; d < entries; d++) mask[d] = (limb)0 - (((*index ^ (limb)d) - 1) >> 63);
    for (int w = 0; w < words; w++) {
        const limb *p = column + (size_t)w * entries;
        limb v = 0;
        for (size_t d = 0; d < entries; d++) v |= p[d] & mask[d];
        out[w] = v;
    }
    out[0] ^= PLANT(PLANT_LOOKUP);
}
#endif

/* table[i][word][d]: the d-th entry of window i in split form (byte by byte if TABLE_BYTES). The exponents are secret (who knows one opens the
 * ciphertext it hides): one product per window whatever its digit, and a constant-time lookup. Windows run
 * outside, numbers inside, so one column of the table stays cached. */
static ptrdiff_t path_table_powers(const ring *R, limb *out, const limb *table, size_t windows, int window,
                                   const limb *exponents, size_t count, size_t words)
{
    enum { GROUPS = 16 }; /* a multiple of LOOKUPS */
    const int k = R->k;
    const size_t e = 2 * (size_t)k, h = (size_t)k, scratch = GROUPS * (e + h) + (LOOKUPS + 1) * e;
    vec *x = grab(scratch);
    if (!x) return NO_MEMORY;
    vec *sums = x + GROUPS * e, *y = sums + GROUPS * h, *sink = y + LOOKUPS * e;
    for (size_t start = 0; start < count; start += GROUPS * LANES) {
        const size_t groups = least(GROUPS, (count - start + LANES - 1) / LANES);
        for (size_t i = 0; i < windows; i++) {
            for (size_t first = 0; first < groups; first += LOOKUPS) {
                vec index[LOOKUPS];
                for (size_t l = 0; l < LOOKUPS * LANES; l++) {
                    const limb *own = exponents + least(start + first * LANES + l, count - 1) * words;
                    LANE(index, l / LANES, l % LANES) = bits_at(own, words, i * (size_t)window, window);
                }
                lookup(y, table + ((i * e) << window), 2 * k, index, window);
                for (size_t g = 0; g < LOOKUPS && first + g < groups; g++) {
                    vec *own = x + (first + g) * e, *sum = sums + (first + g) * h;
                    if (i) {
                        core_mul_head(R, own, own, y + g * e);
                        add_tail(k, sum, y + g * e + h);
                    } else {
                        memcpy(own, y + g * e, sizeof(vec) * h);
                        memset(own + h, 0, sizeof(vec) * h);
                        memcpy(sum, y + g * e + h, sizeof(vec) * h);
                    }
                }
            }
        }
        LANE(x, 0, 0) ^= PLANT(PLANT_TABLE_POWERS);
        for (size_t g = 0; g < groups; g++) {
            apply_tail(R, x + g * e, sums + g * h, y);
            scatter_to(out, x + g * e, start + g * LANES, count, 2 * k, (limb *)sink);
        }
    }
    give(x, scratch);
    burn_stack();
    return DONE;
}

