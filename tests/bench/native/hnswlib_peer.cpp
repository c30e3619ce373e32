// hnswlib_peer.cpp - native hnswlib behind the benchmark's line protocol (workers/serve.mjs states it).
//
// Usage: hnswlib_peer DIR N DIM METRIC M EF_CONSTRUCTION
// Uses only the library's public header. For cosine the vectors are normalised
// before they are added, as its users do. Times are of the search call alone:
// what follows, turning the queue into ids, is not counted.

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <hnswlib/hnswlib.h>

using Index = hnswlib::HierarchicalNSW<float>;

static double seconds(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return double(t.tv_sec) + double(t.tv_nsec) * 1e-9;
}

static double resident_mb() {
  long total = 0, resident = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (f && fscanf(f, "%ld %ld", &total, &resident) != 2) resident = 0;
  if (f) fclose(f);
  return double(resident) * double(sysconf(_SC_PAGESIZE)) / 1048576;
}

static std::vector<float> read_rows(const std::string &path, size_t n, size_t dim, bool normalise) {
  std::vector<float> rows(n * dim);
  FILE *f = fopen(path.c_str(), "rb");
  if (!f || fread(rows.data(), sizeof(float), n * dim, f) != n * dim) {
    fprintf(stderr, "cannot read %s\n", path.c_str());
    exit(1);
  }
  fclose(f);
  for (size_t i = 0; normalise && i < n; i++) {
    double sum = 0;
    for (size_t j = 0; j < dim; j++) sum += double(rows[i * dim + j]) * double(rows[i * dim + j]);
    float inverse = sum > 0 ? float(1 / sqrt(sum)) : 0.0f;
    for (size_t j = 0; j < dim; j++) rows[i * dim + j] *= inverse;
  }
  return rows;
}

static void build(std::unique_ptr<Index> &index, hnswlib::SpaceInterface<float> *space, const char *dir, size_t n,
                  size_t dim, bool cosine, size_t m, size_t ef_construction) {
  double before = resident_mb(), wall, cpu;
  {
    std::vector<float> base = read_rows(std::string(dir) + "/base.f32", n, dim, cosine);
    wall = seconds(CLOCK_MONOTONIC);
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    index.reset(new Index(space, n, m, ef_construction));
    for (size_t i = 0; i < n; i++) index->addPoint(base.data() + i * dim, i);
    wall = seconds(CLOCK_MONOTONIC) - wall;
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  }
  printf("{\"cpu\":%.3f,\"wall\":%.3f,\"mb\":%.1f}\n", cpu, wall, resident_mb() - before);
}

static void search(Index &index, const std::vector<float> &queries, size_t dim, size_t ef, size_t k, size_t n) {
  std::string ns = "{\"ns\":[", ids = "],\"ids\":[";
  index.setEf(ef);
  for (size_t i = 0; i < n; i++) {
    double start = seconds(CLOCK_MONOTONIC);
    auto found = index.searchKnn(queries.data() + i * dim, k);
    double end = seconds(CLOCK_MONOTONIC);
    ns += (i ? "," : "") + std::to_string((long long)((end - start) * 1e9));
    for (size_t j = 0; j < k; j++) {
      ids += i || j ? "," : "";
      ids += found.empty() ? "-1" : std::to_string(found.top().second);
      if (!found.empty()) found.pop();
    }
  }
  printf("%s%s]}\n", ns.c_str(), ids.c_str());
}

int main(int argc, char **argv) {
  if (argc != 7) return 2;
  const char *dir = argv[1];
  size_t n = strtoul(argv[2], nullptr, 10), dim = strtoul(argv[3], nullptr, 10);
  std::string metric = argv[4];
  size_t m = strtoul(argv[5], nullptr, 10), ef_construction = strtoul(argv[6], nullptr, 10);
  bool cosine = metric == "cosine";
  std::unique_ptr<hnswlib::SpaceInterface<float>> space;
  if (metric == "euclidean")
    space.reset(new hnswlib::L2Space(dim));
  else
    space.reset(new hnswlib::InnerProductSpace(dim));
  std::vector<float> queries = read_rows(std::string(dir) + "/queries.f32", 1000, dim, cosine);
  std::unique_ptr<Index> index;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command, path;
    words >> command;
    if (command == "build") {
      build(index, space.get(), dir, n, dim, cosine, m, ef_construction);
    } else if (command == "search") {
      size_t ef = 0, k = 0, count = 0;
      words >> ef >> k >> count;
      search(*index, queries, dim, ef, k, count);
    } else if (command == "save") {
      words >> path;
      double start = seconds(CLOCK_MONOTONIC);
      index->saveIndex(path);
      printf("{\"save\":%.4f}\n", seconds(CLOCK_MONOTONIC) - start);
    } else if (command == "open") {
      words >> path;
      double start = seconds(CLOCK_MONOTONIC);
      Index loaded(space.get(), path);
      printf("{\"open\":%.4f}\n", seconds(CLOCK_MONOTONIC) - start);
    } else if (command == "quit") {
      return 0;
    }
    fflush(stdout);
  }
  return 0;
}
