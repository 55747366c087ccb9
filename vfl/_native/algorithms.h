/* Every batch function, written once over the core of the including path, which defines
 *     PATH, PATH_NAME, LIMB_BITS, LANES, K_MULTIPLE, K_MIN, K_MAX, LIFT_REDUNDANT, SHORT_WINDOW, LOOKUPS, TABLE_WINDOW,
 *     TABLE_BYTES, vec,
 *     core_mul, core_mul_head, core_sqr, core_fmul, core_muladd, gather, scatter and, if HAVE_LOOKUP, lookup.
 */
#include "groups.h"
#include "batches.h"
#include "powers.h"
#include "multi.h"
#include "holder.h"

const path_ops PATH = {
    .name = PATH_NAME, .limb_bits = LIMB_BITS, .lanes = LANES, .k_multiple = K_MULTIPLE,
    .k_min = K_MIN, .k_max = K_MAX, .lift_redundant = LIFT_REDUNDANT, .window = TABLE_WINDOW, .table_bytes = TABLE_BYTES,
    .load = path_load, .dump = path_dump, .trivial = path_trivial, .mul = path_mul, .running = path_running,
    .unwind = path_unwind, .power = path_power, .power_shared = path_power_shared,
    .multi_power = path_multi_power, .segments = path_segments,
    .pack = path_pack, .table = path_table, .split = path_split, .table_powers = path_table_powers,
    .half_plain = path_half_plain,
    .join_plain = path_join_plain, .join_elements = path_join_elements,
};
