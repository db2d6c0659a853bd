#include "result_json.hpp"

namespace randnla::app {
namespace {

Json phases_json(const Phases& phases) {
  return {{"gradient", phases.gradient},
          {"hessian", phases.hessian},
          {"inner", phases.inner},
          {"trial", phases.trial}};
}

void add_work(const Work& work, Json& to) {
  to["props"] = work.props;
  to["oracle_calls"] = work.oracle_calls();
  to["values"] = work.values;
  to["gradients"] = work.gradients;
  to["hessian_products"] = work.hessian_products;
  to["hessian_matrices"] = work.hessian_matrices;
  to["data_passes"] = work.data_passes;
  to["host_waits"] = work.host_waits;
  to["flag_polls"] = work.flag_polls;
  to["launches"] = work.launches;
}

Json certificate_cost(const OptimizationResult& result) {
  Json json = {{"lanczos_steps", result.certificate.lanczos_steps}};
  add_work(result.certificate_work, json);
  return json;
}

}  // namespace

Json to_json(const Iteration& it, Method method) {
  Json json = {{"iteration", it.iteration},
               {"loss", it.loss},
               {"gradient_norm", it.gradient_norm},
               {name_of_size(method), it.size},
               {"rho", it.rho},
               {"step_norm", it.step_norm},
               {"accepted", it.accepted},
               {"step", it.step == StepKind::eigenvector ? "eigenvector" : "model"},
               {"gradient_sample", it.gradient_sample},
               {"hessian_sample", it.hessian_sample},
               {"gradient_error", it.gradient_error},
               {"hessian_error", it.hessian_error},
               {"true_gradient_error", it.true_gradient_error},
               {"true_hessian_error", it.true_hessian_error},
               {"hessian_formed", it.hessian_formed},
               {"inner_iterations", it.inner_iterations},
               {"inner_stop", name(it.inner_stop)}};
  add_work(it.work, json);
  json["seconds"] = it.seconds;
  json["phases"] = phases_json(it.phases);
  return json;
}

Json outcome_json(const OptimizationResult& result) {
  const Certificate& end = result.certificate;
  Json json = {{"loss", result.loss},
               {"initial_loss", result.initial_loss},
               {"gradient_norm", end.gradient_norm},
               {"lambda_min", end.lambda_min},
               {"lambda_min_bound", end.lambda_min_bound},
               {"failure_probability", end.failure_probability},
               {"eps_g_met", end.eps_g_met},
               {"eps_h_met", end.eps_h_met},
               {"stop", name(result.stop)},
               {"iterations", result.iterations},
               {"accepted", result.accepted}};
  add_work(result.work, json);
  json["certificate"] = certificate_cost(result);
  json["seconds"] = result.seconds;
  json["phases"] = phases_json(result.phases);
  return json;
}

}  // namespace randnla::app
