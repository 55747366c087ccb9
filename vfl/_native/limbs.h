/* One step of a carry or borrow chain, for all lanes at once. The including file defines LIMB_BITS and vec.
 * With 64-bit limbs a vec is one limb and the carry must be compared out; shorter limbs have room for it. */

#if LIMB_BITS == 64
#define LIMB_MASK (~(limb)0)

static inline vec add_step(vec a, vec b, vec *carry)
{
    const vec s = a + b, out = s + *carry;
    *carry = (vec)(s < a) | (vec)(out < s);
    return out;
}

static inline vec sub_step(vec a, vec b, vec *borrow)
{
    const vec d = a - b, out = d - *borrow;
    *borrow = (vec)(a < b) | (vec)(d < *borrow);
    return out;
}
#else
#define LIMB_MASK (((limb)1 << LIMB_BITS) - 1)

static inline vec add_step(vec a, vec b, vec *carry)
{
    const vec s = a + b + *carry;
    *carry = s >> LIMB_BITS;
    return s & LIMB_MASK;
}

static inline vec sub_step(vec a, vec b, vec *borrow)
{
    const vec d = a - b - *borrow;
    *borrow = d >> 63;
    return d & LIMB_MASK;
}
#endif
