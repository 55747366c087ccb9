/* vfl._native._kernel: the flat functions of kernel.h over Python buffers, GIL released.
 *
 * Every length is checked here, so that no call from Python can read or write outside a buffer; what the limbs
 * mean is the caller's business (vfl/crypto/backends/native.py). Stable ABI of Python 3.11.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include "kernel.h"
#if VFL_X86
#include <cpuid.h>
#endif

/* ---- paths of this machine ------------------------------------------------------------------------------------ */

enum { PATHS = 5 };
static const path_ops *const all_paths[PATHS] = {
#if VFL_X86
    &path_ifma, &path_fma, &path_adx,
#else
    NULL, NULL, NULL,
#endif
#if VFL_INT128
    &path_int128,
#else
    NULL,
#endif
    &path_portable,
};

static int usable(int path)
{
    if (all_paths[path] == NULL) return 0;
#if VFL_X86
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (path > 2) return 1;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    /* __builtin_cpu_supports also asks the operating system whether it saves the wide registers. */
    if (path == 0)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512ifma") && (b >> 8 & 1);
    if (!__builtin_cpu_supports("avx2") || !(b >> 8 & 1)) return 0; /* BMI2 */
    return path == 1 ? __builtin_cpu_supports("fma") : b >> 19 & 1; /* ADX */
#else
    return 1;
#endif
}

static PyObject *py_paths(PyObject *self, PyObject *args)
{
    (void)self; (void)args;
    PyObject *list = PyList_New(0);
    for (int i = 0; list && i < PATHS; i++) {
        if (!usable(i)) continue;
        const path_ops *p = all_paths[i];
        PyObject *item = Py_BuildValue("(siiiiiiiii)", p->name, i, p->limb_bits, p->lanes, p->k_multiple, p->k_min,
                                       p->k_max, p->lift_redundant, p->window, p->table_bytes);
        if (!item || PyList_Append(list, item) < 0) Py_CLEAR(list);
        Py_XDECREF(item);
    }
    return list;
}

/* ---- arguments ------------------------------------------------------------------------------------------------ */

enum { BUFFERS = 7 };
typedef struct { Py_buffer view[BUFFERS]; int count; } held;

static void release(held *h)
{
    for (int i = 0; i < h->count; i++) PyBuffer_Release(&h->view[i]);
}

static PyObject *finish(held *h, ptrdiff_t status)
{
    release(h);
    if (status == NO_MEMORY) return PyErr_NoMemory();
    return PyLong_FromSsize_t(status);
}

static PyObject *refuse(held *h, const char *what)
{
    release(h);
    PyErr_SetString(PyExc_ValueError, what);
    return NULL;
}

#define CHECK(condition, what) do { if (!(condition)) return refuse(&h, what); } while (0)
#define B(i) (h.view[i])
#define LIMBS(i) ((limb *)h.view[i].buf)
/* Buffer i holds whole rows of `words` 64-bit words, aligned. */
#define ROWS_OF(i, words) ((size_t)B(i).len / 8 / (size_t)(words))
#define IS_ROWS(i, words) (B(i).len % (8 * (Py_ssize_t)(words)) == 0 && ((uintptr_t)B(i).buf & 7) == 0)
#define UNLOCKED(call) do { Py_BEGIN_ALLOW_THREADS status = (call); Py_END_ALLOW_THREADS } while (0)

/* A ring record of a path that this machine has. */
static const path_ops *ring_of(const Py_buffer *b, ring *R)
{
    const limb *record = (const limb *)b->buf;
    if (((uintptr_t)record & 7) || b->len < 8 * RING_HEADER) return NULL;
    if (record[0] >= PATHS || !usable((int)record[0])) return NULL;
    const path_ops *p = all_paths[record[0]];
    if (record[1] < (limb)p->k_min || record[1] > (limb)p->k_max || record[1] % (limb)p->k_multiple) return NULL;
    if ((size_t)b->len != 8 * ring_words((size_t)record[1])) return NULL;
    *R = ring_view(record);
    return p;
}

#define BEGIN(buffers, ...)                                     \
    (void)self;                                                 \
    held h = {.count = (buffers)};                              \
    if (!PyArg_ParseTuple(args, __VA_ARGS__)) return NULL;      \
    ring R;                                                     \
    ptrdiff_t status = DONE;                                    \
    const path_ops *p = ring_of(&B(0), &R);                     \
    CHECK(p != NULL, "not a ring record of this machine");      \
    const size_t e = 2 * (size_t)R.k; /* limbs of an element */ \
    (void)e;

