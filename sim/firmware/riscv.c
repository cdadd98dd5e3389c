/* SPDX-License-Identifier: Apache-2.0 */
/* What is before and after main on a 32-bit RISC-V where qemu-riscv32 answers system calls: nothing, and exit. */
int main(void);
void _start(void);

void _start(void) {
  register int code __asm__("a0") = main();
  register int call __asm__("a7") = 93;
  __asm__ volatile("ecall" : : "r"(code), "r"(call));
  __builtin_unreachable();
}
