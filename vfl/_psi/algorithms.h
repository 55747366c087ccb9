/* The four functions of curve.h, written once for both paths over `fe` (field.h) with mul, square, add_multiple. */
/* ---- bytes ----------------------------------------------------------------------------------------------------- */

static inline uint64_t little(const uint8_t *p)
{
    uint64_t x = 0;
    for (int i = 7; i >= 0; i--) x = x << 8 | p[i];
    return x;
}

static inline uint64_t big(const uint8_t *p)
{
    uint64_t x = 0;
    for (int i = 0; i < 8; i++) x = x << 8 | p[i];
    return x;
}

static inline void put_little(uint8_t *p, uint64_t x)
{
    for (int i = 0; i < 8; i++) p[i] = (uint8_t)(x >> 8 * i);
}

static inline void put_big(uint8_t *p, uint64_t x)
{
    for (int i = 0; i < 8; i++) p[i] = (uint8_t)(x >> (56 - 8 * i));
}

/* `lanes` points of 32 bytes, zeros in the lanes above. */
static INLINE fe load_points(const uint8_t *points, size_t lanes)
{
    uint64_t words[5][LANES] = {{0}};
    for (size_t i = 0; i < lanes; i++)
        for (size_t k = 0; k < 4; k++) words[k][i] = little(points + POINT * i + 8 * k);
    return from_words(words);
}

static INLINE void store_points(uint8_t *points, fe a, size_t lanes)
{
    uint64_t words[5][LANES];
    to_words(a, words);
    for (size_t i = 0; i < lanes; i++)
        for (size_t k = 0; k < 4; k++) put_little(points + POINT * i + 8 * k, words[k][i]);
}

static inline size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- powers ---------------------------------------------------------------------------------------------------- */

static fe squared(fe a, int times)
{
    while (times--) a = square(a);
    return a;
}

/* a^(2^252 - 3) */
static fe power_2_252_3(fe a)
{
    const fe a2 = square(a);
    const fe a9 = mul(squared(a2, 2), a);
    const fe a11 = mul(a9, a2);
    const fe e5 = mul(square(a11), a9);          /* 2^5 - 1 */
    const fe e10 = mul(squared(e5, 5), e5);      /* 2^10 - 1 */
    const fe e20 = mul(squared(e10, 10), e10);
    const fe e40 = mul(squared(e20, 20), e20);
    const fe e50 = mul(squared(e40, 10), e10);
    const fe e100 = mul(squared(e50, 50), e50);
    const fe e200 = mul(squared(e100, 100), e100);
    const fe e250 = mul(squared(e200, 50), e50);
    return mul(squared(e250, 2), a);
}

/* 1/a = a^(p - 2), and p - 2 = 8 (2^252 - 3) + 3. */
static fe inverse(fe a)
{
    return mul(squared(power_2_252_3(a), 3), mul(square(a), a));
}

/* All ones where a is a square or zero: Euler's criterion, (p - 1)/2 = 4 (2^252 - 3) + 2. */
static word is_square(fe a)
{
    const fe symbol = mul(squared(power_2_252_3(a), 2), square(a));
    return ~is_zero(add(symbol, small(1)));
}

/* out[i] = x[i] / z[i], or zero where z[i] is zero, for one inversion (Montgomery's trick). */
static void divide(fe *x, fe *z, size_t groups)
{
    fe running[GROUPS];
    word none[GROUPS];
    for (size_t i = 0; i < groups; i++) {
        none[i] = is_zero(z[i]);
        z[i] = choose(none[i], small(1), z[i]);
        running[i] = i ? mul(running[i - 1], z[i]) : z[i];
    }
    fe back = inverse(running[groups - 1]);
    for (size_t i = groups; i-- > 0;) {
        const fe inv = i ? mul(back, running[i - 1]) : back;
        back = mul(back, z[i]);
        x[i] = choose(none[i], small(0), mul(x[i], inv));
    }
}

/* ---- the ladder (RFC 7748, section 5) ---------------------------------------------------------------------------- */

