//===- MinCut.cpp - minimum cuts of flow networks -------------------------===//
#include "passes/AutoDiff/MinCut.h"

#include <algorithm>

using namespace mlir::cell;

unsigned FlowNetwork::addNode() {
  outgoing.emplace_back();
  return outgoing.size() - 1;
}

void FlowNetwork::addEdge(unsigned from, unsigned to, int64_t capacity) {
  outgoing[from].push_back(edges.size());
  edges.push_back({to, capacity});
  outgoing[to].push_back(edges.size());
  edges.push_back({from, 0});
}

bool FlowNetwork::findLevels(unsigned source, unsigned sink) {
  level.assign(outgoing.size(), -1);
  level[source] = 0;
  llvm::SmallVector<unsigned> queue{source};
  for (unsigned i = 0; i < queue.size(); ++i)
    for (unsigned e : outgoing[queue[i]])
      if (edges[e].capacity > 0 && level[edges[e].to] < 0) {
        level[edges[e].to] = level[queue[i]] + 1;
        queue.push_back(edges[e].to);
      }
  return level[sink] >= 0;
}

/// Sends flow along one path of the level graph: a depth-first search with its own stack, because paths can be as long as a program.
int64_t FlowNetwork::augment(unsigned source, unsigned sink) {
  llvm::SmallVector<unsigned> path;
  unsigned node = source;
  while (node != sink) {
    if (spent[node] < outgoing[node].size()) {
      unsigned e = outgoing[node][spent[node]];
      if (edges[e].capacity > 0 && level[edges[e].to] == level[node] + 1) {
        path.push_back(e);
        node = edges[e].to;
      } else {
        ++spent[node];
      }
      continue;
    }
    if (path.empty())
      return 0;
    node = edges[path.pop_back_val() ^ 1].to;
    ++spent[node];
  }
  int64_t flow = unbounded;
  for (unsigned e : path)
    flow = std::min(flow, edges[e].capacity);
  for (unsigned e : path) {
    edges[e].capacity -= flow;
    edges[e ^ 1].capacity += flow;
  }
  return flow;
}

llvm::BitVector FlowNetwork::cutNearSink(unsigned source, unsigned sink) {
  while (findLevels(source, sink)) {
    spent.assign(outgoing.size(), 0);
    while (augment(source, sink) > 0) {
    }
  }
  // Who can still send something to the sink is on its side.
  llvm::BitVector reaches(outgoing.size());
  reaches.set(sink);
  llvm::SmallVector<unsigned> queue{sink};
  for (unsigned i = 0; i < queue.size(); ++i)
    for (unsigned e : outgoing[queue[i]])
      if (edges[e ^ 1].capacity > 0 && !reaches.test(edges[e].to)) {
        reaches.set(edges[e].to);
        queue.push_back(edges[e].to);
      }
  return reaches;
}
