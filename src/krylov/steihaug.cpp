#include "seam/plan.hpp"

#include <randnla/krylov/steihaug.hpp>

#include <cmath>
#include <string>

namespace randnla {
namespace {

/// Inner products at the start: of the residual r = Hs + g, the step s and the gradient g.
struct StartSums {
  double rr = 0, ss = 0, sr = 0, sg = 0, gg = 0;
  RANDNLA_HD StartSums& operator+=(const StartSums& o) {
    rr += o.rr, ss += o.ss, sr += o.sr, sg += o.sg, gg += o.gg;
    return *this;
  }
};

struct DirectionSums {
  double ss = 0, sd = 0, dd = 0;
  RANDNLA_HD DirectionSums& operator+=(const DirectionSums& o) {
    ss += o.ss, sd += o.sd, dd += o.dd;
    return *this;
  }
};

/// Every scalar of one solve, in backend memory. d is the direction; r'd = -r'r throughout.
struct State {
  double radius, tolerance2;  // the latter absolute, squared
  double rr, ss, sd, dd;      // inner products of r, s and d
  double step, beta, decrease;
  int iterations, max_iterations, products;
  InnerStop stop;
  int done;  // later iterations change nothing

  RANDNLA_HD void start(const StartSums& sums, const SteihaugOptions& options) {
    *this = {};
    radius = options.radius;
    tolerance2 = options.tolerance * options.tolerance * sums.gg;
    max_iterations = options.max_iterations;
    products = options.start_at_step ? 1 : 0;
    rr = sums.rr, ss = sums.ss, sd = -sums.sr, dd = sums.rr;
    decrease = -(sums.sg + sums.sr) / 2;  // m(s) = g's + s'Hs/2 = s'(g + r)/2
    if (rr <= tolerance2) finish(InnerStop::converged);
    if (rr - rr != 0) finish(InnerStop::not_finite);
  }

  /// The CG step, or the boundary if it comes first.
  RANDNLA_HD void choose_step(double dHd) {
    if (done) return;
    ++products;
    if (dHd - dHd != 0) return finish(InnerStop::not_finite);
    const double cg = rr / dHd, room = radius * radius - ss;
    // Written so that a step that overflows (infinity or NaN here) is cut, too.
    if (dHd <= 0 || !(2 * cg * sd + cg * cg * dd < room)) {
      const double root = sqrt(sd * sd + dd * room);  // |s + step d| = radius, no cancellation
      step = sd > 0 ? room / (root + sd) : (root - sd) / dd;
      stop = dHd <= 0 ? InnerStop::negative_curvature : InnerStop::boundary;
    } else {
      step = cg;
    }
    decrease += step * rr - step * step * dHd / 2;
  }

  RANDNLA_HD void choose_direction(double new_rr) {
    if (done) return;
    ++iterations;
    beta = new_rr / rr;
    rr = new_rr;
    if (stop == InnerStop::running && rr <= tolerance2) stop = InnerStop::converged;
    if (stop == InnerStop::running && iterations == max_iterations) {
      stop = InnerStop::iteration_limit;
    }
  }

  RANDNLA_HD void measure(const DirectionSums& sums) {
    if (done) return;
    ss = sums.ss, sd = sums.sd, dd = sums.dd;
    done = stop != InnerStop::running;
  }

  RANDNLA_HD void finish(InnerStop reason) { stop = reason, done = 1; }
};

template <class T>
struct Memory : PlanMemory {
  const T* g;
  T* s;
  InnerResult* result;
  SteihaugOptions options;
  State* state = nullptr;
  T *r = nullptr, *d = nullptr, *Hd = nullptr;

