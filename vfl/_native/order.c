/* Rows sorted by bin, feature by feature: the segments of a histogram. */
#include "kernel.h"

static inline size_t bin_of(const void *bins, int item_bytes, size_t at)
{
    return item_bytes == 1 ? ((const uint8_t *)bins)[at] : ((const uint16_t *)bins)[at];
}

/* `bins` is row_count x features. For feature f, order[f*selected ...] lists the selected rows by bin and
 * offsets[...] (sum(n_bins) + 1 in all) bounds the bins. Returns the feature of the first bin out of range. */
ptrdiff_t bin_order(const void *bins, int item_bytes, size_t features, const int32_t *rows,
                    size_t selected, const int32_t *n_bins, int32_t *order, int64_t *offsets)
{
    int64_t base = 0;
    for (size_t f = 0; f < features; f++) {
        const size_t count = (size_t)n_bins[f];
        int64_t *next = calloc(count ? count : 1, sizeof *next);
        if (!next) return NO_MEMORY;
        for (size_t i = 0; i < selected; i++) {
            const size_t row = rows ? (size_t)rows[i] : i, bin = bin_of(bins, item_bytes, row * features + f);
            if (bin >= count) { free(next); return (ptrdiff_t)f; }
            next[bin]++;
        }
        for (size_t b = 0; b < count; b++) {
            const int64_t size = next[b];
            offsets[b] = base;
            next[b] = base;
            base += size;
        }
        for (size_t i = 0; i < selected; i++) {
            const size_t row = rows ? (size_t)rows[i] : i;
            order[next[bin_of(bins, item_bytes, row * features + f)]++] = (int32_t)row;
        }
        offsets += count;
        free(next);
    }
    *offsets = base;
    if (PLANT(PLANT_ORDER) && base > 1) order[base - 1] = order[0];
    return DONE;
}