/* ---- functions --------------------------------------------------------------------------------------------------- */

static PyObject *py_load(PyObject *self, PyObject *args)
{
    BEGIN(5, "y*w*y*y*w*:load", &B(0), &B(1), &B(2), &B(3), &B(4))
    const size_t count = ROWS_OF(1, e), width = (size_t)B(3).len;
    CHECK(IS_ROWS(1, e), "out is not whole elements");
    CHECK(width && width * 8 <= 2 * (size_t)p->limb_bits * (size_t)R.k && (size_t)B(2).len == count * width,
          "raw is not one number per element");
    CHECK(IS_ROWS(4, R.k) && ROWS_OF(4, R.k) == (size_t)p->lanes, "units is not one residue per lane");
    UNLOCKED(p->load(&R, LIMBS(1), B(2).buf, count, width, B(3).buf, LIMBS(4)));
    return finish(&h, status);
}

static PyObject *py_dump(PyObject *self, PyObject *args)
{
    BEGIN(3, "y*w*y*:dump", &B(0), &B(1), &B(2))
    const size_t count = ROWS_OF(2, e);
    CHECK(IS_ROWS(2, e), "a is not whole elements");
    CHECK(count ? B(1).len > 0 && (size_t)B(1).len % count == 0 : B(1).len == 0, "raw is not one number per element");
    if (count) UNLOCKED(p->dump(&R, B(1).buf, LIMBS(2), count, (size_t)B(1).len / count));
    return finish(&h, status);
}

static PyObject *py_trivial(PyObject *self, PyObject *args)
{
    Py_ssize_t words;
    BEGIN(3, "y*w*y*n:trivial", &B(0), &B(1), &B(2), &words)
    const size_t count = ROWS_OF(1, e);
    CHECK(IS_ROWS(1, e) && words > 0 && IS_ROWS(2, words) && ROWS_OF(2, words) == count, "m does not match out");
    UNLOCKED(p->trivial(&R, LIMBS(1), LIMBS(2), count, (size_t)words));
    return finish(&h, status);
}

static PyObject *py_mul(PyObject *self, PyObject *args)
{
    BEGIN(4, "y*w*y*y*:mul", &B(0), &B(1), &B(2), &B(3))
    CHECK(IS_ROWS(1, e) && IS_ROWS(2, e) && IS_ROWS(3, e) && B(1).len == B(2).len && B(1).len == B(3).len,
          "a, b and out differ in length");
    UNLOCKED(p->mul(&R, LIMBS(1), LIMBS(2), LIMBS(3), ROWS_OF(1, e)));
    return finish(&h, status);
}

static PyObject *py_running(PyObject *self, PyObject *args)
{
    BEGIN(4, "y*w*w*y*:running", &B(0), &B(1), &B(2), &B(3))
    CHECK(IS_ROWS(1, e) && IS_ROWS(3, e) && B(1).len == B(3).len, "a and prefix differ in length");
    CHECK(IS_ROWS(2, e) && ROWS_OF(2, e) == (size_t)p->lanes, "totals is not one element per lane");
    UNLOCKED(p->running(&R, LIMBS(1), LIMBS(2), LIMBS(3), ROWS_OF(1, e)));
    return finish(&h, status);
}

static PyObject *py_unwind(PyObject *self, PyObject *args)
{
    BEGIN(5, "y*w*y*y*y*:unwind", &B(0), &B(1), &B(2), &B(3), &B(4))
    CHECK(IS_ROWS(1, e) && IS_ROWS(2, e) && IS_ROWS(4, e) && B(1).len == B(2).len && B(1).len == B(4).len,
          "a, prefix and out differ in length");
    CHECK(IS_ROWS(3, e) && ROWS_OF(3, e) == (size_t)p->lanes, "inverse_totals is not one element per lane");
    UNLOCKED(p->unwind(&R, LIMBS(1), LIMBS(2), LIMBS(3), LIMBS(4), ROWS_OF(1, e)));
    return finish(&h, status);
}

