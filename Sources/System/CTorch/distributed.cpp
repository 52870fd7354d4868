// Processes that compute together, over c10d: a store where they meet, sums and gathers among them, and the two operations of a
// training whose gradients cross processes. gloo needs the headers of libgloo-dev; NCCL a build with CT_NCCL.
#include "guarded.h"

#if __has_include(<gloo/rendezvous/store.h>)
#define CT_GLOO 1
#ifndef USE_C10D_GLOO
#define USE_C10D_GLOO
#endif
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif
#ifdef CT_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <chrono>
#include <cstdlib>
#include <vector>

using ct::guarded;
using ct::produce;
namespace autograd = torch::autograd;

#if CT_TORCH_AT_LEAST(2, 0)
using Backend = c10d::Backend;
#else
using Backend = c10d::ProcessGroup;
#endif

struct ct_store {
    c10::intrusive_ptr<c10d::TCPStore> server;
    c10::intrusive_ptr<c10d::Store> value;
};

struct ct_group : torch::CustomClassHolder {
    c10::intrusive_ptr<c10d::Store> store;  // the server, in one process: it must outlive the group
    c10::intrusive_ptr<Backend> backend;
    int64_t rank = 0, size = 1;
    bool on_host = true;  // gloo takes and gives host memory

    // The sum over all processes, in place.
    void sum(at::Tensor tensor) {
        if (size == 1) return;
        bool moves = on_host && tensor.is_cuda();
        std::vector<at::Tensor> parts{moves ? tensor.cpu() : tensor.contiguous()};
        c10d::AllreduceOptions options;
        options.reduceOp = c10d::ReduceOp::SUM;
        backend->allreduce(parts, options)->wait();
        if (!parts[0].is_same(tensor)) tensor.copy_(parts[0]);
    }

    // The parts of all processes one after another; every part has the same shape.
    at::Tensor gather(const at::Tensor &part) {
        if (size == 1) return part.clone();
        bool moves = on_host && part.is_cuda();
        std::vector<at::Tensor> inputs{moves ? part.cpu().contiguous() : part.contiguous()};
        std::vector<std::vector<at::Tensor>> outputs(1);
        for (int64_t other = 0; other < size; ++other) outputs[0].push_back(at::empty_like(inputs[0]));
        backend->allgather(outputs, inputs)->wait();
        at::Tensor whole = at::cat(outputs[0], 0);
        return moves ? whole.to(part.device()) : whole;
    }
};

