/* Groups: LANES numbers side by side, limb-major, and what every batch function does with them.
 *
 * An element has 2k vecs, a residue k. Numbers enter groups by `gather` and leave by `scatter`; lanes past the end
 * of a batch repeat its last number and are dropped.
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
    for (int l = 0; l < LANES; l++) {
        const size_t i = first + (size_t)l;
        rows[l] = i < count ? a + i * (size_t)words : sink;
    }
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