static void ladder_group(const uint8_t *scalar, fe x1, fe *x, fe *z)
{
    fe x2 = small(1), z2 = small(0), x3 = x1, z3 = small(1);
    uint64_t last = 0;
    for (int t = 254; t >= 0; t--) {
        const uint64_t bit = scalar[t >> 3] >> (t & 7) & 1;
        const word mask = ALL(0 - (bit ^ last));
        last = bit;
        swap_if(mask, &x2, &x3);
        swap_if(mask, &z2, &z3);
        const fe a = add(x2, z2), b = sub(x2, z2);
        const fe da = mul(sub(x3, z3), a), cb = mul(add(x3, z3), b);
        x3 = square(add(da, cb));
        z3 = mul(x1, square(sub(da, cb)));
        const fe aa = square(a), bb = square(b);
        const fe e = sub(aa, bb);
        x2 = mul(aa, bb);
        z2 = mul(e, add_multiple(aa, e, 121665));
    }
    /* The scalar is a multiple of 8: its last bit is 0 and nothing is left swapped. */
    *x = x2;
    *z = z2;
}

static void ladder(const uint8_t *scalar, const uint8_t *points, size_t count, uint8_t *out)
{
    fe x[GROUPS], z[GROUPS];
    while (count) {
        const size_t now = least(count, (size_t)GROUPS * LANES), groups = (now + LANES - 1) / LANES;
        for (size_t g = 0; g < groups; g++) {
            const size_t lanes = least(LANES, now - g * LANES);
            ladder_group(scalar, load_points(points + POINT * LANES * g, lanes), &x[g], &z[g]);
        }
        divide(x, z, groups);
        for (size_t g = 0; g < groups; g++)
            store_points(out + POINT * LANES * g, x[g], least(LANES, now - g * LANES));
        points += POINT * now;
        out += POINT * now;
        count -= now;
    }
}

/* ---- what kind of point ------------------------------------------------------------------------------------------ */

/* u^3 + 486662 u^2 + u */
static fe curve_side(fe u)
{
    const fe u2 = square(u);
    return mul(u, add_multiple(add(u2, small(1)), u, 486662));
}

