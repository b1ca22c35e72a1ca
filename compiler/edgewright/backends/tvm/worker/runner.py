"""The C program that runs one library of an artifact on a machine that cannot load it itself.

A build by-product, compiled into scratch; it never ships. Protocol: `runner LIBRARY WEIGHTS LENGTH DIMENSION COUNT`;
each input is LENGTH int64 token ids, then LENGTH int64 mask values; each output DIMENSION float32. Every buffer is
filled with 0xff first, so that a kernel that reads what nobody wrote gives NaN.
"""

SOURCE = r"""
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int (*edge_run)(const void* const* inputs, void* output, const void* weights, void* workspace);

static void* block(size_t bytes) {
  void* place = 0;
  if (posix_memalign(&place, 64, (bytes + 63) / 64 * 64)) exit(10);
  memset(place, 0xff, bytes);
  return place;
}

static int fail(const char* what, const char* why) {
  fprintf(stderr, "%s: %s\n", what, why);
  return 1;
}

int main(int count, char** words) {
  if (count != 6) return fail("runner", "five arguments are needed");
  size_t length = strtoull(words[3], 0, 10), dimension = strtoull(words[4], 0, 10), samples = strtoull(words[5], 0, 10);
  void* library = dlopen(words[1], RTLD_NOW);
  if (!library) return fail(words[1], dlerror());
  edge_run run = (edge_run)dlsym(library, "edge_run");
  const uint64_t* workspace_bytes = dlsym(library, "edge_workspace_bytes");
  const uint64_t* weights_bytes = dlsym(library, "edge_weights_bytes");
  const char** error = dlsym(library, "edge_error");
  if (!run || !workspace_bytes || !weights_bytes || !error) return fail(words[1], "a symbol is missing");
  FILE* file = fopen(words[2], "rb");
  void* weights = block(*weights_bytes);
  if (!file || fread(weights, 1, *weights_bytes, file) != *weights_bytes) return fail(words[2], "too short");
  void* workspace = block(*workspace_bytes);
  int64_t *ids = block(8 * length), *mask = block(8 * length);
  float* output = block(4 * dimension);
  const void* inputs[2] = {ids, mask};
  for (size_t sample = 0; sample < samples; sample++) {
    int complete = fread(ids, 8, length, stdin) == length && fread(mask, 8, length, stdin) == length;
    if (!complete) return fail("input", "too short");
    if (run(inputs, output, weights, workspace)) return fail("edge_run", *error);
    if (fwrite(output, 4, dimension, stdout) != dimension) return fail("output", "cannot be written");
  }
  return fclose(stdout) ? fail("output", "cannot be written") : 0;
}
"""
