/* Every batch function, written once over the core of the including path.
 *
 * A *group* is LANES numbers side by side, limb-major: 2k (element) or k (residue) vecs. Numbers enter groups by
 * `gather` and leave by `scatter`; lanes past the end of a batch repeat its last number and are dropped.
 */

#define LANE(group, word, lane) (((limb *)(group))[(size_t)(word) * LANES + (size_t)(lane)])

/* ---- groups and memory ------------------------------------------------------------------------------------ */

static void *grab(size_t vecs)
{
    const size_t bytes = (vecs * sizeof(vec) + 63) & ~(size_t)63;
    return aligned_alloc(64, bytes ? bytes : 64);
}

static void give(void *p, size_t vecs)
{
    if (p) wipe(p, vecs * sizeof(vec));
    free(p);
}

/* Spilled registers and column sums of secret numbers die here: call after a batch on a secret ring. */
static __attribute__((noinline)) void burn_stack(void)
{
    unsigned char deep[64 * 1024];
    wipe(deep, sizeof deep);
}

static inline size_t least(size_t a, size_t b) { return a < b ? a : b; }

static void gather_from(vec *group, const limb *a, size_t first, size_t count, int words)
{
    const limb *rows[LANES];
    for (int l = 0; l < LANES; l++) rows[l] = a + least(first + (size_t)l, count - 1) * (size_t)words;
    gather(group, rows, words);
}

/* `sink` (words limbs) takes the lanes past the end. */
static void scatter_to(limb *a, const vec *group, size_t first, size_t count, int words, limb *sink)
{
    limb *rows[LANES];
    for (int l = 0; l < LANES; l++) rows[l] = first + (size_t)l < count ? a + (first + (size_t)l) * (size_t)words : sink;
    scatter(rows, group, words);
}

static void broadcast(vec *group, const limb *a, int words)
{
    for (int w = 0; w < words; w++)
        for (int l = 0; l < LANES; l++) LANE(group, w, l) = a[w];
}

static void plain_one(vec *group, int words)
{
    memset(group, 0, sizeof(vec) * (size_t)words);
    for (int l = 0; l < LANES; l++) LANE(group, 0, l) = 1;
}

/* ---- limbs and 64-bit words -------------------------------------------------------------------------------- */

/* `bits` bits from position `at`; zero beyond the end. */
static inline uint64_t bits_at(const uint64_t *words, size_t count, size_t at, int bits)
{
    const size_t word = at >> 6;
    const int shift = (int)(at & 63);
    uint64_t v = 0;
    if (word < count) v = words[word] >> shift;
    if (shift && word + 1 < count) v |= words[word + 1] << (64 - shift);
    return bits == 64 ? v : v & (((uint64_t)1 << bits) - 1);
}

static void lane_from_words(vec *group, int lane, int k, const uint64_t *words, size_t count, size_t first_limb)
{
    for (int i = 0; i < k; i++)
        LANE(group, i, lane) = bits_at(words, count, (first_limb + (size_t)i) * LIMB_BITS, LIMB_BITS);
}

static void lane_to_words(const vec *group, int lane, int limbs, uint64_t *words, size_t count)
{
    memset(words, 0, sizeof(uint64_t) * count);
    for (int i = 0; i < limbs; i++) {
        const size_t at = (size_t)i * LIMB_BITS, word = at >> 6;
        const int shift = (int)(at & 63);
        const uint64_t v = LANE(group, i, lane);
        if (word < count) words[word] |= v << shift;
        if (shift && word + 1 < count) words[word + 1] |= v >> (64 - shift);
    }
}

static size_t bit_length(const uint64_t *words, size_t count)
{
    size_t bits = 64 * count;
    while (bits && !bits_at(words, count, bits - 1, 1)) bits--;
    return bits;
}

/* ---- small arithmetic --------------------------------------------------------------------------------------- */

static void add_residues(int k, vec *out, const vec *a, const vec *b)
{
    vec carry = (vec){0};
    for (int i = 0; i < k; i++) out[i] = add_step(a[i], b[i], &carry);
    out[0] ^= PLANT(PLANT_ADD);
}

