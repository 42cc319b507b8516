/* Trains an exported model on a GPU, with its examples and its loss there: a call copies nothing and waits for nothing. */
#include <cellgrad_program.h>

#include <stdio.h>

enum { ROWS = 64, ROUNDS = 4000 };

static cgp_error error;
#define TRY(call) if (call) return fprintf(stderr, "error %d: %s\n", error.status, error.text), 1; else (void)0

static float next_number(void) {
  static unsigned state = 1;
  state = state * 1664525u + 1013904223u;
  return (float)(state >> 8) / 8388608.0f - 1.0f;
}

int main(int argc, char **argv) {
  cgp_file *file;
  if (argc < 2) {
    fprintf(stderr, "usage: train_gpu <model.cgp> [digest]\n");
    return 2;
  }
  TRY(cgp_open(argv[1], argc > 2 ? argv[2] : NULL, &file, &error));
  const cgp_program *step = cgp_program_named(file, "step");
  if (cgp_device(file) < 0 || !step) {
    fprintf(stderr, "this is no file for a GPU with a program 'step'\n");
    return 1;
  }
  float x[ROWS][2], y[ROWS], loss = 0;
  for (int i = 0; i < ROWS; ++i) {
    x[i][0] = next_number(), x[i][1] = next_number();
    y[i] = x[i][0] * x[i][1];
  }

  /* Memory of cudaMalloc would do as well; then the stream on which it is filled goes to cgp_call_on. */
  cgp_array batch[] = {{NULL, sizeof x, CGP_DEVICE}, {NULL, sizeof y, CGP_DEVICE}}, result[] = {{NULL, sizeof loss, CGP_DEVICE}};
  TRY(cgp_allocate(file, sizeof x, &batch[0].data, &error));
  TRY(cgp_allocate(file, sizeof y, &batch[1].data, &error));
  TRY(cgp_allocate(file, sizeof loss, &result[0].data, &error));
  TRY(cgp_upload(file, batch[0].data, x, sizeof x, &error));
  TRY(cgp_upload(file, batch[1].data, y, sizeof y, &error));
  for (int round = 0; round <= ROUNDS; ++round) {
    TRY(cgp_call_on(step, batch, 2, result, 1, cgp_stream(file), &error)); /* started; the next one runs after it */
    if (round % 1000 == 0) {
      TRY(cgp_download(file, &loss, result[0].data, sizeof loss, &error)); /* waits for it */
      printf("round %4d: loss %.4f\n", round, loss);
    }
  }
  cgp_free(file, batch[0].data);
  cgp_free(file, batch[1].data);
  cgp_free(file, result[0].data);
  cgp_close(file);
  return loss < 0.05f ? 0 : 1;
}
