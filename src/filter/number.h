/* number.h - decimal text to numbers and back, exactly.
 *
 * Layer: filter. Internal.
 */
#ifndef VS_FILTER_NUMBER_H
#define VS_FILTER_NUMBER_H

#include "../base/value.h"

/* Room for any number as text. */
#define VS_NUMBER_BYTES 40u

/* The longest prefix of the n bytes that is a number: [+-] digits [. digits]
 * [e [+-] digits], a digit on at least one side of the point. 0 if there is none. */
size_t vs_number_length(const uint8_t *p, size_t n);

/* The value of exactly such a prefix: INT when it has neither point nor
 * exponent and fits 64 bits, else F64, correctly rounded. False when it is
 * beyond the largest double. */
bool vs_number_parse(const uint8_t *p, size_t n, vs_value *out);

/* The shortest text that reads back as the same INT or F64; its length. */
size_t vs_number_format(const vs_value *v, char out[VS_NUMBER_BYTES]);

#endif