static void add_elements(int k, vec *out, const vec *a, const vec *b)
{
    add_residues(k, out, a, b);
    add_residues(k, out + k, a + k, b + k);
}

/* x -= n where x >= n, without a branch; returns 1 in the lanes that were reduced. */
static vec canon(int k, vec *x, const limb *n)
{
    vec borrow = (vec){0}, d[K_MAX];
    for (int i = 0; i < k; i++) d[i] = sub_step(x[i], (vec){0} + n[i], &borrow);
    const vec keep = (vec){0} - borrow;
    for (int i = 0; i < k; i++) x[i] = (x[i] & keep) | (d[i] & ~keep);
    x[0] ^= PLANT(PLANT_CANON);
    return (vec){0} + 1 - borrow;
}

/* out = table[index], an index per lane. Constant time: every entry is read and masked. */
static void select_entry(vec *out, const vec *table, int entries, int words, const limb *index)
{
    vec mask[1 << SHORT_WINDOW];
    for (int e = 0; e < entries; e++)
        for (int l = 0; l < LANES; l++) LANE(mask, e, l) = (limb)0 - (((index[l] ^ (limb)e) - 1) >> 63);
    for (int w = 0; w < words; w++) {
        vec v = (vec){0};
        for (int e = 0; e < entries; e++) v |= table[(size_t)e * (size_t)words + (size_t)w] & mask[e];
        out[w] = v;
    }
    out[0] ^= PLANT(PLANT_SELECT);
}

/* table[e] = a^e for e < entries. */
static void small_powers(const ring *R, vec *table, int entries, const vec *a)
{
    const size_t words = 2 * (size_t)R->k;
    broadcast(table, R->one, 2 * R->k);
    if (entries > 1) memcpy(table + words, a, sizeof(vec) * words);
    for (int e = 2; e < entries; e++) {
        if (e % 2 == 0) core_sqr(R, table + (size_t)e * words, table + (size_t)(e / 2) * words);
        else core_mul(R, table + (size_t)e * words, table + (size_t)(e - 1) * words, a);
    }
}

/* ---- in and out ----------------------------------------------------------------------------------------------- */

/* x*R mod n^2 = lo*R + hi*R^2, where x = lo + hi*R. */
static ptrdiff_t path_load(const ring *R, limb *out, const uint8_t *raw, size_t count, size_t width,
                           const uint8_t *square, limb *units)
{
    const int k = R->k;
    const size_t e = 2 * (size_t)k, words = (width + 7) / 8, scratch = 7 * e;
    vec *lo = grab(scratch);
    uint64_t *number = calloc(2 * words, sizeof *number), *bound = number ? number + words : NULL;
    ptrdiff_t status = DONE;
    if (!lo || !number) { status = NO_MEMORY; goto end; }
    vec *hi = lo + e, *r2 = hi + e, *r3 = r2 + e, *product = r3 + e, *sink = product + e;
    broadcast(r2, R->r2, 2 * k);
    broadcast(r3, R->r3, 2 * k);
    broadcast(product, R->one, k);
    memcpy(bound, square, width);
    for (size_t first = 0; first < count; first += LANES) {
        for (int l = 0; l < LANES; l++) {
            const size_t i = least(first + (size_t)l, count - 1);
            memcpy(number, raw + i * width, width);
            size_t w = words;
            while (w > 0 && number[w - 1] == bound[w - 1]) w--;
            if (w == 0 || number[w - 1] > bound[w - 1]) {
                if (!PLANT(PLANT_RANGE)) { status = (ptrdiff_t)i; goto end; }
            }
            lane_from_words(lo, l, k, number, words, 0);
            lane_from_words(hi, l, k, number, words, (size_t)k);
        }
        vec *a = sink + e;
        core_mul_head(R, a, r2, lo);
        core_mul_head(R, sink, r3, hi);
        add_elements(k, a, a, sink);
        if (!PLANT(PLANT_UNITS)) core_fmul(R, product, product, a);
        LANE(a, 0, 0) ^= PLANT(PLANT_LOAD);
        scatter_to(out, a, first, count, 2 * k, (limb *)sink);
    }
    for (int l = 0; l < LANES; l++)
        for (int i = 0; i < k; i++) units[(size_t)l * (size_t)k + (size_t)i] = LANE(product, i, l);
end:
    give(lo, scratch);
    free(number);
    return status;
}

