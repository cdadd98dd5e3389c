/* SPDX-License-Identifier: Apache-2.0 */
/* What tools for high-level synthesis are told, by macros: nothing is said to a C compiler.
 *
 * EMCC_HLS is defined by run_hls.tcl (Vitis HLS). Another vendor is another branch here, and nothing else changes.
 */
#ifndef EMCC_PRAGMAS_H
#define EMCC_PRAGMAS_H

#ifdef EMCC_HLS
#define EMCC_SAY(words) _Pragma(#words)
#define EMCC_PIPELINE EMCC_SAY(HLS PIPELINE II = 1)
#define EMCC_APART EMCC_SAY(HLS INLINE off)
#define EMCC_INLINE EMCC_SAY(HLS INLINE)
#define EMCC_PORT(name, size) EMCC_SAY(HLS INTERFACE m_axi port = name depth = size offset = slave bundle = name)
#define EMCC_REGISTER(name) EMCC_SAY(HLS INTERFACE s_axilite port = name)
#define EMCC_CONTROL EMCC_SAY(HLS INTERFACE s_axilite port = return)
#else
#define EMCC_PIPELINE
#define EMCC_APART
#define EMCC_INLINE
#define EMCC_PORT(name, size)
#define EMCC_REGISTER(name)
#define EMCC_CONTROL
#endif

/* Functions that are used or not, by model: kernels are called, what they are made of is always in them. EMCC_ONCE
 * is for one that a compiler would write out at each of many calls. */
#define EMCC_KERNEL static inline
#if defined(__GNUC__) && !defined(EMCC_HLS)
#define EMCC_INLINED static inline __attribute__((always_inline))
#define EMCC_ONCE static __attribute__((noinline, unused))
#else
#define EMCC_INLINED static inline
#define EMCC_ONCE static inline
#endif

#endif
