/* What only the key holder does: decryption and the joining of randomisers. All of it is constant time. */

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