static ptrdiff_t path_dump(const ring *R, uint8_t *raw, const limb *a, size_t count, size_t width)
{
    const int k = R->k;
    const size_t e = 2 * (size_t)k, words = (width + 7) / 8;
    vec *x = grab(3 * e);
    uint64_t *number = calloc(words, sizeof *number);
    ptrdiff_t status = DONE;
    if (!x || !number) { status = NO_MEMORY; goto end; }
    vec *one = x + e, *value = one + e;
    plain_one(one, 2 * k);
    for (size_t first = 0; first < count; first += LANES) {
        gather_from(x, a, first, count, 2 * k);
        core_mul(R, x, x, one);
        vec carry = (vec){0}, moved = canon(k, x, R->n);
        for (int i = 0; i < k; i++) { x[k + i] = add_step(x[k + i], moved, &carry); moved = (vec){0}; }
        canon(k, x + k, R->n);
        canon(k, x + k, R->n);
        core_muladd(k, value, x + k, R->n, x);
        LANE(value, 0, LANES - 1) ^= PLANT(PLANT_DUMP);
        for (int l = 0; l < LANES && first + (size_t)l < count; l++) {
            lane_to_words(value, l, 2 * k, number, words);
            memcpy(raw + (first + (size_t)l) * width, number, width);
        }
    }
end:
    give(x, 3 * e);
    free(number);
    return status;
}

/* R*(1 + m*n) = R + (m*R mod n)*n. */
static ptrdiff_t path_trivial(const ring *R, limb *out, const limb *m, size_t count, size_t words)
{
    const int k = R->k;
    const size_t e = 2 * (size_t)k;
    vec *x = grab(4 * e);
    if (!x) return NO_MEMORY;
    vec *r2 = x + e, *one = r2 + e, *sink = one + e;
    broadcast(r2, R->r2, k);
    broadcast(one, R->one, 2 * k);
    for (size_t first = 0; first < count; first += LANES) {
        for (int l = 0; l < LANES; l++)
            lane_from_words(x, l, k, m + least(first + (size_t)l, count - 1) * words, words, 0);
        core_fmul(R, x + k, x, r2);
        memcpy(x, one, sizeof(vec) * (size_t)k);
        add_residues(k, x + k, x + k, one + k);
        LANE(x, k, 0) ^= PLANT(PLANT_TRIVIAL);
        scatter_to(out, x, first, count, 2 * k, (limb *)sink);
    }
    give(x, 4 * e);
    return DONE;
}

/* ---- products ------------------------------------------------------------------------------------------------- */

static ptrdiff_t path_mul(const ring *R, limb *out, const limb *a, const limb *b, size_t count)
{
    const int k = R->k;
    const size_t e = 2 * (size_t)k;
    vec *x = grab(3 * e);
    if (!x) return NO_MEMORY;
    vec *y = x + e, *sink = y + e;
    for (size_t first = 0; first < count; first += LANES) {
        gather_from(x, a, first, count, 2 * k);
        gather_from(y, b, first, count, 2 * k);
        core_mul(R, x, x, y);
        scatter_to(out, x, first, count, 2 * k, (limb *)sink);
    }
    give(x, 3 * e);
    return DONE;
}