namespace {

std::chrono::milliseconds duration(double seconds) {
    return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

c10::intrusive_ptr<ct_group> shared(ct_group *group) {
    return c10::intrusive_ptr<ct_group>::reclaim_copy(group);
}

// Outputs of all processes, of which each makes the whole loss: what its own part contributes is its own rows of the gradient.
struct Gather : autograd::Function<Gather> {
    static at::Tensor forward(autograd::AutogradContext *context, const at::Tensor &part,
                              c10::intrusive_ptr<ct_group> group) {
        context->saved_data["rows"] = part.size(0);
        context->saved_data["rank"] = group->rank;
        return group->gather(part);
    }
    static autograd::variable_list backward(autograd::AutogradContext *context, autograd::variable_list gradients) {
        int64_t rows = context->saved_data["rows"].toInt();
        int64_t rank = context->saved_data["rank"].toInt();
        return {gradients[0].narrow(0, rank * rows, rows).contiguous(), at::Tensor()};
    }
};

// A row of numbers, one a channel, in the shape that broadcasts over x.
at::Tensor along(const at::Tensor &row, const at::Tensor &x) {
    std::vector<int64_t> shape(static_cast<size_t>(x.dim()), 1);
    shape[1] = row.size(0);
    return row.view(shape);
}

std::vector<int64_t> all_but_channels(const at::Tensor &x) {
    std::vector<int64_t> axes;
    for (int64_t axis = 0; axis < x.dim(); ++axis)
        if (axis != 1) axes.push_back(axis);
    return axes;
}

// What statistics of x are computed in.
at::ScalarType wide_type(const at::Tensor &x) { return x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat; }

// Batch normalisation by the statistics of all processes' samples. The variance is put together from each part's own
// deviations (Chan, Golub, LeVeque 1979), not from sums of squares.
struct SharedBatchNorm : autograd::Function<SharedBatchNorm> {
    static at::Tensor forward(autograd::AutogradContext *context, const at::Tensor &x, const at::Tensor &weight,
                              const at::Tensor &bias, at::Tensor running_mean, at::Tensor running_variance,
                              double momentum, double epsilon, c10::intrusive_ptr<ct_group> group) {
        auto axes = all_but_channels(x);
        double own_count = static_cast<double>(x.numel() / x.size(1));
        at::ScalarType type = wide_type(x);
        at::Tensor wide = x.to(type);
        at::Tensor own_mean = wide.mean(axes);
        at::Tensor own_spread = (wide - along(own_mean, x)).square().sum(axes);
        at::Tensor own = at::stack({at::full_like(own_mean, own_count), own_mean, own_spread}).to(at::kDouble);
        at::Tensor all = group->gather(own.unsqueeze(0));  // (processes, 3, channels)
        at::Tensor counts = all.select(1, 0), means = all.select(1, 1), spreads = all.select(1, 2);
        at::Tensor count = counts.sum(0);
        at::Tensor mean = (counts * means).sum(0) / count;
        at::Tensor spread = spreads.sum(0) + (counts * (means - mean).square()).sum(0);
        double total = count[0].item<double>();
        TORCH_CHECK(total > 1, "batch statistics need more than one value for each channel");
        at::Tensor variance = (spread / total).to(type);
        at::Tensor wide_mean = mean.to(type);
        running_mean.mul_(1 - momentum).add_(wide_mean, momentum);
        running_variance.mul_(1 - momentum).add_((spread / (total - 1)).to(type), momentum);
        context->save_for_backward({x, weight, wide_mean, (variance + epsilon).rsqrt()});
        context->saved_data["total"] = total;
        context->saved_data["group"] = c10::IValue::make_capsule(group);
        return std::get<0>(at::native_batch_norm(x, weight, bias, wide_mean, variance, /*training=*/false, momentum, epsilon));
    }

    static autograd::variable_list backward(autograd::AutogradContext *context, autograd::variable_list gradients) {
        auto saved = context->get_saved_variables();
        const at::Tensor &x = saved[0], &weight = saved[1], &mean = saved[2], &inverse = saved[3];
        auto capsule = context->saved_data["group"].toCapsule();
        auto *group = static_cast<ct_group *>(capsule.get());
        double total = context->saved_data["total"].toDouble();
        auto axes = all_but_channels(x);
        at::Tensor upper = gradients[0].to(wide_type(x));
        at::Tensor normal = (x.to(upper.scalar_type()) - along(mean, x)) * along(inverse, x);
        at::Tensor sums = at::stack({upper.sum(axes), (upper * normal).sum(axes)});
        at::Tensor shared = sums.clone();
        group->sum(shared);
        shared = shared / total;
        at::Tensor lower = (upper - along(shared[0], x) - normal * along(shared[1], x)) * along(inverse * weight, x);
        return {lower.to(x.scalar_type()), sums[1], sums[0], at::Tensor(), at::Tensor(),
                at::Tensor(), at::Tensor(), at::Tensor()};
    }
};

}  // namespace

int ct_store_open(const char *address, int64_t port, int serves, const char *prefix, double timeout_s, ct_store **out) {
    return guarded([&] {
        c10d::TCPStoreOptions options;
        options.port = static_cast<uint16_t>(port);
        options.isServer = serves != 0;
        options.waitWorkers = false;
        options.timeout = duration(timeout_s);
        auto server = c10::make_intrusive<c10d::TCPStore>(address, options);
        c10::intrusive_ptr<c10d::Store> store = server;
        if (*prefix) store = c10::make_intrusive<c10d::PrefixStore>(prefix, store);
        *out = new ct_store{server, store};
    });
}
int ct_store_port(const ct_store *store, int64_t *out) {
    return guarded([&] { *out = store->server->getPort(); });
}
void ct_store_free(ct_store *store) { delete store; }

int ct_group_join(const ct_store *store, const char *backend, int64_t rank, int64_t size, double timeout_s,
                  ct_group **out) {
    return guarded([&] {
        auto group = c10::make_intrusive<ct_group>();
        group->store = store->value;
        group->rank = rank;
        group->size = size;
        std::string name(backend);
        [[maybe_unused]] int own = static_cast<int>(rank), count = static_cast<int>(size);
        if (name == "gloo") {
#ifdef CT_GLOO
            auto options = c10d::ProcessGroupGloo::Options::create(duration(timeout_s));
            const char *interface = std::getenv("GLOO_SOCKET_IFNAME");
            const std::string &host = store->server->getHost();
            bool is_local = host == "localhost" || host.rfind("127.", 0) == 0;
            options->devices.push_back(interface ? c10d::ProcessGroupGloo::createDeviceForInterface(interface)
                                       : is_local ? c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1")
                                                  : c10d::ProcessGroupGloo::createDefaultDevice());
            group->backend = c10::make_intrusive<c10d::ProcessGroupGloo>(store->value, own, count, options);
#else
            TORCH_CHECK(false, "this program was built without the headers of gloo (libgloo-dev)");
#endif
        } else if (name == "nccl") {
#ifdef CT_NCCL
            auto options = c10d::ProcessGroupNCCL::Options::create();
            options->timeout = duration(timeout_s);
            group->backend = c10::make_intrusive<c10d::ProcessGroupNCCL>(store->value, own, count, options);
            group->on_host = false;
#else
            TORCH_CHECK(false, "this program was built without NCCL; build it with LIBTORCH=… CYTO_NCCL=1");
#endif
        } else {
            TORCH_CHECK(false, "'", name, "' is no way to talk; use gloo or nccl");
        }
        *out = group.release();
    });
}
int ct_has_nccl(void) {
#ifdef CT_NCCL
    return 1;
#else
    return 0;
#endif
}
void ct_group_free(ct_group *group) {
    if (group) c10::intrusive_ptr<ct_group>::reclaim(group);
}

int ct_group_sum(ct_group *group, ct_tensor *const *tensors, int64_t count) {
    return guarded([&] {
        at::NoGradGuard plain;
        // One message for all: a network has hundreds of small tensors.
        std::vector<at::Tensor> flat;
        for (int64_t index = 0; index < count; ++index) flat.push_back(tensors[index]->value.reshape({-1}));
        if (flat.empty()) return;
        at::Tensor whole = at::cat(flat);
        group->sum(whole);
        int64_t start = 0;
        for (int64_t index = 0; index < count; ++index) {
            at::Tensor &tensor = tensors[index]->value;
            tensor.copy_(whole.narrow(0, start, tensor.numel()).view(tensor.sizes()));
            start += tensor.numel();
        }
    });
}
int ct_group_gather(ct_group *group, const ct_tensor *part, ct_tensor **out) {
    return produce(out, [&] { return Gather::apply(part->value, shared(group)); });
}
int ct_group_batch_norm(ct_group *group, const ct_tensor *input, const ct_tensor *weight, const ct_tensor *bias,
                        ct_tensor *running_mean, ct_tensor *running_variance, double momentum, double epsilon,
                        ct_tensor **out) {
    return produce(out, [&] {
        // An argument that is no tensor has no device, which `apply` asks for: what is not kept goes into tensors that are let go.
        at::Tensor mean = running_mean ? running_mean->value : at::zeros_like(weight->value.detach());
        at::Tensor variance = running_variance ? running_variance->value : at::ones_like(weight->value.detach());
        return SharedBatchNorm::apply(input->value, weight->value, bias->value, mean, variance, momentum, epsilon,
                                      shared(group));
    });
}
