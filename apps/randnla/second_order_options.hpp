// Options of trust region and cubic regularisation, as `train` and `nn train` have them.
#pragma once

#include "options.hpp"

#include <CLI/CLI.hpp>

#include <initializer_list>

namespace randnla::app {

/// --hessian and --gradient with the sizes of their samples. Group "Samples".
void add_sample_options(CLI::App& app, SecondOrderOptions& solver,
                        const Names<Sampling>& samplings = sampling_names);
/// How models are minimised and steps judged. Group "Method".
void add_model_options(CLI::App& app, SecondOrderOptions& solver, Subproblem& subproblem);
/// Limits of a run and what its certificate is to say. Group "Stopping".
void add_stopping_options(CLI::App& app, StoppingOptions& stopping, double& max_props);

/// Options that would silently do nothing are refused: throws InvalidArgument where one is given.
void refuse(const CLI::App& app, Method method, std::initializer_list<const char*> names);
/// Likewise those of add_model_options() that are about the other kind of model than the method's,
/// which is tr, gauss-newton or arc.
void refuse_other_model(const CLI::App& app, Method method);

/// What --method and --subproblem are in the library's options. Throws InvalidArgument where the
/// second is not the first's.
void set_curvature(Method method, SecondOrderOptions& solver);
void set_subproblem(Subproblem chosen, Method method, SecondOrderOptions& solver);

}  // namespace randnla::app
