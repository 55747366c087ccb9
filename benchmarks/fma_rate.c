/* Limb products per nanosecond of this machine by fused multiplications, as in vfl/_native/path_fma.c: five rows of four
 * numbers against one limb, operands in registers, nothing else. */
#include <immintrin.h>
#include <stdio.h>
#include <time.h>

int main(void)
{
    const __m256d high_start = _mm256_set1_pd(0x1p104), low_start = _mm256_set1_pd(0x1p104 + 0x1p52);
    const __m256d x = _mm256_set1_pd(0x123456789abcd), y = _mm256_set1_pd(0x3456789abcdef);
    __m256i window[6];
    for (int i = 0; i < 6; i++) window[i] = _mm256_set1_epi64x(i);
    double best = 0;
    for (int repeat = 0; repeat < 20; repeat++) {
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        for (int i = 0; i < 100000; i++) {
#pragma GCC unroll 10
            for (int c = 0; c < 10; c++) {
                __m256d high = high_start, low;
                __asm__ volatile("vfmadd231pd %4, %5, %0\n\t"
                                 "vsubpd %0, %6, %1\n\t"
                                 "vpaddq %0, %2, %2\n\t"
                                 "vfmadd231pd %4, %5, %1\n\t"
                                 "vpaddq %1, %3, %3"
                                 : "+&x"(high), "=&x"(low), "+&x"(window[c % 5 + 1]), "+&x"(window[c % 5])
                                 : "x"(x), "x"(y), "x"(low_start));
            }
        }
        clock_gettime(CLOCK_MONOTONIC, &b);
        const double rate = 4.0 * 10 * 100000 / ((b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec));
        if (rate > best) best = rate;
    }
    for (int i = 1; i < 6; i++) window[0] = _mm256_add_epi64(window[0], window[i]);
    printf("%.4f %d\n", best, (int)(_mm256_extract_epi64(window[0], 0) & 1));
    return 0;
}
