/* SPDX-License-Identifier: Apache-2.0 */
/* Starts main on a bare Cortex-M4 whose loader has filled the memories, and ends QEMU with what main returns.
 *
 * Output goes through semihosting (ARM DUI 0471: SYS_WRITE0 is 4, SYS_EXIT_EXTENDED is 0x20).
 */
#include <stdint.h>

int main(void);
void reset(void);

static int32_t semihost(int32_t operation, const void *argument) {
  register int32_t r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

void say(const char *text) {
  semihost(4, text);
}

void reset(void) {
  const uint32_t ended[2] = { 0x20026, (uint32_t)main() };
  semihost(0x20, ended);
  for (;;) {
  }
}

__attribute__((section(".vectors"), used)) static const uintptr_t vectors[2] = { 0x20400000, (uintptr_t)reset };
