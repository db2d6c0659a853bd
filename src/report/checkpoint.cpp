// Checkpoints of the second-order methods as files.
#include "core/option_text.hpp"
#include "io/archive.hpp"

#include <randnla/optimize/checkpoint.hpp>
#include <randnla/optimize/second_order.hpp>

namespace randnla {
namespace {

const std::string kind = "checkpoint";

/// The fields in the file's order, for either direction.
template <class Archive, class C>
void fields(Archive& archive, C& c) {
  archive(c.options), archive(c.dim), archive(c.terms), archive(c.x), archive(c.leverage_ratio);
  auto& r = c.result;
  archive(r.stop), archive(r.loss), archive(r.initial_loss), archive(r.iterations);
  archive(r.accepted), archive(r.work), archive(r.certificate_work), archive(r.seconds);
  archive(r.phases), archive(r.trace);
  archive(c.rng), archive(c.loss), archive(c.size);
  archive(c.gradient_fraction), archive(c.gradient_reference), archive(c.gradient_second);
  archive(c.hessian_size), archive(c.draws_since_refresh), archive(c.expected_products);
  archive(c.next_look), archive(c.look_gap);
  archive(c.gradient_at_trial), archive(c.sampled_gradient_small), archive(c.notes);
}

}  // namespace

std::string steps_decided_by(const SecondOrderOptions& o, bool cubic, int scalar_bytes) {
  std::string text = cubic ? "method = cubic_newton\n" : "method = trust_region\n";
  const auto add = [&](const char* name, double value) { add_option(text, name, value); };
  add("scalar_bytes", scalar_bytes);
  add("gradient.rule", static_cast<int>(o.gradient.rule));
  add("gradient.fraction", o.gradient.fraction);
  add("gradient.factor", o.gradient.factor);
  add("gradient.min_fraction", o.gradient.min_fraction);
  add("gradient.max_fraction", o.gradient.max_fraction);
  add("gradient.tolerance", o.gradient.tolerance);
  add("hessian.sampling", static_cast<int>(o.hessian.sampling));
  add("hessian.size", static_cast<int>(o.hessian.size));
  add("hessian.fraction", o.hessian.fraction);
  add("hessian.tolerance", o.hessian.tolerance);
  add("hessian.refresh", o.hessian.refresh);
  add("hessian.curvature", static_cast<int>(o.hessian.curvature));
  add("hessian.form", static_cast<int>(o.hessian.form));
  add("stopping.eps_g", o.stopping.eps_g);
  add("stopping.eps_h", o.stopping.eps_h);
  add("stopping.failure_probability", o.stopping.failure_probability);
  add("stopping.lanczos_steps", o.stopping.lanczos_steps);
  add("initial_radius", o.initial_radius);
  add("max_radius", o.max_radius);
  add("initial_sigma", o.initial_sigma.value_or(0));
  add("min_sigma", o.min_sigma);
  add("eta1", o.eta1);
  add("eta2", o.eta2);
  add("gamma1", o.gamma1);
  add("gamma2", o.gamma2);
  add("max_failures", o.max_failures);
  add("inner_iterations", o.inner_iterations);
  add("inner_tolerance", o.inner_tolerance);
  add("random_start", o.random_start ? 1 : 0);
  add("ball", static_cast<int>(o.ball));
  add("cubic", static_cast<int>(o.cubic));
  text += "seed = " + std::to_string(o.seed) + "\n";
  return text;
}

void save(const std::string& path, const Checkpoint& checkpoint) {
  ArchiveWriter writer(kind);
  fields(writer, checkpoint);
  writer.save(path);
}

Checkpoint load_checkpoint(const std::string& path) {
  ArchiveReader reader(path, kind);
  Checkpoint checkpoint;
  fields(reader, checkpoint);
  reader.end();
  return checkpoint;
}

}  // namespace randnla
