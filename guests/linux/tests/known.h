/* The results the calculations must have: computed on x86-64 with gcc -O2 -ffp-contract=off. */
#ifndef KNOWN_H
#define KNOWN_H

#define SQUARES 0x42b3673d70776000	/* 40000 * 40001 * 80001 / 6 */
#define LOGISTIC 0x3fef31153f65d3d3
#define LOGISTIC_EXTENDED 0xc5757a8a029300c8, 0x3ffd
#define QUOTIENTS 0x4078cb12ecb1d952
#define QUOTIENTS_EXTENDED 0xb2c824764a9ef349, 0x4002
#define DEEP 0x0000000000a64867

#endif
