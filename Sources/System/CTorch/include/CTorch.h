// libtorch behind plain C: tensors are opaque handles, every function returns a status, results come by out-pointers.
// A status other than 0 leaves the out-pointers alone; `ct_last_error` then holds the reason for the calling thread.
// Differences between libtorch 1.13 and 2.x are dealt with here and seen nowhere else.
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_tensor ct_tensor;

// What a call came to.
enum { ct_done = 0, ct_invalid = 1, ct_out_of_memory = 2, ct_failed = 3 };

// Element types.
enum { ct_float32 = 0, ct_float64 = 1, ct_bfloat16 = 2, ct_int64 = 3, ct_uint8 = 4, ct_bool = 5 };

// Device kinds.
enum { ct_cpu = 0, ct_cuda = 1 };

// The calling thread's last error: libtorch's sentence without its C++ stack.
const char *ct_last_error(void);
void ct_set_last_error(const char *message);  // by the body of a checkpoint that failed

// MARK: state of the library
const char *ct_version(void);
int64_t ct_live_count(void);  // handles made less handles freed by the calling thread
int ct_set_cudnn_benchmark(int on);
int ct_set_threads(int64_t count);
int ct_threads(int64_t *out);
int ct_manual_seed(uint64_t seed);
int ct_set_deterministic(int on);
int ct_set_grad_mode(int on, int *before);  // this thread's
// This thread's autocast for one kind of device; on leaving the outermost one its cache of weights is emptied.
int ct_set_autocast(int device, int on, int type, int *on_before, int *type_before);

// MARK: CUDA, where libtorch has it and finds a device
int ct_cuda_count(int64_t *out);
const char *ct_cuda_absence(void);  // why there is no device; empty where there is one
int ct_cuda_synchronise(int64_t index);
// The most memory in use at once since the last reset, bytes; −1 with a libtorch before 2.9.
int ct_cuda_peak_memory(int64_t index, int reset, int64_t *allocated, int64_t *reserved);

// MARK: making, reading, freeing
int ct_from_data(const void *elements, int type, const int64_t *sizes, int64_t rank, ct_tensor **out);
int ct_full(double value, int type, const int64_t *sizes, int64_t rank, ct_tensor **out);
int ct_empty(int type, const int64_t *sizes, int64_t rank, ct_tensor **out);
int ct_normal(const int64_t *sizes, int64_t rank, ct_tensor **out);  // float32, from the seeded global generator
int ct_arange(int64_t count, ct_tensor **out);                       // int64
int ct_copy_to_host(const ct_tensor *tensor, void *elements, int64_t byte_count);
int ct_alias(const ct_tensor *tensor, ct_tensor **out);  // another handle of the same tensor
void ct_free(ct_tensor *tensor);

int ct_rank(const ct_tensor *tensor, int64_t *out);
int ct_sizes(const ct_tensor *tensor, int64_t *out, int64_t rank);
int ct_type(const ct_tensor *tensor, int *out);
int ct_device(const ct_tensor *tensor, int *kind, int64_t *index);
int ct_is_channels_last(const ct_tensor *tensor, int *out);

int ct_to_type(const ct_tensor *tensor, int type, ct_tensor **out);
int ct_to_device(const ct_tensor *tensor, int kind, int64_t index, ct_tensor **out);
int ct_contiguous(const ct_tensor *tensor, int channels_last, ct_tensor **out);

// MARK: gradients
int ct_set_requires_grad(ct_tensor *tensor, int on);
int ct_requires_grad(const ct_tensor *tensor, int *out);
int ct_detach(const ct_tensor *tensor, ct_tensor **out);
int ct_backward(const ct_tensor *scalar);
int ct_grad(const ct_tensor *tensor, ct_tensor **out);  // NULL where there is none
int ct_clear_grad(ct_tensor *tensor);

// Runs `body` on `input` without keeping what lies between, and once more when gradients are asked for, with the random
// state and autocast of the first time. `replay` is 1 the second time. The body returns a status and, if it
// is not ct_done, has left its reason by ct_set_last_error. `release` is called when the context is no longer needed.
typedef int (*ct_body)(void *context, const ct_tensor *input, int replay, ct_tensor **out);
int ct_checkpoint(const ct_tensor *input, ct_body body, void *context, void (*release)(void *context), ct_tensor **out);

// MARK: shape
int ct_reshape(const ct_tensor *tensor, const int64_t *sizes, int64_t rank, ct_tensor **out);
int ct_permute(const ct_tensor *tensor, const int64_t *order, int64_t rank, ct_tensor **out);
int ct_expand(const ct_tensor *tensor, const int64_t *sizes, int64_t rank, ct_tensor **out);
int ct_slice(const ct_tensor *tensor, int64_t axis, int64_t start, int64_t end, ct_tensor **out);
int ct_concatenate(const ct_tensor *const *tensors, int64_t count, int64_t axis, ct_tensor **out);
int ct_index_select(const ct_tensor *tensor, int64_t axis, const ct_tensor *indices, ct_tensor **out);
int ct_gather(const ct_tensor *tensor, int64_t axis, const ct_tensor *indices, ct_tensor **out);