/* Lane l multiplies a[l], a[l + LANES], ...: prefix[i] is its product up to a[i]; lanes without numbers total 1. */
static ptrdiff_t path_running(const ring *R, limb *prefix, limb *totals, const limb *a, size_t count)
{
    const int k = R->k;
    const size_t e = 2 * (size_t)k;
    vec *x = grab(3 * e);
    if (!x) return NO_MEMORY;
    vec *product = x + e, *sink = product + e;
    broadcast(product, R->one, 2 * k);
    for (size_t first = 0; first < count; first += LANES) {
        const limb *rows[LANES];
        for (int l = 0; l < LANES; l++) rows[l] = first + (size_t)l < count ? a + (first + (size_t)l) * e : R->one;
        gather(x, rows, 2 * k);
        core_mul(R, product, product, x);
        LANE(product, 0, 0) ^= PLANT(PLANT_RUNNING);
        scatter_to(prefix, product, first, count, 2 * k, (limb *)sink);
    }
    scatter_to(totals, product, 0, LANES, 2 * k, (limb *)sink);
    give(x, 3 * e);
    return DONE;
}

static ptrdiff_t path_unwind(const ring *R, limb *out, const limb *prefix, const limb *inverse_totals, const limb *a,
                             size_t count)
{
    const int k = R->k;
    const size_t e = 2 * (size_t)k;
    vec *x = grab(3 * e);
    if (!x) return NO_MEMORY;
    vec *inverse = x + e, *sink = inverse + e;
    gather_from(inverse, inverse_totals, 0, LANES, 2 * k);
    for (size_t groups = (count + LANES - 1) / LANES; groups-- > 0;) {
        const size_t first = groups * LANES;
        const limb *rows[LANES];
        for (int l = 0; l < LANES; l++)
            rows[l] = first && first + (size_t)l < count ? prefix + (first - LANES + (size_t)l) * e : R->one;
        gather(x, rows, 2 * k);
        core_mul(R, x, x, inverse);
        LANE(x, 0, 0) ^= PLANT(PLANT_UNWIND);
        scatter_to(out, x, first, count, 2 * k, (limb *)sink);
        for (int l = 0; l < LANES; l++) rows[l] = first + (size_t)l < count ? a + (first + (size_t)l) * e : R->one;
        gather(x, rows, 2 * k);
        core_mul(R, inverse, inverse, x);
    }
    give(x, 3 * e);
    return DONE;
}

/* Segments are served to lanes as lanes fall free, so lists of any lengths keep all of them busy to the end. */
typedef struct { const limb *a; const int32_t *order; const int64_t *bounds; size_t next, count; limb *out; } queue;
typedef struct { int64_t at, end; size_t segment; int live; } worker;

static void serve(const ring *R, queue *q, worker *w, vec *product, int lane)
{
    const size_t e = 2 * (size_t)R->k;
    w->live = 0;
    while (!w->live && q->next < q->count) {
        w->segment = q->next++;
        w->at = q->bounds[2 * w->segment];
        w->end = q->bounds[2 * w->segment + 1];
        const limb *start = w->at < w->end ? q->a + (size_t)q->order[w->at] * e : R->one;
        w->at++;
        w->live = w->at < w->end;
        if (w->live) for (size_t i = 0; i < e; i++) LANE(product, i, lane) = start[i];
        else memcpy(q->out + w->segment * e, start, sizeof(limb) * e);
    }
}

static ptrdiff_t path_segments(const ring *R, limb *out, const limb *a, const int32_t *order, const int64_t *bounds,
                               size_t count)
{
    const int k = R->k;
    const size_t e = 2 * (size_t)k;
    queue q = {a, order, bounds, 0, count, out};
    worker w[LANES];
    vec *x = grab(2 * e);
    if (!x) return NO_MEMORY;
    vec *product = x + e;
    int live = 0;
    broadcast(product, R->one, 2 * k);
    for (int l = 0; l < LANES; l++) { serve(R, &q, &w[l], product, l); live += w[l].live; }
    while (live) {
        const limb *rows[LANES];
        for (int l = 0; l < LANES; l++) {
            rows[l] = w[l].live ? a + (size_t)order[w[l].at] * e : R->one;
            if (w[l].live && w[l].at + 1 < w[l].end) {
                const limb *ahead = a + (size_t)order[w[l].at + 1] * e;
                for (size_t i = 0; i < e; i += 8) __builtin_prefetch(ahead + i);
            }
        }
        gather(x, rows, 2 * k);
        core_mul(R, product, product, x);
        LANE(product, 0, 0) ^= PLANT(PLANT_SEGMENTS);
        for (int l = 0; l < LANES; l++) {
            if (!w[l].live || ++w[l].at < w[l].end) continue;
            for (size_t i = 0; i < e; i++) out[w[l].segment * e + i] = LANE(product, i, l);
            serve(R, &q, &w[l], product, l);
            live -= !w[l].live;
        }
    }
    give(x, 2 * e);
    return DONE;
}

