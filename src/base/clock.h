/* clock.h - how long things take, for people to read.
 *
 * Layer: base. Nothing may depend on it: edge runtimes let it stand still, and
 * results must not change with the machine's speed.
 */
#ifndef VS_CLOCK_H
#define VS_CLOCK_H

/* Microseconds since some point in the past; 0 where there is no clock. */
double vs_clock_us(void);

#endif
