/* Does anything secret decide a branch or an address? MemorySanitizer tells, if secrets are declared "uninitialised".
 *
 * Reads limbs from files (made by test_constant_time.py), poisons what is secret, runs one function of the kernel.
 * A report by the sanitizer ends the program with a failure. (The method of Langley's ctgrind.) */
#include <sanitizer/msan_interface.h>
#include <stdio.h>

#include "kernel.h"

typedef struct { limb *words; size_t count; } array;

static array slurp(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file) { perror(path); exit(2); }
    fseek(file, 0, SEEK_END);
    array a = {NULL, (size_t)ftell(file) / 8};
    rewind(file);
    a.words = malloc(8 * a.count);
    if (fread(a.words, 8, a.count, file) != a.count) exit(2);
    fclose(file);
    return a;
}

static array secret(const char *folder, const char *name)
{
    array a = slurp(folder, name);
    __msan_poison(a.words, 8 * a.count);
    return a;
}

/* A ring record whose modulus is secret; its length is not. */
static array secret_ring(const char *folder, const char *name)
{
    array a = slurp(folder, name);
    __msan_poison(a.words + 2, 8 * (a.count - 2));
    return a;
}

int main(int argc, char **argv)
{
    if (argc != 5) return 2;
    const path_ops *path = strcmp(argv[1], "int128") == 0 ? &path_int128 : &path_portable;
#if VFL_X86
    if (strcmp(argv[1], "fma") == 0) path = &path_fma;
#endif
    const char *folder = argv[2], *what = argv[3];
    const int window = atoi(argv[4]);
    const array n = slurp(folder, "n"), p = secret_ring(folder, "p"), q = secret_ring(folder, "q");
    const ring N = ring_view(n.words), P = ring_view(p.words), Q = ring_view(q.words);
    const array cipher = slurp(folder, "cipher"), exponent = secret(folder, "exponent");
    const size_t e = 2 * (size_t)N.k, half = (size_t)P.k, count = cipher.count / e, words = exponent.count;
    limb *out = calloc(count * e, 8), *other = calloc(count * e, 8);
    if (strcmp(what, "decrypt") == 0) {
        const array constants = secret(folder, "half_p"), garner = secret(folder, "garner");
        path->half_plain(&P, out, cipher.words, (size_t)N.k, constants.words, exponent.words, words, count);
        memcpy(other, out, 8 * count * half);
        path->join_plain(&P, out, other, other, garner.words, count, 2 * words);
    } else if (strcmp(what, "randomise") == 0) {
        const array table = secret(folder, "table_p"), exponents = secret(folder, "exponents"), crt = secret(folder, "crt");
        const size_t windows = table.count / (2 * half << window);
        path->table_powers(&P, out, table.words, windows, window, exponents.words, count, words);
        memcpy(other, out, 8 * count * 2 * half);
        path->join_elements(&N, &P, &Q, out, other, other, crt.words, count);
    } else if (strcmp(what, "public") == 0) {
        const array table = slurp(folder, "table_n"), exponents = secret(folder, "exponents");
        path->table_powers(&N, out, table.words, table.count / (e << window), window, exponents.words, count, words);
    } else if (strcmp(what, "multipliers") == 0) {
        /* Several sums of one group, and one sum of each of several groups. */
        const array digits = secret(folder, "digits");
        const int32_t steps[] = {0, 4, 0};
        path->multi_power(&N, out, cipher.words, (const uint8_t *)digits.words, steps, 1, count, 2, 2, 4);
        path->multi_power(&N, out, cipher.words, (const uint8_t *)digits.words, steps, count, 1, 1, 2, 4);
    } else {
        /* Not constant time, and must be caught: the control of this experiment. */
        path->power_shared(&N, out, cipher.words, exponent.words, count, words);
    }
    puts("no secret decided anything");
    return 0;
}
