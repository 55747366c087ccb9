/* The arithmetic of private set intersection: Curve25519 by u-coordinates, and SHA-512, over arrays of points.
 *
 * Each path implements the same four functions (algorithms.h, compiled once per path) for its own `word`: one
 * number (path_int64.c) or eight side by side (path_ifma.c). All run in constant time in scalar, points and
 * messages, but for the lengths of the messages. No allocation, no randomness and no policy.
 */
#ifndef VFL_PSI_CURVE_H
#define VFL_PSI_CURVE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define VFL_PSI_IFMA 1
#else
#define VFL_PSI_IFMA 0
#endif

enum { POINT = 32, DIGEST = 64, SHA_BLOCK = 128, MOST_LANES = 8 };

/* What `classify` finds. */
enum { ON_CURVE = 0, NOT_CANONICAL = 1, LOW_ORDER = 2, ON_TWIST = 3 };

typedef struct {
    /* out[i] = u(Elligator 2 of RFC 9380 hash_to_field(data[ends[i] : ends[i + 1]])), tag `dst` of at most 255
     * bytes. `scratch`: MOST_LANES * scratch_bytes(longest message + dst_len). */
    void (*map_messages)(const uint8_t *data, const uint64_t *ends, size_t count, const uint8_t *dst, size_t dst_len,
                         uint8_t *out, uint8_t *scratch);
    /* out[i] = X25519(scalar, points[i]) for a clamped scalar; points below 2^255. */
    void (*ladder)(const uint8_t *scalar, const uint8_t *points, size_t count, uint8_t *out);
    void (*classify)(const uint8_t *points, size_t count, uint8_t *out);
    /* out[i] = SHA-512(domain || points[i]). `scratch`: MOST_LANES * scratch_bytes(domain_len). */
    void (*hash_points)(const uint8_t *domain, size_t domain_len, const uint8_t *points, size_t count, uint8_t *out,
                        uint8_t *scratch);
} path_ops;

/* Room for one lane's message of `length` bytes, 96 more of ours, and padding, in whole blocks. */
static inline size_t scratch_bytes(size_t length)
{
    return (length + 96 + 17 + SHA_BLOCK - 1) / SHA_BLOCK * SHA_BLOCK;
}

extern const path_ops path_int64;
#if VFL_PSI_IFMA
extern const path_ops path_ifma;
#endif

#endif