// MARK: element by element
int ct_add(const ct_tensor *a, const ct_tensor *b, double factor, ct_tensor **out);  // a + factor b
int ct_multiply(const ct_tensor *a, const ct_tensor *b, ct_tensor **out);
int ct_divide(const ct_tensor *a, const ct_tensor *b, ct_tensor **out);
int ct_equal(const ct_tensor *a, const ct_tensor *b, ct_tensor **out);  // bool
int ct_greater(const ct_tensor *a, double than, ct_tensor **out);       // bool
int ct_affine(const ct_tensor *a, double factor, double offset, ct_tensor **out);
int ct_power(const ct_tensor *a, double exponent, ct_tensor **out);
int ct_where(const ct_tensor *condition, const ct_tensor *a, const ct_tensor *b, ct_tensor **out);
int ct_masked_fill(const ct_tensor *a, const ct_tensor *mask, double value, ct_tensor **out);
int ct_exp(const ct_tensor *a, ct_tensor **out);
int ct_log(const ct_tensor *a, ct_tensor **out);
int ct_sqrt(const ct_tensor *a, ct_tensor **out);
int ct_absolute(const ct_tensor *a, ct_tensor **out);
int ct_relu(const ct_tensor *a, ct_tensor **out);
int ct_gelu(const ct_tensor *a, ct_tensor **out);  // exact, by the error function

// MARK: reductions; no axes means all
int ct_sum(const ct_tensor *a, const int64_t *axes, int64_t count, int keep, ct_tensor **out);
int ct_mean(const ct_tensor *a, const int64_t *axes, int64_t count, int keep, ct_tensor **out);
int ct_maximum(const ct_tensor *a, int64_t axis, int keep, ct_tensor **out);
int ct_argmax(const ct_tensor *a, int64_t axis, ct_tensor **out);
int ct_softmax(const ct_tensor *a, int64_t axis, ct_tensor **out);
int ct_log_softmax(const ct_tensor *a, int64_t axis, ct_tensor **out);
int ct_norm(const ct_tensor *a, ct_tensor **out);  // Euclidean, of all elements
int ct_all_finite(const ct_tensor *a, int *out);

// MARK: layers
int ct_matmul(const ct_tensor *a, const ct_tensor *b, ct_tensor **out);
int ct_linear(const ct_tensor *input, const ct_tensor *weight, const ct_tensor *bias, ct_tensor **out);
int ct_conv2d(const ct_tensor *input, const ct_tensor *weight, const ct_tensor *bias, int64_t stride, int64_t padding,
              ct_tensor **out);
int ct_max_pool2d(const ct_tensor *input, int64_t window, int64_t stride, ct_tensor **out);
// The running tensors are updated in place where `training` is 1, unless both are NULL.
int ct_batch_norm(const ct_tensor *input, const ct_tensor *weight, const ct_tensor *bias, ct_tensor *running_mean,
                  ct_tensor *running_variance, int training, double momentum, double epsilon, ct_tensor **out);
int ct_layer_norm(const ct_tensor *input, const ct_tensor *weight, const ct_tensor *bias, double epsilon,
                  ct_tensor **out);
// softmax(q kᵀ / √d) v on (batch, heads, tokens, d); fused where libtorch can.
int ct_attention(const ct_tensor *query, const ct_tensor *key, const ct_tensor *value, ct_tensor **out);

// MARK: in place, outside of the gradient's graph
int ct_copy_into(ct_tensor *tensor, const ct_tensor *source);
int ct_add_into(ct_tensor *tensor, const ct_tensor *other, double factor);
int ct_affine_into(ct_tensor *tensor, double factor, double offset);
int ct_scale_into(ct_tensor *tensor, const ct_tensor *factor);  // a tensor of one element, left on its device
int ct_addcmul_into(ct_tensor *tensor, const ct_tensor *a, const ct_tensor *b, double factor);
int ct_addcdiv_into(ct_tensor *tensor, const ct_tensor *a, const ct_tensor *b, double factor);

// MARK: processes that compute together
typedef struct ct_store ct_store;  // where they meet: a server in one of them, clients in the others
typedef struct ct_group ct_group;

int ct_store_open(const char *address, int64_t port, int serves, const char *prefix, double timeout_s, ct_store **out);
int ct_store_port(const ct_store *store, int64_t *out);  // that of the server; it chooses one where it was asked for port 0
void ct_store_free(ct_store *store);

int ct_has_nccl(void);
// Waits for the others. `backend` is "gloo" or "nccl". A process that is lost ends every operation of the others with ct_failed or
// ct_invalid, at the latest after the timeout.
int ct_group_join(const ct_store *store, const char *backend, int64_t rank, int64_t size, double timeout_s,
                  ct_group **out);
void ct_group_free(ct_group *group);
int ct_group_sum(ct_group *group, ct_tensor *const *tensors, int64_t count);  // in place, over all processes
// The parts of all processes along axis 0, all of one shape. The gradient of a loss that every process computes alike from the
// whole goes back to its own part.
int ct_group_gather(ct_group *group, const ct_tensor *part, ct_tensor **out);
// Batch normalisation by the statistics of all processes; the gradients of weight and bias are those of the own samples.
int ct_group_batch_norm(ct_group *group, const ct_tensor *input, const ct_tensor *weight, const ct_tensor *bias,
                        ct_tensor *running_mean, ct_tensor *running_variance, double momentum, double epsilon,
                        ct_tensor **out);

#ifdef __cplusplus
}
#endif
