/* Trains and asks an exported model, without Python: the product of two numbers is learnt from examples. */
#include <cellgrad_program.h>

#include <math.h>
#include <stdio.h>

enum { ROWS = 64 };

/* Numbers between -1 and 1, the same on every machine. */
static float next_number(void) {
  static unsigned state = 1;
  state = state * 1664525u + 1013904223u;
  return (float)(state >> 8) / 8388608.0f - 1.0f;
}

static int fail(const cgp_error *error) {
  fprintf(stderr, "error %d: %s\n", error->status, error->text);
  return 1;
}

int main(int argc, char **argv) {
  cgp_error error;
  cgp_file *file;
  if (argc < 2) {
    fprintf(stderr, "usage: train <model.cgp> [digest]\n");
    return 2;
  }
  if (cgp_open(argv[1], argc > 2 ? argv[2] : NULL, &file, &error))
    return fail(&error);
  for (size_t p = 0; p < cgp_program_count(file); ++p) {
    const cgp_program *program = cgp_program_at(file, p);
    printf("%s(", cgp_program_name(program));
    for (size_t i = 0; i < cgp_input_count(program); ++i)
      printf("%s%s: %lld bytes", i ? ", " : "", cgp_input(program, i)->name, (long long)cgp_input(program, i)->bytes);
    printf(")\n");
  }
  const cgp_program *step = cgp_program_named(file, "step"), *predict = cgp_program_named(file, "predict");
  if (!step || !predict) {
    fprintf(stderr, "the file has no programs 'step' and 'predict'\n");
    return 1;
  }

  float x[ROWS][2], y[ROWS], loss = 0;
  cgp_buffer batch[] = {{x, sizeof x}, {y, sizeof y}}, result[] = {{&loss, sizeof loss}};
  for (int round = 0; round <= 2000; ++round) {
    for (int i = 0; i < ROWS; ++i) {
      x[i][0] = next_number(), x[i][1] = next_number();
      y[i] = x[i][0] * x[i][1];
    }
    if (cgp_call(step, batch, 2, result, 1, &error))
      return fail(&error);
    if (round % 500 == 0)
      printf("round %4d: loss %.4f\n", round, loss);
  }

  float found[ROWS], worst = 0;
  cgp_buffer answer[] = {{found, sizeof found}};
  if (cgp_call(predict, batch, 1, answer, 1, &error))
    return fail(&error);
  for (int i = 0; i < ROWS; ++i)
    worst = fmaxf(worst, fabsf(found[i] - y[i]));
  printf("the largest error is %.3f\n", worst);
  cgp_close(file);
  return worst < 0.3f ? 0 : 1;
}
