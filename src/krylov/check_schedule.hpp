#pragma once

namespace randnla {

/// Whether to look at the projected problem after k of at most `limit` Lanczos steps. Looking costs
/// O(k) by one thread, so late in a long process it is done every fourth step only, at the price of
/// up to three steps more than needed.
inline bool check_after(int k, int limit) { return k <= 32 || k % 4 == 0 || k == limit; }

}  // namespace randnla