/* The two u-coordinates of order 8, besides 0 (order 2), 1 and -1 (order 4, on curve and twist). */
static const uint8_t order_eight[2][POINT] = {
    {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
     0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
    {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
     0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
};

static void classify(const uint8_t *points, size_t count, uint8_t *out)
{
    for (size_t start = 0; start < count; start += LANES) {
        const size_t lanes = least(LANES, count - start);
        const fe u = load_points(points + POINT * start, lanes);
        const fe reduced = canonical(u);
        word changed = ALL(0);
        for (int i = 0; i < 5; i++) changed |= reduced.l[i] ^ u.l[i];
        word low = is_zero(u) | is_zero(sub(u, small(1))) | is_zero(add(u, small(1)));
        for (int k = 0; k < 2; k++) {
            uint8_t every[POINT * LANES];
            for (size_t i = 0; i < LANES; i++) memcpy(every + POINT * i, order_eight[k], POINT);
            low |= is_zero(sub(u, load_points(every, LANES)));
        }
        const word fault = ~zero_mask(changed), twist = ~is_square(curve_side(u));
        word found = (low & ALL(LOW_ORDER)) | (~low & twist & ALL(ON_TWIST));
        found = (fault & ALL(NOT_CANONICAL)) | (~fault & found);
        uint64_t flat[LANES];
        memcpy(flat, &found, sizeof flat);
        for (size_t i = 0; i < lanes; i++) out[start + i] = (uint8_t)flat[i];
    }
}

/* ---- SHA-512 (FIPS 180-4), one message per lane -------------------------------------------------------------------- */

#define ROTATE(x, n) ((x) >> (n) | (x) << (64 - (n)))

static const uint64_t sha_start[8] = {
    UINT64_C(0x6a09e667f3bcc908), UINT64_C(0xbb67ae8584caa73b), UINT64_C(0x3c6ef372fe94f82b), UINT64_C(0xa54ff53a5f1d36f1),
    UINT64_C(0x510e527fade682d1), UINT64_C(0x9b05688c2b3e6c1f), UINT64_C(0x1f83d9abfb41bd6b), UINT64_C(0x5be0cd19137e2179),
};

static const uint64_t sha_round[80] = {
    UINT64_C(0x428a2f98d728ae22), UINT64_C(0x7137449123ef65cd), UINT64_C(0xb5c0fbcfec4d3b2f), UINT64_C(0xe9b5dba58189dbbc),
    UINT64_C(0x3956c25bf348b538), UINT64_C(0x59f111f1b605d019), UINT64_C(0x923f82a4af194f9b), UINT64_C(0xab1c5ed5da6d8118),
    UINT64_C(0xd807aa98a3030242), UINT64_C(0x12835b0145706fbe), UINT64_C(0x243185be4ee4b28c), UINT64_C(0x550c7dc3d5ffb4e2),
    UINT64_C(0x72be5d74f27b896f), UINT64_C(0x80deb1fe3b1696b1), UINT64_C(0x9bdc06a725c71235), UINT64_C(0xc19bf174cf692694),
    UINT64_C(0xe49b69c19ef14ad2), UINT64_C(0xefbe4786384f25e3), UINT64_C(0x0fc19dc68b8cd5b5), UINT64_C(0x240ca1cc77ac9c65),
    UINT64_C(0x2de92c6f592b0275), UINT64_C(0x4a7484aa6ea6e483), UINT64_C(0x5cb0a9dcbd41fbd4), UINT64_C(0x76f988da831153b5),
    UINT64_C(0x983e5152ee66dfab), UINT64_C(0xa831c66d2db43210), UINT64_C(0xb00327c898fb213f), UINT64_C(0xbf597fc7beef0ee4),
    UINT64_C(0xc6e00bf33da88fc2), UINT64_C(0xd5a79147930aa725), UINT64_C(0x06ca6351e003826f), UINT64_C(0x142929670a0e6e70),
    UINT64_C(0x27b70a8546d22ffc), UINT64_C(0x2e1b21385c26c926), UINT64_C(0x4d2c6dfc5ac42aed), UINT64_C(0x53380d139d95b3df),
    UINT64_C(0x650a73548baf63de), UINT64_C(0x766a0abb3c77b2a8), UINT64_C(0x81c2c92e47edaee6), UINT64_C(0x92722c851482353b),
    UINT64_C(0xa2bfe8a14cf10364), UINT64_C(0xa81a664bbc423001), UINT64_C(0xc24b8b70d0f89791), UINT64_C(0xc76c51a30654be30),
    UINT64_C(0xd192e819d6ef5218), UINT64_C(0xd69906245565a910), UINT64_C(0xf40e35855771202a), UINT64_C(0x106aa07032bbd1b8),
    UINT64_C(0x19a4c116b8d2d0c8), UINT64_C(0x1e376c085141ab53), UINT64_C(0x2748774cdf8eeb99), UINT64_C(0x34b0bcb5e19b48a8),
    UINT64_C(0x391c0cb3c5c95a63), UINT64_C(0x4ed8aa4ae3418acb), UINT64_C(0x5b9cca4f7763e373), UINT64_C(0x682e6ff3d6b2b8a3),
    UINT64_C(0x748f82ee5defb2fc), UINT64_C(0x78a5636f43172f60), UINT64_C(0x84c87814a1f0ab72), UINT64_C(0x8cc702081a6439ec),
    UINT64_C(0x90befffa23631e28), UINT64_C(0xa4506cebde82bde9), UINT64_C(0xbef9a3f7b2c67915), UINT64_C(0xc67178f2e372532b),
    UINT64_C(0xca273eceea26619c), UINT64_C(0xd186b8c721c0c207), UINT64_C(0xeada7dd6cde0eb1e), UINT64_C(0xf57d4f7fee6ed178),
    UINT64_C(0x06f067aa72176fba), UINT64_C(0x0a637dc5a2c898a6), UINT64_C(0x113f9804bef90dae), UINT64_C(0x1b710b35131c471b),
    UINT64_C(0x28db77f523047d84), UINT64_C(0x32caab7b40c72493), UINT64_C(0x3c9ebe0a15c9bebc), UINT64_C(0x431d67c49c100d4c),
    UINT64_C(0x4cc5d4becb3e42b6), UINT64_C(0x597f299cfc657e2a), UINT64_C(0x5fcb6fab3ad6faec), UINT64_C(0x6c44198c4a475817),
};

static void sha_block(word state[8], const word block[16])
{
    word w[16], s[8];
    memcpy(w, block, sizeof w);
    memcpy(s, state, sizeof s);
    word a = s[0], b = s[1], c = s[2], d = s[3], e = s[4], f = s[5], g = s[6], h = s[7];
    for (int t = 0; t < 80; t++) {
        if (t >= 16) {
            const word x = w[(t + 1) % 16], y = w[(t + 14) % 16];
            w[t % 16] += (ROTATE(x, 1) ^ ROTATE(x, 8) ^ x >> 7) + w[(t + 9) % 16] + (ROTATE(y, 19) ^ ROTATE(y, 61) ^ y >> 6);
        }
        const word t1 = h + (ROTATE(e, 14) ^ ROTATE(e, 18) ^ ROTATE(e, 41)) + (g ^ (e & (f ^ g))) + ALL(sha_round[t]) + w[t % 16];
        const word t2 = (ROTATE(a, 28) ^ ROTATE(a, 34) ^ ROTATE(a, 39)) + ((a & b) | (c & (a | b)));
        h = g; g = f; f = e; e = d + t1; d = c; c = b; b = a; a = t1 + t2;
    }
    state[0] += a; state[1] += b; state[2] += c; state[3] += d;
    state[4] += e; state[5] += f; state[6] += g; state[7] += h;
}

/* One padded message per lane, `stride` apart, of blocks[lane] blocks each; `state` goes on from where it is. */
static void sha_messages(word state[8], const uint8_t *padded, size_t stride, const size_t *blocks)
{
    size_t most = 0;
    for (int i = 0; i < LANES; i++)
        if (blocks[i] > most) most = blocks[i];
    for (size_t n = 0; n < most; n++) {
        word block[16], next[8], live;
        uint64_t flat[16][LANES], on[LANES];
        for (int i = 0; i < LANES; i++) {
            const size_t at = least(n, blocks[i] - 1);
            on[i] = n < blocks[i] ? UINT64_MAX : 0;
            for (int k = 0; k < 16; k++) flat[k][i] = big(padded + stride * (size_t)i + SHA_BLOCK * at + 8 * (size_t)k);
        }
        memcpy(block, flat, sizeof block);
        memcpy(&live, on, sizeof live);
        memcpy(next, state, sizeof next);
        sha_block(next, block);
        for (int k = 0; k < 8; k++) state[k] ^= live & (state[k] ^ next[k]);
    }
}

/* Close a message of `length` bytes, `before` more having been hashed; returns its blocks. */
static size_t sha_pad(uint8_t *message, size_t length, size_t before)
{
    const size_t blocks = (length + 17 + SHA_BLOCK - 1) / SHA_BLOCK;
    memset(message + length, 0, blocks * SHA_BLOCK - length);
    message[length] = 0x80;
    put_big(message + blocks * SHA_BLOCK - 8, (uint64_t)(length + before) * 8);
    return blocks;
}

static void sha_begin(word state[8])
{
    for (int k = 0; k < 8; k++) state[k] = ALL(sha_start[k]);
}

static void sha_digests(const word state[8], uint8_t *out, size_t stride, size_t lanes)
{
    uint64_t flat[8][LANES];
    memcpy(flat, state, sizeof flat);
    for (size_t i = 0; i < lanes; i++)
        for (size_t k = 0; k < 8; k++) put_big(out + stride * i + 8 * k, flat[k][i]);
}

static void hash_points(const uint8_t *domain, size_t domain_len, const uint8_t *points, size_t count, uint8_t *out,
                        uint8_t *scratch)
{
    const size_t stride = scratch_bytes(domain_len);
    for (size_t start = 0; start < count; start += LANES) {
        const size_t lanes = least(LANES, count - start);
        size_t blocks[LANES];
        word state[8];
        for (size_t i = 0; i < LANES; i++) { /* idle lanes repeat the last point */
            uint8_t *message = scratch + stride * i;
            memcpy(message, domain, domain_len);
            memcpy(message + domain_len, points + POINT * (start + least(i, lanes - 1)), POINT);
            blocks[i] = sha_pad(message, domain_len + POINT, 0);
        }
        sha_begin(state);
        sha_messages(state, scratch, stride, blocks);
        sha_digests(state, out + DIGEST * start, DIGEST, lanes);
    }
}

/* ---- hash to the curve (RFC 9380) ---------------------------------------------------------------------------------- */

/* hash_to_field with expand_message_xmd (sections 5.2, 5.3.1), one element per lane. `zero_block` is the state
 * after the leading block of zeros, the same for all messages. */
static fe hash_to_field(const word zero_block[8], const uint8_t *data, const uint64_t *ends, size_t lanes,
                        const uint8_t *dst, size_t dst_len, uint8_t *scratch, size_t stride)
{
    size_t blocks[LANES];
    word state[8];
    for (size_t i = 0; i < LANES; i++) { /* b_0 = H(zeros || message || 0x0030 || 0x00 || dst || len(dst)) */
        const size_t at = least(i, lanes - 1), length = (size_t)(ends[at + 1] - ends[at]);
        uint8_t *m = scratch + stride * i;
        memcpy(m, data + ends[at], length);
        m[length] = 0x00;
        m[length + 1] = 0x30;
        m[length + 2] = 0x00;
        memcpy(m + length + 3, dst, dst_len);
        m[length + 3 + dst_len] = (uint8_t)dst_len;
        blocks[i] = sha_pad(m, length + 4 + dst_len, SHA_BLOCK);
    }
    memcpy(state, zero_block, sizeof state);
    sha_messages(state, scratch, stride, blocks);
    sha_digests(state, scratch, stride, LANES);
    for (size_t i = 0; i < LANES; i++) { /* b_1 = H(b_0 || 0x01 || dst || len(dst)) */
        uint8_t *m = scratch + stride * i;
        m[DIGEST] = 0x01;
        memcpy(m + DIGEST + 1, dst, dst_len);
        m[DIGEST + 1 + dst_len] = (uint8_t)dst_len;
        blocks[i] = sha_pad(m, DIGEST + 2 + dst_len, 0);
    }
    sha_begin(state);
    sha_messages(state, scratch, stride, blocks);

    /* The first 48 bytes as a big-endian number: six words, of which the upper two weigh 2^256 = 38 mod p. */
    uint64_t b[8][LANES], words[5][LANES] = {{0}};
    memcpy(b, state, sizeof b);
    for (int i = 0; i < LANES; i++) {
        unsigned __int128 sum = 0;
        for (int k = 0; k < 4; k++) {
            sum = (uint64_t)(sum >> 64) + (unsigned __int128)b[5 - k][i] + (k < 2 ? (unsigned __int128)38 * b[1 - k][i] : 0);
            words[k][i] = (uint64_t)sum;
        }
        words[0][i] += 38 * (uint64_t)(sum >> 64); /* cannot carry: after an overflow the rest is below 38 * 2^128 */
    }
    return from_words(words);
}

/* Elligator 2 (section 6.7.1; Z = 2, J = A): u = -A/d where d = 1 + 2 t^2, if that lies on the curve, else
 * -A - u = -2 A t^2/d. The curve's right side at n/d times d^4 is n d (n^2 + A n d + d^2): the same symbol,
 * without a division. d is never zero: -1/2 is no square. */
static void elligator(fe t, fe *numerator, fe *denominator)
{
    const fe minus_a = sub(small(0), small(486662));
    const fe t2 = square(t), twice = add(t2, t2), d = add(twice, small(1));
    const fe nd = mul(minus_a, d);
    const fe side = mul(nd, add(add_multiple(square(d), nd, 486662), square(minus_a)));
    *numerator = choose(is_square(side), minus_a, mul(minus_a, twice));
    *denominator = d;
}

static void map_messages(const uint8_t *data, const uint64_t *ends, size_t count, const uint8_t *dst, size_t dst_len,
                         uint8_t *out, uint8_t *scratch)
{
    size_t longest = 0;
    for (size_t i = 0; i < count; i++)
        if (ends[i + 1] - ends[i] > longest) longest = (size_t)(ends[i + 1] - ends[i]);
    const size_t stride = scratch_bytes(longest + dst_len);
    word zero_block[8], block[16];
    memset(block, 0, sizeof block);
    sha_begin(zero_block);
    sha_block(zero_block, block);
    fe n[GROUPS], d[GROUPS];
    while (count) {
        const size_t now = least(count, (size_t)GROUPS * LANES), groups = (now + LANES - 1) / LANES;
        for (size_t g = 0; g < groups; g++) {
            const size_t lanes = least(LANES, now - g * LANES);
            elligator(hash_to_field(zero_block, data, ends + g * LANES, lanes, dst, dst_len, scratch, stride), &n[g], &d[g]);
        }
        divide(n, d, groups);
        for (size_t g = 0; g < groups; g++)
            store_points(out + POINT * LANES * g, n[g], least(LANES, now - g * LANES));
        ends += now;
        out += POINT * now;
        count -= now;
    }
}

const path_ops PATH = {map_messages, ladder, classify, hash_points};
