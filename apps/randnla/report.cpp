#include "report.hpp"

#include <randnla/version.hpp>

namespace randnla::app {
namespace {

Json data_json(const DataOptions& data) {
  Json json = {{"data", data.data},
               {"test", data.test.empty() ? Json() : Json(data.test)},
               {"format", name_in(format_names, data.reading.format)},
               {"test_fraction", data.test_fraction ? Json(*data.test_fraction) : Json()},
               {"storage", name_in(storage_names, data.storage)},
               {"scale", name_in(scaling_names, data.scaling)},
               {"bias", data.bias}};
  if (data.synthetic()) {
    json["condition"] = data.generator.condition;
    json["coherence"] = data.generator.coherence;
    json["label_noise"] = data.generator.label_noise;
  }
  if (data.synthetic() || data.test_fraction) json["data_seed"] = data.generator.seed;
  return json;
}

Json options_json(const TrainOptions& train) {
  const SecondOrderOptions& solver = train.solver;
  const StoppingOptions& stopping = solver.stopping;
  Json json = data_json(train.data);
  json.update({{"preset", name_in(preset_names, train.preset)},
               {"loss", name_in(loss_names, train.loss)},
               {"loss_scale", train.loss_scale ? Json(*train.loss_scale) : Json()},
               {"l2", train.regulariser.l2},
               {"nonconvex", train.regulariser.nonconvex},
               {"method", name_in(method_names, train.method)},
               {"init", name_in(start_names, train.start)},
               {"seed", solver.seed},
               {"precision", name_in(precision_names, train.precision)},
               {"hessian", name_in(sampling_names, solver.hessian.sampling)},
               {"hessian_fraction", solver.hessian.fraction},
               {"hessian_form", name_in(form_names, solver.hessian.form)},
               {"gradient", name_in(gradient_names, solver.gradient.rule)},
               {"gradient_fraction", solver.gradient.fraction},
               {"gradient_tolerance", solver.gradient.tolerance},
               {"hessian_size", name_in(size_names, solver.hessian.size)},
               {"hessian_tolerance", solver.hessian.tolerance},
               {"leverage_refresh", solver.hessian.refresh},
               {"errors", name_in(errors_names, solver.errors)},
               {"initial_radius", solver.initial_radius},
               {"max_radius", solver.max_radius},
               {"initial_sigma", solver.initial_sigma ? Json(*solver.initial_sigma) : Json()},
               {"min_sigma", solver.min_sigma},
               {"eta1", solver.eta1},
               {"eta2", solver.eta2},
               {"gamma1", solver.gamma1},
               {"gamma2", solver.gamma2},
               {"max_failures", solver.max_failures},
               {"inner_iterations", solver.inner_iterations},
               {"inner_tolerance", solver.inner_tolerance},
               {"random_start", solver.random_start},
               {"subproblem", name_in(subproblem_names, train.subproblem)},
               {"memory", train.lbfgs.memory},
               {"learning_rate", train.sgd.learning_rate},
               {"momentum", train.sgd.momentum},
               {"batch", train.sgd.batch},
               {"decay", name_in(decay_names, train.sgd.decay)},
               {"decay_factor", train.sgd.decay_factor},
               {"decay_epochs", train.sgd.decay_epochs},
               {"monitor", train.sgd.monitor},
               {"max_iterations", stopping.max_iterations},
               {"max_props", train.max_props},
               {"target_loss", stopping.target_loss},
               {"eps_g", stopping.eps_g},
               {"eps_h", stopping.eps_h},
               {"failure_probability", stopping.failure_probability},
               {"lanczos_steps", stopping.lanczos_steps}});
  return json;
}

/// The labels as they are in the file.
Json labels_json(const TargetMap& map) {
  const auto label = [&](double value) {
    return map.names.empty() ? Json(value) : Json(map.names.at(static_cast<std::size_t>(value)));
  };
  if (map.kind == Targets::real) return nullptr;
  if (map.kind == Targets::classes) {
    Json classes = Json::array();
    for (const double value : map.classes) classes.push_back(label(value));
    return {{"classes", classes}};
  }
  if (map.positive) return {{"negative", nullptr}, {"positive", label(*map.positive)}};
  return {{"negative", label(map.labels.negative)}, {"positive", label(map.labels.positive)}};
}

}  // namespace

Json to_json(const OptimizationResult& result, const RunFacts& facts, const TrainOptions& options) {
  Json json = outcome_json(result);
  json["load_seconds"] = facts.load_seconds;
  const auto optional = [](const std::optional<double>& v) { return v ? Json(*v) : Json(); };
  json["train_accuracy"] = optional(facts.train.accuracy);
  json["test_accuracy"] = optional(facts.test.accuracy);
  if (facts.train.rmse) {
    json["train_rmse"] = *facts.train.rmse;
    json["test_rmse"] = optional(facts.test.rmse);
  }
  json["rows"] = facts.rows;
  json["test_rows"] = facts.test_rows;
  json["features"] = facts.features;
  json["dimensions"] = facts.dimensions;
  json["storage"] = facts.sparse ? "sparse" : "dense";
  json["labels"] = labels_json(facts.targets);
  json["device"] = name_in(device_names, options.device);
  json["device_name"] = facts.device_name;
  json["threads"] = facts.threads;
  json["version"] = RANDNLA_VERSION;
  json["options"] = options_json(options);
  return json;
}

}  // namespace randnla::app
