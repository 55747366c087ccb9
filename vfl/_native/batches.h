/* Batches in and out, and products of them. */

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

