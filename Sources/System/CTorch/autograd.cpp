// Gradients, and checkpoints that trade a second forward pass for memory.
#include "guarded.h"

#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <memory>

using ct::guarded;
using ct::produce;
namespace autograd = torch::autograd;

int ct_set_requires_grad(ct_tensor *tensor, int on) {
    return guarded([&] { tensor->value.set_requires_grad(on != 0); });
}
int ct_requires_grad(const ct_tensor *tensor, int *out) {
    return guarded([&] { *out = tensor->value.requires_grad(); });
}
int ct_detach(const ct_tensor *tensor, ct_tensor **out) {
    return produce(out, [&] { return tensor->value.detach(); });
}
int ct_backward(const ct_tensor *scalar) {
    return guarded([&] {
        TORCH_CHECK(scalar->value.numel() == 1, "gradients are those of one number, not of a tensor of shape ",
                    scalar->value.sizes());
        autograd::backward({scalar->value}, {});
    });
}
int ct_grad(const ct_tensor *tensor, ct_tensor **out) {
    return guarded([&] {
        const at::Tensor &gradient = tensor->value.grad();
        *out = gradient.defined() ? new ct_tensor(gradient) : nullptr;
    });
}
int ct_clear_grad(ct_tensor *tensor) {
    return guarded([&] { tensor->value.mutable_grad() = at::Tensor(); });
}

namespace {

// The body of a checkpoint, kept as long as its node of the graph lives.
struct Body : torch::CustomClassHolder {
    ct_body run;
    void *context;
    void (*release)(void *);
    Body(ct_body run, void *context, void (*release)(void *)) : run(run), context(context), release(release) {}
    ~Body() override { release(context); }

    at::Tensor operator()(const at::Tensor &input, int replay) const {
        ct_tensor handle(input);
        ct_tensor *result = nullptr;
        int status = run(context, &handle, replay, &result);
        TORCH_CHECK(status == ct_done && result, "the body of a checkpoint failed: ", ct::last_error());
        std::unique_ptr<ct_tensor> owner(result);
        return owner->value;
    }
};

at::Generator generator_of(const at::Tensor &tensor) {
    return at::globalContext().defaultGenerator(tensor.device());
}

struct Checkpoint : autograd::Function<Checkpoint> {
    static at::Tensor forward(autograd::AutogradContext *context, const at::Tensor &input,
                              c10::intrusive_ptr<Body> body) {
        at::Generator generator = generator_of(input);
        at::Tensor random_state;
        {
            std::lock_guard<std::mutex> lock(generator.mutex());
            random_state = generator.get_state();
        }
        context->save_for_backward({input});
        context->saved_data["random"] = random_state;
        context->saved_data["grad"] = input.requires_grad();
        ct::Autocast autocast = ct::autocast(input.device().type());
        context->saved_data["autocast"] = autocast.on;
        context->saved_data["type"] = static_cast<int64_t>(autocast.type);
        context->saved_data["body"] = c10::IValue::make_capsule(body);
        at::NoGradGuard plain;
        at::Tensor output = (*body)(input, 0);
        at::autocast::clear_cache();
        return output;
    }

    static autograd::variable_list backward(autograd::AutogradContext *context, autograd::variable_list gradients) {
        at::Tensor input = context->get_saved_variables()[0].detach();
        input.set_requires_grad(context->saved_data["grad"].toBool());
        auto capsule = context->saved_data["body"].toCapsule();
        auto *body = static_cast<Body *>(capsule.get());
        at::Generator generator = generator_of(input);
        at::Tensor now;
        {
            std::lock_guard<std::mutex> lock(generator.mutex());
            now = generator.get_state();
            generator.set_state(context->saved_data["random"].toTensor());
        }
        at::Tensor output;
        {
            c10::DeviceType device = input.device().type();
            ct::Autocast outside = ct::autocast(device);
            ct::set_autocast(device, {context->saved_data["autocast"].toBool(),
                                      static_cast<at::ScalarType>(context->saved_data["type"].toInt())});
            at::AutoGradMode on(true);
            at::autocast::clear_cache();  // weights that were cast without a graph would pass no gradient on
            try {
                output = (*body)(input, 1);
            } catch (...) {
                ct::set_autocast(device, outside);
                throw;
            }
            at::autocast::clear_cache();
            ct::set_autocast(device, outside);
        }
        {
            std::lock_guard<std::mutex> lock(generator.mutex());
            generator.set_state(now);
        }
        autograd::backward({output}, {gradients[0].to(output.scalar_type())});
        return {input.grad(), at::Tensor()};
    }
};

}  // namespace

int ct_checkpoint(const ct_tensor *input, ct_body body, void *context, void (*release)(void *context), ct_tensor **out) {
    return produce(out, [&] {
        auto kept = c10::make_intrusive<Body>(body, context, release);
        if (!at::GradMode::is_enabled()) return (*kept)(input->value, 0);
        return Checkpoint::apply(input->value, kept);
    });
}
