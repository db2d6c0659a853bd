#include "second_order_options.hpp"

#include "option_kinds.hpp"

#include <randnla/core/error.hpp>

#include <string>

namespace randnla::app {

void add_sample_options(CLI::App& app, SecondOrderOptions& solver,
                        const Names<Sampling>& samplings) {
  add_choice(app, "--hessian", solver.hessian.sampling, samplings,
             "Rows that the Hessian is made from")
      ->group("Samples");
  add_number(app, "--hessian-fraction", solver.hessian.fraction, fraction,
             "Part of the rows in that sample")
      ->group("Samples");
  add_choice(app, "--gradient", solver.gradient.rule, gradient_names,
             "Rows that the gradient is made from; adaptive: more as it shrinks;\n"
             "error-driven: as many as --gradient-tolerance asks for")
      ->group("Samples");
  add_number(app, "--gradient-fraction", solver.gradient.fraction, fraction,
             "Part of the rows in that sample; adaptive: in the first one")
      ->group("Samples");
  add_number(app, "--gradient-tolerance", solver.gradient.tolerance, positive,
             "error-driven: |g_S - g| in units of |g_S|")
      ->group("Samples");
}

void add_model_options(CLI::App& app, SecondOrderOptions& solver, Subproblem& subproblem) {
  const auto number = [&](const char* name, auto& value, const Range& range, const char* help) {
    add_number(app, name, value, range, help)->group("Method");
  };
  add_choice(app, "--subproblem", subproblem, subproblem_names,
             "How models are minimised: CG-Steihaug or GLTR in a trust region;\n"
             "Lanczos or ARCqK with the cubic term")
      ->group("Method");
  number("--initial-radius", solver.initial_radius, positive, "Of the trust region");
  number("--max-radius", solver.max_radius, positive_or_infinite, "Of the trust region");
  number("--initial-sigma", solver.initial_sigma, positive,
         "Weight of the cubic term; without it from the first model");
  number("--min-sigma", solver.min_sigma, positive, "Least weight of the cubic term");
  number("--eta1", solver.eta1, open_fraction, "A step is very good where rho is at least this");
  number("--eta2", solver.eta2, open_fraction, "A step is rejected where rho is below this");
  const Range above_one{1, infinite, false, false, "above 1"};
  number("--gamma1", solver.gamma1, above_one,
         "Change of radius or sigma after a very good or a rejected step");
  number("--gamma2", solver.gamma2, above_one, "Change after a good step");
  number("--max-failures", solver.max_failures, nonnegative,
         "Rejected steps in a row before new samples; 0: no limit");
  number("--inner-iterations", solver.inner_iterations, at_least_one,
         "Of CG or Lanczos in a subproblem, at most");
  number("--inner-tolerance", solver.inner_tolerance, nonnegative, "Of those, relative to |g|");
  const auto start = [&](const char* name, bool random, const char* help) {
    const auto set = [&solver, random] { solver.random_start = random; };
    return app.add_flag_callback(name, set, help)->group("Method");
  };
  CLI::Option* const at_random =
      start("--random-start", true, "CG starts at a random point of norm 0.99 radius");
  start("--zero-start", false, "CG starts at zero")->excludes(at_random);
}

void add_stopping_options(CLI::App& app, StoppingOptions& stopping, double& max_props) {
  const auto number = [&](const char* name, auto& value, const Range& range, const char* help) {
    add_number(app, name, value, range, help)->group("Stopping");
  };
  number("--max-iterations", stopping.max_iterations, nonnegative, "Trial steps, at most");
  number("--max-props", max_props, nonnegative_or_infinite,
         "Propagations, at most, for instance 1e7; see below");
  number("--target-loss", stopping.target_loss, any_number, "Stop at this loss");
  number("--eps-g", stopping.eps_g, nonnegative, "Optimal: gradient norm at most eps-g and");
  number("--eps-h", stopping.eps_h, nonnegative, "smallest Hessian eigenvalue at least -eps-h");
  number("--failure-probability", stopping.failure_probability, open_fraction,
         "Of the bound on that eigenvalue");
  number("--lanczos-steps", stopping.lanczos_steps, at_least_one, "For that bound, at most");
}

void refuse(const CLI::App& app, Method method, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    require(app.count(name) == 0,
            std::string(name) + " says nothing to --method " + name_in(method_names, method));
  }
}

void refuse_other_model(const CLI::App& app, Method method) {
  if (method == Method::cubic) {
    refuse(app, method, {"--initial-radius", "--max-radius", "--random-start", "--zero-start"});
  } else {
    refuse(app, method, {"--initial-sigma", "--min-sigma"});
  }
}

void set_curvature(Method method, SecondOrderOptions& solver) {
  solver.hessian.curvature =
      method == Method::gauss_newton ? Curvature::gauss_newton : Curvature::hessian;
}

void set_subproblem(Subproblem chosen, Method method, SecondOrderOptions& solver) {
  if (chosen == Subproblem::automatic) return;
  const bool of_ball = chosen == Subproblem::steihaug || chosen == Subproblem::gltr;
  require(of_ball == (method != Method::cubic),
          std::string("--subproblem ") + name_in(subproblem_names, chosen) + " is not --method " +
              name_in(method_names, method) + "'s");
  if (chosen == Subproblem::gltr) solver.ball = SecondOrderOptions::Ball::gltr;
  if (chosen == Subproblem::arcqk) solver.cubic = SecondOrderOptions::Cubic::shifted;
}

}  // namespace randnla::app
