// The values that options choose from, each with its one name on the command line and in JSON.
#pragma once

#include <randnla/data/preprocess.hpp>
#include <randnla/io/libsvm.hpp>
#include <randnla/least_squares/least_squares.hpp>
#include <randnla/optimize/baselines.hpp>
#include <randnla/optimize/second_order.hpp>
#include <randnla/sketch/leverage.hpp>
#include <randnla/sketch/sketch.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace randnla::app {

enum class Preset { inexact_gradient, inexact_hessian };
enum class Loss { squares, logistic, softmax, least_squares, cauchy, tukey };
enum class Method { trust_region, cubic, gauss_newton, scr_lanczos, scr_gd, lbfgs, sgd };
/// Who minimises the models; automatic: the method's first.
enum class Subproblem { automatic, steihaug, gltr, lanczos, arcqk };
/// How predict turns margins into what it writes.
enum class Link { automatic, sigmoid, softmax, identity };
/// What the labels become: 0 and 1, 0 to K - 1, or themselves. The loss decides.
enum class Targets { two_classes, classes, real };
enum class Format { automatic, libsvm, csv, npy };
enum class Start { zeros, ones, normal };
enum class Device { cpu, cuda };
enum class Precision { f32, f64 };

template <class E>
using Names = std::vector<std::pair<const char*, E>>;

inline const Names<Preset> preset_names = {{"inexact-gradient", Preset::inexact_gradient},
                                           {"inexact-hessian", Preset::inexact_hessian}};
inline const Names<Loss> loss_names = {{"nls", Loss::squares},     {"logistic", Loss::logistic},
                                       {"softmax", Loss::softmax}, {"squared", Loss::least_squares},
                                       {"cauchy", Loss::cauchy},   {"tukey", Loss::tukey}};
inline const Names<Loss> two_class_loss_names = {{"nls", Loss::squares},
                                                 {"logistic", Loss::logistic}};
inline const Names<Method> method_names = {{"tr", Method::trust_region},
                                           {"arc", Method::cubic},
                                           {"gauss-newton", Method::gauss_newton},
                                           {"scr-lanczos", Method::scr_lanczos},
                                           {"scr-gd", Method::scr_gd},
                                           {"lbfgs", Method::lbfgs},
                                           {"sgd", Method::sgd}};
inline const Names<Link> link_names = {{"auto", Link::automatic},
                                       {"sigmoid", Link::sigmoid},
                                       {"softmax", Link::softmax},
                                       {"identity", Link::identity}};
inline const Names<Subproblem> subproblem_names = {{"automatic", Subproblem::automatic},
                                                   {"steihaug", Subproblem::steihaug},
                                                   {"gltr", Subproblem::gltr},
                                                   {"lanczos", Subproblem::lanczos},
                                                   {"arcqk", Subproblem::arcqk}};
inline const Names<SgdOptions::Decay> decay_names = {
    {"none", SgdOptions::Decay::none},
    {"inverse-root", SgdOptions::Decay::inverse_root},
    {"steps", SgdOptions::Decay::steps}};
inline const Names<Format> format_names = {{"auto", Format::automatic},
                                           {"libsvm", Format::libsvm},
                                           {"csv", Format::csv},
                                           {"npy", Format::npy}};
inline const Names<Start> start_names = {
    {"zeros", Start::zeros}, {"ones", Start::ones}, {"normal", Start::normal}};
inline const Names<Device> device_names = {{"cpu", Device::cpu}, {"cuda", Device::cuda}};
inline const Names<Precision> precision_names = {{"f32", Precision::f32}, {"f64", Precision::f64}};
inline const Names<Sampling> sampling_names = {
    {"full", Sampling::full},
    {"uniform", Sampling::uniform},
    {"uniform-replacement", Sampling::uniform_with_replacement},
    {"row-norm", Sampling::row_norm},
    {"row-norm-bernoulli", Sampling::row_norm_bernoulli},
    {"leverage", Sampling::leverage},
    {"leverage-bernoulli", Sampling::leverage_bernoulli}};
inline const Names<GradientOptions::Rule> gradient_names = {
    {"full", GradientOptions::Rule::full},
    {"uniform", GradientOptions::Rule::uniform},
    {"adaptive", GradientOptions::Rule::adaptive},
    {"error-driven", GradientOptions::Rule::error_driven}};
inline const Names<HessianOptions::Size> size_names = {
    {"fixed", HessianOptions::Size::fixed}, {"error-driven", HessianOptions::Size::error_driven}};
inline const Names<SecondOrderOptions::Errors> errors_names = {
    {"as-needed", SecondOrderOptions::Errors::as_needed},
    {"estimated", SecondOrderOptions::Errors::estimated},
    {"exact", SecondOrderOptions::Errors::exact}};
inline const Names<HessianOptions::Form> form_names = {
    {"automatic", HessianOptions::Form::automatic},
    {"passes", HessianOptions::Form::passes},
    {"matrix", HessianOptions::Form::matrix}};
inline const Names<SketchKind> sketch_names = {
    {"sparse-stack", SketchKind::sparse_stack}, {"sparse-sign", SketchKind::sparse_sign},
    {"count-sketch", SketchKind::count_sketch}, {"gaussian", SketchKind::gaussian},
    {"rademacher", SketchKind::rademacher},     {"srht", SketchKind::srht}};
inline const Names<LeastSquaresMethod> least_squares_names = {
    {"auto", LeastSquaresMethod::automatic},
    {"qr", LeastSquaresMethod::qr},
    {"normal", LeastSquaresMethod::normal},
    {"sketch-and-solve", LeastSquaresMethod::sketch_and_solve},
    {"sketch-and-precondition", LeastSquaresMethod::sketch_and_precondition},
    {"iterative-sketching", LeastSquaresMethod::iterative_sketching},
    {"fossils", LeastSquaresMethod::fossils},
    {"iterative-hessian-sketch", LeastSquaresMethod::iterative_hessian_sketch}};
inline const Names<LeverageMethod> leverage_names = {{"auto", LeverageMethod::automatic},
                                                     {"cholesky", LeverageMethod::cholesky},
                                                     {"exact", LeverageMethod::cholesky},
                                                     {"qr", LeverageMethod::qr},
                                                     {"approx", LeverageMethod::approximate}};
inline const Names<Scaling> scaling_names = {
    {"none", Scaling::none}, {"standardize", Scaling::standardize}, {"max-abs", Scaling::max_abs}};
inline const Names<LibsvmOptions::Storage> storage_names = {
    {"automatic", LibsvmOptions::Storage::automatic},
    {"dense", LibsvmOptions::Storage::dense},
    {"sparse", LibsvmOptions::Storage::sparse}};

/// What Iteration::size is.
inline const char* name_of_size(Method method) {
  switch (method) {
    case Method::trust_region:
    case Method::gauss_newton:
      return "radius";
    case Method::lbfgs:
    case Method::sgd:
      return "step_size";
    case Method::cubic:
    case Method::scr_lanczos:
    case Method::scr_gd:
      break;
  }
  return "sigma";
}

/// The name of a value, which must be in the table.
template <class E>
const char* name_in(const Names<E>& names, E value) {
  return std::find_if(names.begin(), names.end(),
                      [=](auto& entry) { return entry.second == value; })
      ->first;
}

}  // namespace randnla::app