static PyObject *py_power(PyObject *self, PyObject *args)
{
    Py_ssize_t words;
    BEGIN(4, "y*w*y*y*n:power", &B(0), &B(1), &B(2), &B(3), &words)
    const size_t count = ROWS_OF(1, e);
    CHECK(IS_ROWS(1, e) && IS_ROWS(2, e) && B(1).len == B(2).len, "a and out differ in length");
    CHECK(words > 0 && IS_ROWS(3, words) && ROWS_OF(3, words) == count, "not one exponent per element");
    UNLOCKED(p->power(&R, LIMBS(1), LIMBS(2), LIMBS(3), count, (size_t)words));
    return finish(&h, status);
}

static PyObject *py_power_shared(PyObject *self, PyObject *args)
{
    BEGIN(4, "y*w*y*y*:power_shared", &B(0), &B(1), &B(2), &B(3))
    CHECK(IS_ROWS(1, e) && IS_ROWS(2, e) && B(1).len == B(2).len, "a and out differ in length");
    CHECK(IS_ROWS(3, 1), "the exponent is not whole words");
    UNLOCKED(p->power_shared(&R, LIMBS(1), LIMBS(2), LIMBS(3), ROWS_OF(1, e), ROWS_OF(3, 1)));
    return finish(&h, status);
}

static PyObject *py_multi_power(PyObject *self, PyObject *args)
{
    Py_ssize_t groups, bases, outputs, positions;
    int window;
    BEGIN(5, "y*w*y*y*y*nnnni:multi_power", &B(0), &B(1), &B(2), &B(3), &B(4), &groups, &bases, &outputs, &positions,
          &window)
    const Py_ssize_t most = 1 << 30;
    CHECK(groups >= 0 && bases > 0 && outputs > 0 && positions > 0 && groups <= most && bases <= most &&
          outputs <= most && positions <= most && window >= 1 && window <= 4, "bad shape");
    const size_t numbers = (size_t)groups * (size_t)bases, results = (size_t)groups * (size_t)outputs;
    CHECK(IS_ROWS(1, e) && ROWS_OF(1, e) == results && IS_ROWS(2, e) && ROWS_OF(2, e) == numbers,
          "a or out does not match the shape");
    /* Both factors are at most 2^60 elements of memory that is there, so this division is exact. */
    const size_t each = (size_t)positions * (size_t)bases;
    CHECK(results ? (size_t)B(3).len % results == 0 && (size_t)B(3).len / results == each : B(3).len == 0,
          "digits do not match the shape");
    CHECK(B(4).len == 4 * (positions + 1) && ((uintptr_t)B(4).buf & 3) == 0, "steps are not int32, one per position");
    const uint8_t *digits = B(3).buf;
    const int32_t *steps = B(4).buf;
    unsigned all = 0;
    for (Py_ssize_t i = 0; i < B(3).len; i++) all |= digits[i];
    CHECK(all >> window == 0, "a digit is too large");
    int good = 1;
    for (Py_ssize_t i = 0; i <= positions; i++) good &= steps[i] >= 0 && steps[i] <= KEY_BITS_MAX;
    CHECK(good, "steps are out of range");
    UNLOCKED(p->multi_power(&R, LIMBS(1), LIMBS(2), digits, steps, (size_t)groups, (size_t)bases, (size_t)outputs,
                            (size_t)positions, window));
    return finish(&h, status);
}

static PyObject *py_segments(PyObject *self, PyObject *args)
{
    BEGIN(5, "y*w*y*y*y*:segments", &B(0), &B(1), &B(2), &B(3), &B(4))
    const size_t count = ROWS_OF(1, e), source = ROWS_OF(2, e), listed = (size_t)B(3).len / 4;
    CHECK(IS_ROWS(1, e) && IS_ROWS(2, e), "a or out is not whole elements");
    CHECK(B(3).len % 4 == 0 && ((uintptr_t)B(3).buf & 3) == 0, "order is not int32");
    CHECK(IS_ROWS(4, 2) && ROWS_OF(4, 2) == count, "bounds do not match out");
    const int32_t *order = B(3).buf;
    const int64_t *bounds = B(4).buf;
    int good = 1;
    for (size_t i = 0; i < count; i++)
        good &= bounds[2 * i] >= 0 && bounds[2 * i] <= bounds[2 * i + 1] && bounds[2 * i + 1] <= (int64_t)listed;
    CHECK(good, "bounds are not ranges of order");
    for (size_t i = 0; i < listed; i++) good &= order[i] >= 0 && (size_t)order[i] < source;
    CHECK(good, "order points outside a");
    UNLOCKED(p->segments(&R, LIMBS(1), LIMBS(2), order, bounds, count));
    return finish(&h, status);
}

