#include "support/temporary.hpp"

#include <randnla/core/error.hpp>
#include <randnla/io/npy.hpp>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

namespace randnla {
namespace {

class Npy : public testing::Test {
 protected:
  /// What read_npy says about these bytes, without the name of the file; "" if it reads them.
  std::string error_of(const std::string& bytes) {
    const std::string path = folder_.write("array.npy", bytes);
    try {
      read_npy(path);
    } catch (const DataError& error) {
      const std::string what = error.what();
      EXPECT_EQ(what.find(path + ": "), 0u) << what;
      return what.substr(path.size() + 2);
    }
    return "";
  }
  std::vector<double> read(const std::string& bytes) {
    return read_npy(folder_.write("array.npy", bytes));
  }

  test::TemporaryFolder folder_;
};

/// The format by its published description (NumPy Enhancement Proposal 1; numpy.lib.format).
std::string npy(int version, const std::string& header, const std::string& data) {
  std::string bytes = "\x93NUMPY";
  bytes += static_cast<char>(version);
  bytes += '\0';
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  for (std::size_t k = 0; k < length_bytes; ++k) {
    bytes += static_cast<char>(header.size() >> (8 * k) & 0xff);
  }
  return bytes + header + data;
}

template <class T>
std::string raw(const std::vector<T>& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

std::string header(const std::string& type, const std::string& shape) {
  return "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
}

// What numpy.save writes for array([1.0, -2.5, 1e300]), byte for byte: 118 = 0x76 bytes of header,
// so that the data begin at 128.
const std::string published = std::string("\x93NUMPY\x01\x00\x76\x00", 10) +
                              "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }" +
                              std::string(60, ' ') + "\n" +
                              std::string("\x00\x00\x00\x00\x00\x00\xf0\x3f", 8) +
                              std::string("\x00\x00\x00\x00\x00\x00\x04\xc0", 8) +
                              std::string("\x9c\x75\x00\x88\x3c\xe4\x37\x7e", 8);

TEST_F(Npy, ReadsAndWritesThePublishedFormat) {
  const std::vector<double> values = {1.0, -2.5, 1e300};
  EXPECT_EQ(read(published), values);
  const std::string path = folder_.file("written.npy");
  write_npy(path, values);
  const std::string bytes = test::bytes_of(path);
  EXPECT_EQ(read(bytes), values);
  // Only the number of blanks may differ: any multiple of 64 bytes will do.
  const std::size_t data = bytes.find('\n') + 1;
  EXPECT_EQ(data % 64, 0u);
  EXPECT_EQ(bytes.substr(0, 8), published.substr(0, 8));
  EXPECT_EQ(static_cast<unsigned char>(bytes[8]) + 256u * static_cast<unsigned char>(bytes[9]),
            data - 10);
  EXPECT_EQ(bytes.substr(10, 57), published.substr(10, 57));
  EXPECT_EQ(bytes.find_first_not_of(' ', 67), data - 1);
  EXPECT_EQ(bytes.substr(data), published.substr(128));
}

TEST_F(Npy, RoundTrip) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const std::size_t n : {0u, 1u, 31u, 32u, 33u, 257u, 4097u, 100'000u}) {
    std::vector<double> values(n);
    for (std::size_t i = 0; i < n; ++i) values[i] = 1 / (static_cast<double>(i) - 0.3);
    if (n > 32) values[3] = -0.0, values[4] = infinity, values[5] = 5e-324;
    const std::string path = folder_.file("array.npy");
    write_npy(path, values);
    EXPECT_EQ(test::bytes_of(path).find("'shape': (" + std::to_string(n) + ",)"), 51u);
    const std::vector<double> again = read_npy(path);
    ASSERT_EQ(again.size(), n);
    if (n > 0) {
      EXPECT_EQ(std::memcmp(again.data(), values.data(), n * sizeof(double)), 0);
    }
    EXPECT_EQ(folder_.names().size(), 1u);  // and nothing beside
  }
}

TEST_F(Npy, NanStaysNan) {
  const std::string path = folder_.file("array.npy");
  write_npy(path, {std::numeric_limits<double>::quiet_NaN()});
  EXPECT_NE(read_npy(path).at(0), read_npy(path).at(0));
}

TEST_F(Npy, AllVersionsAndBothTypes) {
  const std::vector<double> values = {0.5, -3, 1024};
  const std::vector<float> floats = {0.5F, -3, 1024};
  for (const int version : {1, 2, 3}) {
    EXPECT_EQ(read(npy(version, header("<f8", "(3,)"), raw(values))), values) << version;
    EXPECT_EQ(read(npy(version, header("<f4", "(3,)"), raw(floats))), values) << version;
  }
  EXPECT_EQ(read(npy(1, header("<f8", "(0,)"), "")), std::vector<double>());
  // Blanks and order as another writer may put them; order in memory means nothing here.
  EXPECT_EQ(read(npy(1, "{ 'shape' : ( 3 , ) ,'fortran_order':True,'descr':'<f8'}", raw(values))),
            values);
}

TEST_F(Npy, LongHeaders) {
  // Version 2 exists for headers of more than 64 KiB.
  const std::string blanks(1'000'000, ' ');
  EXPECT_EQ(read(npy(2, "{'descr':" + blanks + "'<f8', 'shape':" + blanks + "(1,)}" + blanks,
                     raw<double>({7}))),
            std::vector<double>{7});
  EXPECT_EQ(error_of(npy(2, "{'descr':" + blanks, "")).find("holds no float32 or float64"), 0u);
}

TEST_F(Npy, OtherTypesAndShapesAreRefused) {
  const std::string data = raw<double>({1, 2, 3, 4});
  for (const char* type : {">f8", "<i8", "<f2", "<c16", "|S8", "<f88", "f8"}) {
    const std::string head = header(type, "(4,)");
    EXPECT_EQ(error_of(npy(1, head, data)).find("holds no float32 or float64 values: \"{'descr'"),
              0u)
        << type;
  }
  for (const char* shape :
       {"()", "(2, 2)", "(4)", "(4, 1)", "(,)", "(-4,)", "4", "(4,", "(99999999999999999999,)"}) {
    EXPECT_EQ(error_of(npy(1, header("<f8", shape), data)).find("is not one-dimensional: \""), 0u)
        << shape;
  }
  EXPECT_EQ(error_of(npy(1, "{}", data)).find("holds no float32"), 0u);
  EXPECT_EQ(error_of(npy(1, "{'descr': '<f8'}", data)).find("is not one-dimensional"), 0u);
  EXPECT_EQ(error_of(npy(4, header("<f8", "(4,)"), data)), "npy version 4");
  EXPECT_EQ(error_of(npy(0, header("<f8", "(4,)"), data)), "npy version 0");
}

TEST_F(Npy, TruncatedOrTooLongIsRefused) {
  for (std::size_t keep = 0; keep < published.size(); ++keep) {
    const std::string error = error_of(published.substr(0, keep));
    if (keep < 10) {
      EXPECT_EQ(error, "is not an npy file") << keep;
    } else if (keep < 128) {
      EXPECT_EQ(error, "is truncated within its header") << keep;
    } else {
      EXPECT_EQ(error, "announces 3 values of 8 bytes and holds " + std::to_string(keep - 128) +
                           " bytes of data");
    }
  }
  EXPECT_EQ(error_of(published + "x"), "announces 3 values of 8 bytes and holds 25 bytes of data");
  EXPECT_EQ(error_of(npy(2, "", "")).substr(0, 8), "holds no");
  EXPECT_EQ(error_of(npy(2, "", "").substr(0, 11)), "is truncated within its header");
  // Sizes whose product with 8 wraps to what is there.
  EXPECT_EQ(error_of(npy(1, header("<f8", "(576460752303423489,)"), raw<double>({1})))
                .find("announces 576460752303423489 values"),
            0u);
  EXPECT_EQ(error_of(std::string("\x94NUMPY") + published.substr(6)), "is not an npy file");
}

TEST_F(Npy, DamagedFilesNeverCrash) {
  for (std::size_t at = 0; at < 128; ++at) {
    for (const char c : {'\xff', '9', '\''}) {
      std::string damaged = published;
      damaged[at] = c;
      const std::string error = error_of(damaged);
      for (const char byte : error) ASSERT_TRUE(byte >= ' ' && byte < '\x7f') << error;
    }
  }
}

TEST_F(Npy, FilesThatCannotBeRead) {
  auto error = [](const std::string& path) -> std::string {
    try {
      read_npy(path);
    } catch (const DataError& caught) {
      return caught.what();
    }
    return "";
  };
  EXPECT_EQ(error(folder_.path()), folder_.path() + ": is a directory");
  EXPECT_EQ(error(folder_.file("none")),
            folder_.file("none") + ": cannot be opened: No such file or directory");
  // Reading at the address 0 of one's own memory fails.
  EXPECT_EQ(error("/proc/self/mem"), "/proc/self/mem: cannot be read: Input/output error");
}

TEST_F(Npy, AFailedWriteLeavesNothingBehindAndOldContentAlone) {
  auto error = [](const std::string& path, std::size_t n) -> std::string {
    try {
      write_npy(path, std::vector<double>(n, 1.0));
    } catch (const DataError& caught) {
      return caught.what();
    }
    return "";
  };
  const std::string lost = folder_.file("none") + "/array.npy";
  EXPECT_EQ(error(lost, 3), lost + ": cannot be written: No such file or directory");
  // Over a folder it cannot be renamed.
  const std::string taken = folder_.file("taken");
  std::filesystem::create_directory(taken);
  EXPECT_EQ(error(taken, 3), taken + ": cannot be written: Is a directory");
  EXPECT_EQ(folder_.names().size(), 1u);
  // A disk that is full, here a limit of this process on the size of files.
  const std::string path = folder_.file("array.npy");
  write_npy(path, {1, 2, 3});
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit low{10'000, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &low), 0);
  const std::string large = error(path, 100'000), medium = error(path, 1300);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(large, path + ": cannot be written: File too large");
  EXPECT_EQ(medium, path + ": cannot be written: File too large");
  EXPECT_EQ(read_npy(path), (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(folder_.names().size(), 2u);
}

}  // namespace
}  // namespace randnla
