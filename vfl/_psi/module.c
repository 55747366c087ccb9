/* vfl._psi._curve: the functions of curve.h over Python buffers, interpreter lock released.
 *
 * Every length is checked here, so that no call from Python reads or writes outside a buffer; what may be sent
 * or accepted is decided by the caller (vfl/crypto/psi_curve.py). Stable ABI of Python 3.11.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include "curve.h"

static int widest(void)
{
#if VFL_PSI_IFMA
    /* __builtin_cpu_supports also asks the operating system whether it saves the wide registers. */
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512ifma"))
        return 8;
#endif
    return 1;
}

/* The path of `lanes` lanes, or NULL. */
static const path_ops *path_of(int lanes)
{
#if VFL_PSI_IFMA
    if (lanes == 8 && widest() == 8) return &path_ifma;
#endif
    return lanes == 1 ? &path_int64 : NULL;
}

static PyObject *done(Py_buffer *views, int count, const char *fault, int no_memory)
{
    for (int i = 0; i < count; i++) PyBuffer_Release(&views[i]);
    if (no_memory) return PyErr_NoMemory();
    if (fault) {
        PyErr_SetString(PyExc_ValueError, fault);
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *py_widest(PyObject *self, PyObject *args)
{
    (void)self; (void)args;
    return PyLong_FromLong(widest());
}

static PyObject *py_map_messages(PyObject *self, PyObject *args)
{
    (void)self;
    enum { DATA, ENDS, DST, OUT, VIEWS };
    Py_buffer v[VIEWS];
    int lanes;
    if (!PyArg_ParseTuple(args, "y*y*y*w*i:map_messages", &v[DATA], &v[ENDS], &v[DST], &v[OUT], &lanes)) return NULL;
    const path_ops *path = path_of(lanes);
    const uint64_t *ends = v[ENDS].buf;
    const size_t count = (size_t)v[OUT].len / POINT;
    if (!path) return done(v, VIEWS, "no such path on this machine", 0);
    if (v[OUT].len % POINT || (size_t)v[ENDS].len != 8 * (count + 1) || (uintptr_t)ends & 7)
        return done(v, VIEWS, "out and ends do not match", 0);
    if (v[DST].len > 255) return done(v, VIEWS, "dst is longer than 255 bytes", 0);
    size_t longest = 0;
    for (size_t i = 0; i < count; i++) {
        if (ends[i + 1] < ends[i] || ends[i + 1] > (uint64_t)v[DATA].len)
            return done(v, VIEWS, "ends do not ascend within data", 0);
        if (ends[i + 1] - ends[i] > longest) longest = (size_t)(ends[i + 1] - ends[i]);
    }
    uint8_t *scratch = PyMem_Malloc(MOST_LANES * scratch_bytes(longest + (size_t)v[DST].len));
    if (!scratch) return done(v, VIEWS, NULL, 1);
    Py_BEGIN_ALLOW_THREADS
    path->map_messages(v[DATA].buf, ends, count, v[DST].buf, (size_t)v[DST].len, v[OUT].buf, scratch);
    Py_END_ALLOW_THREADS
    PyMem_Free(scratch);
    return done(v, VIEWS, NULL, 0);
}

static PyObject *py_ladder(PyObject *self, PyObject *args)
{
    (void)self;
    enum { SCALAR, POINTS, OUT, VIEWS };
    Py_buffer v[VIEWS];
    int lanes;
    if (!PyArg_ParseTuple(args, "y*y*w*i:ladder", &v[SCALAR], &v[POINTS], &v[OUT], &lanes)) return NULL;
    const path_ops *path = path_of(lanes);
    const uint8_t *scalar = v[SCALAR].buf;
    if (!path) return done(v, VIEWS, "no such path on this machine", 0);
    if (v[SCALAR].len != 32 || scalar[0] & 7 || scalar[31] >> 6 != 1) return done(v, VIEWS, "scalar is not clamped", 0);
    if (v[POINTS].len % POINT || v[OUT].len != v[POINTS].len) return done(v, VIEWS, "out does not match points", 0);
    Py_BEGIN_ALLOW_THREADS
    path->ladder(scalar, v[POINTS].buf, (size_t)v[POINTS].len / POINT, v[OUT].buf);
    Py_END_ALLOW_THREADS
    return done(v, VIEWS, NULL, 0);
}

static PyObject *py_classify(PyObject *self, PyObject *args)
{
    (void)self;
    enum { POINTS, OUT, VIEWS };
    Py_buffer v[VIEWS];
    int lanes;
    if (!PyArg_ParseTuple(args, "y*w*i:classify", &v[POINTS], &v[OUT], &lanes)) return NULL;
    const path_ops *path = path_of(lanes);
    if (!path) return done(v, VIEWS, "no such path on this machine", 0);
    if (v[POINTS].len != POINT * v[OUT].len) return done(v, VIEWS, "out does not match points", 0);
    Py_BEGIN_ALLOW_THREADS
    path->classify(v[POINTS].buf, (size_t)v[OUT].len, v[OUT].buf);
    Py_END_ALLOW_THREADS
    return done(v, VIEWS, NULL, 0);
}

static PyObject *py_hash_points(PyObject *self, PyObject *args)
{
    (void)self;
    enum { DOMAIN_TAG, POINTS, OUT, VIEWS };
    Py_buffer v[VIEWS];
    int lanes;
    if (!PyArg_ParseTuple(args, "y*y*w*i:hash_points", &v[DOMAIN_TAG], &v[POINTS], &v[OUT], &lanes)) return NULL;
    const path_ops *path = path_of(lanes);
    const size_t count = (size_t)v[POINTS].len / POINT;
    if (!path) return done(v, VIEWS, "no such path on this machine", 0);
    if (v[POINTS].len % POINT || (size_t)v[OUT].len != DIGEST * count) return done(v, VIEWS, "out does not match points", 0);
    uint8_t *scratch = PyMem_Malloc(MOST_LANES * scratch_bytes((size_t)v[DOMAIN_TAG].len));
    if (!scratch) return done(v, VIEWS, NULL, 1);
    Py_BEGIN_ALLOW_THREADS
    path->hash_points(v[DOMAIN_TAG].buf, (size_t)v[DOMAIN_TAG].len, v[POINTS].buf, count, v[OUT].buf, scratch);
    Py_END_ALLOW_THREADS
    PyMem_Free(scratch);
    return done(v, VIEWS, NULL, 0);
}

static PyMethodDef methods[] = {
    {"widest", py_widest, METH_NOARGS, NULL},
    {"map_messages", py_map_messages, METH_VARARGS, NULL},
    {"ladder", py_ladder, METH_VARARGS, NULL},
    {"classify", py_classify, METH_VARARGS, NULL},
    {"hash_points", py_hash_points, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, .m_name = "vfl._psi._curve", .m_methods = methods, .m_slots = slots,
};

PyMODINIT_FUNC PyInit__curve(void)
{
    return PyModuleDef_Init(&module);
}