static PyObject *py_pack(PyObject *self, PyObject *args)
{
    Py_ssize_t per, width;
    BEGIN(3, "y*w*y*nn:pack", &B(0), &B(1), &B(2), &per, &width)
    const size_t count = ROWS_OF(2, e);
    CHECK(IS_ROWS(1, e) && IS_ROWS(2, e) && per > 0 && width >= 0, "bad shape");
    CHECK(ROWS_OF(1, e) == count / (size_t)per + (count % (size_t)per != 0), "out is not one element per group");
    UNLOCKED(p->pack(&R, LIMBS(1), LIMBS(2), count, (size_t)per, (size_t)width));
    return finish(&h, status);
}

static PyObject *py_table(PyObject *self, PyObject *args)
{
    int window;
    BEGIN(3, "y*w*y*i:table", &B(0), &B(1), &B(2), &window)
    CHECK(window >= 4 && window <= 8, "window outside 4..8");
    CHECK(IS_ROWS(1, e << window), "out is not whole windows");
    CHECK(IS_ROWS(2, e) && ROWS_OF(2, e) == 1, "base is not one element");
    UNLOCKED(p->table(&R, LIMBS(1), LIMBS(2), ROWS_OF(1, e << window), window));
    return finish(&h, status);
}

static PyObject *py_split(PyObject *self, PyObject *args)
{
    BEGIN(4, "y*w*y*y*:split", &B(0), &B(1), &B(2), &B(3))
    CHECK(IS_ROWS(1, e) && IS_ROWS(2, e) && IS_ROWS(3, e) && B(1).len == B(2).len && B(1).len == B(3).len,
          "a, inverse and out differ in length");
    UNLOCKED(p->split(&R, LIMBS(1), LIMBS(2), LIMBS(3), ROWS_OF(1, e)));
    return finish(&h, status);
}

static PyObject *py_table_powers(PyObject *self, PyObject *args)
{
    Py_ssize_t words;
    int window;
    BEGIN(4, "y*w*y*y*ni:table_powers", &B(0), &B(1), &B(2), &B(3), &words, &window)
    const size_t count = ROWS_OF(1, e);
    CHECK(window >= 4 && window <= 8, "window outside 4..8");
    CHECK(IS_ROWS(1, e) && IS_ROWS(2, e << window) && B(2).len > 0, "bad shape of out or table");
    CHECK(words > 0 && IS_ROWS(3, words) && ROWS_OF(3, words) == count, "not one exponent per element");
    UNLOCKED(p->table_powers(&R, LIMBS(1), LIMBS(2), ROWS_OF(2, e << window), window, LIMBS(3), count, (size_t)words));
    return finish(&h, status);
}

static PyObject *py_half_plain(PyObject *self, PyObject *args)
{
    Py_ssize_t outer;
    BEGIN(5, "y*w*y*y*y*n:half_plain", &B(0), &B(1), &B(2), &B(3), &B(4), &outer)
    const Py_ssize_t k = R.k;
    CHECK(outer >= k && outer <= 2 * k, "the outer modulus is not about twice as long");
    CHECK(IS_ROWS(1, k) && IS_ROWS(2, 2 * outer) && ROWS_OF(1, k) == ROWS_OF(2, 2 * outer),
          "a and out differ in length");
    CHECK(IS_ROWS(3, 7 * k) && ROWS_OF(3, 7 * k) == 1 && IS_ROWS(4, 1) && B(4).len > 0, "bad constants");
    UNLOCKED(p->half_plain(&R, LIMBS(1), LIMBS(2), (size_t)outer, LIMBS(3), LIMBS(4), ROWS_OF(4, 1), ROWS_OF(1, k)));
    return finish(&h, status);
}

