/* Multi-exponentiation (Straus 1964): products of powers of several numbers, which share their squarings; outputs of
 * one group share the tables of its numbers too.
 *
 * Exponents come as digits below 2^window, the most significant position first: `steps[p]` squarings stand before
 * position p, `steps[positions]` after the last. Positions and steps are public and the same for all; the digits may
 * be secret: every product is made, whatever the digit, and table entries are picked by masks. */

/* out = table[index], an index per lane, where all lanes share one table of row-major entries. Constant time. */
static void select_shared(vec *out, const limb *table, int entries, int words, const limb *index)
{
    vec mask[1 << SHORT_WINDOW];
    for (int d = 0; d < entries; d++)
        for (int l = 0; l < LANES; l++) LANE(mask, d, l) = (limb)0 - (((index[l] ^ (limb)d) - 1) >> 63);
    for (int w = 0; w < words; w++) {
        vec v = (vec){0};
        for (int d = 0; d < entries; d++) v |= ((vec){0} + table[(size_t)d * (size_t)words + (size_t)w]) & mask[d];
        out[w] = v;
    }
    out[0] ^= PLANT(PLANT_MULTI_SELECT);
}

static inline void squarings(const ring *R, vec *x, int32_t count)
{
    for (int32_t s = 0; s < count; s++) core_sqr(R, x, x);
}

/* Row-major tables of `bases` numbers, 2^window entries each; lanes run over the numbers. */
static void shared_tables(const ring *R, limb *table, const limb *a, size_t bases, int window, vec *work)
{
    const size_t e = 2 * (size_t)R->k, entries = (size_t)1 << window;
    vec *x = work, *powers = x + e, *sink = powers + entries * e;
    for (size_t first = 0; first < bases; first += LANES) {
        gather_from(x, a, first, bases, 2 * R->k);
        small_powers(R, powers, (int)entries, x);
        for (size_t d = 0; d < entries; d++) {
            limb *rows[LANES];
            for (int l = 0; l < LANES; l++) {
                const size_t j = first + (size_t)l;
                rows[l] = j < bases ? table + (j * entries + d) * e : (limb *)sink;
            }
            scatter(rows, powers + d * e, 2 * R->k);
        }
    }
}

/* One group: lanes run over its outputs. */
static void group_outputs(const ring *R, limb *out, const limb *table, const uint8_t *digits, const int32_t *steps,
                          size_t bases, size_t outputs, size_t positions, int window, vec *work)
{
    const size_t e = 2 * (size_t)R->k, entries = (size_t)1 << window;
    vec *x = work, *y = x + e, *sink = y + e;
    for (size_t first = 0; first < outputs; first += LANES) {
        for (size_t p = 0; p < positions; p++) {
            if (p) squarings(R, x, steps[p]);
            for (size_t j = 0; j < bases; j++) {
                limb index[LANES];
                for (int l = 0; l < LANES; l++)
                    index[l] = digits[(least(first + (size_t)l, outputs - 1) * positions + p) * bases + j];
                const int begins = p == 0 && j == 0;
                select_shared(begins ? x : y, table + j * entries * e, (int)entries, 2 * R->k, index);
                if (!begins) core_mul(R, x, x, y);
            }
        }
        squarings(R, x, steps[positions]);
        LANE(x, 0, 0) ^= PLANT(PLANT_MULTI);
        scatter_to(out, x, first, outputs, 2 * R->k, (limb *)sink);
    }
}

/* One output per group: lanes run over the groups. */
static void single_outputs(const ring *R, limb *out, const limb *a, const uint8_t *digits, const int32_t *steps,
                           size_t groups, size_t bases, size_t positions, int window, vec *work)
{
    const size_t e = 2 * (size_t)R->k, entries = (size_t)1 << window;
    vec *x = work, *y = x + e, *sink = y + e, *tables = sink + e;
    for (size_t first = 0; first < groups; first += LANES) {
        const limb *rows[LANES];
        for (size_t j = 0; j < bases; j++) {
            for (int l = 0; l < LANES; l++) rows[l] = a + (least(first + (size_t)l, groups - 1) * bases + j) * e;
            gather(y, rows, 2 * R->k);
            small_powers(R, tables + j * entries * e, (int)entries, y);
        }
        for (size_t p = 0; p < positions; p++) {
            if (p) squarings(R, x, steps[p]);
            for (size_t j = 0; j < bases; j++) {
                limb index[LANES];
                for (int l = 0; l < LANES; l++)
                    index[l] = digits[(least(first + (size_t)l, groups - 1) * positions + p) * bases + j];
                const int begins = p == 0 && j == 0;
                select_entry(begins ? x : y, tables + j * entries * e, (int)entries, 2 * R->k, index);
                if (!begins) core_mul(R, x, x, y);
            }
        }
        squarings(R, x, steps[positions]);
        LANE(x, 0, 0) ^= PLANT(PLANT_MULTI);
        scatter_to(out, x, first, groups, 2 * R->k, (limb *)sink);
    }
}

static ptrdiff_t path_multi_power(const ring *R, limb *out, const limb *a, const uint8_t *digits, const int32_t *steps,
                                  size_t groups, size_t bases, size_t outputs, size_t positions, int window)
{
    const size_t e = 2 * (size_t)R->k, entries = (size_t)1 << window;
    const size_t scratch = (3 + (outputs == 1 ? bases : 1) * entries) * e;
    vec *work = grab(scratch);
    limb *table = outputs == 1 ? NULL : malloc(sizeof(limb) * bases * entries * e);
    if (!work || (outputs > 1 && !table)) { give(work, scratch); free(table); return NO_MEMORY; }
    if (outputs == 1) {
        single_outputs(R, out, a, digits, steps, groups, bases, positions, window, work);
    } else for (size_t g = 0; g < groups; g++) {
        shared_tables(R, table, a + g * bases * e, bases, window, work);
        group_outputs(R, out + g * outputs * e, table, digits + g * outputs * positions * bases, steps, bases,
                      outputs, positions, window, work);
    }
    give(work, scratch);
    free(table);
    return DONE;
}
