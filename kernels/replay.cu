#include "replay.cuh"

namespace randnla {

Replay::~Replay() {
  if (graph_ != nullptr) cudaGraphExecDestroy(graph_);
}

void Replay::begin() {
  ctx_.workspace().activate();
  check(cudaStreamBeginCapture(ctx_.stream(), cudaStreamCaptureModeThreadLocal));
}

void Replay::abandon() noexcept {
  cudaGraph_t recorded = nullptr;
  cudaStreamEndCapture(ctx_.stream(), &recorded);
  if (recorded != nullptr) cudaGraphDestroy(recorded);
  cudaGetLastError();  // why is being thrown
}

void Replay::end() {
  cudaGraph_t recorded = nullptr;
  check(cudaStreamEndCapture(ctx_.stream(), &recorded));
  const cudaError_t made = cudaGraphInstantiate(&graph_, recorded, 0);
  cudaGraphDestroy(recorded);
  check(made);
}

void Replay::launch() {
  ctx_.workspace().activate();
  check(cudaGraphLaunch(graph_, ctx_.stream()));
  ++ctx_.counters.launches;
}

}  // namespace randnla