static PyObject *py_join_plain(PyObject *self, PyObject *args)
{
    Py_ssize_t words;
    BEGIN(5, "y*w*y*y*y*n:join_plain", &B(0), &B(1), &B(2), &B(3), &B(4), &words)
    const size_t k = (size_t)R.k, count = ROWS_OF(2, k);
    CHECK(IS_ROWS(2, k) && IS_ROWS(3, k) && B(2).len == B(3).len, "the halves differ in length");
    CHECK(words > 0 && IS_ROWS(1, words) && ROWS_OF(1, words) == count, "out does not match the halves");
    CHECK(IS_ROWS(4, 3 * k) && ROWS_OF(4, 3 * k) == 1, "bad constants");
    UNLOCKED(p->join_plain(&R, LIMBS(1), LIMBS(2), LIMBS(3), LIMBS(4), count, (size_t)words));
    return finish(&h, status);
}

static PyObject *py_join_elements(PyObject *self, PyObject *args)
{
    BEGIN(7, "y*y*y*w*y*y*y*:join_elements", &B(0), &B(1), &B(2), &B(3), &B(4), &B(5), &B(6))
    ring P, Q;
    CHECK(ring_of(&B(1), &P) == p && ring_of(&B(2), &Q) == p && P.k == Q.k, "the rings do not belong together");
    const size_t half = 2 * (size_t)P.k, count = ROWS_OF(3, e);
    CHECK(IS_ROWS(3, e) && IS_ROWS(4, half) && IS_ROWS(5, half) && ROWS_OF(4, half) == count &&
          ROWS_OF(5, half) == count,
          "the halves and out differ in length");
    CHECK(IS_ROWS(6, 2 * e) && ROWS_OF(6, 2 * e) == 1, "bad constants");
    UNLOCKED(p->join_elements(&R, &P, &Q, LIMBS(3), LIMBS(4), LIMBS(5), LIMBS(6), count));
    return finish(&h, status);
}

static PyObject *py_bin_order(PyObject *self, PyObject *args)
{
    (void)self;
    int item_bytes, whole;
    Py_ssize_t row_count;
    held h = {.count = 5};
    /* bins, rows (ignored when `whole`), n_bins, order, offsets */
    if (!PyArg_ParseTuple(args, "y*y*y*w*w*nip:bin_order", &B(0), &B(1), &B(2), &B(3), &B(4), &row_count, &item_bytes,
                          &whole)) return NULL;
    const size_t features = (size_t)B(2).len / 4;
    const size_t selected = whole ? (size_t)row_count : (size_t)B(1).len / 4;
    CHECK(item_bytes == 1 || item_bytes == 2, "bins are neither uint8 nor uint16");
    CHECK(row_count >= 0 && B(1).len % 4 == 0 && B(2).len % 4 == 0, "bad shape");
    CHECK((size_t)B(0).len == (size_t)row_count * features * (size_t)item_bytes, "bins are not rows x features");
    CHECK((size_t)B(3).len == 4 * features * selected, "order is not one entry per row and feature");
    const int32_t *rows = whole ? NULL : B(1).buf, *n_bins = B(2).buf;
    size_t total = 0;
    int good = 1;
    for (size_t f = 0; f < features; f++) {
        good &= n_bins[f] >= 0 && n_bins[f] <= 65536;
        total += good ? (size_t)n_bins[f] : 0;
    }
    CHECK(good && (size_t)B(4).len == 8 * (total + 1), "offsets do not match n_bins");
    for (size_t i = 0; rows && i < selected; i++) good &= rows[i] >= 0 && rows[i] < row_count;
    CHECK(good, "rows point outside bins");
    ptrdiff_t status;
    UNLOCKED(bin_order(B(0).buf, item_bytes, features, rows, selected, n_bins, B(3).buf, B(4).buf));
    return finish(&h, status);
}

#define ENTRY(name) {#name, py_##name, METH_VARARGS, NULL}
static PyMethodDef methods[] = {
    ENTRY(paths), ENTRY(load), ENTRY(dump), ENTRY(trivial), ENTRY(mul), ENTRY(running), ENTRY(unwind), ENTRY(power),
    ENTRY(power_shared), ENTRY(multi_power), ENTRY(segments), ENTRY(pack), ENTRY(table), ENTRY(split), ENTRY(table_powers),
    ENTRY(half_plain), ENTRY(join_plain), ENTRY(join_elements), ENTRY(bin_order), {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_kernel", .m_doc = "Paillier arithmetic over arrays of limbs.", .m_size = 0,
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit__kernel(void) { return PyModuleDef_Init(&definition); }
