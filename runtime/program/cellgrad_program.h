/*===- cellgrad_program.h - runs exported programs: libcellgrad_program.so -===
 *
 * A program file is written by cellgrad (`fn.export(path)`) and holds one or more compiled programs and their Parameters. This library loads
 * and calls them; it needs neither Python nor cellgrad nor a compiler.
 *
 *   cgp_error error;
 *   cgp_file *file;
 *   if (cgp_open("model.cgp", NULL, &file, &error)) { fputs(error.text, stderr); return 1; }
 *   const cgp_program *predict = cgp_program_named(file, "predict");
 *   float x[3] = {1, 2, 3}, y[1];
 *   cgp_buffer inputs[] = {{x, sizeof x}}, outputs[] = {{y, sizeof y}};
 *   if (cgp_call(predict, inputs, 1, outputs, 1, &error)) ...
 *   cgp_close(file);
 *
 * Every function may be called from any thread. Calls of programs that write Parameters run one at a time; others run side by side.
 *===----------------------------------------------------------------------===*/
#ifndef CELLGRAD_PROGRAM_H
#define CELLGRAD_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* Raised by one where a function of this header changes its meaning. */
#define CGP_API 1
int cgp_api(void);

enum {
  CGP_OK,
  CGP_UNREADABLE, /* the file cannot be read */
  CGP_DAMAGED,    /* not a program file, of another format version, or changed since it was written */
  CGP_UNTRUSTED,  /* whole, but not the file that was asked for by its digest */
  CGP_MACHINE,    /* made for another processor, system or runtime */
  CGP_ARGUMENT,   /* wrong number, size or address of buffers; no such name */
  CGP_MEMORY,     /* no memory */
  CGP_ASSERTION,  /* an assertion in the program failed */
  CGP_PROGRAM     /* the program stopped for another reason */
};
typedef struct {
  int status;
  char text[1020]; /* ends with a zero */
} cgp_error;

/* Element types. bool is one byte, 0 or 1; the 16-bit floats are their bits. */
enum { CGP_BOOL, CGP_INT8, CGP_INT16, CGP_INT32, CGP_INT64, CGP_UINT8, CGP_FLOAT16, CGP_BFLOAT16, CGP_FLOAT32, CGP_FLOAT64 };

typedef struct cgp_file cgp_file;
typedef struct cgp_program cgp_program;

typedef struct {
  const char *name;     /* of an input "x" or "batch[0]", of an output "[0]" or "" for the only one, of a Parameter its name */
  int32_t dtype, rank;
  const int64_t *shape; /* `rank` sizes */
  int64_t bytes;        /* of contiguous, row-major data */
  int32_t written;      /* an input that the program writes into; a Parameter that some program writes */
} cgp_tensor;

typedef struct {
  void *data;    /* aligned like its elements */
  int64_t bytes; /* has to be the tensor's */
} cgp_buffer;

/* Loads a program file. Before anything is mapped as code its length, its digest, its header with every offset, the processor's features and the functions that
 * the code asks for are checked; nothing of it runs before a call of cgp_call. `digest` is null, or what cgp_digest has to give: 64 hexadecimal
 * digits that came by a way that you trust. `error` may be null, here and below. Returns a status. */
int cgp_open(const char *path, const char *digest, cgp_file **file, cgp_error *error);
int cgp_open_memory(const void *data, size_t bytes, const char *digest, cgp_file **file, cgp_error *error);
/* Frees a file with its programs and Parameters; no call of one may be running. Null is allowed. */
void cgp_close(cgp_file *file);

/* BLAKE2b-256 of the content, in hexadecimal digits. The header is JSON (docs/design/export-format.md). All are valid until cgp_close. */
const char *cgp_digest(const cgp_file *file);
const char *cgp_header(const cgp_file *file);

size_t cgp_program_count(const cgp_file *file);
/* Null where there is none. */
const cgp_program *cgp_program_at(const cgp_file *file, size_t index);
const cgp_program *cgp_program_named(const cgp_file *file, const char *name);
const char *cgp_program_name(const cgp_program *program);
size_t cgp_input_count(const cgp_program *program);
size_t cgp_output_count(const cgp_program *program);
const cgp_tensor *cgp_input(const cgp_program *program, size_t index);
const cgp_tensor *cgp_output(const cgp_program *program, size_t index);

/* Runs a program. Outputs, and inputs that are written, overlap nothing else. After CGP_ASSERTION, CGP_MEMORY and CGP_PROGRAM outputs are undefined, and Parameters
 * may have been written. Returns a status. */
int cgp_call(const cgp_program *program, const cgp_buffer *inputs, size_t input_count, const cgp_buffer *outputs, size_t output_count, cgp_error *error);

/* Parameters and other state of the programs, shared by all of a file. */
size_t cgp_parameter_count(const cgp_file *file);
const cgp_tensor *cgp_parameter(const cgp_file *file, size_t index);
/* Index of a name, -1 where there is none. */
int64_t cgp_parameter_named(const cgp_file *file, const char *name);
/* Copies a Parameter out or in, between calls. Returns a status. */
int cgp_read_parameter(const cgp_file *file, size_t index, void *data, int64_t bytes, cgp_error *error);
int cgp_write_parameter(cgp_file *file, size_t index, const void *data, int64_t bytes, cgp_error *error);
/* The Parameter itself; null where programs run on a GPU. The address stays; its content changes while a program that writes it runs. */
void *cgp_parameter_data(cgp_file *file, size_t index);

/* Programs for a GPU take and give data of the host, as others do; their Parameters stay on the GPU from call to call. They need libcellgrad_gpu.so beside this library and
 * NVIDIA's driver. Files that this thread opens from now on use this GPU; the first one without it. */
void cgp_choose_gpu(int number);
int cgp_runs_on_gpu(const cgp_file *file);

/* Threads of all programs in this process; n < 1: all processors. */
void cgp_set_threads(int n);
/* Where programs print: standard output (null), or a function that gets the format with a `{}` for each tensor, their data, and for each its element type, its rank and its sizes.
 * It returns 0, or another number to end the program (CGP_PROGRAM). For all programs of this process. */
void cgp_set_print(int (*print)(const char *format, int64_t count, void *const *data, const int64_t *meta));

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* CELLGRAD_PROGRAM_H */
