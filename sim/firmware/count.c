/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin of QEMU (its API 1) that counts instructions, and writes their number to the file of its argument to=. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;
typedef uint64_t plugin_id;
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*call)(plugin_id id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int operation, void *at, uint64_t value);
void qemu_plugin_register_atexit_cb(plugin_id id, void (*call)(plugin_id id, void *data), void *data);

EXPORT int qemu_plugin_version = 1;

static uint64_t count;
static char path[4096];

static void translated(plugin_id id, struct qemu_plugin_tb *tb) {
  (void)id;
  qemu_plugin_register_vcpu_tb_exec_inline(tb, 0, &count, qemu_plugin_tb_n_insns(tb));
}

static void ended(plugin_id id, void *data) {
  FILE *file = fopen(path, "w");
  (void)id;
  (void)data;
  if (file == NULL) return;
  fprintf(file, "%llu\n", (unsigned long long)count);
  fclose(file);
}

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv) {
  (void)info;
  if (argc != 1 || strncmp(argv[0], "to=", 3) != 0 || strlen(argv[0]) >= sizeof path) return 1;
  strcpy(path, argv[0] + 3);
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_atexit_cb(id, ended, NULL);
  return 0;
}
