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
 * Every function may be called from any thread. On the CPU, calls of programs that write Parameters run one at a time and others side by side. On a GPU the calls of a
 * file are started one after another and run in that order.
 *===----------------------------------------------------------------------===*/
#ifndef CELLGRAD_PROGRAM_H
#define CELLGRAD_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* Raised by one where functions are added or change their meaning. 2: arrays on the GPU; what 1 had is as it was. */
#define CGP_API 2
int cgp_api(void);

enum {
  CGP_OK,
  CGP_UNREADABLE, /* the file cannot be read */
  CGP_DAMAGED,    /* not a program file, of another format version, or changed since it was written */
  CGP_UNTRUSTED,  /* whole, but not the file that was asked for by its digest */
  CGP_MACHINE,    /* made for another processor, GPU, system or runtime; the GPU's driver does not take it */
  CGP_ARGUMENT,   /* wrong number, size, place or address of arrays, a stream that cannot be used, no such Parameter; nothing was done */
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

/* Loads a program file: checks its length, its digest, its header with every offset and the processor's features, then for each program its object code and the functions that
 * it asks for before it can be run as code, and for a GPU the record of the kernels, which the driver takes then. Nothing of a file runs before it is called. `digest` is null,
 * or what cgp_digest has to give: 64 hexadecimal digits that came by a way that you trust. `data` may be freed afterwards. `error` may be null, here and below. Returns a status. */
int cgp_open(const char *path, const char *digest, cgp_file **file, cgp_error *error);
int cgp_open_memory(const void *data, size_t bytes, const char *digest, cgp_file **file, cgp_error *error);
/* Frees a file with its programs and Parameters; nothing else may be using it, and what cgp_allocate gave is freed before. Null is allowed. */
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

/* Programs for a GPU take and give data of the host by cgp_call, as others do; their Parameters stay on the GPU from call to call. They need libcellgrad_gpu.so beside this library
 * and NVIDIA's driver. Files that this thread opens from now on use this GPU; the first one without it. */
void cgp_choose_gpu(int number);
int cgp_runs_on_gpu(const cgp_file *file);
/* The number of the file's GPU; -1: its programs run on the CPU. */
int cgp_device(const cgp_file *file);

/* An array of the host, as a cgp_buffer, or of the file's GPU, which is used where it is. */
enum { CGP_HOST, CGP_DEVICE };
enum { CGP_DEVICE_ALIGNMENT = 16 }; /* of the addresses of arrays on the GPU, in bytes */
typedef struct {
  void *data;    /* of CGP_DEVICE: memory of cuMemAlloc, cudaMalloc, cgp_allocate and their like */
  int64_t bytes; /* has to be the tensor's */
  int32_t place;
} cgp_array;

/* cgp_call with arrays of both places. A program that starts the same kernels each time is replayed as a CUDA graph when it gets the same arrays on the GPU again.
 * A stream is a CUstream or cudaStream_t, or (void *)1 for CUDA's default one. The program runs after what was given to `stream` by now, and what is given to it from now on runs after the
 * program; it cannot be one that is being captured as a graph. The call returns when the program is started where all that it writes is on the GPU, and otherwise when it is done; failures
 * of kernels that show later are told by later calls. Arrays of the host may change and be freed when it returns; those on the GPU are used until the program is done.
 * With null no other stream is ordered: arrays on the GPU are ready before the call, and results when it returns. */
int cgp_call_on(const cgp_program *program, const cgp_array *inputs, size_t input_count, const cgp_array *outputs, size_t output_count, void *stream, cgp_error *error);

/* The stream on which the file's programs run, null on the CPU: a cgp_call_on that gets it waits for nothing that it need not. */
void *cgp_stream(const cgp_file *file);
/* Orders streams as cgp_call_on does: the file's waits for `stream`, or lets it wait. Return a status. */
int cgp_wait_for(const cgp_file *file, void *stream, cgp_error *error);
int cgp_let_wait(const cgp_file *file, void *stream, cgp_error *error);
/* Waits for all work on the GPU, that of other libraries in the process too. */
int cgp_synchronize(const cgp_file *file, cgp_error *error);
/* Memory of the file's GPU, at a multiple of CGP_DEVICE_ALIGNMENT, in the order of the file's stream: it may be freed while a program that was started uses it, and what is given out may
 * be memory that such a program still uses. So before another stream uses new memory, cgp_let_wait it, and before memory is freed that another stream may still use, cgp_wait_for it.
 * No bytes are an address too. Returns a status, with null in `data` where it fails. cgp_free takes null, and does nothing with what cgp_allocate did not give. */
int cgp_allocate(const cgp_file *file, int64_t bytes, void **data, cgp_error *error);
void cgp_free(const cgp_file *file, void *data);
/* Copies between host and GPU in the order of the file's stream, done when they return. Return a status. */
int cgp_upload(const cgp_file *file, void *to, const void *from, int64_t bytes, cgp_error *error);
int cgp_download(const cgp_file *file, void *to, const void *from, int64_t bytes, cgp_error *error);

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