/* ---- powers --------------------------------------------------------------------------------------------------- */

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
        for (size_t j = per; j-- > 0;) {
            const limb *rows[LANES];
            for (int l = 0; l < LANES; l++) {
                const size_t i = least(first + (size_t)l, groups - 1) * per + j;
                rows[l] = i < count ? a + i * e : R->one;
            }
            if (j + 1 < per) for (size_t s = 0; s < width; s++) core_sqr(R, x, x);
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

/* table[i][word][d]: the d-th entry of window i in split form. The exponents are secret (who knows one opens the
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

/* ---- key holder ------------------------------------------------------------------------------------------------- */

/* An element mod n^2 to its plaintext mod one prime p: L(a^(p-1) mod p^2) * h mod p (Paillier 1999, section 7).
 *
 * `constants`: lo 2k, hi 2k, tail_lo k, tail_hi k, h k (k of P). With a = x0 + x1*n and chunks x = l + h*R_p,
 *     a mod p^2 = l0*lo + h0*hi + (l1*tail_lo + h1*tail_hi)*p      in Montgomery form of P.
 * The exponent p - 1 is secret: fixed windows, every product made, table entries by masked scan. */
static ptrdiff_t path_half_plain(const ring *P, limb *out, const limb *a, size_t k_outer, const limb *constants,
                                 const limb *exponent, size_t words, size_t count)
{
    const int k = P->k, outer = (int)k_outer;
    const size_t e = 2 * (size_t)k, n = 2 * k_outer, scratch = 2 * n + (6 + (1 << SHORT_WINDOW)) * e;
    const size_t windows = (words * 64 + SHORT_WINDOW - 1) / SHORT_WINDOW;
    vec *input = grab(scratch);
    if (!input) return NO_MEMORY;
    vec *x = input + 2 * n, *y = x + e, *c = y + e, *tail = c + 2 * e, *sink = tail + e, *table = sink + e;
    for (size_t first = 0; first < count; first += LANES) {
        gather_from(input, a, first, count, 2 * outer);
        memset(input + n, 0, sizeof(vec) * n); /* the high chunk may reach past the input */
        broadcast(c, constants, 4 * k);
        broadcast(tail, constants + 4 * k, 2 * k);
        core_mul_head(P, x, c, input);
        memset(y, 0, sizeof(vec) * (size_t)k);
        memcpy(y, input + k, sizeof(vec) * (size_t)(outer - k));
        core_mul_head(P, y, c + e, y);
        add_elements(k, x, x, y);
        core_fmul(P, y, input + outer, tail);
        add_residues(k, x + k, x + k, y);
        core_fmul(P, y, input + outer + k, tail + k);
        add_residues(k, x + k, x + k, y);

        small_powers(P, table, 1 << SHORT_WINDOW, x);
        for (size_t i = windows; i-- > 0;) {
            limb index[LANES];
            for (int l = 0; l < LANES; l++) index[l] = bits_at(exponent, words, i * SHORT_WINDOW, SHORT_WINDOW);
            select_entry(y, table, 1 << SHORT_WINDOW, 2 * k, index);
            if (i + 1 == windows) { memcpy(x, y, sizeof(vec) * e); continue; }
            for (int s = 0; s < SHORT_WINDOW; s++) core_sqr(P, x, x);
            core_mul(P, x, x, y);
        }
        /* Out of Montgomery form: 1 + L*p exactly, because the first part is at most p and is 1 mod p. */
        plain_one(y, 2 * k);
        core_mul(P, x, x, y);
        broadcast(y, constants + 6 * k, k);
        core_fmul(P, x, x + k, y);
        canon(k, x, P->n);
        LANE(x, 0, 0) ^= PLANT(PLANT_HALF);
        scatter_to(out, x, first, count, k, (limb *)sink);
    }
    give(input, scratch);
    burn_stack();
    return DONE;
}

/* Garner: m = mq + q*((mp - mq)/q mod p). `constants`: a multiple of p above q, 1/q times R mod p, q (k each). */
static ptrdiff_t path_join_plain(const ring *P, limb *out, const limb *mp, const limb *mq, const limb *constants,
                                 size_t count, size_t words)
{
    const int k = P->k;
    const size_t e = 2 * (size_t)k;
    vec *x = grab(4 * e);
    if (!x) return NO_MEMORY;
    vec *y = x + e, *c = y + e, *value = c + e;
    broadcast(c, constants, 2 * k);
    for (size_t first = 0; first < count; first += LANES) {
        vec borrow = (vec){0};
        gather_from(x, mp, first, count, k);
        gather_from(y, mq, first, count, k);
        add_residues(k, x, x, c);
        for (int i = 0; i < k; i++) x[i] = sub_step(x[i], y[i], &borrow);
        core_fmul(P, x, x, c + k);
        canon(k, x, P->n);
        core_muladd(k, value, x, constants + 2 * k, y);
        LANE(value, 0, 0) ^= PLANT(PLANT_JOIN_PLAIN);
        for (int l = 0; l < LANES && first + (size_t)l < count; l++)
            lane_to_words(value, l, 2 * k, out + (first + (size_t)l) * words, words);
    }
    give(x, 4 * e);
    burn_stack();
    return DONE;
}

/* Elements mod p^2 and q^2 to the element mod n^2 that is both (Chinese remainders).
 * `constants`: cp, cq (2k of R each): q^2*(1/q^2 mod p^2)*R^2/R_p and the mirror image, in base-n form. */
static ptrdiff_t path_join_elements(const ring *R, const ring *P, const ring *Q, limb *out, const limb *ap,
                                    const limb *aq, const limb *constants, size_t count)
{
    const int k = R->k, half = P->k;
    const size_t e = 2 * (size_t)k, h = 2 * (size_t)half, scratch = 6 * e + 2 * h;
    vec *x = grab(scratch);
    if (!x) return NO_MEMORY;
    vec *y = x + e, *c = y + e, *sink = c + 2 * e, *part = sink + e, *value = part + h;
    broadcast(c, constants, 4 * k);
    for (size_t first = 0; first < count; first += LANES) {
        for (int side = 0; side < 2; side++) {
            vec *target = side ? y : x;
            gather_from(part, side ? aq : ap, first, count, 2 * half);
            core_muladd(half, value, part + half, side ? Q->n : P->n, part);
            /* x0 + x1*p < 4p^2 < R: the limbs above k are zero. */
            memset(target, 0, sizeof(vec) * (size_t)k);
            memcpy(target, value, sizeof(vec) * least(h, (size_t)k));
            core_mul_head(R, target, side ? c + e : c, target);
        }
        add_elements(k, x, x, y);
        LANE(x, 0, 0) ^= PLANT(PLANT_JOIN_ELEMENTS);
        scatter_to(out, x, first, count, 2 * k, (limb *)sink);
    }
    give(x, scratch);
    burn_stack();
    return DONE;
}

const path_ops PATH = {
    .name = PATH_NAME, .limb_bits = LIMB_BITS, .lanes = LANES, .k_multiple = K_MULTIPLE,
    .k_min = K_MIN, .k_max = K_MAX, .lift_redundant = LIFT_REDUNDANT,
    .load = path_load, .dump = path_dump, .trivial = path_trivial, .mul = path_mul, .running = path_running,
    .unwind = path_unwind, .power = path_power, .power_shared = path_power_shared, .segments = path_segments,
    .pack = path_pack, .table = path_table, .split = path_split, .table_powers = path_table_powers, .half_plain = path_half_plain,
    .join_plain = path_join_plain, .join_elements = path_join_elements,
};
