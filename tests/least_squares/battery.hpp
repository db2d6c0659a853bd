// The battery: what every method of least_squares has to solve, or to say why it does not.
#pragma once

#include "least_squares/matrices.hpp"

#include <cstdio>

namespace randnla::test {

inline std::string in_digits(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

/// Conditions 1 to 1e15, rows alike or one that dominates, b in the range of A or far from it.
inline void add_conditions(index_t m, index_t n, std::vector<Case>& to) {
  std::uint64_t seed = 100;
  for (const double condition : {1.0, 1e3, 1e6, 1e9, 1e12, 1e15}) {
    for (const double first_row : {1.0, 1e4}) {
      const Problem A = matrix_of(++seed, m, n, condition, first_row);
      for (const double noise : {0.0, 1e-6, 1.0, 1e3}) {
        to.push_back({in_digits("condition %.0e", condition) +
                          (first_row > 1 ? ", a dominant row" : ", rows alike") +
                          in_digits(", noise %.0e", noise),
                      with_right_hand_side(A, noise, seed + 50), n, condition});
      }
    }
  }
}

inline void add_scales(index_t m, index_t n, std::vector<Case>& to) {
  const Problem p = with_right_hand_side(matrix_of(201, m, n, 1e3), 0.5);
  for (const double a : {1e-150, 1.0, 1e150}) {
    for (const double b : {1e-150, 1.0, 1e150}) {
      to.push_back(
          {in_digits("A times %.0e", a) + in_digits(", b times %.0e", b), scaled(p, a, b), n, 1e3});
    }
  }
}

inline void add_graded(index_t m, index_t n, std::vector<Case>& to) {
  const Problem A = matrix_of(301, m, n, 1e3);
  const auto rows = changed(A, [&](index_t i, index_t, double v) {
    return v * std::pow(10.0, -15.0 * static_cast<double>(i) / static_cast<double>(m));
  });
  const auto columns = changed(A, [](index_t, index_t j, double v) {
    return v * std::pow(10.0, 3.0 * static_cast<double>(j) - 15);
  });
  for (const double noise : {0.0, 0.1}) {
    const std::string end = in_digits(", noise %.0e", noise);
    to.push_back({"graded rows" + end, with_right_hand_side(rows, noise), n, 1e4});
    to.push_back({"graded columns" + end, with_right_hand_side(columns, noise), n, 1e3});
  }
}

inline void add_zeros(index_t m, index_t n, std::vector<Case>& to) {
  const Problem A = matrix_of(401, m, n, 100);
  const auto columns = changed(A, [](index_t, index_t j, double v) { return j % 5 == 2 ? 0 : v; });
  const auto rows = changed(A, [](index_t i, index_t, double v) { return i % 3 == 1 ? 0 : v; });
  std::mt19937_64 bits(403);
  const auto few = changed(A, [&](index_t, index_t, double v) { return bits() % 8 == 0 ? v : 0; });
  const auto none = changed(A, [](index_t, index_t, double) { return 0.0; });
  const index_t zero_columns = (n + 2) / 5;
  to.push_back({"zero columns", with_right_hand_side(columns, 0.5), n - zero_columns, 100});
  to.push_back({"zero rows", with_right_hand_side(rows, 0.5), n, 100});
  to.push_back({"many zeros", with_right_hand_side(few, 0.5), n, 3});
  Problem zero_b = A, zero_A = none;
  zero_b.targets.assign(at(m), 0);
  zero_A.targets = normals(402, m);
  to.push_back({"b = 0", zero_b, n, 100});
  to.push_back({"A = 0", zero_A, 0, 1});
}

inline void add_repetitions(index_t m, index_t n, std::vector<Case>& to) {
  const Problem A = matrix_of(501, m, n, 1e3);
  const auto columns = changed(
      A, [&](index_t i, index_t j, double v) { return j >= n - 2 ? A.at(i, j - n + 2) : v; });
  const auto rows = changed(A, [&](index_t i, index_t j, double) { return A.at(i % (m / 4), j); });
  for (const double noise : {0.0, 0.5}) {
    const std::string end = in_digits(", noise %.0e", noise);
    to.push_back({"two columns twice" + end, with_right_hand_side(columns, noise), n - 2, 1e3});
    to.push_back({"every row four times" + end, with_right_hand_side(rows, noise), n, 1e3});
    to.push_back({"thin factors" + end,
                  with_right_hand_side(matrix_of(502, m, n, 1e3, 1, n / 2), noise), n / 2, 1e3});
  }
}

inline void add_shapes(std::vector<Case>& to) {
  struct Shape {
    index_t m, n;
    double condition;
  };
  for (const auto& [m, n, condition] : {Shape{1, 1, 1},
                                        {40, 1, 1},
                                        {2, 2, 10},
                                        {50, 2, 1e6},
                                        {15, 15, 1e3},
                                        {15, 15, 1e9},
                                        {16, 15, 1e3},
                                        {30, 14, 1e6},
                                        {7, 12, 1e3},
                                        {14, 15, 1e6},
                                        {1, 9, 1}}) {
    for (const double noise : {0.0, 0.5}) {
      to.push_back({std::to_string(m) + " x " + std::to_string(n) +
                        in_digits(", condition %.0e", condition) + in_digits(", noise %.0e", noise),
                    with_right_hand_side(matrix_of(601, m, n, condition), noise), std::min(m, n),
                    condition});
    }
  }
}

inline std::vector<Case> battery() {
  constexpr index_t m = 300, n = 12;
  std::vector<Case> out;
  add_conditions(m, n, out);
  add_scales(m, n, out);
  add_graded(m, n, out);
  add_zeros(m, n, out);
  add_repetitions(m, n, out);
  add_shapes(out);
  return out;
}

}  // namespace randnla::test
