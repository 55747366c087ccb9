/* IFMA instructions per nanosecond of this machine: 24 independent chains, nothing else. */
#include <immintrin.h>
#include <stdio.h>
#include <time.h>

int main(void)
{
    __m512i acc[24], x = _mm512_set1_epi64(0x123456789abcd), y = _mm512_set1_epi64(0x3456789abcdef);
    for (int i = 0; i < 24; i++) acc[i] = _mm512_set1_epi64(i);
    double best = 0;
    for (int repeat = 0; repeat < 20; repeat++) {
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        for (int i = 0; i < 200000; i++) {
#pragma GCC unroll 24
            for (int c = 0; c < 24; c++) acc[c] = _mm512_madd52lo_epu64(acc[c], x, y);
        }
        clock_gettime(CLOCK_MONOTONIC, &b);
        const double rate = 24.0 * 200000 / ((b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec));
        if (rate > best) best = rate;
    }
    for (int i = 1; i < 24; i++) acc[0] = _mm512_add_epi64(acc[0], acc[i]);
    printf("%.4f %d\n", best, (int)(_mm512_reduce_add_epi64(acc[0]) & 1));
    return 0;
}