  RANDNLA_HD const int* stop_flag() const { return &state->done; }
  template <class Visit>
  RANDNLA_HD void fields(const Visit& visit) const {
    visit(&Memory::state, 1, Keep::nothing);
    visit(&Memory::s, n, options.start_at_step ? Keep::both : Keep::after);
    visit(&Memory::r, n, Keep::nothing);
    visit(&Memory::d, n, Keep::nothing);
    visit(&Memory::Hd, n, Keep::nothing);
  }
};

/// H s, where the start is given.
struct ApplyToStart {
  template <class M>
  RANDNLA_HD static bool wanted(const M& m) {
    return m.options.start_at_step;
  }
  template <class M>
  RANDNLA_HD static const auto* x(const M& m) {
    return m.s;
  }
  template <class M>
  RANDNLA_HD static auto* y(const M& m) {
    return m.Hd;
  }
};

/// s, r = Hs + g, d = -r
struct Begin {
  using Value = StartSums;
  template <class T>
  RANDNLA_HD static StartSums map(const Memory<T>& m, index_t i) {
    const bool given = m.options.start_at_step;
    if (!given) m.s[i] = 0;
    m.r[i] = given ? m.g[i] + m.Hd[i] : m.g[i];
    m.d[i] = -m.r[i];
    const double x = m.s[i], y = m.r[i], z = m.g[i];
    return {y * y, x * x, x * y, x * z, z * z};
  }
  template <class T>
  RANDNLA_HD static void then(const Memory<T>& m, const StartSums& sums) {
    m.state->start(sums, m.options);
  }
};

struct ApplyToDirection {
  template <class M>
  RANDNLA_HD static const auto* x(const M& m) {
    return m.d;
  }
  template <class M>
  RANDNLA_HD static auto* y(const M& m) {
    return m.Hd;
  }
};

struct ChooseStep {
  using Value = double;
  template <class T>
  RANDNLA_HD static double map(const Memory<T>& m, index_t i) {
    return static_cast<double>(m.d[i]) * static_cast<double>(m.Hd[i]);
  }
  template <class T>
  RANDNLA_HD static void then(const Memory<T>& m, double dHd) {
    m.state->choose_step(dHd);
  }
};

struct TakeStep {
  using Value = double;
  template <class T>
  RANDNLA_HD static double map(const Memory<T>& m, index_t i) {
    if (m.state->done) return 0;  // skip, never multiply by zero: d may hold NaN
    const T step = static_cast<T>(m.state->step);
    m.s[i] += step * m.d[i];
    m.r[i] += step * m.Hd[i];
    return static_cast<double>(m.r[i]) * static_cast<double>(m.r[i]);
  }
  template <class T>
  RANDNLA_HD static void then(const Memory<T>& m, double rr) {
    m.state->choose_direction(rr);
  }
};

struct Turn {
  using Value = DirectionSums;
  template <class T>
  RANDNLA_HD static DirectionSums map(const Memory<T>& m, index_t i) {
    if (m.state->done) return {};
    m.d[i] = static_cast<T>(m.state->beta) * m.d[i] - m.r[i];
    const double x = m.s[i], y = m.d[i];
    return {x * x, x * y, y * y};
  }
  template <class T>
  RANDNLA_HD static void then(const Memory<T>& m, const DirectionSums& sums) {
    m.state->measure(sums);
  }
};

struct Report {
  template <class M>
  RANDNLA_HD static index_t count(const M&) {
    return 1;
  }
  template <class T>
  RANDNLA_HD static void run(const Memory<T>& m, index_t) {
    const State& st = *m.state;
    if (m.writes) *m.result = {st.decrease, sqrt(st.ss), st.iterations, st.products, st.stop};
  }
};

struct Plan {
  static constexpr bool same_iterations = true;
  using Start = Steps<Product<ApplyToStart>, Sum<Begin>>;
  using Iteration = Steps<Product<ApplyToDirection>, Sum<ChooseStep>, Sum<TakeStep>, Sum<Turn>>;
  using End = Steps<Each<Report>>;
};

}  // namespace

template <Backend B, Scalar T>
void steihaug(Context<B>& ctx, OperatorRef<B, T> H, VectorView<const T, B> g, VectorView<T, B> s,
              InnerResult* result, const SteihaugOptions& options) {
  const index_t n = H.dim();
  require(g.size == n && s.size == n, "steihaug: H of dimension " + std::to_string(n) + ", g of " +
                                          std::to_string(g.size) + ", s of " +
                                          std::to_string(s.size));
  require(options.radius > 0, "steihaug: radius = " + std::to_string(options.radius));
  require(options.tolerance >= 0, "steihaug: tolerance = " + std::to_string(options.tolerance));
  require(options.max_iterations >= 1,
          "steihaug: max_iterations = " + std::to_string(options.max_iterations));
  run<Plan>(ctx, H, Memory<T>{{n}, g.data, s.data, result, options}, options.max_iterations);
}

template void steihaug(Context<ThisBackend>&, OperatorRef<ThisBackend, float>,
                       VectorView<const float, ThisBackend>, VectorView<float, ThisBackend>,
                       InnerResult*, const SteihaugOptions&);
template void steihaug(Context<ThisBackend>&, OperatorRef<ThisBackend, double>,
                       VectorView<const double, ThisBackend>, VectorView<double, ThisBackend>,
                       InnerResult*, const SteihaugOptions&);

}  // namespace randnla
