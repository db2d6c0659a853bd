#include "commands.hpp"
#include "data_file.hpp"
#include "interrupt.hpp"
#include "outputs.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "targets.hpp"

#include <randnla/core/error.hpp>
#include <randnla/data/preprocess.hpp>
#include <randnla/io/csv.hpp>
#include <randnla/io/npy.hpp>
#include <randnla/version.hpp>

#include <chrono>
#include <cstdio>
#include <string>

namespace randnla::app {
namespace {

FileFormat target_format(const ConvertOptions& options) {
  if (options.to == Format::automatic) {
    if (options.out.ends_with(".npy")) return FileFormat::npy;
    return options.out.ends_with(".csv") ? FileFormat::csv : FileFormat::libsvm;
  }
  if (options.to == Format::npy) return FileFormat::npy;
  return options.to == Format::csv ? FileFormat::csv : FileFormat::libsvm;
}

void check_options(const ConvertOptions& options, FileFormat to) {
  if (to == FileFormat::npy) {
    require(!options.out_labels.empty(), "to npy: --out-labels FILE.npy must say where labels go");
  } else {
    require(options.out_labels.empty(), "--out-labels is about npy, and --out is " +
                                            std::string(name(to)) + ", which holds labels itself");
  }
  check_outputs({options.out, options.out_labels}, {options.in, options.labels});
}

void write(const ConvertOptions& options, FileFormat to, const Dataset<double, Cpu>& data,
           const std::function<void(index_t)>& progress) {
  switch (to) {
    case FileFormat::libsvm:
      return write_libsvm(options.out, data, progress);
    case FileFormat::csv:
      return write_csv(options.out, data, progress);
    case FileFormat::npy:
      write_npy_matrix<double>(options.out, data.view(), progress);
      write_npy(options.out_labels, data.targets.download());
  }
}

/// Labels that are text, by number.
Json classes_json(const std::vector<std::string>& classes) {
  return classes.empty() ? Json() : Json(classes);
}

void print_summary(const ConvertOptions& options, const Loaded<double>& loaded, FileFormat to) {
  std::printf("%s (%s): %lld rows x %lld features, %s; written to %s (%s)\n", options.in.c_str(),
              name(loaded.format), static_cast<long long>(loaded.data.rows),
              static_cast<long long>(loaded.data.cols), loaded.data.sparse() ? "sparse" : "dense",
              options.out.c_str(), name(to));
  if (options.positive) return;
  for (std::size_t k = 0; k < loaded.classes.size(); ++k) {
    std::printf("label %zu is %s\n", k, loaded.classes[k].c_str());
  }
}

}  // namespace

int convert(const ConvertOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  const FileFormat to = target_format(options);
  check_options(options, to);
  Context<Cpu> ctx(options.threads);
  StatusLine status(stderr);
  DataFile file{.path = options.in, .labels = options.labels, .index_base = options.index_base};
  file.progress = [&](index_t bytes) { status.show("reading", bytes / 1'000'000, "MB of text"); };
  Loaded<double> loaded = read_data<double>(ctx, options.reading, file);
  Dataset<double, Cpu>& data = loaded.data;
  if (!has_labels(data)) throw DataError(options.in + ": has no labels to write");
  if (options.positive) {
    apply_targets(
        options.in,
        find_targets(options.in, Targets::two_classes, {.positive = options.positive}, loaded),
        loaded);
  }
  apply_scaling(ctx, fit_scaling(ctx, data, options.scaling), data);
  if (options.bias) add_bias(ctx, data);

  // From here on an interrupt must remove what is half written.
  finish_work_on_interrupt();
  write(options, to, data, [&](index_t rows) {
    if (interrupted()) throw Interrupted();
    status.show("writing", rows, "rows");
  });
  status.clear();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (options.json) {
    const Json json = {{"in", options.in},
                       {"out", options.out},
                       {"from", name(loaded.format)},
                       {"to", name(to)},
                       {"rows", data.rows},
                       {"features", data.cols},
                       {"nonzeros", data.nonzeros},
                       {"storage", data.sparse() ? "sparse" : "dense"},
                       {"classes", classes_json(loaded.classes)},
                       {"positive", options.positive ? Json(*options.positive) : Json()},
                       {"seconds", seconds},
                       {"version", RANDNLA_VERSION}};
    std::printf("%s\n", one_line(json).c_str());
  } else {
    print_summary(options, loaded, to);
  }
  return 0;
}

}  // namespace randnla::app
